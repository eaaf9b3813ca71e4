// y[o, c, i] = op over the c-th chunk of x[o, :, i]: a sum, maximum or minimum, NaN where an element is. With one chunk, the whole reduction.
//
// x        [outer, n, inner]
// y        [outer, chunks, inner]
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Sums are flushed every 64 terms.
// cost     outer n inner FLOPs; x and y once

struct Params {
    rows: u32,
    n: u32,
    inner: u32,
    chunks: u32,
    chunk: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn combine(p: f32, q: f32) -> f32 {
    if (OP == 0) {
        return p + q;
    } else if (OP == 1) {
        return larger(p, q);
    }
    return smaller(p, q);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Rows are [outer, chunks, inner].
    let row = row_index(group_index(group, groups), local);
    let lane = lane_index(local);
    let i = row % params.inner;
    let chunk = row / params.inner % params.chunks;
    let outer = row / params.inner / params.chunks;
    let first = chunk * params.chunk;
    // A row beyond the end has no elements, and starts from anyone's.
    let stop = select(0u, min(first + params.chunk, params.n), row < params.rows);
    let base = outer * params.n * params.inner + i;
    let start = select(0.0, x[min(base + first * params.inner, arrayLength(&x) - 1u)], OP != 0);
    var total = start;
    for (var block = first; block < stop; block += 64u * LANES) {
        var part = start;
        let end = min(block + 64u * LANES, stop);
        for (var j = block + lane; j < end; j += LANES) {
            part = combine(part, x[base + j * params.inner]);
        }
        total = combine(total, part);
    }
    if (OP == 0) {
        total = row_sum(total, local);
    } else if (OP == 1) {
        total = row_max(total, local);
    } else {
        total = -row_max(-total, local);
    }
    if (lane == 0u && row < params.rows) {
        y[row] = total;
    }
}
