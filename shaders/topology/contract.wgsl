// The best edges between super-nodes when some have become one: of the members' the greatest, by weight and then by index. Rows first, of
// a graph itself if OF is 0 and of a contracted one if 1; then, of what that made, columns if 2.
//
// key      [graphs, k, k], u32: OF 0, words of the weights; 1, keys; 2, [graphs, k / 2, k], keys
// index    the same, u32: the edges' indices; OF 0, not read
// head     [graphs, k / 2], u32: where the members of each new super-node begin
// next     [graphs, k], u32: the member after each; 0xffffffff ends a list
// counts   [graphs], u32: super-nodes before
// left     [graphs], u32: super-nodes after; no other rows are written, nor columns
// new_key, new_index  [graphs, k / 2, k], u32; OF 2, [graphs, k / 2, k / 2]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation for each entry made
// cost     no FLOPs; each buffer once
// uses     grid, ordered, edge_order

struct Params {
    entries: u32,
    k: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> head: array<u32>;
@group(0) @binding(3) var<storage, read> next: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read> left: array<u32>;
@group(0) @binding(6) var<storage, read_write> new_key: array<u32>;
@group(0) @binding(7) var<storage, read_write> new_index: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    if (at >= params.entries) {
        return;
    }
    let k = params.k;
    let half = k / 2u;
    let cols = select(k, half, OF == 2u);
    let graph = at / (half * cols);
    let row = at / cols % half;
    let col = at % cols;
    let after = left[graph];
    // A graph that is a single super-node now has nothing left to be chosen.
    if (after < 2u || row >= after || col >= select(counts[graph], after, OF == 2u)) {
        return;
    }
    var best = 0u;
    var best_index = 0u;
    for (var u = head[graph * half + select(row, col, OF == 2u)]; u < k; u = next[graph * k + u]) {
        let source = select((graph * k + u) * k + col, (graph * half + row) * k + u, OF == 2u);
        var here = key[source];
        var here_index = 0u;
        if (OF == 0u) {
            here = weight_key(here);
            here_index = edge_index(params.n, u, col);
        } else {
            here_index = index[source];
        }
        if (above(here, here_index, best, best_index)) {
            best = here;
            best_index = here_index;
        }
    }
    new_key[at] = best;
    new_index[at] = best_index;
}
