// A step of Bluestein's transform of rows of n through transforms of m >= 2 n - 1: entries times those of a table,
//   y[o] = x[o] table[o], the table's conjugate if INVERSE; x[o] is 0 for o >= n, but in panels.
//
// x        as READ says: 0 reals [rows, n]; 1 complex [panel, m, 2]; 2 the first half [rows, n / 2 + 1, 2] of a Hermitian spectrum, its
//          first and, of an even n, last entry scaled by `ends`, those between by `middle`
// tables   [2 m + n, 2]: powers of the m-th root of unity, the chirp's spectrum over m, the chirp e^(-pi i t^2 / n); `table` says where
//          the one meant begins
// y        as WRITE says: 0 complex [panel, m, 2]; 1 the first half [rows, n / 2 + 1, 2] of a spectrum, scaled likewise; 2 the real
//          parts [rows, n]
// workgroup 64 x 1 x 1, an invocation an element of y, no memory, no barrier
// cost     6 FLOPs an element, 2 where x is real, 3 where y is; none for zeros; 2 for each one scaled; x, tables and y once

struct Params {
    outputs: u32,
    per_row: u32,
    n: u32,
    m: u32,
    table: u32,
    // The first row of this panel.
    first: u32,
    ends: f32,
    middle: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> tables: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn scale(k: u32) -> f32 {
    return select(params.middle, params.ends, (k == 0u) | (2u * k == params.n));
}

fn load(row: u32, j: u32) -> vec2<f32> {
    if (READ == 0u) {
        return vec2<f32>(x[(params.first + row) * params.n + j], 0.0);
    }
    if (READ == 1u) {
        let at = 2u * (row * params.m + j);
        return vec2<f32>(x[at], x[at + 1u]);
    }
    let k = min(j, params.n - j);
    let at = 2u * ((params.first + row) * (params.n / 2u + 1u) + k);
    let s = scale(k);
    return vec2<f32>(x[at] * s, x[at + 1u] * select(-s, s, k == j));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group_index(group, groups) * 64u + lane;
    if (at >= params.outputs) {
        return;
    }
    let row = at / params.per_row;
    let o = at % params.per_row;
    var product = vec2<f32>(0.0);
    if ((READ == 1u) | (o < params.n)) {
        let z = load(row, o);
        let w = tables[params.table + o] * vec2<f32>(1.0, select(1.0, -1.0, INVERSE));
        product = vec2<f32>(z.x * w.x - z.y * w.y, z.x * w.y + z.y * w.x);
    }
    if (WRITE == 2u) {
        y[(params.first + row) * params.n + o] = product.x;
        return;
    }
    if (WRITE == 1u) {
        let to = 2u * ((params.first + row) * params.per_row + o);
        let s = scale(o);
        y[to] = product.x * s;
        y[to + 1u] = product.y * s;
        return;
    }
    let to = 2u * at;
    y[to] = product.x;
    y[to + 1u] = product.y;
}
