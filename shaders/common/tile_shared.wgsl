// total = A[row .. row + TILE, :] B[:, col .. col + TILE] for one invocation, its workgroup's 32 EDGE rows and columns
// passing through workgroup memory 16 terms at a time. TILE = 4 EDGE; 4 KiB EDGE of workgroup memory, 2 barriers every 16
// terms. Sums are flushed every 64 terms. Laid out as in `tile_direct`.
const EDGE2 = EDGE * EDGE;
const STAGED = 32u * EDGE;
var<private> total: array<mat4x4<f32>, EDGE2>;
var<workgroup> a_stage: array<mat4x4<f32>, STAGED>;
var<workgroup> b_stage: array<mat4x4<f32>, STAGED>;

fn tile_row(block: u32, lane: u32) -> u32 {
    return 4u * EDGE * (8u * block + lane / 8u);
}

fn tile_col(block: u32, lane: u32) -> u32 {
    return 4u * EDGE * (8u * block + lane % 8u);
}

// The number of terms is a parameter, so that it is seen to be uniform. total[i * EDGE + j][r] is row 4i + r, columns 4j .. 4j + 4 of the tile.
fn tile_product(row_block: u32, col_block: u32, lane: u32, terms: u32) {
    let row0 = 32u * EDGE * row_block;
    let col0 = 32u * EDGE * col_block;
    var part: array<mat4x4<f32>, EDGE2>;
    var bs: array<mat4x4<f32>, EDGE>;
    for (var i = 0u; i < EDGE2; i++) {
        total[i] = mat4x4<f32>();
    }
    for (var start = 0u; start < terms; start += 64u) {
        for (var i = 0u; i < EDGE2; i++) {
            part[i] = mat4x4<f32>();
        }
        for (var step = 0u; step < 64u; step += 16u) {
            let k0 = start + step;
            workgroupBarrier();
            // 8 EDGE blocks of 4 rows by 4 blocks of 4 terms; blocks wholly beyond the depth come out as 0.
            for (var s = lane; s < STAGED; s += 64u) {
                let k = k0 + 4u * (s % 4u);
                a_stage[s] = a_block(row0 + 4u * (s / 4u), k);
                b_stage[s] = b_block(k, col0 + 4u * (s / 4u));
            }
            workgroupBarrier();
            for (var k4 = 0u; k4 < 4u; k4++) {
                for (var j = 0u; j < EDGE; j++) {
                    bs[j] = b_stage[((lane % 8u) * EDGE + j) * 4u + k4];
                }
                for (var i = 0u; i < EDGE; i++) {
                    let block = a_stage[((lane / 8u) * EDGE + i) * 4u + k4];
                    for (var j = 0u; j < EDGE; j++) {
                        part[i * EDGE + j] += bs[j] * block;
                    }
                }
            }
        }
        for (var i = 0u; i < EDGE2; i++) {
            total[i] += part[i];
        }
    }
}
