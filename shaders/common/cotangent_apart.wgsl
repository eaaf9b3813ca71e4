// The cotangent is a buffer of its own.
@group(0) @binding(2) var<storage, read> g: array<T>;

fn cotangent(at: u32) -> T {
    return g[at];
}
