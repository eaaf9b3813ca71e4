// The candidates are the elements themselves.
fn candidate(at: u32, j: u32) -> u32 {
    return j;
}
