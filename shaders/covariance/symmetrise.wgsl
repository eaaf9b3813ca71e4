// S = G + G' for every batch: what a symmetric product's cotangent is to its rows, P = S U.
//
// g, s     [batch, n, n]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one element
// cost     batch n (n + 1) / 2 FLOPs, for S is symmetric; g and s once

struct Params {
    elements: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> s: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let element = group_index(group, groups) * 64u + lane;
    if (element >= params.elements) {
        return;
    }
    let base = element / (params.n * params.n) * params.n * params.n;
    let row = (element - base) / params.n;
    let col = (element - base) % params.n;
    s[element] = g[element] + g[base + col * params.n + row];
}
