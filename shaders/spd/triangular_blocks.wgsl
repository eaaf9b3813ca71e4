// X with L X = B, or L' X = B if TRANSPOSED, by blocks of 32 rows from the first to the last, or if TRANSPOSED from the last to the first.
// The product of L, or of L', with the rows already solved is subtracted from each block; then its own rows follow by substitution:
//   X[i] = (B[i] - sum_k L[i, k] X[k]) / L[i, i]; 0 where L[i, i] is 0, but NaN of what is not finite
//
// l        [matrices, n, n], read at and below the diagonal
// b, x     [matrices, n, m]
// workgroup 128 x 1 x 1: 64 columns, 4 x 4 entries of a block an invocation; 13 KiB of workgroup memory; for each block of rows 2 barriers
//          for each one before it, and 36 more. Sums are flushed every 32 terms.
// cost     of the step k of a column: 2 k + 3 FLOPs; l, b and x once
// uses     grid, scalar, nan

struct Params {
    matrices: u32,
    n: u32,
    m: u32,
    // Workgroups a matrix.
    groups: u32,
}

@group(0) @binding(0) var<storage, read> l: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// [32 terms, 8 quads of rows and one of padding], so that neither rows nor columns collide in banks.
var<workgroup> factor: array<vec4<f32>, 288>;
// [32 terms, 16 quads of columns].
var<workgroup> known: array<vec4<f32>, 512>;
// A row that is solved, twice by turns.
var<workgroup> solved: array<vec4<f32>, 32>;
// The first elements of the factor and of the workgroup's columns, and the number of these columns.
var<private> factor_base: u32;
var<private> x_base: u32;
var<private> width: u32;

// The entry of L, or of L', at and below its diagonal as the rows are solved.
fn entry(row: u32, k: u32) -> f32 {
    let i = select(row, k, TRANSPOSED);
    let j = select(k, row, TRANSPOSED);
    let inside = i < params.n && j <= i;
    return select(0.0, l[factor_base + select(0u, i * params.n + j, inside)], inside);
}

// The entries of a block of L for `factor`; `row` and `k` are where it begins.
fn stage_factor(row: u32, k: u32, lane: u32) {
    for (var i = lane; i < 256u; i += 128u) {
        // Lanes side by side read entries side by side.
        let term = select(i % 32u, i / 8u, TRANSPOSED);
        let quad = select(i / 32u, i % 8u, TRANSPOSED);
        let r = row + 4u * quad;
        factor[term * 9u + quad] =
            vec4<f32>(entry(r, k + term), entry(r + 1u, k + term), entry(r + 2u, k + term), entry(r + 3u, k + term));
    }
}

// The solution for a variable that is left out.
fn without(rest: f32) -> f32 {
    return select(nan_of(rest), 0.0, is_finite(rest));
}

fn component(x: vec4<f32>, at: u32) -> f32 {
    return select(select(x.x, x.y, at == 1u), select(x.z, x.w, at == 3u), at >= 2u);
}

fn divided(rest: vec4<f32>, pivot: f32) -> vec4<f32> {
    if ((bitcast<u32>(pivot) & 0x7fffffffu) == 0u) {
        return vec4<f32>(without(rest.x), without(rest.y), without(rest.z), without(rest.w));
    }
    return rest / pivot;
}

@compute @workgroup_size(128)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = group_index(grid.group, grid.groups);
    let matrix = index / params.groups;
    if (matrix >= params.matrices) {
        return;
    }
    let n = params.n;
    let m = params.m;
    let col = index % params.groups * 64u;
    factor_base = matrix * n * n;
    x_base = matrix * n * m + col;
    width = min(64u, m - col);
    let row_quad = lane / 16u;
    let col_quad = lane % 16u;
    let blocks = (n + 31u) / 32u;

    var part: array<vec4<f32>, 4>;
    var rest: array<vec4<f32>, 4>;
    for (var step = 0u; step < blocks; step++) {
        let row = 32u * select(step, blocks - 1u - step, TRANSPOSED);
        for (var r = 0u; r < 4u; r++) {
            for (var c = 0u; c < 4u; c++) {
                let i = row + 4u * row_quad + r;
                let j = 4u * col_quad + c;
                let inside = i < n && j < width;
                rest[r][c] = select(0.0, b[x_base + select(0u, i * m + j, inside)], inside);
            }
        }
        for (var done = 0u; done < step; done++) {
            let k = 32u * select(done, blocks - 1u - done, TRANSPOSED);
            storageBarrier();
            workgroupBarrier();
            stage_factor(row, k, lane);
            for (var t = 0u; t < 16u; t++) {
                let i = lane + 128u * t;
                let above = k + i / 64u;
                let inside = above < n && i % 64u < width;
                known[i / 4u][i % 4u] = select(0.0, x[x_base + select(0u, above * m + i % 64u, inside)], inside);
            }
            workgroupBarrier();
            for (var r = 0u; r < 4u; r++) {
                part[r] = vec4<f32>(0.0);
            }
            for (var term = 0u; term < 32u; term++) {
                let u = factor[term * 9u + row_quad];
                let v = known[term * 16u + col_quad];
                for (var r = 0u; r < 4u; r++) {
                    part[r] = fma(vec4<f32>(u[r]), v, part[r]);
                }
            }
            for (var r = 0u; r < 4u; r++) {
                rest[r] -= part[r];
            }
        }
        workgroupBarrier();
        stage_factor(row, row, lane);
        workgroupBarrier();
        for (var turn = 0u; turn < 32u; turn++) {
            let i = select(turn, 31u - turn, TRANSPOSED);
            let pivot = component(factor[i * 9u + i / 4u], i % 4u);
            if (row_quad == i / 4u) {
                let upper = select(rest[0], rest[1], i % 2u == 1u);
                let lower = select(rest[2], rest[3], i % 2u == 1u);
                solved[turn % 2u * 16u + col_quad] = divided(select(upper, lower, i % 4u >= 2u), pivot);
            }
            workgroupBarrier();
            let found = solved[turn % 2u * 16u + col_quad];
            let along = factor[i * 9u + row_quad];
            for (var r = 0u; r < 4u; r++) {
                let at = 4u * row_quad + r;
                let after = select(at > i, at < i, TRANSPOSED);
                rest[r] = select(select(rest[r], rest[r] - along[r] * found, after), found, at == i);
            }
        }
        for (var r = 0u; r < 4u; r++) {
            for (var c = 0u; c < 4u; c++) {
                let i = row + 4u * row_quad + r;
                let j = 4u * col_quad + c;
                if (i < n && j < width) {
                    x[x_base + i * m + j] = rest[r][c];
                }
            }
        }
    }
}
