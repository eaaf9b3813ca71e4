// d[i] = sum_t x[i, t] y[i, t].
//
// x, y     [rows, time]
// d        [rows]
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Sums are flushed every 64 terms.
// cost     2 rows time FLOPs; x, y and d once
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    rows: u32,
    time: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no elements.
    let time = select(0u, params.time, row < params.rows);
    var sum = 0.0;
    for (var block = 0u; block < time; block += 64u * LANES) {
        var part = 0.0;
        let end = min(block + 64u * LANES, time);
        for (var t = block + lane; t < end; t += LANES) {
            part += x[row * params.time + t] * y[row * params.time + t];
        }
        sum += part;
    }
    sum = row_sum(sum, local);
    if (lane == 0u && row < params.rows) {
        d[row] = sum;
    }
}
