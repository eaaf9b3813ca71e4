// y[r, j] = the sum of x[r, k] over k < j.
//
// x, y     [rows, m], u32
// workgroup 64 x 1 x 1, one row; 256 bytes of workgroup memory, one barrier: each invocation sums a part of the row, and begins its
//          own with the sums of those before
// cost     no FLOPs; x and y once
// uses     grid

struct Params {
    rows: u32,
    m: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> sums: array<u32, 64>;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let row = group_index(grid.group, grid.groups);
    // A row beyond the end has no elements.
    let m = select(0u, params.m, row < params.rows);
    let share = (params.m + 63u) / 64u;
    let first = min(lane * share, m);
    let last = min(first + share, m);
    var sum = 0u;
    for (var k = first; k < last; k++) {
        sum += x[row * params.m + k];
    }
    sums[lane] = sum;
    workgroupBarrier();
    var running = 0u;
    for (var k = 0u; k < 64u; k++) {
        running += select(0u, sums[k], k < lane);
    }
    for (var k = first; k < last; k++) {
        y[row * params.m + k] = running;
        running += x[row * params.m + k];
    }
}
