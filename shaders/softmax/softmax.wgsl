// y = softmax(x), or its logarithm if LOG, along the middle axis: e^(x - m) / sum e^(x - m), m the maximum.
//
// x, y     [outer, n, inner]
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Sums are flushed every 64 terms.
// cost     5 outer n inner FLOPs (and outer inner if LOG); x and y once
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    rows: u32,
    n: u32,
    inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no elements.
    let n = select(0u, params.n, row < params.rows);
    let base = row / params.inner * params.n * params.inner + row % params.inner;
    var most = -3.402823e38;
    for (var j = lane; j < n; j += LANES) {
        most = max(most, x[base + j * params.inner]);
    }
    most = row_max(most, local);
    var sum = 0.0;
    for (var block = 0u; block < n; block += 64u * LANES) {
        var part = 0.0;
        let end = min(block + 64u * LANES, n);
        for (var j = block + lane; j < end; j += LANES) {
            part += exp(x[base + j * params.inner] - most);
        }
        sum += part;
    }
    sum = row_sum(sum, local);
    let shift = log(sum);
    for (var j = lane; j < n; j += LANES) {
        let z = x[base + j * params.inner] - most;
        if (LOG) {
            y[base + j * params.inner] = z - shift;
        } else {
            y[base + j * params.inner] = exp(z) / sum;
        }
    }
}
