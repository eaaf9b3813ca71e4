// y = value, every word of it.
//
// y        [items], each of 4 words W or one
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation writes four words; cost: no FLOPs; y once
// uses     grid, item
// one of   flat_vector | flat_scalar

struct Params {
    items: u32,
    value: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<W>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    for (var k = 0u; k < EACH; k++) {
        let at = item(grid.group, grid.groups, lane, k);
        if (at < params.items) {
            y[at] = W(params.value);
        }
    }
}
