// ring[counter mod n] <- value for one, two or three rings, and then counter <- counter + by; all in place.
//
// counter  [1], u32
// value, second_value, third_value  [1]
// ring, second_ring, third_ring     [first], [second], [third]
// workgroup 64 x 1 x 1, one invocation works; no memory, no barrier; cost: no FLOPs; an element of each ring moved, the counter twice
// one of   rings_1 | rings_2 | rings_3

struct Params {
    by: u32,
    // The elements of the rings, 0 for those that are not there.
    first: u32,
    second: u32,
    third: u32,
}

@group(0) @binding(0) var<storage, read_write> counter: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) {
        let step = counter[0];
        keep(step);
        counter[0] = step + params.by;
    }
}
