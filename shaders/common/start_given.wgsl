// A chunk begins with the sum of the chunks before it, which is the neighbouring chunk's entry among the running sums over chunks, `ends`:
// [outer, chunks, inner], in units of Y.
@group(0) @binding(2) var<storage, read> ends: array<Y>;

fn start(line: u32, chunk: u32) -> Y {
    if (chunk == select(0u, params.chunks - 1u, REVERSED)) {
        return Y(0.0);
    }
    return ends[select(line - params.inner, line + params.inner, REVERSED)];
}
