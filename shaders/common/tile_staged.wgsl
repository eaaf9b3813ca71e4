// A product's block of 4 EDGE ROW_SIDE rows and 4 EDGE COL_SIDE columns for a workgroup of ROW_SIDE x COL_SIDE, through workgroup memory
// 16 terms at a time: 256 EDGE (ROW_SIDE + COL_SIDE) bytes of it, 2 barriers every 16 terms. A unit is a block. An invocation's tile is
// EDGE x EDGE quads of 4 x 4, 4 ROW_SIDE rows and 4 COL_SIDE columns apart; 32 neighbours make 4 x 8 of them, which read few words of
// workgroup memory. The operands of the next 16 terms are loaded before the arithmetic on these, and stored after it. Quads lie in
// workgroup memory at their index XOR 2 (term / 4 % 4), so that neighbours store to different banks. Sums are flushed every 64 terms.
const GROUP = ROW_SIDE * COL_SIDE;
const ROW_QUADS = ROW_SIDE * EDGE;
const COL_QUADS = COL_SIDE * EDGE;
// Blocks of 4 x 4 that an invocation loads at a time.
const HELD = (4u * (ROW_QUADS + COL_QUADS) + GROUP - 1u) / GROUP;
var<private> total: array<array<mat4x4<f32>, EDGE>, EDGE>;
var<private> part: array<array<mat4x4<f32>, EDGE>, EDGE>;
// [16 terms, quads]: four rows of A, or four columns of B.
var<workgroup> a_stage: array<vec4<f32>, 16u * ROW_QUADS>;
var<workgroup> b_stage: array<vec4<f32>, 16u * COL_QUADS>;

fn unit_index(group: u32, lane: u32) -> u32 {
    return group;
}

// An invocation's place in its workgroup.
fn row_of(lane: u32) -> u32 {
    return lane / 32u / (COL_SIDE / 8u) * 4u + lane / 8u % 4u;
}

fn col_of(lane: u32) -> u32 {
    return lane / 32u % (COL_SIDE / 8u) * 8u + lane % 8u;
}

fn tile_row(unit: u32, lane: u32, i: u32) -> u32 {
    return 4u * (ROW_QUADS * unit + ROW_SIDE * i + row_of(lane));
}

fn tile_col(unit: u32, lane: u32, j: u32) -> u32 {
    return 4u * (COL_QUADS * unit + COL_SIDE * j + col_of(lane));
}

// An invocation's columns, and its rows, among all that go together so.
fn col_slot(unit: u32, lane: u32) -> u32 {
    return COL_SIDE * unit + col_of(lane);
}

fn row_slot(unit: u32, lane: u32) -> u32 {
    return ROW_SIDE * unit + row_of(lane);
}

// The s-th of the blocks staged for 16 terms from `start` on: those of A, whose columns are rows of it, and then those of B, whose columns
// are terms. Beyond the last it is anything.
fn staged_block(row_unit: u32, col_unit: u32, s: u32, start: u32) -> mat4x4<f32> {
    let k = start + s % 4u * 4u;
    if (s < 4u * ROW_QUADS) {
        return transpose(a_block(4u * (ROW_QUADS * row_unit + s / 4u), k));
    }
    return b_block(k, 4u * (COL_QUADS * col_unit + s / 4u - ROW_QUADS));
}

fn stage_block(s: u32, block: mat4x4<f32>) {
    let k = s % 4u * 4u;
    let turned = s % 4u * 2u;
    if (s < 4u * ROW_QUADS) {
        let at = k * ROW_QUADS + ((s / 4u) ^ turned);
        a_stage[at] = block[0];
        a_stage[at + ROW_QUADS] = block[1];
        a_stage[at + 2u * ROW_QUADS] = block[2];
        a_stage[at + 3u * ROW_QUADS] = block[3];
    } else if (s < 4u * (ROW_QUADS + COL_QUADS)) {
        let at = k * COL_QUADS + ((s / 4u - ROW_QUADS) ^ turned);
        b_stage[at] = block[0];
        b_stage[at + COL_QUADS] = block[1];
        b_stage[at + 2u * COL_QUADS] = block[2];
        b_stage[at + 3u * COL_QUADS] = block[3];
    }
}

// One term: the products of an invocation's rows and columns, which lie at `a_at` and `b_at`.
fn term(a_at: u32, b_at: u32) {
    var cols: array<vec4<f32>, EDGE>;
    for (var j = 0u; j < EDGE; j++) {
        cols[j] = b_stage[b_at + COL_SIDE * j];
    }
    for (var i = 0u; i < EDGE; i++) {
        let rows = a_stage[a_at + ROW_SIDE * i];
        for (var j = 0u; j < EDGE; j++) {
            part[i][j][0] = fma(vec4<f32>(rows.x), cols[j], part[i][j][0]);
            part[i][j][1] = fma(vec4<f32>(rows.y), cols[j], part[i][j][1]);
            part[i][j][2] = fma(vec4<f32>(rows.z), cols[j], part[i][j][2]);
            part[i][j][3] = fma(vec4<f32>(rows.w), cols[j], part[i][j][3]);
        }
    }
}

fn four_terms(k: u32, row: u32, col: u32) {
    let a_at = k * ROW_QUADS + (row ^ (k / 2u));
    let b_at = k * COL_QUADS + (col ^ (k / 2u));
    term(a_at, b_at);
    term(a_at + ROW_QUADS, b_at + COL_QUADS);
    term(a_at + 2u * ROW_QUADS, b_at + 2u * COL_QUADS);
    term(a_at + 3u * ROW_QUADS, b_at + 3u * COL_QUADS);
}

// total[i][j][r] is row tile_row(.., i) + r, columns tile_col(.., j) .. + 4. The number of terms is a parameter, so that it is seen
// to be uniform.
fn tile_product(row_unit: u32, col_unit: u32, lane: u32, terms: u32) {
    let row = row_of(lane);
    let col = col_of(lane);
    var held: array<mat4x4<f32>, HELD>;
    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            total[i][j] = mat4x4<f32>();
        }
    }
    for (var h = 0u; h < HELD; h++) {
        held[h] = staged_block(row_unit, col_unit, lane + h * GROUP, 0u);
    }
    for (var start = 0u; start < terms; start += 64u) {
        for (var i = 0u; i < EDGE; i++) {
            for (var j = 0u; j < EDGE; j++) {
                part[i][j] = mat4x4<f32>();
            }
        }
        let stop = min(start + 64u, terms);
        for (var now = start; now < stop; now += 16u) {
            workgroupBarrier();
            for (var h = 0u; h < HELD; h++) {
                stage_block(lane + h * GROUP, held[h]);
            }
            workgroupBarrier();
            if (now + 16u < terms) {
                for (var h = 0u; h < HELD; h++) {
                    held[h] = staged_block(row_unit, col_unit, lane + h * GROUP, now + 16u);
                }
            }
            four_terms(0u, row, col);
            four_terms(4u, row, col);
            four_terms(8u, row, col);
            four_terms(12u, row, col);
        }
        for (var i = 0u; i < EDGE; i++) {
            for (var j = 0u; j < EDGE; j++) {
                total[i][j] += part[i][j];
            }
        }
    }
}
