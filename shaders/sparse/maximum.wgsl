// y[i, f] = the largest x[j, f] over the entries (i, j) of row i, NaN where one is, 0 where there are none; indices clamped to what there is.
//
// x        [columns, features]
// begins   [rows + 1], i32: where each row's entries begin
// columns  [entries], i32: by row, the column of each
// y        [rows, features]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one element
// cost     entries features FLOPs; each buffer once

struct Params {
    elements: u32,
    features: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> begins: array<i32>;
@group(0) @binding(2) var<storage, read> columns: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group_index(group, groups) * 64u + lane;
    if (at >= params.elements) {
        return;
    }
    let i = at / params.features;
    let f = at % params.features;
    let first = u32(begins[i]);
    let last = u32(begins[i + 1u]);
    var most = 0.0;
    for (var e = first; e < last; e++) {
        let value = x[min(u32(columns[e]), params.columns - 1u) * params.features + f];
        most = larger(select(most, value, e == first), value);
    }
    y[at] = most;
}
