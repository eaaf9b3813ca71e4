// The k largest entries of each row of a panel, the diagonal aside, the largest first and of equals the first, NaN before all; of rows
// `first` .. `first + rows` of a matrix.
//
// r        [rows, n]: the panel
// values   [n, k]: written from row `first` on
// indices  [n, k]: the same
// workgroup LANES x 1 x 1: serial, 64 rows, no memory, no barrier; group, 256, a row, 10 KiB of workgroup memory, five barriers a round of
//          `batch` entries, which is so small that no more than 1024 lie within its bound
// cost     k rows (n - 1) FLOPs; r, values and indices once, those gone on with twice
// uses     grid, ordered
// one of   top_k_serial | top_k_group

struct Params {
    first: u32,
    rows: u32,
    // n of them.
    entries: u32,
    k: u32,
    batch: u32,
}

@group(0) @binding(0) var<storage, read> r: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

fn candidate(row: u32, col: u32) -> vec2<u32> {
    let order = ordered(bitcast<u32>(r[row * params.entries + col]));
    return vec2<u32>(select(order, 0u, params.first + row == col), col);
}

fn keep(row: u32, place: u32, entry: vec2<u32>) {
    let at = (params.first + row) * params.k + place;
    values[at] = r[row * params.entries + entry.y];
    indices[at] = i32(entry.y);
}

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    choose(group_index(grid.group, grid.groups), lane);
}
