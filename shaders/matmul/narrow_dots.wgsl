// A product with at most FEW rows or columns whose long operand holds its terms side by side: C[l, s] = sum_k A[l, k] B[s, k], for
// every batch, or for every slice of its sums.
//
// a        [batch, lines, depth], binding 0, in `line_scalar` or `line_vector`
// b        [batch, few, depth] or [batch, depth, few], binding 1, in `few_scalar` or `few_vector`
// c        [batch, lines, few] or [batch, few, lines], or [slices, slice_stride] whose rows begin with those, binding 2
// workgroup GROUP x 1 x 1; a row is a line: memory and barriers, FEW times over: see the row snippet. Sums are flushed every 64 terms.
// cost     2 batch lines few depth FLOPs; a, b and c once
// uses     grid, scalar, nan, narrow
// one of   line_vector | line_scalar; few_vector | few_scalar; row_serial | row_group

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let index = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    let line = index % params.lines;
    let batch = index / params.lines % params.batches;
    let slice = index / params.lines / params.batches;
    let first = slice * params.run;
    // A line beyond the end has no terms.
    let stop = select(first, min(first + params.run, params.depth), slice < params.slices);
    let base = bases(batch);
    let a_base = base.x + line * params.a_stride;

    var sums: array<f32, FEW>;
    var parts: array<f32, FEW>;
    for (var s = 0u; s < FEW; s++) {
        sums[s] = 0.0;
    }
    for (var block = first; block < stop; block += 64u * LANES) {
        for (var s = 0u; s < FEW; s++) {
            parts[s] = 0.0;
        }
        let end = min(block + 64u * LANES, stop);
        for (var k = block + 4u * lane; k < end; k += 4u * LANES) {
            let within = vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(stop);
            let x = a4(a_base + k);
            for (var s = 0u; s < FEW; s++) {
                let products = select(vec4<f32>(), x * b4(base.y, s, k), within);
                parts[s] += (products.x + products.y) + (products.z + products.w);
            }
        }
        for (var s = 0u; s < FEW; s++) {
            sums[s] += parts[s];
        }
    }
    for (var s = 0u; s < FEW; s++) {
        let sum = row_sum(sums[s], local);
        if (lane == 0u && slice < params.slices) {
            put(slice, batch, line, s, sum);
        }
    }
}
