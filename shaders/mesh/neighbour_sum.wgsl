// y[r, v] = the sum of weights[v, k] x[r, n] over the neighbours n = neighbours[v, k], indices clamped to the vertices there are.
//
// x, y        [rows, vertices]
// neighbours  [vertices, degree], i32
// weights     [vertices, degree]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes a vertex of ROWS rows, and reads its neighbours once
// cost     2 rows vertices degree FLOPs; each buffer once
// uses     grid

struct Params {
    items: u32,
    rows: u32,
    vertices: u32,
    degree: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> neighbours: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    if (at >= params.items) {
        return;
    }
    let first = at / params.vertices * ROWS;
    let v = at % params.vertices;
    var sum: array<f32, ROWS>;
    for (var k = 0u; k < params.degree; k++) {
        let entry = v * params.degree + k;
        let n = u32(clamp(neighbours[entry], 0, i32(params.vertices) - 1));
        let weight = weights[entry];
        for (var r = 0u; r < ROWS; r++) {
            // Sums beyond the last row read that row, and are not stored.
            sum[r] += weight * x[min(first + r, params.rows - 1u) * params.vertices + n];
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        if (first + r < params.rows) {
            y[(first + r) * params.vertices + v] = sum[r];
        }
    }
}
