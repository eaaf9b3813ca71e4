// P = (G + G') U for every batch: the cotangent that a symmetric product sends to its rows, before weights. G is read once as it
// lies and once across.
//
// a        [batch, n, n]: G; binding 0, in `a_scalar` or `a_vector`
// b        [batch, n, time]: U; binding 1, in `b_scalar` or `b_vector`
// p        [batch, n, time]
// workgroup 64 x 1 x 1, a block of 32 EDGE x 32 EDGE; memory and barriers: see the tile snippet
// cost     2 batch n n time FLOPs; G, U and P once

struct Params {
    n: u32,
    time: u32,
    row_blocks: u32,
    col_blocks: u32,
    batches: u32,
}

@group(0) @binding(2) var<storage, read_write> p: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const TRANSPOSE_B = false;

fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    let along = a_base + row * depth + k;
    let across = a_base + k * depth + row;
    var m = mat4x4<f32>(a4(along), a4(along + depth), a4(along + 2u * depth), a4(along + 3u * depth));
    m += transpose(mat4x4<f32>(a4(across), a4(across + depth), a4(across + 2u * depth), a4(across + 3u * depth)));
    if (k + 4u > depth) {
        m = mat4x4<f32>(within_depth(k, m[0]), within_depth(k, m[1]), within_depth(k, m[2]), within_depth(k, m[3]));
    }
    return m;
}

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
    let row_block = block / params.col_blocks;
    let col_block = block % params.col_blocks;
    a_base = batch * params.n * params.n;
    b_base = batch * params.n * params.time;
    a_rows = params.n;
    b_cols = params.time;
    depth = params.n;
    tile_product(row_block, col_block, lane, params.n);

    let row0 = tile_row(row_block, lane);
    let col0 = tile_col(col_block, lane);
    for (var t = 0u; t < EDGE2; t++) {
        for (var i = 0u; i < 4u; i++) {
            let row = row0 + 4u * (t / EDGE) + i;
            for (var j = 0u; j < 4u; j++) {
                let col = col0 + 4u * (t % EDGE) + j;
                if (row < params.n && col < params.time) {
                    p[b_base + row * params.time + col] = total[t][i][j];
                }
            }
        }
    }
}
