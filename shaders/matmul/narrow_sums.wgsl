// A product with at most FEW rows or columns whose long operand holds its lines side by side: C[l, s] = sum_k A[k, l] B[s, k], for every
// batch and every slice of its sums.
//
// a        [batch, depth, lines], binding 0, in `line_scalar` or `line_vector`
// b        [batch, few, depth] or [batch, depth, few], binding 1, in `few_scalar`
// c        [batch, lines, few] or [batch, few, lines], or [slices, slice_stride] whose rows begin with those, binding 2
// workgroup ACROSS DOWN x 1 x 1, 16 ACROSS DOWN bytes of memory, 2 FEW barriers: four lines to an invocation; DOWN invocations share the
//          terms of four lines, four terms at a time. Sums are flushed every 64 terms.
// cost     2 batch lines few depth FLOPs; a, b and c once
// uses     grid, narrow, few_scalar
// one of   line_vector | line_scalar

const GROUP = ACROSS * DOWN;
var<workgroup> gathered: array<vec4<f32>, GROUP>;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let across = (params.lines + 4u * ACROSS - 1u) / (4u * ACROSS);
    let index = group_index(grid.group, grid.groups);
    let batch = index / across % params.batches;
    let slice = index / across / params.batches;
    let line = 4u * (index % across * ACROSS + local % ACROSS);
    let row = local / ACROSS;
    let first = slice * params.run;
    // A slice beyond the last has no terms, and neither has a line.
    let stop = select(first, min(first + params.run, params.depth), slice < params.slices && line < params.lines);
    let base = bases(batch);

    var sums: array<vec4<f32>, FEW>;
    var parts: array<vec4<f32>, FEW>;
    for (var s = 0u; s < FEW; s++) {
        sums[s] = vec4<f32>();
    }
    for (var block = first; block < stop; block += 64u * DOWN) {
        for (var s = 0u; s < FEW; s++) {
            parts[s] = vec4<f32>();
        }
        let end = min(block + 64u * DOWN, stop);
        var k = block + row;
        for (; k + 3u * DOWN < end; k += 4u * DOWN) {
            var x: array<vec4<f32>, 4>;
            for (var q = 0u; q < 4u; q++) {
                x[q] = a4(base.x + (k + q * DOWN) * params.a_stride + line);
            }
            for (var s = 0u; s < FEW; s++) {
                for (var q = 0u; q < 4u; q++) {
                    parts[s] += x[q] * b_at(base.y, s, k + q * DOWN);
                }
            }
        }
        for (; k < end; k += DOWN) {
            let x = a4(base.x + k * params.a_stride + line);
            for (var s = 0u; s < FEW; s++) {
                parts[s] += x * b_at(base.y, s, k);
            }
        }
        for (var s = 0u; s < FEW; s++) {
            sums[s] += parts[s];
        }
    }
    for (var s = 0u; s < FEW; s++) {
        workgroupBarrier();
        gathered[local] = sums[s];
        workgroupBarrier();
        if (row == 0u && slice < params.slices) {
            var sum = gathered[local];
            for (var r = 1u; r < DOWN; r++) {
                sum += gathered[local + ACROSS * r];
            }
            for (var q = 0u; q < 4u; q++) {
                if (line + q < params.lines) {
                    put(slice, batch, line + q, s, sum[q]);
                }
            }
        }
    }
}
