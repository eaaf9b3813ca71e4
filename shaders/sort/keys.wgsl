// The keys and places that a radix sort begins with: for each element a key that is above another's exactly where the element is to come
// after it, and the element's place in its row.
//
// x        [rows, m], words of a KIND: 0 f32, 1 i32, 2 u32, 3 what is kept (not 0) before what is not
// key      [rows, m], u32
// place    [rows, m], u32
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements; cost: no FLOPs; x, key and place once
// uses     grid, item, ordered

struct Params {
    elements: u32,
    m: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> key: array<u32>;
@group(0) @binding(2) var<storage, read_write> place: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

const EACH = 4u;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    for (var k = 0u; k < EACH; k++) {
        let i = item(grid.group, grid.groups, lane, k);
        if (i < params.elements) {
            let word = x[i];
            if (KIND == 0u) {
                key[i] = ordered(word);
            } else if (KIND == 1u) {
                key[i] = word ^ 0x80000000u;
            } else if (KIND == 2u) {
                key[i] = word;
            } else {
                key[i] = select(0u, 1u, word == 0u);
            }
            place[i] = i % params.m;
        }
    }
}
