// Rows centred and scaled: u[i, t] = (x[i, t] - mu_i) s_i, with mu_i the mean weighted by w, and
//   s_i = 1 / sqrt(sum_t w_t (x - mu)^2), 0 where the series is constant   (CORRELATION)
//   s_i = 1 / sqrt(f), f given                                             (covariance)
// and NaN where what is under the root is not finite.
// A series is constant when sum w (x - mu)^2 <= (c eps max|x|)^2 sum w over the frames of positive weight.
// If WEIGHTED, v[i, t] = w_t u[i, t] as well; else w is bound to a stand-in and v is not bound.
//
// x        [batch, n, time]
// w        [batch, time]
// u, v     [batch, n, time]
// scale    [batch, n]: s
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Sums are taken about the first frame and flushed every 64 terms.
// cost     7 batch n time FLOPs; x, w, u (and v), scale once

struct Params {
    rows: u32,
    n: u32,
    time: u32,
    tolerance: f32,
    ddof: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> u: array<f32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn weight(at: u32) -> f32 {
    if (WEIGHTED) {
        return w[at];
    }
    return 1.0;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = row_index(group_index(group, groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no frames, and an origin that is anyone's.
    let time = select(0u, params.time, row < params.rows);
    let base = min(row, params.rows - 1u) * params.time;
    let w_base = min(row, params.rows - 1u) / params.n * params.time;
    let origin = x[base];

    var sum = 0.0;
    var total = 0.0;
    var squares = 0.0;
    var largest = 0.0;
    for (var block = 0u; block < time; block += 64u * LANES) {
        var part = 0.0;
        var part_total = 0.0;
        var part_squares = 0.0;
        let end = min(block + 64u * LANES, time);
        for (var t = block + lane; t < end; t += LANES) {
            let weight_t = weight(w_base + t);
            part += weight_t * (x[base + t] - origin);
            part_total += weight_t;
            part_squares += weight_t * weight_t;
            largest = max(largest, select(0.0, abs(x[base + t]), weight_t > 0.0));
        }
        sum += part;
        total += part_total;
        squares += part_squares;
    }
    sum = row_sum(sum, local);
    total = row_sum(total, local);
    squares = row_sum(squares, local);
    largest = row_max(largest, local);
    let shift = select(0.0, sum / total, total > 0.0);

    var power = 0.0;
    if (CORRELATION) {
        for (var block = 0u; block < time; block += 64u * LANES) {
            var part = 0.0;
            let end = min(block + 64u * LANES, time);
            for (var t = block + lane; t < end; t += LANES) {
                let centred = (x[base + t] - origin) - shift;
                part += weight(w_base + t) * centred * centred;
            }
            power += part;
        }
        power = row_sum(power, local);
    } else {
        power = total - params.ddof * squares / larger(total, 1e-30);
    }
    var s = 0.0;
    let floor_ = params.tolerance * largest;
    if (!is_finite(power)) {
        s = nan_of(power);
    } else if (power > select(0.0, floor_ * floor_ * total, CORRELATION)) {
        s = 1.0 / sqrt(power);
    }
    for (var t = lane; t < time; t += LANES) {
        let value = ((x[base + t] - origin) - shift) * s;
        u[base + t] = value;
        store_weighted(base + t, w_base + t, value);
    }
    if (lane == 0u && row < params.rows) {
        scale[row] = s;
    }
}
