// The frames of a filter: with i the place of frame t in its block of 64,
//   y[row, t] = sum over j <= i of h[i - j] x[row, t - i + j] + sum over k < n of R[i, k] state[row, block - 1, k],
// the second sum from the second block on; where REVERSED, frames are counted from the last one.
//
// x, y     [rows, time]
// maps     h [64] first, R [64, n] behind 64 (1 + n) numbers
// state    [rows, carries, n]: those behind each block but the last
// workgroup 64 x 1 x 1, a block of frames of a row, no memory, no barrier. Sums of 64 terms go by eights; others have
//          n <= 48 terms.
// cost     2 (i + 1) FLOPs a frame, and 2 n + 1 from the second block on; x, maps, state and y once

struct Params {
    blocks: u32,
    time: u32,
    carries: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group_index(group, groups);
    if (at >= params.blocks) {
        return;
    }
    let row = at / (params.carries + 1u);
    let block = at % (params.carries + 1u);
    let frames = min(params.time - 64u * block, 64u);
    let base = row * params.time;
    let first = base + select(64u * block, params.time - 1u - 64u * block, REVERSED);
    var sum = 0.0;
    for (var eight = 0u; eight < 64u; eight += 8u) {
        var part = 0.0;
        for (var j = eight; j < eight + 8u; j++) {
            // Every invocation reads the same frame. A later one adds nothing, whatever it holds.
            let k = min(j, frames - 1u);
            let value = x[select(first + k, first - k, REVERSED)];
            let tap = maps[lane - min(j, lane)];
            part += select(0.0, tap * value, j <= lane);
        }
        sum += part;
    }
    if (lane >= frames) {
        return;
    }
    if (block > 0u) {
        let handed = (row * params.carries + block - 1u) * params.n;
        let map = 64u * (1u + params.n) + lane * params.n;
        var carried = 0.0;
        for (var k = 0u; k < params.n; k++) {
            carried += maps[map + k] * state[handed + k];
        }
        sum += carried;
    }
    y[select(first + lane, first - lane, REVERSED)] = sum;
}
