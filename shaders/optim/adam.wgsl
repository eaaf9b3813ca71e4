// A step of Adam (Kingma & Ba 2015) in place, with weight decay in the gradient or, if DECOUPLED, of the parameter (Loshchilov & Hutter
// 2019):  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr (m / c1) / (sqrt(v / c2) + eps).
//
// lr       [1]
// step     [1], u32: the steps before this one; t counts from 1, and the bias corrections are c1 = 1 - b1^t and c2 = 1 - b2^t
// g        [n], items of 4 or one, as p, m and v
// p, m, v  [n]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements
// cost     16 n + 6 FLOPs (17 n + 6 if DECOUPLED); g once, p, m and v twice
// The plan writes, where a device binds enough buffers, the part below `//@ tensor` once for each of several small tensors, numbered, and
// their workgroups stand one after the other.
// uses     grid, nan, math, item
// one of   flat_vector | flat_scalar

struct Params {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    decay: f32,
    log_beta1: f32,
    log_beta2: f32,
    // The items of the tensor, and those of the workgroups before its own.
    items: u32,
    before: u32,
    //@ members
}

@group(0) @binding(0) var<storage, read> lr: array<f32>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

alias T = F;
alias U = W;

//@ tensor
@group(0) @binding(2) var<storage, read> g: array<F>;
@group(0) @binding(3) var<storage, read_write> p: array<F>;
@group(0) @binding(4) var<storage, read_write> m: array<F>;
@group(0) @binding(5) var<storage, read_write> v: array<F>;

fn update(item: u32, c1: T, c2: T) {
    // An item before the first is, without a sign, one beyond the last.
    let i = item - params.before;
    if (i >= params.items) {
        return;
    }
    var value = p[i];
    var slope = g[i];
    if (DECOUPLED) {
        value -= lr[0] * params.decay * value;
    } else {
        slope += params.decay * value;
    }
    let first = params.beta1 * m[i] + (1.0 - params.beta1) * slope;
    let second = params.beta2 * v[i] + (1.0 - params.beta2) * slope * slope;
    m[i] = first;
    v[i] = second;
    p[i] = value - lr[0] * (first / c1) / (sqrt(second / c2) + params.epsilon);
}

//@ main
@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    // By expm1, which is accurate for betas near 1.
    let t = f32(step[0]) + 1.0;
    let c1 = -expm1_(T(t * params.log_beta1));
    let c2 = -expm1_(T(t * params.log_beta2));
    for (var k = 0u; k < EACH; k++) {
        let i = item(grid.group, grid.groups, lane, k);
        update(i, c1, c2);
    }
}
