// Rows centred and scaled: u[i, t] = (x[i, t] - mu_i) s_i, with mu_i the mean weighted by w, and
//   s_i = 1 / sqrt(sum_t w_t (x - mu)^2), 0 where the series is constant   (CORRELATION)
//   s_i = 1 / sqrt(f), f given                                             (covariance)
// and NaN where what is under the root is not finite.
// A series is constant when sum w (x - mu)^2 <= (c eps max|x|)^2 sum w over the frames of positive weight.
// If WEIGHTED, v[i, t] = w_t u[i, t] as well; else w is bound to a stand-in and v is not bound.
//
// x        [batch, n, time], in units of T
// w        [batch, time], in units of T
// u, v     [batch, n, time], in units of T
// scale    [batch, n]: s
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. A lane keeps its elements, KEEP at most, in registers, so that
//          x is read once; if KEEP is 0, it is read three times. Sums are taken about the first frame and flushed every 64 terms.
// cost     7 batch n time FLOPs; x, w, u (and v), scale once
// uses     grid, nan
// one of   weighted_no | weighted_yes; line_single | line_along; line_serial | line_group

struct Params {
    rows: u32,
    n: u32,
    time: u32,
    // Side by side in a workgroup.
    lines: u32,
    tolerance: f32,
    ddof: f32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> w: array<T>;
@group(0) @binding(2) var<storage, read_write> u: array<T>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const KEPT = KEEP / WIDE;

fn weight(at: u32) -> T {
    if (WEIGHTED) {
        return w[at];
    }
    return T(1.0);
}

// Sums over frames of weighted distances from the origin, of weights and of their squares, and the largest magnitude among the frames.
struct Moments {
    sum: T,
    total: T,
    squares: T,
    largest: T,
}

fn with_frame(m: Moments, value: T, weight_t: T, origin: T) -> Moments {
    let magnitude = select(T(0.0), abs(value), weight_t > T(0.0));
    return Moments(m.sum + weight_t * (value - origin), m.total + weight_t, m.squares + weight_t * weight_t, max(m.largest, magnitude));
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, true);
    let row = group_index(grid.group, grid.groups) * params.lines + place.x;
    // A row beyond the end is computed as the last is, and not stored.
    let there = row < params.rows;
    let base = min(row, params.rows - 1u) * params.time;
    let w_base = min(row, params.rows - 1u) / params.n * params.time;
    let last = params.time - 1u;
    // Elements of this lane.
    let own = (params.time + lanes - 1u - min(place.y, params.time)) / lanes;
    let origin = T(first_of(x[base]));

    var kept: array<T, max(KEPT, 1u)>;
    var m = Moments(T(0.0), T(0.0), T(0.0), T(0.0));
    if (KEPT > 0u) {
        // A lane that has fewer elements reads the last one of the row again, which then weighs nothing.
        for (var k = 0u; k < KEPT; k++) {
            let t = min(place.y + k * lanes, last);
            kept[k] = x[base + t];
            m = with_frame(m, kept[k], select(T(0.0), weight(w_base + t), k < own), origin);
            kept[k] -= origin;
        }
    } else {
        for (var block = 0u; block < own; block += 64u) {
            var part = Moments(T(0.0), T(0.0), T(0.0), m.largest);
            for (var k = block; k < min(block + 64u, own); k++) {
                let t = place.y + k * lanes;
                part = with_frame(part, x[base + t], weight(w_base + t), origin);
            }
            m = Moments(m.sum + part.sum, m.total + part.total, m.squares + part.squares, part.largest);
        }
    }
    let moments = vec4(fold_sum(m.sum), fold_sum(m.total), fold_sum(m.squares), fold_max(m.largest));
    let found = line_fours(moments, true, place, params.lines);
    let sum = found.x;
    let total = found.y;
    let squares = found.z;
    let shift = T(select(0.0, sum / total, total > 0.0));

    // A NaN among the weights stays in the first term.
    var power = total - params.ddof * squares / max(total, 1e-30);
    var floor_ = 0.0;
    if (CORRELATION) {
        floor_ = params.tolerance * found.w;
        var powers = T(0.0);
        if (KEPT > 0u) {
            for (var k = 0u; k < KEPT; k++) {
                kept[k] -= shift;
                let weight_t = weight(w_base + min(place.y + k * lanes, last));
                powers += select(T(0.0), weight_t * kept[k] * kept[k], k < own);
            }
        } else {
            for (var block = 0u; block < own; block += 64u) {
                var part = T(0.0);
                for (var k = block; k < min(block + 64u, own); k++) {
                    let t = place.y + k * lanes;
                    let centred = (x[base + t] - origin) - shift;
                    part += weight(w_base + t) * centred * centred;
                }
                powers += part;
            }
        }
        power = line_sum(fold_sum(powers), place, params.lines);
    }
    var s = 0.0;
    if (!is_finite(power)) {
        s = bitcast<f32>(bitcast<u32>(power) | 0x7fc00000u);
    } else if (power > floor_ * floor_ * total) {
        s = 1.0 / sqrt(power);
    }
    if (KEPT > 0u) {
        for (var k = 0u; k < KEPT; k++) {
            if (there && k < own) {
                let t = place.y + k * lanes;
                let value = select(kept[k] - shift, kept[k], CORRELATION) * s;
                u[base + t] = value;
                store_weighted(base + t, w_base + t, value);
            }
        }
    } else {
        for (var k = 0u; k < select(0u, own, there); k++) {
            let t = place.y + k * lanes;
            let value = ((x[base + t] - origin) - shift) * s;
            u[base + t] = value;
            store_weighted(base + t, w_base + t, value);
        }
    }
    if (place.y == 0u && there) {
        scale[row] = s;
    }
}
