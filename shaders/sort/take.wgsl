// y[r, k] = x[r, index[r, k]], an index beyond the row clamped.
//
// x        [rows, m], words
// index    [rows, k], i32
// y        [rows, k], words
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; x, index and y once
// uses     grid

struct Params {
    elements: u32,
    k: u32,
    m: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = element(grid.group, grid.groups, lane);
    if (i >= params.elements) {
        return;
    }
    y[i] = x[i / params.k * params.m + u32(clamp(index[i], 0, i32(params.m) - 1))];
}
