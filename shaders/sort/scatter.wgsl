// One pass of a radix sort: elements go to the order of a digit of 4 bits, and those of one digit keep theirs. An element's new place is
// the number of those of smaller digits and of earlier ones of its own: in blocks before its own, in `offsets`; within the block, each
// invocation counts a run of 16, and what the runs before it hold is summed digit by digit.
//
// digits   [rows, m], u32, whose bits shift .. shift + 4 are the digit: key or place
// key      [rows, m], u32
// place    [rows, m], u32
// offsets  [rows, 16, blocks], u32: the running sums of `sort/count`
// new_key, new_place  [rows, m], u32
// workgroup 64 x 1 x 1, one block of 1024 elements; 8 KiB of workgroup memory; three barriers
// cost     no FLOPs; digits, key, place and offsets once, new_key and new_place once
// uses     grid

struct Params {
    groups: u32,
    m: u32,
    blocks: u32,
    shift: u32,
}

@group(0) @binding(0) var<storage, read> digits: array<u32>;
@group(0) @binding(1) var<storage, read> key: array<u32>;
@group(0) @binding(2) var<storage, read> place: array<u32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read_write> new_key: array<u32>;
@group(0) @binding(5) var<storage, read_write> new_place: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// The digits of the block, 16 for what lies beyond the row.
var<workgroup> staged: array<u32, 1024>;
// Of each digit and run, how many; then where the next of them goes.
var<workgroup> next: array<u32, 1024>;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    let there = at < params.groups;
    let row = at / params.blocks;
    let block = at % params.blocks;
    for (var k = 0u; k < 16u; k++) {
        let i = block * 1024u + k * 64u + lane;
        var digit = 16u;
        if (there && i < params.m) {
            digit = (digits[row * params.m + i] >> params.shift) & 15u;
        }
        staged[k * 64u + lane] = digit;
        next[k * 64u + lane] = 0u;
    }
    workgroupBarrier();
    for (var k = 0u; k < 16u; k++) {
        let digit = staged[lane * 16u + k];
        if (digit < 16u) {
            next[digit * 64u + lane] += 1u;
        }
    }
    workgroupBarrier();
    if (there && lane < 16u) {
        var running = offsets[(row * 16u + lane) * params.blocks + block];
        for (var k = 0u; k < 64u; k++) {
            let count = next[lane * 64u + k];
            next[lane * 64u + k] = running;
            running += count;
        }
    }
    workgroupBarrier();
    for (var k = 0u; k < 16u; k++) {
        let digit = staged[lane * 16u + k];
        if (digit < 16u) {
            let source = row * params.m + block * 1024u + lane * 16u + k;
            let to = row * params.m + min(next[digit * 64u + lane], params.m - 1u);
            next[digit * 64u + lane] += 1u;
            new_key[to] = key[source];
            new_place[to] = place[source];
        }
    }
}
