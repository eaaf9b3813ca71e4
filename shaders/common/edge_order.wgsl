// Edges of complete graphs in one order: by weight, or by its magnitude if ABSOLUTE, and of equal weights by index (row * n + column, the
// row the smaller). As whole numbers, so that every device has the same order.
fn weight_key(bits: u32) -> u32 {
    return ordered(select(bits, bits & 0x7fffffffu, ABSOLUTE));
}

fn edge_index(n: u32, a: u32, b: u32) -> u32 {
    return min(a, b) * n + max(a, b);
}

fn above(key: u32, index: u32, other: u32, other_index: u32) -> bool {
    return key > other || (key == other && index > other_index);
}
