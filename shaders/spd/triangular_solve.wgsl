// X with L X = B, or L' X = B if TRANSPOSED, by substitution down or up the rows:
//   X[i] = (B[i] - sum_k L[i, k] X[k]) / L[i, i]; 0 where L[i, i] is 0, but NaN of what is not finite
//
// l        [matrices, n, n], read at and below the diagonal
// b, x     [matrices, n, m]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation solves one column. Sums are flushed every 64 terms.
// cost     of the step k of a column, steps from `first` up to `end`: 2 k + 3 FLOPs; l, b and x once

struct Params {
    columns: u32,
    n: u32,
    m: u32,
    first: u32,
    end: u32,
}

@group(0) @binding(0) var<storage, read> l: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let column = group_index(group, groups) * 64u + lane;
    if (column >= params.columns) {
        return;
    }
    let n = params.n;
    let m = params.m;
    let matrix = column / m;
    let factor = matrix * n * n;
    let base = matrix * n * m + column % m;
    for (var step = params.first; step < params.end; step++) {
        let i = select(step, n - 1u - step, TRANSPOSED);
        var sum = 0.0;
        for (var block = 0u; block < step; block += 64u) {
            var part = 0.0;
            let end = min(block + 64u, step);
            for (var done = block; done < end; done++) {
                let k = select(done, n - 1u - done, TRANSPOSED);
                part += l[factor + select(i * n + k, k * n + i, TRANSPOSED)] * x[base + k * m];
            }
            sum += part;
        }
        let diagonal = l[factor + i * n + i];
        let rest = b[base + i * m] - sum;
        var value = select(nan_of(rest), 0.0, is_finite(rest));
        if ((bitcast<u32>(diagonal) & 0x7fffffffu) != 0u) {
            value = rest / diagonal;
        }
        x[base + i * m] = value;
    }
}
