// A step of gradient descent with momentum in place: b <- mu b + (g + decay p);  p <- p - lr b, or p - lr (g + mu b) if NESTEROV.
//
// g        [n], items of 4 or one, as p and b
// lr       [1]
// p, b     [n]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements
// cost     6 n FLOPs (8 n if NESTEROV); g once, p and b twice
// uses     grid, item
// one of   flat_vector | flat_scalar

struct Params {
    items: u32,
    momentum: f32,
    decay: f32,
}

@group(0) @binding(0) var<storage, read> g: array<F>;
@group(0) @binding(1) var<storage, read> lr: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<F>;
@group(0) @binding(3) var<storage, read_write> b: array<F>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    for (var k = 0u; k < EACH; k++) {
        let i = item(grid.group, grid.groups, lane, k);
        if (i < params.items) {
            let slope = g[i] + params.decay * p[i];
            let velocity = params.momentum * b[i] + slope;
            b[i] = velocity;
            if (NESTEROV) {
                p[i] -= lr[0] * (slope + params.momentum * velocity);
            } else {
                p[i] -= lr[0] * velocity;
            }
        }
    }
}
