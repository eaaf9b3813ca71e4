// A product's tile of 4 EDGE x 4 EDGE in the registers of one invocation: no workgroup memory, no barrier. A unit is a tile, and
// a workgroup of 16 takes 16 units. Sums are flushed every 64 terms. Loops over an array run to its length, which is what makes
// compilers unroll them.
const GROUP = 16u;
var<private> total: array<array<mat4x4<f32>, EDGE>, EDGE>;

fn unit_index(group: u32, lane: u32) -> u32 {
    return group * GROUP + lane;
}

fn tile_row(unit: u32, lane: u32, i: u32) -> u32 {
    return 4u * (EDGE * unit + i);
}

fn tile_col(unit: u32, lane: u32, j: u32) -> u32 {
    return 4u * (EDGE * unit + j);
}

// An invocation's columns, and its rows, among all that go together so.
fn col_slot(unit: u32, lane: u32) -> u32 {
    return unit;
}

fn row_slot(unit: u32, lane: u32) -> u32 {
    return unit;
}

// total[i][j][r] is row tile_row(.., i) + r, columns tile_col(.., j) .. + 4. The number of terms is a parameter, so that it is seen
// to be uniform.
fn tile_product(row_unit: u32, col_unit: u32, lane: u32, terms: u32) {
    var part: array<array<mat4x4<f32>, EDGE>, EDGE>;
    var bs: array<mat4x4<f32>, EDGE>;
    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            total[i][j] = mat4x4<f32>();
        }
    }
    for (var start = 0u; start < terms; start += 64u) {
        for (var i = 0u; i < EDGE; i++) {
            for (var j = 0u; j < EDGE; j++) {
                part[i][j] = mat4x4<f32>();
            }
        }
        let stop = min(start + 64u, terms);
        for (var k = start; k < stop; k += 4u) {
            for (var j = 0u; j < EDGE; j++) {
                bs[j] = b_block(k, tile_col(col_unit, lane, j));
            }
            for (var i = 0u; i < EDGE; i++) {
                let block = a_block(tile_row(row_unit, lane, i), k);
                for (var j = 0u; j < EDGE; j++) {
                    part[i][j] += bs[j] * block;
                }
            }
        }
        for (var i = 0u; i < EDGE; i++) {
            for (var j = 0u; j < EDGE; j++) {
                total[i][j] += part[i][j];
            }
        }
    }
}
