// y[r, index[r, k]] = x[r, k], an index beyond the row clamped. No index occurs twice in a row: where one does, either is written.
//
// x        [rows, k], words
// index    [rows, k], i32
// y        [rows, m], words: zeros before, unless the rows of the index are permutations
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation moves four elements; cost: no FLOPs; x and index once, y twice
// uses     grid, item

struct Params {
    elements: u32,
    k: u32,
    m: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

const EACH = 4u;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    for (var k = 0u; k < EACH; k++) {
        let i = item(grid.group, grid.groups, lane, k);
        if (i < params.elements) {
            y[i / params.k * params.m + u32(clamp(index[i], 0, i32(params.m) - 1))] = x[i];
        }
    }
}
