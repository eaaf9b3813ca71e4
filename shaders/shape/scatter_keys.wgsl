// The indices of rows, clamped to the rows there are, and where they stand: in their order, or sorted if RANKED, where each is compared
// with all others, and equal ones keep their order.
//
// index    [n], i32
// key      [n], u32: the indices
// place    [n], u32: where they stand in `index`
// workgroup 256 x 1 x 1; 1 KiB of workgroup memory and two barriers for every 256 indices if RANKED, else none; cost: no FLOPs; index,
//          key and place once
// uses     grid

struct Params {
    n: u32,
    rows: u32,
}

@group(0) @binding(0) var<storage, read> index: array<i32>;
@group(0) @binding(1) var<storage, read_write> key: array<u32>;
@group(0) @binding(2) var<storage, read_write> place: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> others: array<u32, 256>;

// The clamped index; beyond the last index, a key above all others.
fn clamped(at: u32) -> u32 {
    let found = u32(clamp(index[min(at, params.n - 1u)], 0, i32(params.rows) - 1));
    return select(0xffffffffu, found, at < params.n);
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    let own = clamped(at);
    var rank = at;
    if (RANKED) {
        rank = 0u;
        for (var block = 0u; block < params.n; block += 256u) {
            workgroupBarrier();
            others[lane] = clamped(block + lane);
            workgroupBarrier();
            for (var k = 0u; k < 256u; k++) {
                rank += select(0u, 1u, (others[k] < own) | ((others[k] == own) & (block + k < at)));
            }
        }
    }
    if (at < params.n) {
        key[rank] = own;
        place[rank] = at;
    }
}
