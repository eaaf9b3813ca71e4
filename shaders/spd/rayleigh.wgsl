// Eigenvalues of the vectors that Jacobi's method by blocks found, as Rayleigh's quotients w' A w / w' w: the rounding errors of the
// vectors enter the quotients squared, while those on the diagonal of A grew with every round.
//
// product  [matrices, n, n], W A
// w        [matrices, n, n], whose rows hold eigenvectors
// square   [matrices, n, n], W W'
// values   [matrices, n]
// workgroup GROUP x 1 x 1; rows: see the row snippet for memory and barriers. Sums are flushed every 64 terms.
// cost     2 n + 1 FLOPs a row; product, w, square and values once
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    rows: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> product: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> square: array<f32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    let n = params.n;
    let at = min(row, params.rows - 1u);
    var sum = 0.0;
    for (var block = 0u; block < n; block += 64u * LANES) {
        var part = 0.0;
        let end = min(block + 64u * LANES, n);
        for (var i = block + lane; i < end; i += LANES) {
            part += product[at * n + i] * w[at * n + i];
        }
        sum += part;
    }
    let whole = row_sum(sum, local);
    if (lane == 0u && row < params.rows) {
        values[row] = whole / square[at * n + at % n];
    }
}
