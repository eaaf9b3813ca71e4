// y[i] = scale x[i], or 0 x[i] where the top 24 bits of the element's word of Philox4x32-10, keyed by the seed and counted by
// (i / 4, 0, stream, step), are below the limit.
//
// x, y     [elements]
// step     [1], u32: the program's step counter
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes four elements
// cost     1 FLOP an element, the bits apart; x and y once

struct Params {
    elements: u32,
    seed0: u32,
    seed1: u32,
    stream: u32,
    limit: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group_index(group, groups) * 64u + lane;
    if (block * 4u >= params.elements) {
        return;
    }
    let words = philox(vec2<u32>(params.seed0, params.seed1), vec4<u32>(block, 0u, params.stream, step[0]));
    for (var j = 0u; j < 4u; j++) {
        let i = block * 4u + j;
        if (i < params.elements) {
            y[i] = x[i] * select(params.scale, 0.0, (words[j] >> 8u) < params.limit);
        }
    }
}
