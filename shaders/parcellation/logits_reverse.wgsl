// In place, the cotangent of the logits from that of the memberships: d <- a (d - sum_p a d), along the parcels.
//
// a        [parcels, vertices]: memberships
// d        [parcels, vertices]
// workgroup GROUP x 1 x 1; a row is a vertex: memory and barriers: see the row snippet. Sums are flushed every 64 terms.
// cost     4 parcels vertices FLOPs; a once, d twice
// uses     grid, scalar, nan
// one of   row_serial | row_group

struct Params {
    parcels: u32,
    vertices: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let v = row_index(group_index(grid.group, grid.groups), local);
    let lane = lane_index(local);
    // A vertex beyond the end has no parcels.
    let parcels = select(0u, params.parcels, v < params.vertices);
    var sum = 0.0;
    for (var block = 0u; block < parcels; block += 64u * LANES) {
        var part = 0.0;
        let end = min(block + 64u * LANES, parcels);
        for (var p = block + lane; p < end; p += LANES) {
            part += a[p * params.vertices + v] * d[p * params.vertices + v];
        }
        sum += part;
    }
    sum = row_sum(sum, local);
    for (var p = lane; p < parcels; p += LANES) {
        let at = p * params.vertices + v;
        d[at] = a[at] * (d[at] - sum);
    }
}
