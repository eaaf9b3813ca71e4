// C = A B for every batch: A [batch, rows, depth] (stored [batch, depth, rows] if TRANSPOSE_A), B [batch, depth, cols]
// (stored [batch, cols, depth] if TRANSPOSE_B), C [batch, rows, cols], row-major. Batches of A and B repeat by their strides.
//
// a, b     bindings 0 and 1, in `a_scalar` or `a_vector`, `b_scalar` or `b_vector`
// c        [batch, rows, cols]
// workgroup 64 x 1 x 1, a block of 32 EDGE x 32 EDGE of C; memory and barriers: see the tile snippet
// cost     2 batch rows cols depth FLOPs; A, B and C once

struct Params {
    rows: u32,
    cols: u32,
    depth: u32,
    row_blocks: u32,
    col_blocks: u32,
    batches: u32,
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

@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups);
    let batch = index / (params.row_blocks * params.col_blocks);
    if (batch >= params.batches) {
        return;
    }
    let block = index % (params.row_blocks * params.col_blocks);
    let i2 = batch % params.extent2;
    let i1 = batch / params.extent2 % params.extent1;
    let i0 = batch / params.extent2 / params.extent1;
    a_base = i0 * params.a_stride0 + i1 * params.a_stride1 + i2 * params.a_stride2;
    b_base = i0 * params.b_stride0 + i1 * params.b_stride1 + i2 * params.b_stride2;
    a_rows = params.rows;
    b_cols = params.cols;
    depth = params.depth;
    let row_block = block / params.col_blocks;
    let col_block = block % params.col_blocks;
    tile_product(row_block, col_block, lane, params.depth);

    let row0 = tile_row(row_block, lane);
    let col0 = tile_col(col_block, lane);
    let base = batch * params.rows * params.cols;
    for (var t = 0u; t < EDGE2; t++) {
        for (var r = 0u; r < 4u; r++) {
            let row = row0 + 4u * (t / EDGE) + r;
            let col = col0 + 4u * (t % EDGE);
            if (row < params.rows) {
                for (var j = 0u; j < 4u; j++) {
                    if (col + j < params.cols) {
                        c[base + row * params.cols + col + j] = total[t][r][j];
                    }
                }
            }
        }
    }
}
