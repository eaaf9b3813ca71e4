// Eigenvalues ascending, and their eigenvectors as columns, each of the sign that makes positive the first of its components whose
// magnitude is at least half the largest.
//
// work     [matrices, n, n], whose diagonal holds eigenvalues
// w        [matrices, n, n], whose rows hold eigenvectors
// values   [matrices, n]
// vectors  [matrices, n, n]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation places one eigenvector
// cost     5 n + 1 FLOPs an eigenvector; work, w, values and vectors once

struct Params {
    count: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> work: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> vectors: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group_index(group, groups) * 64u + lane;
    if (at >= params.count) {
        return;
    }
    let n = params.n;
    let base = at / n * n * n;
    let own = at % n;
    let found = work[base + own * n + own];
    let value = select(nan_of(found), found, is_finite(found));
    let key = ordered(bitcast<u32>(value));
    var place = 0u;
    for (var j = 0u; j < n; j++) {
        let other = ordered(bitcast<u32>(work[base + j * n + j]));
        // Among equals the earlier comes first.
        if (j != own) {
            place += select(0u, 1u, select(other < key, other <= key, j < own));
        }
    }
    values[at - own + place] = value;
    let row = base + own * n;
    var most = 0.0;
    for (var i = 0u; i < n; i++) {
        most = max(most, abs(w[row + i]));
    }
    var first = 0u;
    for (var i = n; i > 0u; i--) {
        first = select(first, i - 1u, abs(w[row + i - 1u]) >= 0.5 * most);
    }
    let flip = w[row + first] < 0.0;
    for (var i = 0u; i < n; i++) {
        vectors[base + i * n + place] = nan_or(value, select(w[row + i], -w[row + i], flip));
    }
}
