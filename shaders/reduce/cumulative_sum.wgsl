// y[o, j, i] = sum of x[o, k, i] over k <= j, or over k >= j if REVERSED. A line is gone through in chunks, each of which begins with
// what the chunks before it come to (see the start snippet), and in blocks, of which each lane takes one four of a line, so that lanes
// side by side load and store what lies side by side, or RUN elements, one after the other.
//
// x, y     [outer, n, inner], in units of T
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet; 512 times the bytes of Y of its own, and 2 barriers and one for every
//          factor of four of the lanes a block. A lane by itself flushes its sums every 64 terms.
// cost     outer n inner FLOPs; x and y once
// uses     grid, nan
// one of   start_zero | start_given; line_single | line_along | line_across; line_serial | line_group

struct Params {
    // Lines, chunks counted apart.
    count: u32,
    n: u32,
    inner: u32,
    chunks: u32,
    chunk: u32,
    // Side by side in a workgroup.
    lines: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(1) @binding(0) var<uniform> params: Params;

const RUN = select(8u, 1u, ALONG);

var<workgroup> totals: array<Y, 2u * GROUP>;

// The sums over the lanes of a line: over those before this one, and over all of them.
struct Found {
    earlier: Y,
    all: Y,
}

fn before(total: Y, place: vec2<u32>) -> Found {
    let slot = place.y * params.lines + place.x;
    // One half is read while the other is written.
    var half = 0u;
    totals[slot] = total;
    for (var apart = params.lines; apart < GROUP; apart <<= 2u) {
        workgroupBarrier();
        var sum = totals[half + slot];
        for (var back = 1u; back < 4u; back++) {
            if (slot >= back * apart) {
                sum += totals[half + slot - back * apart];
            }
        }
        half = GROUP - half;
        totals[half + slot] = sum;
    }
    workgroupBarrier();
    var found = Found(Y(0.0), totals[half + GROUP - params.lines + place.x]);
    if (slot >= params.lines) {
        found.earlier = totals[half + slot - params.lines];
    }
    workgroupBarrier();
    return found;
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, params.inner == 1u);
    let line = group_index(grid.group, grid.groups) * params.lines + place.x;
    // A line beyond the end is computed as the last is, and not stored.
    let there = line < params.count;
    let near = min(line, params.count - 1u);
    let chunk = near / params.inner % params.chunks;
    let outer = near / params.inner / params.chunks;
    let first = chunk * params.chunk;
    let own = min(params.chunk, params.n - first);
    // The k-th element of a chunk, run its beginning or run its end.
    let base = (outer * params.n + first) * params.inner + near % params.inner + select(0u, (own - 1u) * params.inner, REVERSED);
    let step = select(params.inner, 0u - params.inner, REVERSED);
    var carry = start(near, chunk);
    if (ALONE) {
        var part = Y(0.0);
        for (var k = 0u; k < select(0u, own, there); k++) {
            let sums = running(x[base + k * step], REVERSED);
            y[base + k * step] = T(carry + part) + sums;
            part += last_of(sums, REVERSED);
            if ((k & 63u) == 63u) {
                carry += part;
                part = Y(0.0);
            }
        }
        return;
    }
    for (var block = 0u; block < params.chunk; block += RUN * lanes) {
        let run = block + place.y * RUN;
        var sums: array<T, RUN>;
        for (var k = 0u; k < RUN; k++) {
            sums[k] = x[base + min(run + k, own - 1u) * step];
        }
        var total = Y(0.0);
        for (var k = 0u; k < RUN; k++) {
            let within = running(select(T(0.0), sums[k], run + k < own), REVERSED);
            sums[k] = T(total) + within;
            total += last_of(within, REVERSED);
        }
        let found = before(total, place);
        let begin = T(carry + found.earlier);
        for (var k = 0u; k < RUN; k++) {
            if (there && run + k < own) {
                y[base + (run + k) * step] = begin + sums[k];
            }
        }
        carry += found.all;
    }
}
