// s[b, i, f] = sum_j (sum_k z[b, k, i, j] w_f) phi(u[b, i, f] + v[b, j, f]) for every node i kept, over the nodes j summed: a message of
// hidden states that nobody stores; phi is the activation, or its slope if SLOPE. Where nothing is WEIGHTED, k is 1 and w is 1.
//
// z        [batch, k, kept, summed] by steps of by_kept and by_summed, so that it may lie transposed
// u        [batch, kept, features], in T
// v        [batch, summed, features], in T
// w        the weights: w_f is at k x by_k + (batch and node summed) x by_node + f, in T; a stand-in unless WEIGHTED
// s        [batch, kept, features], in T
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes one T of EDGE nodes, which share its loads. Sums are flushed every 64
//          terms
// cost     4 batch kept summed features FLOPs, and 2 k more a term if WEIGHTED; z, u, v, w and s once
// uses     grid, nan, math, pair_activation
// one of   features_vector | features_scalar

const EXPONENTIAL = true;

struct Params {
    units: u32,
    k: u32,
    kept: u32,
    summed: u32,
    features: u32,
    by_kept: u32,
    by_summed: u32,
    by_k: u32,
    by_node: u32,
    leak: f32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<T>;
@group(0) @binding(2) var<storage, read> v: array<T>;
@group(0) @binding(3) var<storage, read> w: array<T>;
@group(0) @binding(4) var<storage, read_write> s: array<T>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = element(grid.group, grid.groups, lane);
    if (unit >= params.units) {
        return;
    }
    let f = unit % params.features;
    let down = (params.kept + EDGE - 1u) / EDGE;
    let first = unit / params.features % down * EDGE;
    let batch = unit / params.features / down;

    // Nodes beyond the end are held to the last.
    var own: array<T, EDGE>;
    var from_z: array<u32, EDGE>;
    var total: array<T, EDGE>;
    for (var r = 0u; r < EDGE; r++) {
        let i = min(first + r, params.kept - 1u);
        own[r] = u[(batch * params.kept + i) * params.features + f];
        from_z[r] = batch * params.k * params.kept * params.summed + i * params.by_kept;
        total[r] = T();
    }
    var part: array<T, EDGE>;
    var scale: array<T, EDGE>;
    for (var start = 0u; start < params.summed; start += 64u) {
        for (var r = 0u; r < EDGE; r++) {
            part[r] = T();
        }
        let stop = min(start + 64u, params.summed);
        for (var j = start; j < stop; j++) {
            let node = batch * params.summed + j;
            if (WEIGHTED) {
                for (var r = 0u; r < EDGE; r++) {
                    scale[r] = T();
                }
                for (var k = 0u; k < params.k; k++) {
                    let weight = w[k * params.by_k + node * params.by_node + f];
                    let plane = k * params.kept * params.summed;
                    for (var r = 0u; r < EDGE; r++) {
                        scale[r] += weight * z[from_z[r] + plane + j * params.by_summed];
                    }
                }
            } else {
                for (var r = 0u; r < EDGE; r++) {
                    scale[r] = T(z[from_z[r] + j * params.by_summed]);
                }
            }
            let other = v[node * params.features + f];
            for (var r = 0u; r < EDGE; r++) {
                part[r] += scale[r] * activated(own[r] + other, ACTIVATION, params.leak, SLOPE);
            }
        }
        for (var r = 0u; r < EDGE; r++) {
            total[r] += part[r];
        }
    }
    for (var r = 0u; r < EDGE; r++) {
        if (first + r < params.kept) {
            s[(batch * params.kept + first + r) * params.features + f] = total[r];
        }
    }
}
