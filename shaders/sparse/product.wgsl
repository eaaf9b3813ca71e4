// y[i, f] = sum of w[e] x[j, f] over the entries e = (i, j) of row i, in their order; indices clamped to what there is.
//
// w        [entries], in the order they were listed
// x        [columns, features]
// begins   [rows + 1], i32: where each row's entries begin
// columns  [entries], i32: by row, the column of each
// places   [entries], i32: by row, the place of each in the list
// y        [rows, features]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one element. Sums are flushed every 64 terms
// cost     2 entries features FLOPs; each buffer once
// uses     grid

struct Params {
    elements: u32,
    features: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> begins: array<i32>;
@group(0) @binding(3) var<storage, read> columns: array<i32>;
@group(0) @binding(4) var<storage, read> places: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.elements) {
        return;
    }
    let i = at / params.features;
    let f = at % params.features;
    let last = u32(begins[i + 1u]);
    var sum = 0.0;
    for (var block = u32(begins[i]); block < last; block += 64u) {
        var part = 0.0;
        let end = min(block + 64u, last);
        for (var e = block; e < end; e++) {
            let j = min(u32(columns[e]), params.columns - 1u);
            let place = min(u32(places[e]), arrayLength(&w) - 1u);
            part += w[place] * x[j * params.features + f];
        }
        sum += part;
    }
    y[at] = sum;
}
