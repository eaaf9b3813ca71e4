// The matrices that Jacobi's method begins with: the symmetric part of a matrix, (A + A') / 2, and the identity; zeros beyond the n
// variables where rows are further apart.
//
// a        [matrices, n, n]
// work     [matrices, stride, stride], the symmetric part
// w        [matrices, stride, stride], the identity
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements
// cost     2 FLOPs an element of a; a, work and w once
// uses     grid, item, in_row

struct Params {
    elements: u32,
    n: u32,
    stride: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> work: array<f32>;
@group(0) @binding(2) var<storage, read_write> w: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const EACH = 4u;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let n = params.n;
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.stride);
    for (var k = 0u; k < EACH; k++) {
        let at = item(grid.group, grid.groups, lane, k);
        if (at < params.elements) {
            let matrix = its.row / params.stride;
            let row = its.row - matrix * params.stride;
            let inside = max(row, its.col) < n;
            let base = matrix * n * n;
            let here = select(0u, base + row * n + its.col, inside);
            let mirrored = select(0u, base + its.col * n + row, inside);
            work[at] = select(0.0, 0.5 * (a[here] + a[mirrored]), inside);
            w[at] = select(0.0, 1.0, inside && row == its.col);
        }
        its = later(its, params.stride, vec2<u32>(params.step_rows, params.step_cols));
    }
}
