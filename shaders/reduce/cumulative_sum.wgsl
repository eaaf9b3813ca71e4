// y[o, j, i] = sum of x[o, k, i] over k <= j, or over k >= j if REVERSED.
//
// x, y     [outer, n, inner]
// workgroup 64 x 1 x 1, no memory, no barrier. Sums are flushed every 64 terms.
// cost     outer n inner FLOPs; x and y once
// uses     grid

struct Params {
    rows: u32,
    n: u32,
    inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let row = element(grid.group, grid.groups, lane);
    if (row >= params.rows) {
        return;
    }
    let base = row / params.inner * params.n * params.inner + row % params.inner;
    var carry = 0.0;
    var part = 0.0;
    for (var k = 0u; k < params.n; k++) {
        let j = select(k, params.n - 1u - k, REVERSED);
        part += x[base + j * params.inner];
        y[base + j * params.inner] = carry + part;
        if ((k & 63u) == 63u) {
            carry += part;
            part = 0.0;
        }
    }
}
