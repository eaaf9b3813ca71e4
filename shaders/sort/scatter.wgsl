// One pass of a radix sort: elements go to the order of a digit of 8 bits, and those of one digit keep theirs. A block of 8 LANES elements
// is sorted by its digit first, four bits and four bits, in workgroup memory: each invocation counts 8 neighbours by 16 values, and an
// element's place is the number of those of smaller values and of earlier ones of its own. Elements of one digit then lie together, and go
// together to where `offsets` says.
//
// key      [rows, m], u32
// place    [rows, m], u32; by_place says whether bits shift .. shift + 8 of the place are the digit, or of the key
// offsets  [rows, 256, blocks], u32: the running sums of `sort/count`
// new_key, new_place  [rows, m], u32
// workgroup LANES x 1 x 1, 64 or 256, one block; 36 LANES bytes of workgroup memory and a few; 23 barriers
// cost     no FLOPs; key, place, offsets, new_key and new_place once
// uses     grid, running

struct Params {
    groups: u32,
    m: u32,
    blocks: u32,
    shift: u32,
    by_place: u32,
}

@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read> place: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read_write> new_key: array<u32>;
@group(0) @binding(4) var<storage, read_write> new_place: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// The tile holds in turn: for each of 16 values and each invocation the count, then the place of the first, with values v and v + 8 in one
// word; the keys, then the places, in their new order; the first place of each digit.
var<workgroup> tile: array<u32, BLOCK>;

// An invocation's elements: 8 neighbours, at last 8 that lie LANES apart; and where they go.
var<private> keys: array<u32, 8>;
var<private> places: array<u32, 8>;
var<private> to: array<u32, 8>;

fn digit_of(key: u32, place: u32) -> u32 {
    return (select(key, place, params.by_place == 1u) >> params.shift) & 255u;
}

// The places of the neighbours in the order of 4 bits of their digits; neighbours from `live` on come last.
fn rank(live: u32, shift: u32, lane: u32) {
    var values: array<u32, 8>;
    // A word holds 8 counts of 4 bits each, which is enough for 8 elements.
    var counts = vec2<u32>(0u);
    for (var j = 0u; j < 8u; j++) {
        let value = select((digit_of(keys[j], places[j]) >> shift) & 15u, 15u, lane * 8u + j >= live);
        let bits = (value & 7u) * 4u;
        values[j] = value;
        to[j] = (select(counts.x, counts.y, value > 7u) >> bits) & 15u;
        counts += select(vec2<u32>(1u << bits, 0u), vec2<u32>(0u, 1u << bits), value > 7u);
    }
    for (var v = 0u; v < 8u; v++) {
        tile[spread(v * LANES + lane)] = ((counts.x >> (4u * v)) & 15u) | (((counts.y >> (4u * v)) & 15u) << 16u);
    }
    workgroupBarrier();
    var sum = 0u;
    for (var j = 0u; j < 8u; j++) {
        sum += tile[spread(lane * 8u + j)];
    }
    let sums = running(sum, lane);
    // Values from 8 on come after all that are smaller.
    var next = sums.x + (sums.y << 16u);
    for (var j = 0u; j < 8u; j++) {
        let count = tile[spread(lane * 8u + j)];
        tile[spread(lane * 8u + j)] = next;
        next += count;
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        to[j] += (tile[spread((values[j] & 7u) * LANES + lane)] >> (2u * (values[j] & 8u))) & 0xffffu;
    }
    workgroupBarrier();
}

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.groups) {
        return;
    }
    let row = at / params.blocks;
    let block = at - row * params.blocks;
    let first = block * BLOCK;
    let live = min(BLOCK, params.m - first);
    let from_row = row * params.m;
    for (var j = 0u; j < 8u; j++) {
        let i = j * LANES + lane;
        tile[spread(i)] = key[from_row + first + min(i, live - 1u)];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        keys[j] = tile[spread(lane * 8u + j)];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        let i = j * LANES + lane;
        tile[spread(i)] = place[from_row + first + min(i, live - 1u)];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        places[j] = tile[spread(lane * 8u + j)];
    }
    workgroupBarrier();
    rank(live, 0u, lane);
    for (var j = 0u; j < 8u; j++) {
        tile[spread(to[j])] = keys[j];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        keys[j] = tile[spread(lane * 8u + j)];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        tile[spread(to[j])] = places[j];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        places[j] = tile[spread(lane * 8u + j)];
    }
    workgroupBarrier();
    rank(live, 4u, lane);
    // From here on, an invocation has elements LANES apart. `previous` has the word with the digit of the element before each.
    var previous: array<u32, 8>;
    for (var j = 0u; j < 8u; j++) {
        tile[spread(to[j])] = keys[j];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        let i = j * LANES + lane;
        previous[j] = tile[spread(max(i, 1u) - 1u)];
        keys[j] = tile[spread(i)];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        tile[spread(to[j])] = places[j];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        let i = j * LANES + lane;
        previous[j] = select(previous[j], tile[spread(max(i, 1u) - 1u)], params.by_place == 1u);
        places[j] = tile[spread(i)];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        let i = j * LANES + lane;
        let digit = digit_of(keys[j], places[j]);
        if ((i < live) & ((i == 0u) | (((previous[j] >> params.shift) & 255u) != digit))) {
            tile[digit] = i;
        }
    }
    for (var digit = lane; digit < 256u; digit += LANES) {
        tile[256u + digit] = offsets[(row * 256u + digit) * params.blocks + block];
    }
    workgroupBarrier();
    for (var j = 0u; j < 8u; j++) {
        let i = j * LANES + lane;
        if (i < live) {
            let digit = digit_of(keys[j], places[j]);
            let goal = from_row + min(tile[256u + digit] + i - tile[digit], params.m - 1u);
            new_key[goal] = keys[j];
            new_place[goal] = places[j];
        }
    }
}
