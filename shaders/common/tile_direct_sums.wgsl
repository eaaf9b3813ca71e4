// Sums over a tile of `tile_direct`. One invocation makes the whole tile, so that nothing is left to add. Its rows are pairs of one
// receiver.
const ROWS = 4u * EDGE;
// The numbers of an invocation's quads of rows that have receivers of their own, and that have senders of their own.
const RECEIVERS = 1u;
const SENDERS = EDGE;
// The number of invocations that hold the rows of a tile between them.
const QUADS_DOWN = 1u;

// The first of a tile's quads of rows that an invocation takes where they are divided among a tile's invocations, and the step to its next.
const DIVIDED = 1u;

fn divided(lane: u32) -> u32 {
    return 0u;
}

fn over_rows(x: vec4<f32>, lane: u32, quads: u32) -> vec4<f32> {
    return x;
}

fn over_receivers(x: vec4<f32>, lane: u32, quads: u32) -> vec4<f32> {
    return x;
}

fn over_cols(x: vec4<f32>, lane: u32) -> vec4<f32> {
    return x;
}

// True where this invocation stores the sums over rows; the others say the same of the other sums.
fn keeps_rows(lane: u32, quads: u32) -> bool {
    return true;
}

fn keeps_receivers(lane: u32, quads: u32) -> bool {
    return true;
}

fn keeps_cols(lane: u32) -> bool {
    return true;
}
