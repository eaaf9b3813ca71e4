// counter <- counter + 1, in place.
//
// counter  [1], u32
// workgroup 64 x 1 x 1, one invocation works; no memory, no barrier; cost: one addition; counter twice

struct Params {
    by: u32,
}

@group(0) @binding(0) var<storage, read_write> counter: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) {
        counter[0] += params.by;
    }
}
