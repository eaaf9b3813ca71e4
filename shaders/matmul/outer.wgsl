// A product of few terms: C[i, j] = sum_k A[i, k] B[k, j], for every batch.
//
// a        [batch, rows, depth] or [batch, depth, rows], binding 0
// b        [batch, depth, cols] or [batch, cols, depth], binding 1
// c        [batch, rows, cols], binding 2, in `result_scalar` or `result_vector`
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements of a row
// cost     2 batch rows cols depth FLOPs; a, b and c once
// uses     grid
// one of   result_vector | result_scalar

struct Params {
    rows: u32,
    cols: u32,
    // Fours of a row, and of all rows of all batches.
    quads: u32,
    all_quads: u32,
    depth: u32,
    a_row: u32,
    a_term: u32,
    b_term: u32,
    b_col: u32,
    // Batches are [e0, e1, e2]; strides in elements, 0 where an operand repeats.
    extent1: u32,
    extent2: u32,
    a_stride0: u32,
    a_stride1: u32,
    a_stride2: u32,
    b_stride0: u32,
    b_stride1: u32,
    b_stride2: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = group_index(grid.group, grid.groups) * 256u + lane;
    if (index >= params.all_quads) {
        return;
    }
    let col = 4u * (index % params.quads);
    let row = index / params.quads % params.rows;
    let batch = index / params.quads / params.rows;
    let i2 = batch % params.extent2;
    let i1 = batch / params.extent2 % params.extent1;
    let i0 = batch / params.extent2 / params.extent1;
    let of_a = i0 * params.a_stride0 + i1 * params.a_stride1 + i2 * params.a_stride2 + row * params.a_row;
    let of_b = i0 * params.b_stride0 + i1 * params.b_stride1 + i2 * params.b_stride2 + col * params.b_col;
    let last = arrayLength(&b) - 1u;
    var sum = vec4<f32>();
    for (var k = 0u; k < params.depth; k++) {
        let at = of_b + k * params.b_term;
        let x = vec4<f32>(
            b[min(at, last)], b[min(at + params.b_col, last)], b[min(at + 2u * params.b_col, last)], b[min(at + 3u * params.b_col, last)]
        );
        sum += a[of_a + k * params.a_term] * x;
    }
    put4((batch * params.rows + row) * params.cols, col, params.cols, sum);
}
