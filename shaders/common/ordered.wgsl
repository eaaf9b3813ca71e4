// The bits of a number as a whole number that is above another's exactly where the number is; -0 is 0, and every NaN is one and the last.
fn ordered(bits: u32) -> u32 {
    let b = select(bits, 0u, bits == 0x80000000u);
    let key = select(b | 0x80000000u, ~b, (b >> 31u) == 1u);
    return select(key, 0xffffffffu, (bits & 0x7fffffffu) > 0x7f800000u);
}

// The bits of the number of which this is the order.
fn disordered(key: u32) -> u32 {
    return select(~key, key & 0x7fffffffu, (key >> 31u) == 1u);
}
