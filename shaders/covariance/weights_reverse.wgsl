// The cotangent of the frames' weights, from P = (G + G') U and, per row, a = sum d and b = d . u of `standardise_reverse`:
//   dw_t = sum_i [ u_it P_it / 2 - a_i u_it / W - b_i u_it^2 / 2 ]                          (CORRELATION)
//   dw_t = sum_i [ u_it P_it / 2 - a_i u_it / W - b_i f'_t / (2 f) ],  f'_t = 1 - ddof (2 w_t / W - Q / W^2)  (covariance)
// with W = sum w, Q = sum w^2, f = W - ddof Q / W.
//
// p, u     [batch, n, time]
// dots     [batch, n, 2]: a, b
// w        [batch, time]
// dw       [batch, time]
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet, whose lines are frames: the lanes of one share the rows, four of which
//          a lane reads at once. Sums are flushed every 64 terms.
// cost     8 batch n time FLOPs; p, u, dots, w and dw once
// uses     grid, nan
// one of   line_single; line_serial | line_group

struct Params {
    frames: u32,
    n: u32,
    time: u32,
    // Frames side by side in a workgroup.
    lines: u32,
    ddof: f32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> dots: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> dw: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// The sums of the weights of a batch, and of their squares: W and the slopes of f are made of them.
fn weight_sums(batch: u32, place: vec2<u32>) -> vec2<f32> {
    let lanes = line_lanes(params.lines);
    var sums = vec2<f32>();
    for (var block = place.y; block < params.time; block += 64u * lanes) {
        var part = vec2<f32>();
        for (var j = block; j < min(block + 64u * lanes, params.time); j += lanes) {
            let weight = w[batch * params.time + j];
            part += vec2<f32>(weight, weight * weight);
        }
        sums += part;
    }
    return vec2<f32>(line_sum(sums.x, place, params.lines), line_sum(sums.y, place, params.lines));
}

struct Factors {
    inverse: f32,
    slope: f32,
}

// The terms of a row.
fn term(row: u32, t: u32, factors: Factors) -> f32 {
    let value = u[row * params.time + t];
    let bend = select(factors.slope, value * value, CORRELATION);
    return 0.5 * value * p[row * params.time + t] - dots[2u * row] * value * factors.inverse - 0.5 * dots[2u * row + 1u] * bend;
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, false);
    let frame = group_index(grid.group, grid.groups) * params.lines + place.x;
    // A frame beyond the end is the last again, and not stored.
    let near = min(frame, params.frames - 1u);
    let batch = near / params.time;
    let t = near - batch * params.time;
    let sums = weight_sums(batch, place);
    let inverse = select(0.0, 1.0 / sums.x, sums.x > 0.0);
    let f = sums.x - params.ddof * sums.y * inverse;
    let factors = Factors(inverse, (1.0 - params.ddof * inverse * (2.0 * w[near] - sums.y * inverse)) / max(f, 1e-30));

    var sum = 0.0;
    for (var block = place.y; block < params.n; block += 64u * lanes) {
        var part = 0.0;
        let end = min(block + 64u * lanes, params.n);
        var j = block;
        for (; j + 3u * lanes < end; j += 4u * lanes) {
            let row = batch * params.n + j;
            let pairs = vec2<f32>(term(row, t, factors), term(row + lanes, t, factors))
                + vec2<f32>(term(row + 2u * lanes, t, factors), term(row + 3u * lanes, t, factors));
            part += pairs.x + pairs.y;
        }
        for (; j < end; j += lanes) {
            part += term(batch * params.n + j, t, factors);
        }
        sum += part;
    }
    sum = line_sum(sum, place, params.lines);
    if (place.y == 0u && frame < params.frames) {
        dw[frame] = sum;
    }
}
