// y[r, j] = the sum of x[r, k] over k < j.
//
// x, y     [rows, m], u32
// sums     [rows, tiles], u32: those of tiles of 8 LANES elements, read where a row has several
// workgroup LANES x 1 x 1, 64 or 256, one tile; 36 LANES bytes of workgroup memory and a few, six barriers: each
//          invocation sums 8 neighbours, and begins its own with the sums of the tiles and of the invocations before
// cost     no FLOPs; x, sums and y once
// uses     grid, running

struct Params {
    groups: u32,
    m: u32,
    tiles: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> sums: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> staged: array<u32, BLOCK>;

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.groups) {
        return;
    }
    let row = at / params.tiles;
    let tile = at - row * params.tiles;
    for (var k = 0u; k < 8u; k++) {
        let i = tile * BLOCK + k * LANES + lane;
        staged[spread(k * LANES + lane)] = x[row * params.m + min(i, params.m - 1u)];
    }
    var before = 0u;
    if (params.tiles > 1u) {
        var some = 0u;
        for (var k = lane; k < tile; k += LANES) {
            some += sums[row * params.tiles + k];
        }
        before = running(some, lane).y;
    }
    workgroupBarrier();
    var own = 0u;
    for (var k = 0u; k < 8u; k++) {
        own += staged[spread(lane * 8u + k)];
    }
    var next = before + running(own, lane).x;
    for (var k = 0u; k < 8u; k++) {
        let value = staged[spread(lane * 8u + k)];
        staged[spread(lane * 8u + k)] = next;
        next += value;
    }
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) {
        let i = tile * BLOCK + k * LANES + lane;
        if (i < params.m) {
            y[row * params.m + i] = staged[spread(k * LANES + lane)];
        }
    }
}
