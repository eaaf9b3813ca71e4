// Moves words between strided layouts: y[y_base + i . y_strides] = x[x_base + i . x_strides] for every index i of an
// eight-dimensional space. Transposition, slices, padding and concatenation are this.
//
// x, y     any 4-byte words
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; the words moved, twice
// uses     grid

struct Params {
    extents0: vec4<u32>,
    extents1: vec4<u32>,
    x_strides0: vec4<u32>,
    x_strides1: vec4<u32>,
    y_strides0: vec4<u32>,
    y_strides1: vec4<u32>,
    elements: u32,
    x_base: u32,
    y_base: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.elements) {
        return;
    }
    var rest = at;
    var from_ = params.x_base;
    var to = params.y_base;
    for (var axis = 3; axis >= 0; axis--) {
        let i = rest % params.extents1[axis];
        rest /= params.extents1[axis];
        from_ += i * params.x_strides1[axis];
        to += i * params.y_strides1[axis];
    }
    for (var axis = 3; axis >= 0; axis--) {
        let i = rest % params.extents0[axis];
        rest /= params.extents0[axis];
        from_ += i * params.x_strides0[axis];
        to += i * params.y_strides0[axis];
    }
    y[to] = x[from_];
}
