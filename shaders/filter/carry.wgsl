// A pass of the scan over the states of blocks (Hillis and Steele 1986): each takes what lies `apart` blocks before through the power of
// the step that spans them,
//   next[row, block] = state[row, block] + P state[row, block - apart],
// and stays as it is where there is none.
//
// state    [rows, carries, n]
// maps     P [n, n] lies at `power`
// next     [rows, carries, n]
// workgroup 64 x 1 x 1, an invocation a number of a state, no memory, no barrier. Sums have n <= 48 terms.
// cost     2 n + 1 FLOPs a number that takes something; state, maps and next once

struct Params {
    numbers: u32,
    carries: u32,
    n: u32,
    apart: u32,
    power: u32,
}

@group(0) @binding(0) var<storage, read> state: array<f32>;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read_write> next: array<f32>;
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
    let i = at % params.n;
    if (at / params.n % params.carries < params.apart) {
        next[at] = state[at];
        return;
    }
    let before = at - i - params.apart * params.n;
    let row = params.power + i * params.n;
    var sum = 0.0;
    for (var k = 0u; k < params.n; k++) {
        sum += maps[row + k] * state[before + k];
    }
    next[at] = state[at] + sum;
}
