// y[o, i] = the first j where x[o, j, i] is largest, or is NaN where one is.
//
// x        [outer, n, inner]
// y        [outer, inner], i32
// workgroup 64 x 1 x 1, no memory, no barrier; cost: outer n inner FLOPs; x and y once

struct Params {
    rows: u32,
    n: u32,
    inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group_index(group, groups) * 64u + lane;
    if (row >= params.rows) {
        return;
    }
    let base = row / params.inner * params.n * params.inner + row % params.inner;
    var best = x[base];
    var at = 0u;
    for (var j = 1u; j < params.n; j++) {
        let value = x[base + j * params.inner];
        let better = (value > best || is_nan(value)) && !is_nan(best);
        best = select(best, value, better);
        at = select(at, j, better);
    }
    y[row] = i32(at);
}
