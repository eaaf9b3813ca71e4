// The lower triangular L of the symmetric part of A, L L' = (A + A') / 2, column by column, from `first` up to `end`:
//   L[j, j] = sqrt(A[j, j] - sum_k L[j, k]^2), L[i, j] = (A[i, j] - sum_k L[i, k] L[j, k]) / L[j, j], k < j
// A pivot not above 8 eps A[j, j] counts as 0, and so does its column: that variable is left out.
//
// a        [matrices, n, n]
// l        [matrices, n, n], zeros above the diagonal
// workgroup LANES x 1 x 1, one matrix, no memory; a barrier a column (see the sync snippet). Sums are flushed every 64 terms.
// cost     of column j: 7 + 2 j + (n - 1 - j) (4 + 2 j) FLOPs; a and l once

struct Params {
    matrices: u32,
    n: u32,
    first: u32,
    end: u32,
    least: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> l: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn dot_rows(first: u32, second: u32, n: u32) -> f32 {
    var sum = 0.0;
    for (var block = 0u; block < n; block += 64u) {
        var part = 0.0;
        let end = min(block + 64u, n);
        for (var k = block; k < end; k++) {
            part += l[first + k] * l[second + k];
        }
        sum += part;
    }
    return sum;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let matrix = group_index(group, groups);
    if (matrix >= params.matrices) {
        return;
    }
    let n = params.n;
    let base = matrix * n * n;
    for (var j = params.first; j < params.end; j++) {
        let row = base + j * n;
        let diagonal = 0.5 * (a[row + j] + a[row + j]);
        let rest = diagonal - dot_rows(row, row, j);
        var pivot = 0.0;
        var inverse = 0.0;
        // NaN is no small pivot, nor is infinity.
        if (!is_finite(rest) || rest > params.least * diagonal) {
            pivot = nan_or(rest, sqrt(rest));
            inverse = 1.0 / pivot;
        }
        // Everybody has read row j before its diagonal is written: what is read of it lies left of that.
        for (var i = j + lane; i < n; i += LANES) {
            let at = base + i * n;
            if (i == j) {
                l[at + j] = pivot;
            } else {
                l[at + j] = (0.5 * (a[at + j] + a[row + i]) - dot_rows(at, row, j)) * inverse;
                l[row + i] = 0.0;
            }
        }
        sync();
    }
}
