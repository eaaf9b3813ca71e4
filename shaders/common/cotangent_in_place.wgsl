// The cotangent lies in the buffer that the result is written to.
fn cotangent(at: u32) -> T {
    return d[at];
}
