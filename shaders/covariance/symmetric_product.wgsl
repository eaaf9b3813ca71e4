// R = A B', known to be symmetric: only the blocks on and below the diagonal are computed, and each is stored twice.
// If CORRELATION, entries are held within [-1, 1] and the diagonal is 1, or 0 for a row of zeros. If FISHER, the result is
// z = atanh(r), |r| held to 1 - 1e-6, and the diagonal is 0.
//
// a, b     [batch, n, depth], bindings 0 and 1, in `a_scalar` or `a_vector`, `b_scalar` or `b_vector`
// r        [batch, n, n]
// workgroup 64 x 1 x 1, a block of 32 EDGE x 32 EDGE and its mirror; memory and barriers: see the tile snippet
// cost     batch n (n + 1) depth FLOPs; a, b and r once

struct Params {
    n: u32,
    depth: u32,
    blocks: u32,
    batches: u32,
}

@group(0) @binding(2) var<storage, read_write> r: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

alias T = f32;

fn finish(value: f32, diagonal: bool) -> f32 {
    if (FISHER) {
        return select(atanh_(clamp(value, -0.999999, 0.999999)), 0.0, diagonal);
    } else if (CORRELATION) {
        return select(clamp(value, -1.0, 1.0), select(0.0, 1.0, value > 0.5), diagonal);
    }
    return value;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups);
    let pairs = params.blocks * (params.blocks + 1u) / 2u;
    let batch = index / pairs;
    if (batch >= params.batches) {
        return;
    }
    // The row of a triangle's index: a guess by the root, made right in integers.
    let pair = index % pairs;
    var row_block = u32((sqrt(8.0 * f32(pair) + 1.0) - 1.0) * 0.5);
    row_block = select(row_block, row_block - 1u, row_block * (row_block + 1u) / 2u > pair);
    row_block = select(row_block, row_block + 1u, (row_block + 1u) * (row_block + 2u) / 2u <= pair);
    let col_block = pair - row_block * (row_block + 1u) / 2u;

    a_base = batch * params.n * params.depth;
    b_base = a_base;
    a_rows = params.n;
    b_cols = params.n;
    depth = params.depth;
    tile_product(row_block, col_block, lane, params.depth);

    let row0 = tile_row(row_block, lane);
    let col0 = tile_col(col_block, lane);
    let base = batch * params.n * params.n;
    for (var t = 0u; t < EDGE2; t++) {
        for (var i = 0u; i < 4u; i++) {
            let row = row0 + 4u * (t / EDGE) + i;
            for (var j = 0u; j < 4u; j++) {
                let col = col0 + 4u * (t % EDGE) + j;
                if (row < params.n && col <= row) {
                    let value = finish(total[t][i][j], row == col);
                    r[base + row * params.n + col] = value;
                    r[base + col * params.n + row] = value;
                }
            }
        }
    }
}
