// A product's block of 4 EDGE SIDE rows and columns for a workgroup of SIDE x SIDE, through workgroup memory 16 terms at a time:
// 512 EDGE SIDE bytes of it, 2 barriers every 16 terms. A unit is a block. An invocation's tile is EDGE x EDGE quads of 4 x 4, 4 SIDE
// apart, so that neighbours read workgroup memory side by side. Sums are flushed every 64 terms.
const GROUP = SIDE * SIDE;
const QUADS = SIDE * EDGE;
var<private> total: array<array<mat4x4<f32>, EDGE>, EDGE>;
// [16 terms, QUADS]: four rows of A, or four columns of B.
var<workgroup> a_stage: array<vec4<f32>, 16u * QUADS>;
var<workgroup> b_stage: array<vec4<f32>, 16u * QUADS>;

fn unit_index(group: u32, lane: u32) -> u32 {
    return group;
}

fn tile_row(unit: u32, lane: u32, i: u32) -> u32 {
    return 4u * (QUADS * unit + SIDE * i + lane / SIDE);
}

fn tile_col(unit: u32, lane: u32, j: u32) -> u32 {
    return 4u * (QUADS * unit + SIDE * j + lane % SIDE);
}

// An invocation's columns, and its rows, among all that go together so.
fn col_slot(unit: u32, lane: u32) -> u32 {
    return SIDE * unit + lane % SIDE;
}

fn row_slot(unit: u32, lane: u32) -> u32 {
    return SIDE * unit + lane / SIDE;
}

fn stage(row_unit: u32, col_unit: u32, lane: u32, start: u32) {
    for (var s = lane; s < 8u * QUADS; s += GROUP) {
        let quad = s / 4u % QUADS;
        let k = 4u * (s % 4u);
        if (s < 4u * QUADS) {
            let block = transpose(a_block(4u * (QUADS * row_unit + quad), start + k));
            for (var q = 0u; q < 4u; q++) {
                a_stage[(k + q) * QUADS + quad] = block[q];
            }
        } else {
            let block = b_block(start + k, 4u * (QUADS * col_unit + quad));
            for (var q = 0u; q < 4u; q++) {
                b_stage[(k + q) * QUADS + quad] = block[q];
            }
        }
    }
}

// total[i][j][r] is row tile_row(.., i) + r, columns tile_col(.., j) .. + 4. The number of terms is a parameter, so that it is seen
// to be uniform.
fn tile_product(row_unit: u32, col_unit: u32, lane: u32, terms: u32) {
    var part: array<array<mat4x4<f32>, EDGE>, EDGE>;
    var rows: array<vec4<f32>, EDGE>;
    var cols: array<vec4<f32>, EDGE>;
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
        for (var step = 0u; step < 64u; step += 16u) {
            workgroupBarrier();
            stage(row_unit, col_unit, lane, start + step);
            workgroupBarrier();
            for (var k = 0u; k < 16u; k++) {
                for (var i = 0u; i < EDGE; i++) {
                    rows[i] = a_stage[k * QUADS + SIDE * i + lane / SIDE];
                    cols[i] = b_stage[k * QUADS + SIDE * i + lane % SIDE];
                }
                for (var i = 0u; i < EDGE; i++) {
                    for (var j = 0u; j < EDGE; j++) {
                        for (var r = 0u; r < 4u; r++) {
                            part[i][j][r] = fma(vec4<f32>(rows[i][r]), cols[j], part[i][j][r]);
                        }
                    }
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
