// d[e] = sum_f g[i, f] x[j, f] of every entry e = (i, j); indices clamped to what there is. Entries are taken by row, so that those that
// read a row of g read it at about the same time.
//
// g        [rows, features], in T
// x        [columns, features], in T
// columns  [entries], i32: by row, the column of each
// places   [entries], i32: by row, the place of each in the list
// row      [entries], i32, in the order they were listed, as is d
// d        [entries]
// workgroup 256 x 1 x 1; LANES invocations side by side make one element; 1 KiB of workgroup memory and one barrier, none where LANES is 1.
//          An invocation's sum is flushed every 64 terms
// cost     2 entries features FLOPs; each buffer once
// uses     grid
// one of   features_vector | features_scalar

struct Params {
    entries: u32,
    features: u32,
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> g: array<T>;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read> columns: array<i32>;
@group(0) @binding(3) var<storage, read> places: array<i32>;
@group(0) @binding(4) var<storage, read> row: array<i32>;
@group(0) @binding(5) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> parts: array<f32, 256>;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let lane = local % LANES;
    let e = group_index(grid.group, grid.groups) * (256u / LANES) + local / LANES;
    let held = min(e, params.entries - 1u);
    let place = min(u32(places[held]), params.entries - 1u);
    let from_g = min(u32(row[place]), params.rows - 1u) * params.features;
    let from_x = min(u32(columns[held]), params.columns - 1u) * params.features;
    var sum = 0.0;
    for (var block = lane; block < params.features; block += LANES * FLUSH) {
        var part = 0.0;
        let end = min(block + LANES * FLUSH, params.features);
        for (var f = block; f < end; f += LANES) {
            part += inner(g[from_g + f], x[from_x + f]);
        }
        sum += part;
    }
    if (LANES > 1u) {
        parts[local] = sum;
        workgroupBarrier();
        sum = 0.0;
        for (var l = 0u; l < LANES; l++) {
            sum += parts[local - lane + l];
        }
    }
    if (lane == 0u && e < params.entries) {
        d[place] = sum;
    }
}
