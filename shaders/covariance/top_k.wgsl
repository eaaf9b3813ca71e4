// The k largest entries of each row of a panel, the diagonal aside, the largest first and of equals the first, NaN before all; of rows
// `first` .. `first + rows` of a matrix. Each is the largest of those that come after the one before.
//
// r        [rows, n]: the panel, entries within [-1, 1]; n < 2^24
// values   [n, k]: written from row `first` on
// indices  [n, k]: the same
// workgroup GROUP x 1 x 1; memory and barriers: see the row snippet
// cost     k rows (n - 1) FLOPs; r, values and indices once, those gone on with twice

struct Params {
    first: u32,
    rows: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<storage, read> r: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = row_index(group_index(group, groups), local);
    let lane = lane_index(local);
    // A row beyond the end has no entries.
    let n = select(0u, params.n, row < params.rows);
    var last = 2.0;
    var last_at = 0u;
    for (var i = 0u; i < params.k; i++) {
        var best = -2.0;
        var best_at = params.n;
        for (var j = lane; j < n; j += LANES) {
            let entry = r[row * params.n + j];
            // Above all numbers, below what there is before the first.
            let value = select(entry, 1.5, is_nan(entry));
            let after = value < last || (value == last && j > last_at);
            let better = after && value > best && j != params.first + row;
            best = select(best, value, better);
            best_at = select(best_at, j, better);
        }
        last = row_max(best, local);
        // The first of the lanes that found it; as whole numbers below 2^24, indices are exact in f32.
        last_at = u32(-row_max(select(-f32(params.n), -f32(best_at), best == last), local));
        if (lane == 0u && row < params.rows) {
            let at = (params.first + row) * params.k + i;
            values[at] = r[row * params.n + min(last_at, params.n - 1u)];
            indices[at] = i32(last_at);
        }
    }
}
