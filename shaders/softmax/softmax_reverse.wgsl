// The cotangent of a softmax's operand from its result y and the result's cotangent g, along the middle axis:
// y (g - sum y g); for a log-softmax (LOG), g - e^y sum g.
//
// y, g, d  [outer, n, inner]
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Sums are flushed every 64 terms.
// cost     4 outer n inner FLOPs; y, g and d once
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    rows: u32,
    n: u32,
    inner: u32,
}

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no elements.
    let n = select(0u, params.n, row < params.rows);
    let base = row / params.inner * params.n * params.inner + row % params.inner;
    var sum = 0.0;
    for (var block = 0u; block < n; block += 64u * LANES) {
        var part = 0.0;
        let end = min(block + 64u * LANES, n);
        for (var j = block + lane; j < end; j += LANES) {
            let at = base + j * params.inner;
            part += g[at] * select(y[at], 1.0, LOG);
        }
        sum += part;
    }
    sum = row_sum(sum, local);
    for (var j = lane; j < n; j += LANES) {
        let at = base + j * params.inner;
        if (LOG) {
            d[at] = g[at] - exp(y[at]) * sum;
        } else {
            d[at] = y[at] * (g[at] - sum);
        }
    }
}
