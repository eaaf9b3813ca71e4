// y[o, c, i] = the first candidate where x[o, :, i] is largest, or is NaN where one is: over the c-th chunk of the candidates, which are
// the elements of x or the places that an earlier stage found (see the candidate snippet).
//
// x        [outer, extent, inner], in units of T
// y        [outer, chunks, inner], i32, in units of Z
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet, and twice the memory; four elements of a lane are read at once
// cost     outer n inner FLOPs; x and y once
// uses     grid, nan
// one of   candidate_own | candidate_found; line_single | line_along | line_across; line_serial | line_group

struct Params {
    // Lines, chunks counted apart.
    count: u32,
    // Candidates.
    n: u32,
    inner: u32,
    chunks: u32,
    chunk: u32,
    // Side by side in a workgroup.
    lines: u32,
    extent: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<Z>;
@group(1) @binding(0) var<uniform> params: Params;

fn is_nan_of(x: T) -> B {
    return (bitcast<U>(x) & U(0x7fffffffu)) > U(0x7f800000u);
}

struct Best {
    value: T,
    at: U,
}

// The better of one and of another that comes later.
fn later(best: Best, other: Best) -> Best {
    let better = !is_nan_of(best.value) & (is_nan_of(other.value) | (other.value > best.value));
    return Best(select(best.value, other.value, better), select(best.at, other.at, better));
}

// The better of two in any order.
fn either(p: Best, q: Best) -> Best {
    let nan_p = is_nan_of(p.value);
    let nan_q = is_nan_of(q.value);
    let better = !nan_p & (nan_q | (q.value > p.value));
    let as_good = (nan_p & nan_q) | (p.value == q.value);
    let take = better | (as_good & (q.at < p.at));
    return Best(select(p.value, q.value, take), select(p.at, q.at, take));
}

var<workgroup> shared_values: array<T, GROUP>;
var<workgroup> shared_places: array<U, GROUP>;

fn line_best(best: Best, place: vec2<u32>) -> Best {
    if (ALONE) {
        return best;
    }
    let slot = place.y * params.lines + place.x;
    shared_values[slot] = best.value;
    shared_places[slot] = best.at;
    for (var half = GROUP / 2u; half >= params.lines; half >>= 1u) {
        workgroupBarrier();
        if (slot < half) {
            let found = either(Best(shared_values[slot], shared_places[slot]), Best(shared_values[slot + half], shared_places[slot + half]));
            shared_values[slot] = found.value;
            shared_places[slot] = found.at;
        }
    }
    // The lanes that come first have the lines' results, and no other uses them.
    return Best(shared_values[slot], shared_places[slot]);
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, params.inner == 1u);
    let line = group_index(grid.group, grid.groups) * params.lines + place.x;
    // A line beyond the end is the last again, and not stored.
    let near = min(line, params.count - 1u);
    let i = near % params.inner;
    let first = near / params.inner % params.chunks * params.chunk;
    let outer = near / params.inner / params.chunks;
    let stop = min(first + params.chunk, params.n);
    let places = outer * params.n * params.inner + i;
    let base = outer * params.extent * params.inner + i;
    // A lane without candidates takes the last one.
    let begin = min(first + place.y, stop - 1u);
    let at = candidate(places + begin * params.inner, begin);
    var best = Best(x[base + at * params.inner], U(at));
    var j = begin + lanes;
    for (; j + 3u * lanes < stop; j += 4u * lanes) {
        let a = candidate(places + j * params.inner, j);
        let b = candidate(places + (j + lanes) * params.inner, j + lanes);
        let c = candidate(places + (j + 2u * lanes) * params.inner, j + 2u * lanes);
        let d = candidate(places + (j + 3u * lanes) * params.inner, j + 3u * lanes);
        let x_a = x[base + a * params.inner];
        let x_b = x[base + b * params.inner];
        let x_c = x[base + c * params.inner];
        let x_d = x[base + d * params.inner];
        best = later(best, later(later(Best(x_a, U(a)), Best(x_b, U(b))), later(Best(x_c, U(c)), Best(x_d, U(d)))));
    }
    for (; j < stop; j += lanes) {
        let a = candidate(places + j * params.inner, j);
        best = later(best, Best(x[base + a * params.inner], U(a)));
    }
    best = line_best(best, place);
    if (place.y == 0u && line < params.count) {
        y[line] = fold_place(best.value, best.at);
    }
}
