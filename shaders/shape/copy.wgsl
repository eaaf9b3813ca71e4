// Moves items between strided layouts: y[y_base + i . y_strides] = x[x_base + i . x_strides] for every index i of a space of AXES axes.
// Slices, concatenation, and the transpositions that keep the last axis are this.
//
// x, y     [items], each of 4, 2 or 1 words W
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation moves four words; cost: no FLOPs; the words moved, twice
// uses     grid, item, places
// one of   flat_vector | flat_scalar | flat_pair

struct Params {
    axes: array<vec4<u32>, 8>,
    items: u32,
    x_base: u32,
    y_base: u32,
    x_step: u32,
    y_step: u32,
}

@group(0) @binding(0) var<storage, read> x: array<W>;
@group(0) @binding(1) var<storage, read_write> y: array<W>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    var element = element_of(item(grid.group, grid.groups, lane, 0u));
    for (var k = 0u; k < EACH; k++) {
        if (item(grid.group, grid.groups, lane, k) < params.items) {
            y[params.y_base + element.place.y] = x[params.x_base + element.place.x];
        }
        element = further(element);
    }
}
