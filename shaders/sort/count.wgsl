// The number of times that each value of a digit of 4 bits occurs in each block of 1024 elements of a row.
//
// digits   [rows, m], u32, whose bits shift .. shift + 4 are the digit
// counts   [rows, 16, blocks], u32
// workgroup 64 x 1 x 1, one block; 64 bytes of workgroup memory, whose counters are whole numbers: the order of additions is of no
//          consequence; two barriers
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

var<workgroup> found: array<atomic<u32>, 16>;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    let there = at < params.groups;
    let row = at / params.blocks;
    let block = at % params.blocks;
    if (lane < 16u) {
        atomicStore(&found[lane], 0u);
    }
    workgroupBarrier();
    for (var k = 0u; k < 16u; k++) {
        let i = block * 1024u + k * 64u + lane;
        if (there && i < params.m) {
            atomicAdd(&found[(digits[row * params.m + i] >> params.shift) & 15u], 1u);
        }
    }
    workgroupBarrier();
    if (there && lane < 16u) {
        counts[(row * 16u + lane) * params.blocks + block] = atomicLoad(&found[lane]);
    }
}
