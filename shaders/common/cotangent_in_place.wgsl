// The cotangent lies where what is made of it goes.
fn cotangent(at: u32) -> T {
    return d[at];
}
