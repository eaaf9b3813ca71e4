// Sums over a block of `tile_staged` or `tile_cooperative` of what each invocation made of its own rows, or columns, in a fixed order,
// through the memory `a_stage` of the tile: 2 barriers each. `quads` quads of rows, at most ROW_SIDE and a power of two, are the pairs of
// one receiver.
const ROWS = 4u * ROW_QUADS;
// The numbers of an invocation's quads of rows that have receivers of their own, and that have senders of their own.
const RECEIVERS = EDGE;
const SENDERS = 1u;
// The number of invocations that hold the rows of a block between them.
const QUADS_DOWN = ROW_SIDE;

// The first of a block's quads of rows that an invocation takes where they are divided among a block's invocations, and the step to its
// next.
const DIVIDED = GROUP;

fn divided(lane: u32) -> u32 {
    return lane;
}

fn gather(x: vec4<f32>, lane: u32) {
    workgroupBarrier();
    a_stage[row_of(lane) * COL_SIDE + col_of(lane)] = x;
    workgroupBarrier();
}

fn over_rows(x: vec4<f32>, lane: u32, quads: u32) -> vec4<f32> {
    gather(x, lane);
    let first = row_of(lane) / quads * quads;
    var sum = vec4<f32>();
    for (var r = 0u; r < quads; r++) {
        sum += a_stage[(first + r) * COL_SIDE + col_of(lane)];
    }
    return sum;
}

// Over the rows that have the same place among their receivers' quads.
fn over_receivers(x: vec4<f32>, lane: u32, quads: u32) -> vec4<f32> {
    gather(x, lane);
    var sum = vec4<f32>();
    for (var r = row_of(lane) % quads; r < ROW_SIDE; r += quads) {
        sum += a_stage[r * COL_SIDE + col_of(lane)];
    }
    return sum;
}

fn over_cols(x: vec4<f32>, lane: u32) -> vec4<f32> {
    gather(x, lane);
    var sum = vec4<f32>();
    for (var c = 0u; c < COL_SIDE; c++) {
        sum += a_stage[row_of(lane) * COL_SIDE + c];
    }
    return sum;
}

// True where this invocation stores the sums over rows; the others say the same of the other sums.
fn keeps_rows(lane: u32, quads: u32) -> bool {
    return row_of(lane) % quads == 0u;
}

fn keeps_receivers(lane: u32, quads: u32) -> bool {
    return row_of(lane) < quads;
}

fn keeps_cols(lane: u32) -> bool {
    return col_of(lane) == 0u;
}
