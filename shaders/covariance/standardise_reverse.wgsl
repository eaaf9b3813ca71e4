// The cotangent of a standardised row's series, from P = (G + G') U. With d_t = w_t P_t the cotangent of u_t:
//   e_t = s (d_t - w_t u_t (d . u))   (CORRELATION),   e_t = s d_t   (covariance);   dx_t = e_t - w_t / W sum e,   W = sum w.
// Where s is 0 (a constant series), dx is 0.
//
// p, u     [batch, n, time], in units of T
// scale    [batch, n]: s
// w        [batch, time], in units of T; a stand-in unless WEIGHTED
// dx       [batch, n, time], in units of T
// dots     [batch, n, 2]: sum d, and d . u
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. A lane keeps its elements of both, KEEP at most, in registers, so
//          that p and u are read once; if KEEP is 0, they are read twice, and sums are flushed every 64 terms.
// cost     8 batch n time FLOPs; p, u, scale, w, dx and dots once
// uses     grid, nan
// one of   line_single | line_along; line_serial | line_group

struct Params {
    rows: u32,
    n: u32,
    time: u32,
    // Side by side in a workgroup.
    lines: u32,
}

@group(0) @binding(0) var<storage, read> p: array<T>;
@group(0) @binding(1) var<storage, read> u: array<T>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<T>;
@group(0) @binding(4) var<storage, read_write> dx: array<T>;
@group(0) @binding(5) var<storage, read_write> dots: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const KEPT = KEEP / WIDE;

fn weight(at: u32) -> T {
    if (WEIGHTED) {
        return w[at];
    }
    return T(1.0);
}

// Sums over frames: sum d, d . u, sum w and sum w u.
struct Sums {
    d: T,
    dot_u: T,
    total: T,
    wu: T,
}

fn with_frame(sums: Sums, p_t: T, u_t: T, weight_t: T) -> Sums {
    let d = weight_t * p_t;
    return Sums(sums.d + d, sums.dot_u + d * u_t, sums.total + weight_t, sums.wu + weight_t * u_t);
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
    let s = scale[min(row, params.rows - 1u)];

    var kept_p: array<T, max(KEPT, 1u)>;
    var kept_u: array<T, max(KEPT, 1u)>;
    var sums = Sums(T(0.0), T(0.0), T(0.0), T(0.0));
    if (KEPT > 0u) {
        // A lane that has fewer elements reads the last one of the row again, which then weighs nothing.
        for (var k = 0u; k < KEPT; k++) {
            let t = min(place.y + k * lanes, last);
            kept_p[k] = p[base + t];
            kept_u[k] = u[base + t];
            sums = with_frame(sums, kept_p[k], kept_u[k], select(T(0.0), weight(w_base + t), k < own));
        }
    } else {
        for (var block = 0u; block < own; block += 64u) {
            var part = Sums(T(0.0), T(0.0), T(0.0), T(0.0));
            for (var k = block; k < min(block + 64u, own); k++) {
                let t = place.y + k * lanes;
                part = with_frame(part, p[base + t], u[base + t], weight(w_base + t));
            }
            sums = Sums(sums.d + part.d, sums.dot_u + part.dot_u, sums.total + part.total, sums.wu + part.wu);
        }
    }
    let four = vec4(fold_sum(sums.d), fold_sum(sums.dot_u), fold_sum(sums.total), fold_sum(sums.wu));
    let found = line_fours(four, false, place, params.lines);
    let sum = found.x;
    let dot_u = found.y;
    let total = found.z;
    let sum_wu = found.w;
    let along = select(0.0, dot_u, CORRELATION);
    let mean = select(0.0, (sum - along * sum_wu) / total, total > 0.0);
    if (KEPT > 0u) {
        for (var k = 0u; k < KEPT; k++) {
            if (there && k < own) {
                let t = place.y + k * lanes;
                dx[base + t] = s * weight(w_base + t) * (kept_p[k] - along * kept_u[k] - mean);
            }
        }
    } else {
        for (var k = 0u; k < select(0u, own, there); k++) {
            let t = place.y + k * lanes;
            dx[base + t] = s * weight(w_base + t) * (p[base + t] - along * u[base + t] - mean);
        }
    }
    if (place.y == 0u && there) {
        dots[2u * row] = sum;
        dots[2u * row + 1u] = dot_u;
    }
}
