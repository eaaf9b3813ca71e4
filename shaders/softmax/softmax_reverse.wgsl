// The cotangent of a softmax's operand from its result y and the result's cotangent g, along the middle axis:
// y (g - sum y g); for a log-softmax (LOG), g - e^y sum g.
//
// y, d     [outer, n, inner], in units of T
// g        the same, apart or in place: see the cotangent snippet
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. A lane keeps its elements of both, KEEP at most, in registers, so
//          that y and g are read once; if KEEP is 0, they are read twice, and sums are flushed every 64 terms.
// cost     4 outer n inner FLOPs; y, g and d once
// uses     grid, nan, own_line
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
    let line = own_line(group_index(grid.group, grid.groups), local);

    var kept_y: array<T, max(KEPT, 1u)>;
    var kept_g: array<T, max(KEPT, 1u)>;
    var sum = T(0.0);
    if (KEPT > 0u) {
        // A lane that has fewer elements reads the last one of the line again.
        for (var k = 0u; k < KEPT; k++) {
            let at = min(line.begin + k * line.step, line.last);
            kept_y[k] = y[at];
            kept_g[k] = cotangent(at);
            sum += select(T(0.0), term(kept_y[k], kept_g[k]), k < line.own);
        }
    } else {
        for (var block = 0u; block < line.own; block += 64u) {
            var part = T(0.0);
            for (var k = block; k < min(block + 64u, line.own); k++) {
                let at = line.begin + k * line.step;
                part += term(y[at], cotangent(at));
            }
            sum += part;
        }
    }
    sum = T(line_sum(fold_sum(sum), line.place, params.lines));
    if (KEPT > 0u) {
        for (var k = 0u; k < KEPT; k++) {
            if (line.there && k < line.own) {
                d[line.begin + k * line.step] = result(kept_y[k], kept_g[k], sum);
            }
        }
    } else {
        for (var k = 0u; k < select(0u, line.own, line.there); k++) {
            let at = line.begin + k * line.step;
            d[at] = result(y[at], cotangent(at), sum);
        }
    }
}
