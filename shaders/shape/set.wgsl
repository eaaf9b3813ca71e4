// y = value, every word of it.
//
// y        any 4-byte words
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; y once

struct Params {
    elements: u32,
    value: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(group, groups) * 64u + lane;
    if (i < params.elements) {
        y[i] = params.value;
    }
}
