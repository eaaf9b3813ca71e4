// Row and column of entry `pair` of a triangle, the diagonal with it: a guess by the root, made right in integers.
fn triangle(pair: u32) -> vec2<u32> {
    var row = u32((sqrt(8.0 * f32(pair) + 1.0) - 1.0) * 0.5);
    row = select(row, row - 1u, row * (row + 1u) / 2u > pair);
    row = select(row, row + 1u, (row + 1u) * (row + 2u) / 2u <= pair);
    return vec2<u32>(row, pair - row * (row + 1u) / 2u);
}
