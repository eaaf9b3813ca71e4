// y[j, :] = x[index[j], :], the index clamped to the rows there are.
//
// x        [rows, width], any 4-byte words
// index    [n], i32
// y        [n, width]
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; the rows moved twice, index once
// uses     grid

struct Params {
    elements: u32,
    width: u32,
    rows: u32,
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
    let row = u32(clamp(index[i / params.width], 0, i32(params.rows) - 1));
    y[i] = x[row * params.width + i % params.width];
}
