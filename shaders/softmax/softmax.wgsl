// y = softmax(x), or its logarithm if LOG, along the middle axis: e^(x - m) / sum e^(x - m), m the maximum.
//
// x, y     [outer, n, inner], in units of T
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. A lane keeps its elements, KEEP at most, in registers, so that
//          x is read once; if KEEP is 0, x is read three times, and sums are flushed every 64 terms.
// cost     5 outer n inner FLOPs (and outer inner if LOG); x and y once
// uses     grid, nan, own_line
// one of   line_single | line_along | line_across; line_serial | line_group

struct Params {
    count: u32,
    n: u32,
    inner: u32,
    // Side by side in a workgroup.
    lines: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(1) @binding(0) var<uniform> params: Params;

const KEPT = KEEP / WIDE;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let line = own_line(group_index(grid.group, grid.groups), local);

    var kept: array<T, max(KEPT, 1u)>;
    var most = T(-3.402823e38);
    if (KEPT > 0u) {
        // A lane that has fewer elements reads the last one of the line again.
        for (var k = 0u; k < KEPT; k++) {
            kept[k] = x[min(line.begin + k * line.step, line.last)];
            most = max(most, kept[k]);
        }
    } else {
        for (var k = 0u; k < line.own; k++) {
            most = max(most, x[line.begin + k * line.step]);
        }
    }
    most = T(line_max(fold_max(most), line.place, params.lines));
    var sum = T(0.0);
    if (KEPT > 0u) {
        for (var k = 0u; k < KEPT; k++) {
            kept[k] -= most;
            let power = exp(kept[k]);
            sum += select(T(0.0), power, k < line.own);
            if (!LOG) {
                kept[k] = power;
            }
        }
    } else {
        for (var block = 0u; block < line.own; block += 64u) {
            var part = T(0.0);
            for (var k = block; k < min(block + 64u, line.own); k++) {
                part += exp(x[line.begin + k * line.step] - most);
            }
            sum += part;
        }
    }
    sum = T(line_sum(fold_sum(sum), line.place, params.lines));
    let shift = log(sum);
    let scale = 1.0 / sum;
    if (KEPT > 0u) {
        for (var k = 0u; k < KEPT; k++) {
            if (line.there && k < line.own) {
                y[line.begin + k * line.step] = select(kept[k] * scale, kept[k] - shift, LOG);
            }
        }
    } else {
        for (var k = 0u; k < select(0u, line.own, line.there); k++) {
            let z = x[line.begin + k * line.step] - most;
            if (LOG) {
                y[line.begin + k * line.step] = z - shift;
            } else {
                y[line.begin + k * line.step] = exp(z) * scale;
            }
        }
    }
}
