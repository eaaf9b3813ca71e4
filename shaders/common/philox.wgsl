// Philox4x32-10 (Salmon et al. 2011): four words of (key, counter), the same on every device.

// The high word of a 32 x 32 bit product, from 16-bit halves.
fn high_product(a: u32, b: u32) -> u32 {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 16u);
    let cross = a0 * b1 + (middle & 0xffffu);
    return a1 * b1 + (middle >> 16u) + (cross >> 16u);
}

fn philox(key0: vec2<u32>, counter0: vec4<u32>) -> vec4<u32> {
    var key = key0;
    var counter = counter0;
    for (var round = 0; round < 10; round++) {
        let h0 = high_product(0xD2511F53u, counter.x);
        let l0 = 0xD2511F53u * counter.x;
        let h1 = high_product(0xCD9E8D57u, counter.z);
        let l1 = 0xCD9E8D57u * counter.z;
        counter = vec4<u32>(h1 ^ counter.y ^ key.x, l1, h0 ^ counter.w ^ key.y, l0);
        key = key + vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}
