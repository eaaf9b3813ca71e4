// Turns counts into f32, NaN where bit 31 is set.
//
// counts   [n], u32
// y        [n]
// workgroup 256 x 1 x 1, no memory, no barrier; cost: no FLOPs; counts and y once
// uses     grid, scalar, nan

struct Params {
    n: u32,
}

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = group_index(grid.group, grid.groups) * 256u + lane;
    if (i >= params.n) {
        return;
    }
    let count = counts[i];
    y[i] = select(f32(count), nan_of(0.0), count > 0x7fffffffu);
}
