// Sums over the LANES invocations of a workgroup, each of which has 8 words of a BLOCK.
const BLOCK = 8u * LANES;
const GROUPS = LANES / 16u;
var<workgroup> parts: array<u32, LANES + GROUPS>;

// The place of word i of a tile. It puts words that are 8 apart, which neighbouring invocations take at once, into different banks of
// memory.
fn spread(i: u32) -> u32 {
    return i ^ ((i >> 5u) & 7u);
}

// The sum over the invocations before this one, and over all of them. All have entered before any leaves, with two barriers between.
fn running(own: u32, lane: u32) -> vec2<u32> {
    parts[lane] = own;
    workgroupBarrier();
    let group = lane / 16u;
    var inner = 0u;
    for (var k = 0u; k < 16u; k++) {
        inner += select(0u, parts[group * 16u + k], k < lane % 16u);
    }
    if (lane % 16u == 15u) {
        parts[LANES + group] = inner + own;
    }
    workgroupBarrier();
    var outer = 0u;
    var all = 0u;
    for (var k = 0u; k < GROUPS; k++) {
        let part = parts[LANES + k];
        outer += select(0u, part, k < group);
        all += part;
    }
    return vec2<u32>(outer + inner, all);
}
