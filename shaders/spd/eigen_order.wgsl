// Eigenvalues ascending, and their eigenvectors as columns, each of the sign that makes positive the first of its components whose
// magnitude is at least half the largest.
//
// found    eigenvalues, `apart` from one to the next and `span` from matrix to matrix: on the diagonals of matrices, or side by side
// w        [matrices, stride, stride], whose rows hold eigenvectors
// product  [matrices, stride, stride], W W' W, if POLISHED: the vectors are then 1.5 W - 0.5 W W' W, whose products with one another are
//          off the identity by the square of what those of W are (a step of Newton and Schulz); else w again
// values   [matrices, n]
// vectors  [matrices, n, n]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation places one eigenvector
// cost     5 n + 1 FLOPs an eigenvector, 3 n more if POLISHED; found, w, product, values and vectors once
// uses     grid, scalar, nan, ordered

struct Params {
    count: u32,
    n: u32,
    stride: u32,
    apart: u32,
    span: u32,
}

@group(0) @binding(0) var<storage, read> found: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> product: array<f32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> vectors: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.count) {
        return;
    }
    let n = params.n;
    let stride = params.stride;
    let base = at / n * stride * stride;
    let own = at % n;
    let first_found = at / n * params.span;
    let held = found[first_found + own * params.apart];
    let value = select(nan_of(held), held, is_finite(held));
    let key = ordered(bitcast<u32>(value));
    var place = 0u;
    for (var j = 0u; j < n; j++) {
        let other = ordered(bitcast<u32>(found[first_found + j * params.apart]));
        // Among equals the earlier comes first.
        if (j != own) {
            place += select(0u, 1u, select(other < key, other <= key, j < own));
        }
    }
    values[at - own + place] = value;
    let row = base + own * stride;
    var most = 0.0;
    for (var i = 0u; i < n; i++) {
        most = max(most, abs(w[row + i]));
    }
    var first = 0u;
    for (var i = n; i > 0u; i--) {
        first = select(first, i - 1u, abs(w[row + i - 1u]) >= 0.5 * most);
    }
    let flip = w[row + first] < 0.0;
    let place_at = at / n * n * n + place;
    for (var i = 0u; i < n; i++) {
        var x = w[row + i];
        if (POLISHED) {
            x = 1.5 * x - 0.5 * product[row + i];
        }
        vectors[place_at + i * n] = nan_or(value, select(x, -x, flip));
    }
}
