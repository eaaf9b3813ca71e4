// The number of entries above a threshold in each row of a panel, the diagonal aside, or NaN where an entry is NaN. The panel holds
// rows `first` .. `first + rows` of a matrix.
//
// r        [rows, n]: the panel
// degree   [n]: written from `first` on
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet. Counts are whole numbers: their sums are exact.
// cost     2 rows (n - 1) FLOPs; r once, degree once, twice where it is gone on with
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    first: u32,
    rows: u32,
    n: u32,
    threshold: f32,
}

@group(0) @binding(0) var<storage, read> r: array<f32>;
@group(0) @binding(1) var<storage, read_write> degree: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let row = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no entries.
    let n = select(0u, params.n, row < params.rows);
    var count = 0.0;
    for (var j = lane; j < n; j += LANES) {
        let value = r[row * params.n + j];
        let counts = nan_or(value, select(0.0, 1.0, value > params.threshold));
        count += select(counts, 0.0, j == params.first + row);
    }
    count = row_sum(count, local);
    if (lane == 0u && row < params.rows) {
        degree[params.first + row] = count;
    }
}
