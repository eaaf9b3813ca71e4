// Births and deaths of sorted edges: the first n - 1 are those of the spanning tree. Of a graph that is marked all are NaN.
//
// key      [graphs, m], u32: weights in order, as keys
// place    [graphs, m], u32: the edges' indices, bit 31 aside
// bad      [graphs], u32: 1 if the graph is marked
// births   [graphs, n - 1], words of f32
// deaths   [graphs, m - n + 1], words of f32
// edges    [graphs, m], i32
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation moves four elements; cost: no FLOPs; each buffer once
// uses     grid, item, in_row, ordered

struct Params {
    elements: u32,
    m: u32,
    n: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read> place: array<u32>;
@group(0) @binding(2) var<storage, read> bad: array<u32>;
@group(0) @binding(3) var<storage, read_write> births: array<u32>;
@group(0) @binding(4) var<storage, read_write> deaths: array<u32>;
@group(0) @binding(5) var<storage, read_write> edges: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

const EACH = 4u;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let tree = params.n - 1u;
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.m);
    for (var k = 0u; k < EACH; k++) {
        let at = item(grid.group, grid.groups, lane, k);
        if (at < params.elements) {
            let value = select(disordered(key[at]), 0x7fc00000u, bad[its.row] > 0u);
            if (its.col < tree) {
                births[its.row * tree + its.col] = value;
            } else {
                deaths[its.row * (params.m - tree) + its.col - tree] = value;
            }
            edges[at] = i32(place[at] & 0x7fffffffu);
        }
        its = later(its, params.m, vec2<u32>(params.step_rows, params.step_cols));
    }
}
