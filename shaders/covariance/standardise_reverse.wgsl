// The cotangent of a standardised row's series, from P = (G + G') U. With d_t = w_t P_t the cotangent of u_t:
//   e_t = s (d_t - w_t u_t (d . u))   (CORRELATION),   e_t = s d_t   (covariance);   dx_t = e_t - w_t / W sum e,   W = sum w.
// Where s is 0 (a constant series), dx is 0.
//
// p, u     [batch, n, time]
// scale    [batch, n]: s
// w        [batch, time]; a stand-in unless WEIGHTED
// dx       [batch, n, time]
// dots     [batch, n, 2]: sum d, and d . u
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Sums are flushed every 64 terms.
// cost     8 batch n time FLOPs; p, u, scale, w, dx and dots once
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    rows: u32,
    n: u32,
    time: u32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> dots: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn weight(at: u32) -> f32 {
    if (WEIGHTED) {
        return w[at];
    }
    return 1.0;
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no frames, and a scale that is anyone's.
    let time = select(0u, params.time, row < params.rows);
    let base = row * params.time;
    let w_base = row / params.n * params.time;
    let s = scale[min(row, params.rows - 1u)];

    var sum = 0.0;
    var dot_u = 0.0;
    var total = 0.0;
    var sum_wu = 0.0;
    for (var block = 0u; block < time; block += 64u * LANES) {
        var part = 0.0;
        var part_dot = 0.0;
        var part_total = 0.0;
        var part_wu = 0.0;
        let end = min(block + 64u * LANES, time);
        for (var t = block + lane; t < end; t += LANES) {
            let weight_t = weight(w_base + t);
            let d = weight_t * p[base + t];
            part += d;
            part_dot += d * u[base + t];
            part_total += weight_t;
            part_wu += weight_t * u[base + t];
        }
        sum += part;
        dot_u += part_dot;
        total += part_total;
        sum_wu += part_wu;
    }
    sum = row_sum(sum, local);
    dot_u = row_sum(dot_u, local);
    total = row_sum(total, local);
    sum_wu = row_sum(sum_wu, local);

    let along = select(0.0, dot_u, CORRELATION);
    let mean = select(0.0, (sum - along * sum_wu) / total, total > 0.0);
    for (var t = lane; t < time; t += LANES) {
        let weight_t = weight(w_base + t);
        dx[base + t] = s * weight_t * (p[base + t] - along * u[base + t] - mean);
    }
    if (lane == 0u && row < params.rows) {
        dots[2u * row] = sum;
        dots[2u * row + 1u] = dot_u;
    }
}
