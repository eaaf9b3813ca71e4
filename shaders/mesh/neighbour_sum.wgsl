// y[r, v] = the sum of weights[v, k] x[r, n] over the neighbours n = neighbours[v, k], indices clamped to the vertices there are.
//
// x, y        [rows, vertices]
// neighbours  [vertices, degree], i32
// weights     [vertices, degree]
// workgroup 64 x 1 x 1, no memory, no barrier; cost: 2 rows vertices degree FLOPs; each buffer once
// uses     grid

struct Params {
    elements: u32,
    vertices: u32,
    degree: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> neighbours: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = element(grid.group, grid.groups, lane);
    if (i >= params.elements) {
        return;
    }
    let v = i % params.vertices;
    let row = i - v;
    var sum = 0.0;
    for (var k = 0u; k < params.degree; k++) {
        let entry = v * params.degree + k;
        let n = clamp(neighbours[entry], 0, i32(params.vertices) - 1);
        sum += weights[entry] * x[row + u32(n)];
    }
    y[i] = sum;
}
