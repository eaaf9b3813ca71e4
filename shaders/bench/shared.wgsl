// y = 4 Σ x over the vectors of a block: the ceiling of loads from workgroup memory. Each invocation loads every vector of the block four
// times, beginning with its own, so that neighbours load from neighbouring places.
//
// x, y     [blocks, 256], vectors
// workgroup 256 x 1 x 1, 4096 B of memory, one barrier; cost: 1024 FLOPs an element; x and y once
// uses     grid

struct Params {
    blocks: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> tile: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let block = group_index(grid.group, grid.groups);
    if (block >= params.blocks) {
        return;
    }
    tile[lane] = x[block * 256u + lane];
    workgroupBarrier();
    var p = vec4<f32>();
    var q = vec4<f32>();
    for (var round = 0u; round < 1024u; round += 2u) {
        p += tile[(lane + round) % 256u];
        q += tile[(lane + round + 1u) % 256u];
    }
    y[block * 256u + lane] = p + q;
}
