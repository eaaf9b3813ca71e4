// e[b, k, i, j] = sum_f a_f act(u[b, i, f] + v[b, j, f]) for every pair of a receiver i and a sender j: a number for each pair, of a
// hidden state that nobody stores.
//
// u        [batch, receivers, features], in T
// v        [batch, senders, features], in T
// a        the weights: a_f is at head x by_head + (batch and receiver) x by_receiver + f, in T
// e        [batch, heads, receivers, senders]
// workgroup 64 x 1 x 1, no memory, no barrier; an invocation makes EDGE x EDGE pairs, which share its loads. Sums are flushed every 64
//          terms
// cost     (2 + 2 heads) batch receivers senders features FLOPs; u, v, a and e once
// uses     grid, nan, math, pair_activation
// one of   features_vector | features_scalar

const EXPONENTIAL = true;

struct Params {
    units: u32,
    heads: u32,
    receivers: u32,
    senders: u32,
    features: u32,
    by_head: u32,
    by_receiver: u32,
    leak: f32,
}

@group(0) @binding(0) var<storage, read> u: array<T>;
@group(0) @binding(1) var<storage, read> v: array<T>;
@group(0) @binding(2) var<storage, read> a: array<T>;
@group(0) @binding(3) var<storage, read_write> e: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = element(grid.group, grid.groups, lane);
    if (unit >= params.units) {
        return;
    }
    let across = (params.senders + EDGE - 1u) / EDGE;
    let down = (params.receivers + EDGE - 1u) / EDGE;
    let first_j = unit % across * EDGE;
    let first_i = unit / across % down * EDGE;
    let head = unit / across / down % params.heads;
    let batch = unit / across / down / params.heads;

    // Rows of u, v and a, those beyond the end held to the last.
    var from_u: array<u32, EDGE>;
    var from_v: array<u32, EDGE>;
    var from_a: array<u32, EDGE>;
    for (var r = 0u; r < EDGE; r++) {
        let i = batch * params.receivers + min(first_i + r, params.receivers - 1u);
        from_u[r] = i * params.features;
        from_a[r] = head * params.by_head + i * params.by_receiver;
        from_v[r] = (batch * params.senders + min(first_j + r, params.senders - 1u)) * params.features;
    }
    var total: array<array<f32, EDGE>, EDGE>;
    var part: array<array<f32, EDGE>, EDGE>;
    var senders: array<T, EDGE>;
    for (var r = 0u; r < EDGE; r++) {
        for (var c = 0u; c < EDGE; c++) {
            total[r][c] = 0.0;
        }
    }
    for (var start = 0u; start < params.features; start += FLUSH) {
        for (var r = 0u; r < EDGE; r++) {
            for (var c = 0u; c < EDGE; c++) {
                part[r][c] = 0.0;
            }
        }
        let stop = min(start + FLUSH, params.features);
        for (var f = start; f < stop; f++) {
            for (var c = 0u; c < EDGE; c++) {
                senders[c] = v[from_v[c] + f];
            }
            for (var r = 0u; r < EDGE; r++) {
                let receiver = u[from_u[r] + f];
                let weight = a[from_a[r] + f];
                for (var c = 0u; c < EDGE; c++) {
                    part[r][c] += inner(weight, activated(receiver + senders[c], ACTIVATION, params.leak, false));
                }
            }
        }
        for (var r = 0u; r < EDGE; r++) {
            for (var c = 0u; c < EDGE; c++) {
                total[r][c] += part[r][c];
            }
        }
    }
    let plane = (batch * params.heads + head) * params.receivers;
    for (var r = 0u; r < EDGE; r++) {
        for (var c = 0u; c < EDGE; c++) {
            if (first_i + r < params.receivers && first_j + c < params.senders) {
                e[(plane + first_i + r) * params.senders + first_j + c] = total[r][c];
            }
        }
    }
}
