// In place, the cotangent of the logits from that of the memberships: d <- a (d - sum_p a d), along the parcels.
//
// a        [parcels, vertices]: memberships
// d        [parcels, vertices]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation owns a vertex. Sums are flushed every 64 terms.
// cost     4 parcels vertices FLOPs; a once, d twice

struct Params {
    parcels: u32,
    vertices: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let v = group_index(group, groups) * 64u + lane;
    if (v >= params.vertices) {
        return;
    }
    var sum = 0.0;
    for (var start = 0u; start < params.parcels; start += 64u) {
        var part = 0.0;
        let stop = min(start + 64u, params.parcels);
        for (var p = start; p < stop; p++) {
            part += a[p * params.vertices + v] * d[p * params.vertices + v];
        }
        sum += part;
    }
    for (var p = 0u; p < params.parcels; p++) {
        let at = p * params.vertices + v;
        d[at] = a[at] * (d[at] - sum);
    }
}
