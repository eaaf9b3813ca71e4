// y = value: the ceiling of memory traffic that is stores. Nothing is loaded.
//
// y        [elements / 4], vectors
// workgroup 256 x 1 x 1, no memory, no barrier; cost: no FLOPs; y once
// uses     grid

struct Params {
    vectors: u32,
    value: f32,
}

@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = group_index(grid.group, grid.groups) * 256u + lane;
    if (i >= params.vectors) {
        return;
    }
    y[i] = vec4<f32>(params.value);
}
