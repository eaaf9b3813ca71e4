// The k best of the candidates of each row, at most 1024, in order: what `covariance/top_k_tiles` found so far.
//
// candidates  [n, width]: see there. The k best come first, the other places of the first `entries` are emptied
// values      [n, k]: the correlations; a row that has not k candidates yet is not complete
// indices     [n, k]: their columns
// workgroup   64 x 1 x 1, a row; 8 KiB of workgroup memory, 2 barriers
// cost        no FLOPs; candidates twice, values and indices once, those gone on with twice
// uses        grid, ordered, rivals

struct Params {
    n: u32,
    k: u32,
    entries: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read_write> candidates: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let row = group_index(grid.group, grid.groups);
    if (row >= params.n) {
        return;
    }
    if (lane == 0u) {
        atomicStore(&entered, 0u);
    }
    workgroupBarrier();
    let base = row * params.width;
    for (var j = lane; j < params.entries; j += 64u) {
        let entry = candidates[base + j];
        if (entry.x > 0u) {
            enter(entry);
            if (j >= params.k) {
                candidates[base + j] = vec2<u32>(0u);
            }
        }
    }
    workgroupBarrier();
    let count = min(atomicLoad(&entered), MOST);
    for (var c = lane; c < count; c += 64u) {
        let entry = rivals[c];
        let place = place_of(entry, count);
        if (place < params.k) {
            candidates[base + place] = entry;
            values[row * params.k + place] = bitcast<f32>(disordered(entry.x));
            indices[row * params.k + place] = i32(entry.y);
        }
    }
}
