// The number of times that each value of a digit of 8 bits occurs in each block of 8 LANES elements of a row.
//
// digits   [rows, m], u32, whose bits shift .. shift + 8 are the digit
// counts   [rows, 256, blocks], u32
// workgroup LANES x 1 x 1, 64 or 256, one block; 1 KiB of workgroup memory, whose counters are whole numbers: the order of additions is of
//          no consequence; two barriers
// cost     no FLOPs; digits and counts once
// uses     grid

struct Params {
    groups: u32,
    m: u32,
    blocks: u32,
    shift: u32,
}

@group(0) @binding(0) var<storage, read> digits: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> found: array<atomic<u32>, 256>;

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.groups) {
        return;
    }
    let row = at / params.blocks;
    let block = at - row * params.blocks;
    let first = block * 8u * LANES;
    let live = min(8u * LANES, params.m - first);
    for (var digit = lane; digit < 256u; digit += LANES) {
        atomicStore(&found[digit], 0u);
    }
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) {
        let i = k * LANES + lane;
        let digit = (digits[row * params.m + first + min(i, live - 1u)] >> params.shift) & 255u;
        if (i < live) {
            atomicAdd(&found[digit], 1u);
        }
    }
    workgroupBarrier();
    for (var digit = lane; digit < 256u; digit += LANES) {
        counts[(row * 256u + digit) * params.blocks + block] = atomicLoad(&found[digit]);
    }
}
