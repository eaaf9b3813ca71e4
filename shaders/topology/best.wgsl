// The best edge of each super-node of Boruvka's forest: the greatest of its row by weight and then by index, and where it leads.
// If KIND is 0, of a graph itself; if 1, of a contracted one; if 2, of what a product kept of each row: its greatest entries, column
// by column a part.
//
// key      [graphs, k, m], u32: KIND 0, words of the weights, m = k; 1, the keys of the best edges between super-nodes, m = k; 2, keys
//          of entries, 0 where there is none
// index    [graphs, k, m], u32: KIND 1, those edges' indices; 2, the entries' columns; 0, not read
// counts   [graphs], u32: super-nodes left; no other rows or columns are read, and none of a graph with one left
// lead     [graphs, k], u32: the super-node at the other end
// edge     [graphs, k], u32: the edge's index
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet, four reductions
// cost     no FLOPs; each buffer once
// uses     grid, scalar, nan, ordered, edge_order
// one of   row_serial | row_group

struct Params {
    rows: u32,
    k: u32,
    m: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> lead: array<u32>;
@group(0) @binding(4) var<storage, read_write> edge: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    let at = min(row, params.rows - 1u);
    let own = at % params.k;
    let count = counts[at / params.k];
    let live = row < params.rows && own < count && count > 1u;
    // A row that is no more has no entries.
    let m = select(0u, select(count, params.m, KIND == 2u), live);
    var best = 0u;
    var best_index = 0u;
    var best_at = 0u;
    var found = false;
    for (var j = lane; j < m; j += LANES) {
        var here = key[at * params.m + j];
        var here_index = j;
        var there = j != own;
        if (KIND == 0u) {
            here = weight_key(here);
        } else {
            here_index = index[at * params.m + j];
        }
        if (KIND == 2u) {
            there = here > 0u;
        }
        if (there && (!found || above(here, here_index, best, best_index))) {
            best = here;
            best_index = here_index;
            best_at = select(j, here_index, KIND == 2u);
            found = true;
        }
    }
    // Whole numbers below 2^16 are exact in f32: key and index by halves, the higher first.
    var mine = found;
    var words = array<u32, 4>(best >> 16u, best & 0xffffu, best_index >> 16u, best_index & 0xffffu);
    for (var half = 0u; half < 4u; half++) {
        let value = select(-1.0, f32(words[half]), mine);
        mine = row_max(value, local) == value && mine;
    }
    if (mine) {
        lead[at] = best_at;
        edge[at] = select(edge_index(params.n, own, best_at), best_index, KIND == 1u);
    }
}
