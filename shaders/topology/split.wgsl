// Births and deaths of sorted edges: the first n - 1 are those of the spanning tree. Of a graph that is marked all are NaN.
//
// key      [graphs, m], u32: weights in order, as keys
// place    [graphs, m], u32: the edges' indices, bit 31 aside
// bad      [graphs], u32: 1 if the graph is marked
// births   [graphs, n - 1], words of f32
// deaths   [graphs, m - n + 1], words of f32
// edges    [graphs, m], i32
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; each buffer once
// uses     grid, ordered

struct Params {
    elements: u32,
    m: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read> place: array<u32>;
@group(0) @binding(2) var<storage, read> bad: array<u32>;
@group(0) @binding(3) var<storage, read_write> births: array<u32>;
@group(0) @binding(4) var<storage, read_write> deaths: array<u32>;
@group(0) @binding(5) var<storage, read_write> edges: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.elements) {
        return;
    }
    let graph = at / params.m;
    let rank = at % params.m;
    let tree = params.n - 1u;
    let value = select(disordered(key[at]), 0x7fc00000u, bad[graph] > 0u);
    if (rank < tree) {
        births[graph * tree + rank] = value;
    } else {
        deaths[graph * (params.m - tree) + rank - tree] = value;
    }
    edges[at] = i32(place[at] & 0x7fffffffu);
}
