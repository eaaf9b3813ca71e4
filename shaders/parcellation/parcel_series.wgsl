// Parcel series: S = A X / m, m the mass of each parcel (its memberships' sum); a parcel whose mass is below 1e-30 has a series of 0.
//
// a        [parcels, vertices]: memberships; binding 0, in `a_scalar` or `a_vector`
// b        [vertices, time]: X; binding 1, in `b_scalar` or `b_vector`
// mass     [parcels]
// s        [parcels, time]
// workgroup 64 x 1 x 1, a block of 32 EDGE x 32 EDGE of S; memory and barriers: see the tile snippet
// cost     2 parcels vertices time FLOPs; a, b, mass and s once

struct Params {
    parcels: u32,
    vertices: u32,
    time: u32,
    col_blocks: u32,
    blocks: u32,
}

@group(0) @binding(2) var<storage, read> mass: array<f32>;
@group(0) @binding(3) var<storage, read_write> s: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const TRANSPOSE_A = false;
const TRANSPOSE_B = false;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group_index(group, groups);
    if (block >= params.blocks) {
        return;
    }
    let row_block = block / params.col_blocks;
    let col_block = block % params.col_blocks;
    a_rows = params.parcels;
    b_cols = params.time;
    depth = params.vertices;
    tile_product(row_block, col_block, lane, params.vertices);

    let row0 = tile_row(row_block, lane);
    let col0 = tile_col(col_block, lane);
    for (var t = 0u; t < EDGE2; t++) {
        for (var i = 0u; i < 4u; i++) {
            let row = row0 + 4u * (t / EDGE) + i;
            if (row < params.parcels) {
                let m = mass[row];
                let scale = select(0.0, 1.0 / m, m >= 1e-30);
                for (var j = 0u; j < 4u; j++) {
                    let col = col0 + 4u * (t % EDGE) + j;
                    if (col < params.time) {
                        s[row * params.time + col] = total[t][i][j] * scale;
                    }
                }
            }
        }
    }
}
