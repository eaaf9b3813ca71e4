// Rows of `cols` words laid out `stride` apart, a multiple of 4, with zeros between: what a product loads four elements at a time.
//
// x        [rows, cols]
// y        [rows, stride]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four words
// cost     no FLOPs; x and y once
// uses     grid

struct Params {
    quads: u32,
    cols: u32,
    stride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let quad = group_index(grid.group, grid.groups) * 256u + lane;
    if (quad >= params.quads) {
        return;
    }
    let row = quad / (params.stride / 4u);
    let col = quad % (params.stride / 4u) * 4u;
    var value = vec4<f32>();
    for (var j = 0u; j < 4u; j++) {
        if (col + j < params.cols) {
            value[j] = x[row * params.cols + col + j];
        }
    }
    y[quad] = value;
}
