// y[i, f] = the largest x[j, f] over the entries (i, j) of row i, NaN where one is, 0 where there are none; indices clamped to what there
// is.
//
// x        [columns, features], in T
// begins   [rows + 1], i32: where each row's entries begin
// columns  [entries], i32: by row, the column of each
// y        [rows, features], in T
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes one T, and asks for the features of four entries before it compares
//          them
// cost     entries features FLOPs; each buffer once
// uses     grid, nan
// one of   features_vector | features_scalar

struct Params {
    elements: u32,
    features: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> begins: array<i32>;
@group(0) @binding(2) var<storage, read> columns: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<T>;
@group(1) @binding(0) var<uniform> params: Params;

// Features of the entry e, or of the last, where e lies beyond it.
fn value(e: u32, last: u32, f: u32) -> T {
    return x[min(u32(columns[min(e, last)]), params.columns - 1u) * params.features + f];
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    if (at >= params.elements) {
        return;
    }
    let i = at / params.features;
    let f = at % params.features;
    let first = u32(begins[i]);
    let end = u32(begins[i + 1u]);
    if (first >= end) {
        y[at] = T();
        return;
    }
    let last = end - 1u;
    var most = value(first, last, f);
    for (var e = first; e < end; e += 4u) {
        let values = array<T, 4>(value(e, last, f), value(e + 1u, last, f), value(e + 2u, last, f), value(e + 3u, last, f));
        most = larger(larger(most, values[0]), larger(values[1], larger(values[2], values[3])));
    }
    y[at] = most;
}
