// C = A B for every batch, or for every slice of its sums: A [batch, rows, depth] (stored [batch, depth, rows] if TRANSPOSE_A), B [batch,
// depth, cols] (stored [batch, cols, depth] if TRANSPOSE_B), C [batch, rows, cols], row-major. Batches of A and B repeat by their strides.
//
// a, b     bindings 0 and 1, in `operands_scalar` or `operands_vector`; rows a_stride, b_stride apart
// c        [batch, rows, cols], or [slices, slice_stride] whose rows begin with those, binding 2, in `result_scalar` or `result_vector`
// workgroup GROUP x 1 x 1; unit, memory and barriers: see the tile snippet
// cost     2 batch rows cols depth FLOPs; A, B and C once
// uses     grid, blocks, block_a, block_b
// one of   operands_vector | operands_scalar; result_vector | result_scalar; tile_direct | tile_staged | tile_cooperative; matrices_16 | matrices_8; magnitudes_given

struct Params {
    rows: u32,
    cols: u32,
    depth: u32,
    row_units: u32,
    col_units: u32,
    batches: u32,
    a_stride: u32,
    b_stride: u32,
    // Batches are [e0, e1, e2]; strides in elements, 0 where an operand repeats.
    extent1: u32,
    extent2: u32,
    a_stride0: u32,
    a_stride1: u32,
    a_stride2: u32,
    b_stride0: u32,
    b_stride1: u32,
    b_stride2: u32,
    // Each sum is made in slices of `run` terms, which lie `slice_stride` apart.
    slices: u32,
    run: u32,
    slice_stride: u32,
}

// The bindings of `magnitudes_given`.
const MAGNITUDES = 3u;

@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = unit_index(group_index(grid.group, grid.groups), lane);
    let units = params.row_units * params.col_units;
    let slice = index / units / params.batches;
    if (slice >= params.slices) {
        return;
    }
    let batch = index / units % params.batches;
    let unit = index % units;
    let first = slice * params.run;
    let terms = min(params.run, params.depth - first);
    let i2 = batch % params.extent2;
    let i1 = batch / params.extent2 % params.extent1;
    let i0 = batch / params.extent2 / params.extent1;
    a_base = i0 * params.a_stride0 + i1 * params.a_stride1 + i2 * params.a_stride2;
    b_base = i0 * params.b_stride0 + i1 * params.b_stride1 + i2 * params.b_stride2;
    a_stride = params.a_stride;
    b_stride = params.b_stride;
    a_base += first * select(1u, a_stride, TRANSPOSE_A);
    b_base += first * select(b_stride, 1u, TRANSPOSE_B);
    depth = terms;
    whole_depth = params.depth;
    let row_unit = unit / params.col_units;
    let col_unit = unit % params.col_units;
    tile_product(row_unit, col_unit, lane, terms);

    let base = slice * params.slice_stride + batch * params.rows * params.cols;
    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            for (var r = 0u; r < 4u; r++) {
                let row = tile_row(row_unit, lane, i) + r;
                if (row < params.rows) {
                    put4(base + row * params.cols, tile_col(col_unit, lane, j), params.cols, total[i][j][r]);
                }
            }
        }
    }
}
