// y[r, :] = the sum of x[j, :] over the j with index[j] = r (clamped): the reverse of gather_rows. Every element of y is
// summed in order by one invocation, so that a run repeats.
//
// x        [n, width]
// index    [n], i32
// y        [rows, width]
// workgroup 64 x 1 x 1, no memory, no barrier; cost: n width FLOPs; x, index and y once
// uses     grid

struct Params {
    elements: u32,
    width: u32,
    rows: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = element(grid.group, grid.groups, lane);
    if (i >= params.elements) {
        return;
    }
    let row = i32(i / params.width);
    let col = i % params.width;
    var total = 0.0;
    for (var start = 0u; start < params.n; start += 64u) {
        var part = 0.0;
        let stop = min(start + 64u, params.n);
        for (var j = start; j < stop; j++) {
            if (clamp(index[j], 0, i32(params.rows) - 1) == row) {
                part += x[j * params.width + col];
            }
        }
        total += part;
    }
    y[i] = total;
}
