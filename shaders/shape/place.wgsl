// Places items within a value: y[o, start + step i, j] = x[o, i, j] for i < count, and y is `value` elsewhere. Padding and the reverse of
// slices are made by it.
//
// x        [outer, count, inner], items of 4, 2 or 1 words W
// y        [outer, extent, inner]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four words. If not STEPPED, step and inner are 1
// cost     no FLOPs; x and y once
// uses     grid, item, in_row
// one of   flat_vector | flat_scalar | flat_pair

struct Params {
    items: u32,
    extent: u32,
    inner: u32,
    start: u32,
    step: u32,
    count: u32,
    value: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(0) @binding(0) var<storage, read> x: array<W>;
@group(0) @binding(1) var<storage, read_write> y: array<W>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.extent);
    for (var k = 0u; k < EACH; k++) {
        let at = item(grid.group, grid.groups, lane, k);
        let row = select(at, at / params.inner, STEPPED);
        if (STEPPED) {
            its = in_row(row, params.extent);
        }
        if (at < params.items) {
            // The distance of a row before the start wraps around, so that it is beyond every count.
            let from_start = its.col - params.start;
            let i = select(from_start, from_start / params.step, STEPPED);
            if (i < params.count && (!STEPPED || i * params.step == from_start)) {
                let source = its.row * params.count + i;
                y[at] = x[select(source, source * params.inner + at - row * params.inner, STEPPED)];
            } else {
                y[at] = W(params.value);
            }
        }
        its = later(its, params.extent, vec2<u32>(params.step_rows, params.step_cols));
    }
}
