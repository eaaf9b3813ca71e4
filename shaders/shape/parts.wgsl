// Moves COUNT parts that follow one another into a whole or out of it. Part k has rows of extent e_k, which stand from `start_k` on in the
// whole's rows. Concatenation and splitting are made by it.
//
// whole    [rows, stride], items of 4, 2 or 1 words W; the parts moved are `width` of it from `from` on
// p0, p1, ..  [rows, e_k]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation moves four words; cost: no FLOPs; the words moved, twice
// uses     grid, item, in_row
// one of   flat_vector | flat_scalar | flat_pair; join_2 | join_3 | join_7 | part_2 | part_3 | part_7

struct Params {
    // The start of each part among those moved, and its extent.
    parts: array<vec4<u32>, 7>,
    items: u32,
    width: u32,
    stride: u32,
    from_: u32,
    step_rows: u32,
    step_cols: u32,
}

@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    var its = in_row(item(grid.group, grid.groups, lane, 0u), params.width);
    for (var k = 0u; k < EACH; k++) {
        if (item(grid.group, grid.groups, lane, k) < params.items) {
            var part = 0u;
            for (var j = 1u; j < COUNT; j++) {
                part += select(0u, 1u, its.col >= params.parts[j].x);
            }
            let place = params.parts[part];
            move_(part, its.row * place.y + its.col - place.x, its.row * params.stride + params.from_ + its.col);
        }
        its = later(its, params.width, vec2<u32>(params.step_rows, params.step_cols));
    }
}
