// y[o, c, i] = op over the c-th chunk of x[o, :, i]: a sum, maximum or minimum, NaN where an element is. With one chunk, the whole
// reduction.
//
// x        [outer, n, inner], in units of T
// y        [outer, chunks, inner], in units of Y
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. Four elements of a lane are read at once; its sums are flushed
//          every 64 terms.
// cost     outer n inner FLOPs; x and y once
// The plan writes a chain that makes x or goes on with y in place of the part below `//@ operand` or `//@ result`.
// uses     grid, nan
// one of   line_single | line_along | line_across; line_serial | line_group

struct Params {
    // Lines, chunks counted apart.
    count: u32,
    n: u32,
    inner: u32,
    chunks: u32,
    chunk: u32,
    // Side by side in a workgroup.
    lines: u32,
    //@ members
}

@group(1) @binding(0) var<uniform> params: Params;

//@ operand
@group(0) @binding(0) var<storage, read> x: array<T>;

// The element i, read once.
fn operand(i: u32) -> T {
    return x[i];
}

// The element i, or the last.
fn first_operand(i: u32) -> T {
    return x[min(i, arrayLength(&x) - 1u)];
}

//@ result
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

fn finish(i: u32, value: Y) {
    y[i] = value;
}

//@ main
fn combine(p: T, q: T) -> T {
    if (OP == 0) {
        return p + q;
    } else if (OP == 1) {
        return larger(p, q);
    }
    return smaller(p, q);
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, params.inner == 1u);
    // Lines are [outer, chunks, inner].
    let line = group_index(grid.group, grid.groups) * params.lines + place.x;
    let i = line % params.inner;
    let first = line / params.inner % params.chunks * params.chunk;
    let outer = line / params.inner / params.chunks;
    // A line beyond the end has no elements, and starts from anyone's.
    let stop = select(0u, min(first + params.chunk, params.n), line < params.count);
    let base = outer * params.n * params.inner + i;
    var start = T(0.0);
    if (OP != 0) {
        start = first_operand(base + first * params.inner);
    }
    let step = lanes * params.inner;
    var total = start;
    for (var block = first + place.y; block < stop; block += 64u * lanes) {
        var part = start;
        let end = min(block + 64u * lanes, stop);
        var j = block;
        var at = base + block * params.inner;
        for (; j + 3u * lanes < end; j += 4u * lanes) {
            let pairs = combine(combine(operand(at), operand(at + step)), combine(operand(at + 2u * step), operand(at + 3u * step)));
            part = combine(part, pairs);
            at += 4u * step;
        }
        for (; j < end; j += lanes) {
            part = combine(part, operand(at));
            at += step;
        }
        total = combine(total, part);
    }
    var result = Y(0.0);
    if (OP == 0) {
        result = line_sum(fold_sum(total), place, params.lines);
    } else if (OP == 1) {
        result = line_max(fold_max(total), place, params.lines);
    } else {
        result = -line_max(fold_max(-total), place, params.lines);
    }
    if (place.y == 0u && line < params.count) {
        finish(line, result);
    }
}
