// ring[step mod n] <- value, in place.
//
// value    [1]
// step     [1], u32
// ring     [n]
// workgroup 64 x 1 x 1, one invocation works; no memory, no barrier; cost: no FLOPs; one element moved

struct Params {
    elements: u32,
}

@group(0) @binding(0) var<storage, read> value: array<f32>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) {
        ring[step[0] % params.elements] = value[0];
    }
}
