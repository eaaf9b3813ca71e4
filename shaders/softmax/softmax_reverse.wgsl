// The cotangent of a softmax's operand from its result y and the result's cotangent g, along the middle axis:
// y (g - sum y g); for a log-softmax (LOG), g - e^y sum g.
//
// y, d     [outer, n, inner], in units of T
// g        the same, apart or in place: see the cotangent snippet
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. A lane keeps its elements of both, KEEP at most, in registers, so
//          that y and g are read once; if KEEP is 0, they are read twice, and sums are flushed every 64 terms.
// cost     4 outer n inner FLOPs; y, g and d once
// uses     grid, nan
// one of   cotangent_apart | cotangent_in_place; line_single | line_along | line_across; line_serial | line_group

struct Params {
    count: u32,
    n: u32,
    inner: u32,
    // Side by side in a workgroup.
    lines: u32,
}

@group(0) @binding(0) var<storage, read> y: array<T>;
@group(0) @binding(1) var<storage, read_write> d: array<T>;
@group(1) @binding(0) var<uniform> params: Params;

const KEPT = KEEP / WIDE;

fn term(y: T, g: T) -> T {
    if (LOG) {
        return g;
    }
    return y * g;
}

fn result(y: T, g: T, sum: T) -> T {
    if (LOG) {
        return g - exp(y) * sum;
    }
    return y * (g - sum);
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, params.inner == 1u);
    let line = group_index(grid.group, grid.groups) * params.lines + place.x;
    // A line beyond the end is computed as the last is, and not stored.
    let there = line < params.count;
    let near = min(line, params.count - 1u);
    let base = near / params.inner * params.n * params.inner + near % params.inner;
    let last = base + (params.n - 1u) * params.inner;
    let begin = base + place.y * params.inner;
    let step = lanes * params.inner;
    // Elements of this lane.
    let own = (params.n + lanes - 1u - min(place.y, params.n)) / lanes;

    var kept_y: array<T, max(KEPT, 1u)>;
    var kept_g: array<T, max(KEPT, 1u)>;
    var sum = T(0.0);
    if (KEPT > 0u) {
        // A lane that has fewer elements reads the last one of the line again.
        for (var k = 0u; k < KEPT; k++) {
            let at = min(begin + k * step, last);
            kept_y[k] = y[at];
            kept_g[k] = cotangent(at);
            sum += select(T(0.0), term(kept_y[k], kept_g[k]), k < own);
        }
    } else {
        for (var block = 0u; block < own; block += 64u) {
            var part = T(0.0);
            for (var k = block; k < min(block + 64u, own); k++) {
                let at = begin + k * step;
                part += term(y[at], cotangent(at));
            }
            sum += part;
        }
    }
    sum = T(line_sum(fold_sum(sum), place, params.lines));
    if (KEPT > 0u) {
        for (var k = 0u; k < KEPT; k++) {
            if (there && k < own) {
                d[begin + k * step] = result(kept_y[k], kept_g[k], sum);
            }
        }
    } else {
        for (var k = 0u; k < select(0u, own, there); k++) {
            let at = begin + k * step;
            d[at] = result(y[at], cotangent(at), sum);
        }
    }
}
