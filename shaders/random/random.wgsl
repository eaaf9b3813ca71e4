// y[i] = a draw of Philox4x32-10 keyed by the seed and counted by (i / 4, 0, stream, step): uniform on [0, 1) (KIND 0, the top
// 24 bits), standard normal (KIND 1, Box and Muller on the pair of words), or standard Gumbel (KIND 2, -log(-log u), u in (0, 1) of 23
// bits).
//
// step     [1], u32: the program's step counter
// y        [elements], items of 4 or one
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements
// cost     1, 5 or 6 FLOPs an element by KIND, the bits apart; y once
// uses     grid, nan, math, philox
// one of   flat_vector | flat_scalar; product_wide | product_halves

struct Params {
    elements: u32,
    seed0: u32,
    seed1: u32,
    stream: u32,
}

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;
@group(1) @binding(0) var<uniform> params: Params;

alias T = vec4<f32>;
alias U = vec4<u32>;
const UNIT = 5.9604644775390625e-8;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let block = group_index(grid.group, grid.groups) * 256u + lane;
    if (block * 4u >= params.elements) {
        return;
    }
    let words = philox(vec2<u32>(params.seed0, params.seed1), vec4<u32>(block, 0u, params.stream, step[0]));
    let bits = vec4<f32>(words >> vec4<u32>(8u));
    var draw = bits * UNIT;
    if (KIND == 1) {
        let radius = sqrt(-2.0 * log((bits.xz + 1.0) * UNIT));
        let angle = 6.2831853 * UNIT * bits.yyww;
        draw = radius.xxyy * sine_of_(angle, vec4<f32>(1.0, 0.0, 1.0, 0.0));
    } else if (KIND == 2) {
        // 23 bits, so that u is exact and never 0 or 1; -log u by log1p where u is near 1.
        let u = (vec4<f32>(words >> vec4<u32>(9u)) + 0.5) * (2.0 * UNIT);
        draw = -log(select(-log(u), -log1p_(u - 1.0), u > vec4<f32>(0.6)));
    }
    for (var k = 0u; k < EACH; k++) {
        if ((block * EACH + k) * WIDTH < params.elements) {
            y[block * EACH + k] = part(draw, k);
        }
    }
}
