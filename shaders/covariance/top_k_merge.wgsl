// The k best of the candidates of each row, the largest first and of equals the first: what `covariance/top_k_tiles` found so far.
//
// candidates  [rows, width]: see there. The k best come first, and the other places of the first `entries` are emptied
// values      [rows, k]: the correlations; a row that has not k candidates yet is not complete
// indices     [rows, k]: their columns
// workgroup   LANES x 1 x 1, a row; 9 KiB of workgroup memory, 5 barriers
// cost        no FLOPs; candidates twice, values and indices once, those gone on with twice
// uses        grid, ordered, top_k_group

struct Params {
    rows: u32,
    entries: u32,
    k: u32,
    // k at least, for places are taken while there are entries to be read.
    batch: u32,
    width: u32,
}

const LANES = 64u;

@group(0) @binding(0) var<storage, read_write> candidates: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

fn candidate(row: u32, j: u32) -> vec2<u32> {
    return candidates[row * params.width + j];
}

fn keep(row: u32, place: u32, entry: vec2<u32>) {
    candidates[row * params.width + place] = entry;
    values[row * params.k + place] = bitcast<f32>(disordered(entry.x));
    indices[row * params.k + place] = i32(entry.y);
}

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let row = group_index(grid.group, grid.groups);
    choose(row, lane);
    if (row >= params.rows) {
        return;
    }
    for (var j = lane; j < params.entries; j += LANES) {
        let at = row * params.width + j;
        if ((j >= params.k) & (candidates[at].x > 0u)) {
            candidates[at] = vec2<u32>(0u);
        }
    }
}
