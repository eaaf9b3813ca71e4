// The matrices that Jacobi's method begins with: the symmetric part of a matrix, (A + A') / 2, and the identity; zeros beyond the n
// variables where rows are further apart.
//
// a        [matrices, n, n]
// work     [matrices, stride, stride], the symmetric part
// w        [matrices, stride, stride], the identity
// workgroup 64 x 1 x 1, no memory, no barrier; cost: 2 FLOPs an element of a; a, work and w once
// uses     grid

struct Params {
    elements: u32,
    n: u32,
    stride: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> work: array<f32>;
@group(0) @binding(2) var<storage, read_write> w: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.elements) {
        return;
    }
    let n = params.n;
    let row = at / params.stride % params.stride;
    let col = at % params.stride;
    let inside = max(row, col) < n;
    let base = at / params.stride / params.stride * n * n;
    let here = select(0u, base + row * n + col, inside);
    let mirrored = select(0u, base + col * n + row, inside);
    work[at] = select(0.0, 0.5 * (a[here] + a[mirrored]), inside);
    w[at] = select(0.0, 1.0, inside && row == col);
}
