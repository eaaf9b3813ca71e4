// total = A[row .. row + TILE, :] B[:, col .. col + TILE] for one invocation, in registers alone: no workgroup memory, no
// barrier. TILE = 4 EDGE. Sums are flushed every 64 terms. An invocation's tile starts at 4 EDGE (lane / 8), 4 EDGE (lane % 8)
// within its workgroup's block of 32 EDGE rows and columns.
const EDGE2 = EDGE * EDGE;
var<private> total: array<mat4x4<f32>, EDGE2>;

fn tile_row(block: u32, lane: u32) -> u32 {
    return 4u * EDGE * (8u * block + lane / 8u);
}

fn tile_col(block: u32, lane: u32) -> u32 {
    return 4u * EDGE * (8u * block + lane % 8u);
}

// The number of terms is a parameter, so that it is seen to be uniform. total[i * EDGE + j][r] is row 4i + r, columns 4j .. 4j + 4 of the tile.
fn tile_product(row_block: u32, col_block: u32, lane: u32, terms: u32) {
    let row = tile_row(row_block, lane);
    let col = tile_col(col_block, lane);
    var part: array<mat4x4<f32>, EDGE2>;
    var bs: array<mat4x4<f32>, EDGE>;
    for (var i = 0u; i < EDGE2; i++) {
        total[i] = mat4x4<f32>();
    }
    for (var start = 0u; start < terms; start += 64u) {
        for (var i = 0u; i < EDGE2; i++) {
            part[i] = mat4x4<f32>();
        }
        let stop = min(start + 64u, terms);
        for (var k = start; k < stop; k += 4u) {
            for (var j = 0u; j < EDGE; j++) {
                bs[j] = b_block(k, col + 4u * j);
            }
            for (var i = 0u; i < EDGE; i++) {
                let block = a_block(row + 4u * i, k);
                for (var j = 0u; j < EDGE; j++) {
                    part[i * EDGE + j] += bs[j] * block;
                }
            }
        }
        for (var i = 0u; i < EDGE2; i++) {
            total[i] += part[i];
        }
    }
}
