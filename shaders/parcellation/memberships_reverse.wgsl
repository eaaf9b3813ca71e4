// The cotangent of the memberships, D = (G X' - c) / m + H, from the cotangent G of the parcel series, c = sum_t G S, the masses m, and
// the cotangent H of the memberships themselves (if DIRECT). A parcel whose mass is below 1e-30 gets H alone.
//
// a        [parcels, time]: G; binding 0, in `a_scalar` or `a_vector`
// b        [vertices, time]: X; binding 1, in `b_scalar` or `b_vector`
// mass, c  [parcels]
// h        [parcels, vertices]; a stand-in unless DIRECT
// d        [parcels, vertices]
// workgroup 64 x 1 x 1, a block of 32 EDGE x 32 EDGE of D; memory and barriers: see the tile snippet
// cost     2 parcels vertices time FLOPs; a, b, mass, c, h and d once

struct Params {
    parcels: u32,
    vertices: u32,
    time: u32,
    col_blocks: u32,
    blocks: u32,
}

@group(0) @binding(2) var<storage, read> mass: array<f32>;
@group(0) @binding(3) var<storage, read> c: array<f32>;
@group(0) @binding(4) var<storage, read> h: array<f32>;
@group(0) @binding(5) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const TRANSPOSE_A = false;
const TRANSPOSE_B = true;

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
    b_cols = params.vertices;
    depth = params.time;
    tile_product(row_block, col_block, lane, params.time);

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
                    if (col < params.vertices) {
                        let at = row * params.vertices + col;
                        var value = (total[t][i][j] - c[row]) * scale;
                        if (DIRECT) {
                            value += h[at];
                        }
                        d[at] = value;
                    }
                }
            }
        }
    }
}
