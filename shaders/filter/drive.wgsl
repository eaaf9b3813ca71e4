// The state that the frames of each block of 64 leave behind it, of every row and every block but the last:
//   d[row, block, i] = sum over j < 64 of E[i, j] x[row, 64 block + j];
// where REVERSED, frames are counted from the last one.
//
// x        [rows, time]
// maps     E [n, 64] lies behind the first 64 numbers
// d        [rows, blocks - 1, n]
// workgroup 64 x 1 x 1, an invocation a number of a state, no memory, no barrier. Sums of 64 terms go by eights.
// cost     128 FLOPs a number; x, maps and d once

struct Params {
    numbers: u32,
    time: u32,
    carries: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group_index(group, groups) * 64u + lane;
    if (at >= params.numbers) {
        return;
    }
    let block = at / params.n % params.carries;
    let row = at / params.n / params.carries * params.time;
    let map = 64u * (1u + at % params.n);
    // A block that hands its state on is whole: no frame of it lies beyond the end.
    let first = row + select(64u * block, params.time - 1u - 64u * block, REVERSED);
    var sum = 0.0;
    for (var eight = 0u; eight < 64u; eight += 8u) {
        var part = 0.0;
        for (var j = eight; j < eight + 8u; j++) {
            part += maps[map + j] * x[select(first + j, first - j, REVERSED)];
        }
        sum += part;
    }
    d[at] = sum;
}
