// d[e] = sum_f g[i, f] x[j, f] of every entry e = (i, j); indices clamped to what there is.
//
// g        [rows, features]
// x        [columns, features]
// row      [entries], i32
// column   [entries], i32
// d        [entries]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one element. Sums are flushed every 64 terms
// cost     2 entries features FLOPs; each buffer once
// uses     grid

struct Params {
    entries: u32,
    features: u32,
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> row: array<i32>;
@group(0) @binding(3) var<storage, read> column: array<i32>;
@group(0) @binding(4) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let e = element(grid.group, grid.groups, lane);
    if (e >= params.entries) {
        return;
    }
    let from_g = min(u32(row[e]), params.rows - 1u) * params.features;
    let from_x = min(u32(column[e]), params.columns - 1u) * params.features;
    var sum = 0.0;
    for (var block = 0u; block < params.features; block += 64u) {
        var part = 0.0;
        let end = min(block + 64u, params.features);
        for (var f = block; f < end; f++) {
            part += g[from_g + f] * x[from_x + f];
        }
        sum += part;
    }
    d[e] = sum;
}
