// The operands of an edge network's second layer: its rows are the hidden states of pairs, its columns the layer's outputs. Features and
// outputs are counted in fours.

// Column r holds the features k .. k + 4 of row + r; zeros beyond the last feature.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    let f = k / 4u;
    let made = hidden_rows(row, min(f, params.features - 1u));
    let inside = f < params.features;
    let none = vec4<f32>();
    return mat4x4<f32>(select(none, made[0], inside), select(none, made[1], inside), select(none, made[2], inside), select(none, made[3], inside));
}

// Column q holds the weights of feature k + q, of outputs col .. col + 4.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    let f = k / 4u;
    return transpose(mat4x4<f32>(weights(col, f), weights(col + 1u, f), weights(col + 2u, f), weights(col + 3u, f)));
}
