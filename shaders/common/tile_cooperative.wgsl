// A product's block of 128 x 128 for a workgroup of 256, on cooperative matrices of MATRIX x MATRIX x MATRIX with the accuracy of f32
// (Ootomo and Yokota 2022, arXiv 2203.03341). Every operand, scaled by a power of two, is split into halves x = high + low; a product of
// two is low high + high low + high high, which leaves out 2^-22 of it. Cooperative matrices round their sums toward zero, so that sums of
// 64 terms are added to the total by ordinary arithmetic. The scale of a row of A, and of a column of B, brings its largest magnitude
// into 2^14 .. 2^15: what is below 2^-39 of that magnitude is lost. It is undone in `total`; where a row or a column holds an infinity
// or a NaN, its tiles are computed in f32 instead.
// An invocation's tiles are EDGE x EDGE quads of 4 x 4, 64 rows and 64 columns apart: EDGE is 2, ROW_SIDE and COL_SIDE are 16. A subgroup
// is LANES invocations in a row and takes 4 x 2 matrices of the block. 9,728 + 4,096 ROW bytes of workgroup memory; 2 barriers every 16
// terms, 16 more, and those of the snippet that finds the magnitudes.
enable f16;
enable wgpu_cooperative_matrix;
const GROUP = ROW_SIDE * COL_SIDE;
const ROW_QUADS = ROW_SIDE * EDGE;
const COL_QUADS = COL_SIDE * EDGE;
const BLOCK = 128u;
// Vectors from one row to the next where sums are handed over.
const WIDE = 17u;

var<private> total: array<array<mat4x4<f32>, EDGE>, EDGE>;
// [256, 16 terms]: the block's rows of A, then its columns of B.
var<workgroup> high: array<vec4<f16>, 2u * BLOCK * ROW>;
var<workgroup> low: array<vec4<f16>, 2u * BLOCK * ROW>;
// The bits of the largest magnitude of each of those; those of a NaN or an infinity are more than those of any number.
var<workgroup> largest: array<atomic<u32>, 2u * BLOCK>;
// [32, 64]: one matrix of each subgroup, in the order of the block; `tile_staged_sums` takes it too.
var<workgroup> a_stage: array<vec4<f32>, 32u * WIDE>;

fn unit_index(group: u32, lane: u32) -> u32 {
    return group;
}

// An invocation's place in its workgroup.
fn row_of(lane: u32) -> u32 {
    return lane / COL_SIDE;
}

fn col_of(lane: u32) -> u32 {
    return lane % COL_SIDE;
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

// The magnitudes of four of them.
fn magnitudes(line: u32) -> vec4<u32> {
    return vec4<u32>(
        atomicLoad(&largest[line]), atomicLoad(&largest[line + 1u]), atomicLoad(&largest[line + 2u]), atomicLoad(&largest[line + 3u])
    );
}

fn is_number(magnitude: u32) -> bool {
    return magnitude < 0x7f800000u;
}

// The power of two that brings a magnitude into 2^14 .. 2^15, and is no larger than 2^126.
fn scale_bits(magnitude: u32) -> u32 {
    return clamp(268u - min(magnitude >> 23u, 254u), 14u, 253u) << 23u;
}

fn scale(magnitude: u32) -> f32 {
    return bitcast<f32>(scale_bits(magnitude));
}

// Its reciprocal, 2^-126 at the least.
fn unscale(magnitude: u32) -> f32 {
    return bitcast<f32>((254u << 23u) - scale_bits(magnitude));
}

// Four terms of four of the block's rows of A, or of its columns of B: those that the invocation stages.
fn fetch(row_unit: u32, col_unit: u32, lane: u32, start: u32) -> mat4x4<f32> {
    let first = 4u * (lane / 4u);
    let k = start + 4u * (lane % 4u);
    if (first < BLOCK) {
        return a_block(BLOCK * row_unit + first, k);
    }
    return transpose(b_block(k, BLOCK * col_unit + first - BLOCK));
}

// The upper half is rounded by its word to the 11 bits that a half holds: a compiler may leave out a conversion to f16 and back, and then
// nothing is left for the lower one.
fn split(at: u32, x: vec4<f32>) {
    let upper = bitcast<vec4<f32>>((bitcast<vec4<u32>>(x) + vec4<u32>(0x1000u)) & vec4<u32>(0xffffe000u));
    high[at] = vec4<f16>(upper);
    low[at] = vec4<f16>(x - upper);
}

// The place of an invocation's subgroup among those that share the block.
fn band(lane: u32) -> u32 {
    return lane / LANES / (BLOCK / (2u * MATRIX));
}

fn column(lane: u32) -> u32 {
    return lane / LANES % (BLOCK / (2u * MATRIX));
}

// Takes the invocation's tiles from matrices that were handed over.
fn take_tiles(lane: u32) {
    for (var i = 0u; i < EDGE; i++) {
        let row = tile_row(0u, lane, i);
        let first_row = row / (4u * MATRIX) * MATRIX + row % MATRIX;
        for (var j = 0u; j < EDGE; j++) {
            let col = tile_col(0u, lane, j);
            let first = first_row * WIDE + (col / (2u * MATRIX) * MATRIX + col % MATRIX) / 4u;
            for (var r = 0u; r < 4u; r++) {
                total[i][j][r] = a_stage[first + r * WIDE];
            }
        }
    }
}

// Hands the sums of one matrix of each subgroup, in one of its 4 rows and 2 columns of them, to the invocations that hold them as tiles.
fn hand_over(down: u32, across: u32, lane: u32, part: Sum) {
    let at = MATRIX * band(lane) * WIDE + MATRIX / 4u * column(lane);
    workgroupBarrier();
    coopStoreT(part, &a_stage[at], WIDE);
    workgroupBarrier();
    // All of an invocation's tiles have the same place among their subgroups' matrices.
    if ((tile_row(0u, lane, 0u) / MATRIX % 4u == down) & (tile_col(0u, lane, 0u) / MATRIX % 2u == across)) {
        take_tiles(lane);
    }
}

// A tile in f32.
fn plain_tile(row: u32, col: u32, terms: u32) -> mat4x4<f32> {
    var whole = mat4x4<f32>();
    for (var start = 0u; start < terms; start += 64u) {
        var part = mat4x4<f32>();
        let stop = min(start + 64u, terms);
        for (var k = start; k < stop; k += 4u) {
            part += b_block(k, col) * a_block(row, k);
        }
        whole += part;
    }
    return whole;
}

// Undoes the scales of a tile.
fn finish_tile(row_unit: u32, col_unit: u32, lane: u32, i: u32, j: u32, terms: u32) {
    let row = tile_row(0u, lane, i);
    let col = BLOCK + tile_col(0u, lane, j);
    let rows = magnitudes(row);
    let cols = magnitudes(col);
    let most = max(rows, cols);
    if (!is_number(max(max(most.x, most.y), max(most.z, most.w)))) {
        total[i][j] = plain_tile(tile_row(row_unit, lane, i), tile_col(col_unit, lane, j), terms);
        return;
    }
    let across = vec4<f32>(unscale(cols.x), unscale(cols.y), unscale(cols.z), unscale(cols.w));
    for (var r = 0u; r < 4u; r++) {
        total[i][j][r] = total[i][j][r] * across * unscale(rows[r]);
    }
}

// total[i][j][r] is row tile_row(.., i) + r, columns tile_col(.., j) .. + 4. The number of terms is a parameter, so that it is seen
// to be uniform.
fn tile_product(row_unit: u32, col_unit: u32, lane: u32, terms: u32) {
    find_magnitudes(row_unit, col_unit, lane, terms);
    let staged = 4u * (lane / 4u);
    let most = magnitudes(staged);
    let scales = vec4<f32>(scale(most.x), scale(most.y), scale(most.z), scale(most.w));
    let into = staged * ROW + lane % 4u;
    let a_rows = 4u * MATRIX * band(lane) * ROW;
    let b_rows = (BLOCK + 2u * MATRIX * column(lane)) * ROW;

    var t00 = Sum();
    var t01 = Sum();
    var t10 = Sum();
    var t11 = Sum();
    var t20 = Sum();
    var t21 = Sum();
    var t30 = Sum();
    var t31 = Sum();
    var next = fetch(row_unit, col_unit, lane, 0u);
    for (var start = 0u; start < terms; start += 64u) {
        var c00 = Sum();
        var c01 = Sum();
        var c10 = Sum();
        var c11 = Sum();
        var c20 = Sum();
        var c21 = Sum();
        var c30 = Sum();
        var c31 = Sum();
        for (var step = 0u; step < 64u; step += 16u) {
            workgroupBarrier();
            split(into, next[0] * scales.x);
            split(into + ROW, next[1] * scales.y);
            split(into + 2u * ROW, next[2] * scales.z);
            split(into + 3u * ROW, next[3] * scales.w);
            workgroupBarrier();
            // The operands of the next stage are loaded while this one is computed; they are zeros beyond the end.
            next = fetch(row_unit, col_unit, lane, start + step + 16u);
            for (var k = 0u; k < 16u; k += MATRIX) {
                let a_at = a_rows + k / 4u;
                let b_at = b_rows + k / 4u;
                let ah0 = coopLoadT<Left>(&high[a_at], ROW);
                let ah1 = coopLoadT<Left>(&high[a_at + MATRIX * ROW], ROW);
                let ah2 = coopLoadT<Left>(&high[a_at + 2u * MATRIX * ROW], ROW);
                let ah3 = coopLoadT<Left>(&high[a_at + 3u * MATRIX * ROW], ROW);
                let al0 = coopLoadT<Left>(&low[a_at], ROW);
                let al1 = coopLoadT<Left>(&low[a_at + MATRIX * ROW], ROW);
                let al2 = coopLoadT<Left>(&low[a_at + 2u * MATRIX * ROW], ROW);
                let al3 = coopLoadT<Left>(&low[a_at + 3u * MATRIX * ROW], ROW);
                let bh0 = coopLoad<Right>(&high[b_at], ROW);
                let bh1 = coopLoad<Right>(&high[b_at + MATRIX * ROW], ROW);
                let bl0 = coopLoad<Right>(&low[b_at], ROW);
                let bl1 = coopLoad<Right>(&low[b_at + MATRIX * ROW], ROW);
                // The small products are added first.
                c00 = coopMultiplyAdd(al0, bh0, c00);
                c00 = coopMultiplyAdd(ah0, bl0, c00);
                c00 = coopMultiplyAdd(ah0, bh0, c00);
                c01 = coopMultiplyAdd(al0, bh1, c01);
                c01 = coopMultiplyAdd(ah0, bl1, c01);
                c01 = coopMultiplyAdd(ah0, bh1, c01);
                c10 = coopMultiplyAdd(al1, bh0, c10);
                c10 = coopMultiplyAdd(ah1, bl0, c10);
                c10 = coopMultiplyAdd(ah1, bh0, c10);
                c11 = coopMultiplyAdd(al1, bh1, c11);
                c11 = coopMultiplyAdd(ah1, bl1, c11);
                c11 = coopMultiplyAdd(ah1, bh1, c11);
                c20 = coopMultiplyAdd(al2, bh0, c20);
                c20 = coopMultiplyAdd(ah2, bl0, c20);
                c20 = coopMultiplyAdd(ah2, bh0, c20);
                c21 = coopMultiplyAdd(al2, bh1, c21);
                c21 = coopMultiplyAdd(ah2, bl1, c21);
                c21 = coopMultiplyAdd(ah2, bh1, c21);
                c30 = coopMultiplyAdd(al3, bh0, c30);
                c30 = coopMultiplyAdd(ah3, bl0, c30);
                c30 = coopMultiplyAdd(ah3, bh0, c30);
                c31 = coopMultiplyAdd(al3, bh1, c31);
                c31 = coopMultiplyAdd(ah3, bl1, c31);
                c31 = coopMultiplyAdd(ah3, bh1, c31);
            }
        }
        t00 = t00 + c00;
        t01 = t01 + c01;
        t10 = t10 + c10;
        t11 = t11 + c11;
        t20 = t20 + c20;
        t21 = t21 + c21;
        t30 = t30 + c30;
        t31 = t31 + c31;
    }
    hand_over(0u, 0u, lane, t00);
    hand_over(0u, 1u, lane, t01);
    hand_over(1u, 0u, lane, t10);
    hand_over(1u, 1u, lane, t11);
    hand_over(2u, 0u, lane, t20);
    hand_over(2u, 1u, lane, t21);
    hand_over(3u, 0u, lane, t30);
    hand_over(3u, 1u, lane, t31);
    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            finish_tile(row_unit, col_unit, lane, i, j, terms);
        }
    }
}
