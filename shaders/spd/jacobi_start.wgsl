// The matrices that Jacobi's method begins with: the symmetric part of a matrix, (A + A') / 2, and the identity.
//
// a        [matrices, n, n]
// work     [matrices, n, n], the symmetric part
// w        [matrices, n, n], the identity
// workgroup 64 x 1 x 1, no memory, no barrier; cost: 2 FLOPs an element; a, work and w once
// uses     grid

struct Params {
    elements: u32,
    n: u32,
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
    let row = at / n % n;
    let col = at % n;
    let mirrored = at - row * n - col + col * n + row;
    work[at] = 0.5 * (a[at] + a[mirrored]);
    w[at] = select(0.0, 1.0, row == col);
}
