// S = G + G' for every batch: what a symmetric product's cotangent is to its rows, P = S U.
//
// g, s     [batch, n, n]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one element
// cost     batch n (n + 1) / 2 FLOPs, for S is symmetric; g and s once
// uses     grid

struct Params {
    elements: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> s: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.elements) {
        return;
    }
    let base = at / (params.n * params.n) * params.n * params.n;
    let row = (at - base) / params.n;
    let col = (at - base) % params.n;
    s[at] = g[at] + g[base + col * params.n + row];
}
