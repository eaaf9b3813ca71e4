// y[j, k] = 1 where index[j] = k, else 0; an index out of range gives a row of zeros.
//
// index    [n], i32
// y        [n, width], items of WIDTH numbers: width * WIDTH classes
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four numbers; cost: no FLOPs; index and y once
// uses     grid, item, in_row
// one of   flat_vector | flat_scalar

struct Params {
    items: u32,
    width: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(0) @binding(0) var<storage, read> index: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.width);
    for (var k = 0u; k < EACH; k++) {
        let at = item(grid.group, grid.groups, lane, k);
        if (at < params.items) {
            // An index before the first class is beyond every one.
            let place = u32(index[its.row]) - its.col * WIDTH;
            y[at] = select(F(), F(1.0), W(place) == OFFSETS);
        }
        its = later(its, params.width, vec2<u32>(params.step_rows, params.step_cols));
    }
}
