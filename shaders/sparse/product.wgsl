// y[i, f] = sum of w[e] x[j, f] over the entries e = (i, j) of row i, in their order; indices clamped to what there is.
//
// w        [entries], in the order they were listed
// x        [columns, features], in T
// begins   [rows + 1], i32: where each row's entries begin
// columns  [entries], i32: by row, the column of each
// places   [entries], i32: by row, the place of each in the list
// y        [rows, features], in T
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes one T, and asks for the features of four entries before it adds them.
//          Sums are flushed every 64 terms
// cost     2 entries features FLOPs; each buffer once
// uses     grid
// one of   features_vector | features_scalar

struct Params {
    elements: u32,
    features: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read> begins: array<i32>;
@group(0) @binding(3) var<storage, read> columns: array<i32>;
@group(0) @binding(4) var<storage, read> places: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<T>;
@group(1) @binding(0) var<uniform> params: Params;

fn term(e: u32, f: u32) -> T {
    let j = min(u32(columns[e]), params.columns - 1u);
    let place = min(u32(places[e]), arrayLength(&w) - 1u);
    return w[place] * x[j * params.features + f];
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    if (at >= params.elements) {
        return;
    }
    let i = at / params.features;
    let f = at % params.features;
    let last = u32(begins[i + 1u]);
    var sum = T();
    for (var block = u32(begins[i]); block < last; block += 64u) {
        var part = T();
        let end = min(block + 64u, last);
        var e = block;
        for (; e + 4u <= end; e += 4u) {
            let terms = array<T, 4>(term(e, f), term(e + 1u, f), term(e + 2u, f), term(e + 3u, f));
            part = part + terms[0] + terms[1] + terms[2] + terms[3];
        }
        for (; e < end; e++) {
            part += term(e, f);
        }
        sum += part;
    }
    y[at] = sum;
}
