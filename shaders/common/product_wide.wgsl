// The low and the high word of a 32 x 32 bit product, by integers of 64 bits, where a device has them: one instruction on most GPUs.
fn product(a: u32, b: u32) -> vec2<u32> {
    let whole = u64(a) * u64(b);
    return vec2<u32>(u32(whole), u32(whole >> 32u));
}
