// y[j, k] = 1 where index[j] = k, else 0; an index out of range gives a row of zeros.
//
// index    [n], i32
// y        [n, classes]
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; index and y once
// uses     grid

struct Params {
    elements: u32,
    classes: u32,
}

@group(0) @binding(0) var<storage, read> index: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = element(grid.group, grid.groups, lane);
    if (i >= params.elements) {
        return;
    }
    y[i] = select(0.0, 1.0, index[i / params.classes] == i32(i % params.classes));
}
