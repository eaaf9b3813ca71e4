// y = Σ x over 32 rows of a block: the ceiling of memory traffic that is loads, for there are 32 times as many of them as stores.
//
// x        [blocks, 32, 256], vectors
// y        [blocks, 256], vectors
// workgroup 256 x 1 x 1, no memory, no barrier; cost: one FLOP an element of x; x and y once
// uses     grid

struct Params {
    blocks: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let block = group_index(grid.group, grid.groups);
    if (block >= params.blocks) {
        return;
    }
    var sum = vec4<f32>();
    for (var row = 0u; row < 32u; row++) {
        sum += x[(block * 32u + row) * 256u + lane];
    }
    y[block * 256u + lane] = sum;
}
