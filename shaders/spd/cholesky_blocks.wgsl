// The 32 columns from `first` on of the lower triangular L of the symmetric part of A, L L' = (A + A') / 2, those before them being done:
//   S = A - L L' over the columns before, then column by column L[j, j] = sqrt(S[j, j]), L[i, j] = S[i, j] / L[j, j], S -= L[:, j] L[:, j]'
// A pivot not above 8 eps A[j, j] counts as 0, and so does its column: that variable is left out. Every workgroup factors the block on the
// diagonal for itself, in the registers in which its own rows are divided by it: that costs less than to wait for another dispatch.
//
// a        [matrices, n, n]
// l        [matrices, n, n], zeros above the diagonal
// workgroup 128 x 1 x 1: the block on the diagonal and 32 rows below it, 4 x 4 entries an invocation; 9.25 KiB of workgroup memory; 2
//          barriers every 32 columns before and one a column. Sums are flushed every 32 terms.
// cost     of column j: 7 + 2 j + (n - 1 - j) (4 + 2 j) FLOPs; a and l once
// uses     grid, scalar, nan

struct Params {
    matrices: u32,
    n: u32,
    first: u32,
    // Workgroups a matrix: the blocks below the diagonal, one at least.
    groups: u32,
    least: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> l: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// [32 terms, 16 quads of rows and one of padding], so that neither rows nor columns collide in banks.
var<workgroup> stage: array<vec4<f32>, 544>;
// A column of S before it is divided, twice by turns.
var<workgroup> column: array<vec4<f32>, 32>;
var<workgroup> variances: array<f32, 32>;
// The first element of the matrix, and the first of the workgroup's own rows.
var<private> base: u32;
var<private> below: u32;

// The row of the matrix that is row r of the tile: the block on the diagonal, then the workgroup's own.
fn row_of(r: u32) -> u32 {
    return select(below + r - 32u, params.first + r, r < 32u);
}

fn entry(row: u32, col: u32) -> f32 {
    let inside = row < params.n;
    return select(0.0, l[base + select(0u, row, inside) * params.n + col], inside);
}

fn symmetric(row: u32, col: u32) -> f32 {
    let inside = max(row, col) < params.n;
    let i = select(0u, row, inside);
    let j = select(0u, col, inside);
    return select(0.0, 0.5 * (a[base + i * params.n + j] + a[base + j * params.n + i]), inside);
}

// Four rows of a column, for `stage`.
fn fetched(start: u32, lane: u32, turn: u32) -> vec4<f32> {
    let col = start + lane % 32u;
    let r = 4u * (lane / 32u + 4u * turn);
    return vec4<f32>(entry(row_of(r), col), entry(row_of(r + 1u), col), entry(row_of(r + 2u), col), entry(row_of(r + 3u), col));
}

fn component(x: vec4<f32>, at: u32) -> f32 {
    return select(select(x.x, x.y, at == 1u), select(x.z, x.w, at == 3u), at >= 2u);
}

@compute @workgroup_size(128)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = group_index(grid.group, grid.groups);
    let matrix = index / params.groups;
    if (matrix >= params.matrices) {
        return;
    }
    let n = params.n;
    let first = params.first;
    base = matrix * n * n;
    below = first + 32u * (1u + index % params.groups);
    let row_quad = lane / 8u;
    let col_quad = lane % 8u;
    if (lane < 32u) {
        variances[lane] = symmetric(first + lane, first + lane);
    }

    var next: array<vec4<f32>, 4>;
    var part: array<vec4<f32>, 4>;
    var s: array<vec4<f32>, 4>;
    let cols = vec4<u32>(4u * col_quad) + vec4<u32>(0u, 1u, 2u, 3u);
    for (var r = 0u; r < 4u; r++) {
        let row = row_of(4u * row_quad + r);
        s[r] = vec4<f32>(symmetric(row, first + cols.x), symmetric(row, first + cols.y), symmetric(row, first + cols.z),
            symmetric(row, first + cols.w));
    }
    // The operands of the next turn are loaded while this one is computed.
    for (var t = 0u; t < 4u; t++) {
        next[t] = fetched(0u, lane, t);
    }
    for (var start = 0u; start < first; start += 32u) {
        workgroupBarrier();
        for (var t = 0u; t < 4u; t++) {
            stage[lane % 32u * 17u + lane / 32u + 4u * t] = next[t];
        }
        workgroupBarrier();
        let ahead = min(start + 32u, first - 32u);
        for (var t = 0u; t < 4u; t++) {
            next[t] = fetched(ahead, lane, t);
            part[t] = vec4<f32>(0.0);
        }
        for (var k = 0u; k < 32u; k++) {
            let x = stage[k * 17u + row_quad];
            let y = stage[k * 17u + col_quad];
            for (var r = 0u; r < 4u; r++) {
                part[r] = fma(vec4<f32>(x[r]), y, part[r]);
            }
        }
        for (var r = 0u; r < 4u; r++) {
            s[r] -= part[r];
        }
    }

    let rows = vec4<u32>(4u * row_quad) + vec4<u32>(0u, 1u, 2u, 3u);
    for (var c = 0u; c < 32u; c++) {
        let turn = c % 2u * 16u;
        if (col_quad == c / 4u) {
            let at = c % 4u;
            column[turn + row_quad] = vec4<f32>(component(s[0], at), component(s[1], at), component(s[2], at), component(s[3], at));
        }
        workgroupBarrier();
        let rest = component(column[turn + c / 4u], c % 4u);
        var pivot = 0.0;
        var inverse = 0.0;
        // NaN is no small pivot, nor is infinity.
        if (!is_finite(rest) || rest > params.least * variances[c]) {
            pivot = nan_or(rest, sqrt(rest));
            inverse = 1.0 / pivot;
        }
        let along = select(column[turn + row_quad] * inverse, vec4<f32>(pivot), rows == vec4<u32>(c));
        let across = column[turn + col_quad] * inverse;
        for (var r = 0u; r < 4u; r++) {
            let left = select(s[r], s[r] - along[r] * across, cols > vec4<u32>(c));
            s[r] = select(left, vec4<f32>(along[r]), cols == vec4<u32>(c));
        }
    }

    // The block on the diagonal is the first workgroup's to write.
    let wanted = row_quad >= 8u || index % params.groups == 0u;
    for (var r = 0u; r < 4u; r++) {
        let row = row_of(4u * row_quad + r);
        for (var c = 0u; c < 4u; c++) {
            let col = first + 4u * col_quad + c;
            if (wanted && max(row, col) < n) {
                l[base + row * n + col] = select(s[r][c], 0.0, col > row);
            }
        }
    }
    for (var i = lane; i < 1024u; i += 128u) {
        let row = first + i / 32u;
        let col = below + i % 32u;
        if (max(row, col) < n) {
            l[base + row * n + col] = 0.0;
        }
    }
}
