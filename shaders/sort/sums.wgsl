// The sum of each tile of 2048 elements of a row, or of 512.
//
// x        [rows, m], u32
// sums     [rows, tiles], u32
// workgroup LANES x 1 x 1, 256 or 64, one tile; 1.1 KiB of workgroup memory, two barriers
// cost     no FLOPs; x and sums once
// uses     grid, running

struct Params {
    groups: u32,
    m: u32,
    tiles: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.groups) {
        return;
    }
    let row = at / params.tiles;
    let first = (at - row * params.tiles) * BLOCK;
    var sum = 0u;
    for (var k = 0u; k < 8u; k++) {
        let i = first + k * LANES + lane;
        sum += select(0u, x[row * params.m + min(i, params.m - 1u)], i < params.m);
    }
    let all = running(sum, lane);
    if (lane == 0u) {
        sums[at] = all.y;
    }
}
