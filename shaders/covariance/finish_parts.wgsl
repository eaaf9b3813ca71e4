// A covariance or correlation matrix of the parts of its sums, in their order: R = P_0 + P_1 + ..., each entry made what CORRELATION and
// FISHER say.
//
// parts    [slices, stride], at the beginning of each slice [batch, n, n]
// r        [batch, n, n]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes one entry
// cost     what is done to each entry, beside the FLOPs of the product; parts and r once
// uses     grid, nan, math, finish

struct Params {
    elements: u32,
    n: u32,
    slices: u32,
    stride: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> r: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

alias T = f32;
alias U = u32;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    if (at >= params.elements) {
        return;
    }
    var sum = parts[at];
    for (var slice = 1u; slice < params.slices; slice++) {
        sum += parts[slice * params.stride + at];
    }
    r[at] = finish(sum, at / params.n % params.n == at % params.n);
}
