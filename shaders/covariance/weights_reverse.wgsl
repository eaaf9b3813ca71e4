// The cotangent of the frames' weights, from P = (G + G') U and, per row, a = sum d and b = d . u of `standardise_reverse`:
//   dw_t = sum_i [ u_it P_it / 2 - a_i u_it / W - b_i u_it^2 / 2 ]                          (CORRELATION)
//   dw_t = sum_i [ u_it P_it / 2 - a_i u_it / W - b_i f'_t / (2 f) ],  f'_t = 1 - ddof (2 w_t / W - Q / W^2)  (covariance)
// with W = sum w, Q = sum w^2, f = W - ddof Q / W.
//
// p, u     [batch, n, time]
// dots     [batch, n, 2]: a, b
// w        [batch, time]
// dw       [batch, time]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one frame. Sums are flushed every 64 terms.
// cost     8 batch n time FLOPs; p, u, dots, w and dw once
// uses     grid

struct Params {
    frames: u32,
    n: u32,
    time: u32,
    ddof: f32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> dots: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> dw: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let frame = element(grid.group, grid.groups, lane);
    if (frame >= params.frames) {
        return;
    }
    let batch = frame / params.time;
    let t = frame % params.time;
    var total = 0.0;
    var squares = 0.0;
    for (var start = 0u; start < params.time; start += 64u) {
        var part = 0.0;
        var part_squares = 0.0;
        let stop = min(start + 64u, params.time);
        for (var j = start; j < stop; j++) {
            let weight = w[batch * params.time + j];
            part += weight;
            part_squares += weight * weight;
        }
        total += part;
        squares += part_squares;
    }
    let inverse = select(0.0, 1.0 / total, total > 0.0);
    let f = total - params.ddof * squares * inverse;
    let slope = (1.0 - params.ddof * inverse * (2.0 * w[frame] - squares * inverse)) / max(f, 1e-30);

    var sum = 0.0;
    for (var start = 0u; start < params.n; start += 64u) {
        var part = 0.0;
        let stop = min(start + 64u, params.n);
        for (var j = start; j < stop; j++) {
            let row = batch * params.n + j;
            let value = u[row * params.time + t];
            let bend = select(slope, value * value, CORRELATION);
            part += 0.5 * value * p[row * params.time + t] - dots[2u * row] * value * inverse - 0.5 * dots[2u * row + 1u] * bend;
        }
        sum += part;
    }
    dw[frame] = sum;
}
