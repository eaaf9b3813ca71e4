// y = f(f(... f(x))), 1024 times f(z) = a z + b: the ceiling of arithmetic. Eight chains an invocation hide the latency of each; a and b
// come from the host, so that no compiler folds them.
//
// x, y     [elements / 4], vectors, two an invocation
// workgroup 64 x 1 x 1, no memory, no barrier; cost: 2 x 1024 FLOPs an element in `real`; x and y once
// one of   real_f32 | real_f16

struct Params {
    vectors: u32,
    a: f32,
    b: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = group.x * 128u + lane;
    if (i + 64u >= params.vectors) {
        return;
    }
    let a = vec4<real>(real(params.a));
    let b = vec4<real>(real(params.b));
    var p = vec4<real>(x[i]);
    var q = vec4<real>(x[i + 64u]);
    for (var round = 0u; round < 128u; round++) {
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
        p = fma(p, a, b);
        q = fma(q, a, b);
    }
    y[i] = vec4<f32>(p);
    y[i + 64u] = vec4<f32>(q);
}
