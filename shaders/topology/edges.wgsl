// The edges of complete graphs as a radix sort takes them: keys ordered as the weights are, or their magnitudes if ABSOLUTE, and the
// edge's index (row * n + column, the row the smaller) with bit 31 set where it is no edge of the spanning tree; everywhere, if not GROWN.
// A graph with a weight that is not finite, or not the same both ways, is marked.
//
// w        [graphs, n, n], words of weights
// parent   [graphs, n], u32: the tree as `topology/prim` leaves it; not read if not GROWN
// key      [graphs, n (n - 1) / 2], u32, in the order of the edges' indices
// edge     [graphs, n (n - 1) / 2], u32
// bad      [graphs], u32, 0 before; 1 if the graph is marked
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation takes four entries of w
// cost     no FLOPs; w, parent, key and edge once, bad twice
// uses     grid, item, in_row, ordered, edge_order

struct Params {
    entries: u32,
    n: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> parent: array<u32>;
@group(0) @binding(2) var<storage, read_write> key: array<u32>;
@group(0) @binding(3) var<storage, read_write> edge: array<u32>;
@group(0) @binding(4) var<storage, read_write> bad: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

const EACH = 4u;

// Writes the edge of a graph from i to j, i < j.
fn write_edge(graph: u32, i: u32, j: u32) {
    let n = params.n;
    let word = w[(graph * n + i) * n + j];
    let across = w[(graph * n + j) * n + i];
    if ((word & 0x7f800000u) == 0x7f800000u || ordered(word) != ordered(across)) {
        atomicStore(&bad[graph], 1u);
    }
    var in_tree = false;
    if (GROWN) {
        in_tree = (parent[graph * n + j] & 0x7fffffffu) == i || (parent[graph * n + i] & 0x7fffffffu) == j;
    }
    // Rows before this one hold n - 1, n - 2, .. edges.
    let to = graph * (n * (n - 1u) / 2u) + i * (2u * n - i - 1u) / 2u + j - i - 1u;
    key[to] = weight_key(word);
    edge[to] = edge_index(n, i, j) | select(0x80000000u, 0u, in_tree);
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.n);
    for (var k = 0u; k < EACH; k++) {
        let graph = its.row / params.n;
        let i = its.row - graph * params.n;
        if (item(grid.group, grid.groups, lane, k) < params.entries && i < its.col) {
            write_edge(graph, i, its.col);
        }
        its = later(its, params.n, vec2<u32>(params.step_rows, params.step_cols));
    }
}
