// y[i] = scale x[i], or 0 x[i] where the top 24 bits of the element's word of Philox4x32-10, keyed by the seed and counted by
// (i / 4, 0, stream, step), are below the limit.
//
// x, y     [elements], items of 4 or one
// step     [1], u32: the program's step counter
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements
// cost     1 FLOP an element, the bits apart; x and y once
// uses     grid, philox
// one of   flat_vector | flat_scalar; product_wide | product_halves

struct Params {
    elements: u32,
    seed0: u32,
    seed1: u32,
    stream: u32,
    limit: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<F>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let block = group_index(grid.group, grid.groups) * 256u + lane;
    if (block * 4u >= params.elements) {
        return;
    }
    let words = philox(vec2<u32>(params.seed0, params.seed1), vec4<u32>(block, 0u, params.stream, step[0]));
    let kept = select(vec4<f32>(params.scale), vec4<f32>(), words >> vec4<u32>(8u) < vec4<u32>(params.limit));
    for (var k = 0u; k < EACH; k++) {
        let i = block * EACH + k;
        if (i * WIDTH < params.elements) {
            y[i] = x[i] * part(kept, k);
        }
    }
}
