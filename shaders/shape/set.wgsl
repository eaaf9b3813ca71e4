// y = value, every word of it.
//
// y        any 4-byte words
// workgroup 64 x 1 x 1, no memory, no barrier; cost: no FLOPs; y once
// uses     grid

struct Params {
    elements: u32,
    value: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(id: Invocation) {
    let i = element(id.group, id.groups, id.lane);
    if (i >= params.elements) {
        return;
    }
    y[i] = params.value;
}
