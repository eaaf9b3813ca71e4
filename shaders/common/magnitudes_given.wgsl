// The largest magnitudes in the rows of A and the columns of B, for `tile_cooperative`, as `matmul/magnitudes` leaves them; all are 1 if
// `within_one`. 1 barrier.
// a_max, b_max  bindings MAGNITUDES and MAGNITUDES + 1; a stand-in if `within_one`

// The parts in which `matmul/magnitudes` goes through the terms of operands whose rows are terms.
const SLABS = 32u;

@group(0) @binding(MAGNITUDES) var<storage, read> a_max: array<u32>;
@group(0) @binding(MAGNITUDES + 1u) var<storage, read> b_max: array<u32>;

// The bits of the largest magnitude in a row of A.
fn a_magnitude(row: u32) -> u32 {
    let last = arrayLength(&a_max) - 1u;
    if (!TRANSPOSE_A) {
        return a_max[min(a_base / a_stride + row, last)];
    }
    let first = a_base / (whole_depth * a_stride) * SLABS * a_stride + row;
    var most = 0u;
    for (var s = 0u; s < SLABS; s++) {
        most = max(most, a_max[min(first + s * a_stride, last)]);
    }
    return most;
}

// The bits of the largest magnitude in a column of B.
fn b_magnitude(col: u32) -> u32 {
    let last = arrayLength(&b_max) - 1u;
    if (TRANSPOSE_B) {
        return b_max[min(b_base / b_stride + col, last)];
    }
    let first = b_base / (whole_depth * b_stride) * SLABS * b_stride + col;
    var most = 0u;
    for (var s = 0u; s < SLABS; s++) {
        most = max(most, b_max[min(first + s * b_stride, last)]);
    }
    return most;
}

fn find_magnitudes(row_unit: u32, col_unit: u32, lane: u32, terms: u32) {
    var magnitude = 0x3f800000u;
    if (!within_one) {
        if (lane < BLOCK) {
            magnitude = a_magnitude(BLOCK * row_unit + lane);
        } else {
            magnitude = b_magnitude(BLOCK * col_unit + lane - BLOCK);
        }
    }
    atomicStore(&largest[lane], magnitude);
    workgroupBarrier();
}
