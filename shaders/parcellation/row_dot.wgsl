// d[i] = sum_t x[i, t] y[i, t].
//
// x, y     [rows, time], in units of T
// d        [rows]
// workgroup GROUP x 1 x 1; memory and barriers: see the line snippet. Sums are flushed every 64 terms.
// cost     2 rows time FLOPs; x, y and d once
// uses     grid, nan
// one of   line_single | line_along; line_serial | line_group

struct Params {
    rows: u32,
    time: u32,
    // Side by side in a workgroup.
    lines: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> y: array<T>;
@group(0) @binding(2) var<storage, read_write> d: array<Y>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, true);
    let row = group_index(grid.group, grid.groups) * params.lines + place.x;
    // A row beyond the end has no elements.
    let time = select(0u, params.time, row < params.rows);
    let base = row * params.time;
    var sum = T(0.0);
    for (var block = place.y; block < time; block += 64u * lanes) {
        var part = T(0.0);
        for (var t = block; t < min(block + 64u * lanes, time); t += lanes) {
            part += x[base + t] * y[base + t];
        }
        sum += part;
    }
    let total = line_sum(fold_sum(sum), place, params.lines);
    if (place.y == 0u && row < params.rows) {
        d[row] = total;
    }
}
