// starts[r] = the number of keys below r.
//
// key      [n], u32, in order
// starts   [count], u32
// workgroup 256 x 1 x 1, no memory, no barrier; cost: no FLOPs; key and starts once
// uses     grid

struct Params {
    count: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read_write> starts: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let row = group_index(grid.group, grid.groups) * 256u + lane;
    if (row >= params.count) {
        return;
    }
    // The keys before `low` are below, those from `high` on are not.
    var low = 0u;
    var high = params.n;
    while (low < high) {
        let middle = (low + high) / 2u;
        let below = key[middle] < row;
        low = select(low, middle + 1u, below);
        high = select(middle, high, below);
    }
    starts[row] = low;
}
