// The candidates are the places that an earlier stage found, [outer, n, inner], i32.
@group(0) @binding(2) var<storage, read> found: array<i32>;

fn candidate(at: u32, j: u32) -> u32 {
    return u32(found[at]);
}
