// y = 1, one word: what is left of a dispatch where there is nothing to do.
//
// y        [1]
// workgroup 1 x 1 x 1, no memory, no barrier; cost: no FLOPs; y once

struct Params {
    word: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
    y[0] = params.word;
}
