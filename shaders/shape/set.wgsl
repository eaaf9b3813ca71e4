// y = value, every word of it.
//
// y        any 4-byte words
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; y once
// uses     grid

struct Params {
    elements: u32,
    value: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = element(grid.group, grid.groups, lane);
    if (i >= params.elements) {
        return;
    }
    y[i] = params.value;
}
