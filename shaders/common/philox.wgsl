// Philox4x32-10 (Salmon et al. 2011): four words of (key, counter), the same on every device. The product of two words, `product`, is the
// snippet's that goes with it.
fn philox(key0: vec2<u32>, counter0: vec4<u32>) -> vec4<u32> {
    var key = key0;
    var counter = counter0;
    for (var round = 0; round < 10; round++) {
        let p = product(0xD2511F53u, counter.x);
        let q = product(0xCD9E8D57u, counter.z);
        counter = vec4<u32>(q.y ^ counter.y ^ key.x, q.x, p.y ^ counter.w ^ key.y, p.x);
        key = key + vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}
