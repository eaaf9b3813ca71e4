// The row and the column of entry `pair` of a triangle that includes the diagonal: a guess by the square root, then corrected in integers.
fn triangle(pair: u32) -> vec2<u32> {
    var row = u32((sqrt(8.0 * f32(pair) + 1.0) - 1.0) * 0.5);
    row = select(row, row - 1u, row * (row + 1u) / 2u > pair);
    row = select(row, row + 1u, (row + 1u) * (row + 2u) / 2u <= pair);
    return vec2<u32>(row, pair - row * (row + 1u) / 2u);
}
