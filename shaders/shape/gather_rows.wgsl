// y[j, :] = x[index[j], :], the index clamped to the rows there are.
//
// x        [rows, width], items of 4 words W or one
// index    [n], i32
// y        [n, width]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation moves four words; cost: no FLOPs; the rows moved twice, index once
// uses     grid, item, in_row
// one of   flat_vector | flat_scalar

struct Params {
    items: u32,
    width: u32,
    rows: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(0) @binding(0) var<storage, read> x: array<W>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<W>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.width);
    for (var k = 0u; k < EACH; k++) {
        let at = item(grid.group, grid.groups, lane, k);
        if (at < params.items) {
            let row = u32(clamp(index[its.row], 0, i32(params.rows) - 1));
            y[at] = x[row * params.width + its.col];
        }
        its = later(its, params.width, vec2<u32>(params.step_rows, params.step_cols));
    }
}
