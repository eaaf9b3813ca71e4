// Sums over a tile of `tile_direct`, which is one invocation's own: they are made.
fn over_rows(x: vec4<f32>, lane: u32) -> vec4<f32> {
    return x;
}

fn over_cols(x: vec4<f32>, lane: u32) -> vec4<f32> {
    return x;
}

// True where this invocation stores the sums over rows; `keeps_cols` says the same of the sums over columns.
fn keeps_rows(lane: u32) -> bool {
    return true;
}

fn keeps_cols(lane: u32) -> bool {
    return true;
}
