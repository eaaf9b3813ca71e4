// e[b, k, i, j] = sum_f a_f act(u[b, i, f] + v[b, j, f]) for every pair of a receiver i and a sender j, as `pair_dot` makes it, where there
// are many pairs: a workgroup makes 64 x 64 of them.
//
// u        [batch, receivers, features], four at a time, as v and a
// v        [batch, senders, features]
// a        the weights: a_f is at head x by_head + (batch and receiver) x by_receiver + f
// e        [batch, heads, receivers, senders]
// workgroup 256 x 1 x 1; an invocation makes 4 x 4 pairs, of rows of u, v and a that lie in workgroup memory 16 features at a time: 12 KiB,
//          2 barriers every 16 features. Sums are flushed every 64 terms
// cost     (2 + 2 heads) batch receivers senders features FLOPs; u, v, a and e once
// uses     grid, nan, math, features_vector, pair_activation

const EXPONENTIAL = true;
const SIDE = 16u;

struct Params {
    units: u32,
    heads: u32,
    receivers: u32,
    senders: u32,
    // In fours, as the two strides.
    features: u32,
    by_head: u32,
    by_receiver: u32,
    leak: f32,
}

@group(0) @binding(0) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> e: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// [16 features, 16]: four receivers, four senders, and the weights of four receivers, or those of all.
var<workgroup> receivers: array<vec4<f32>, 256>;
var<workgroup> senders: array<vec4<f32>, 256>;
var<workgroup> weights: array<vec4<f32>, 256>;

// The first elements of the four rows, of u, of v or of a, that this invocation puts into workgroup memory.
var<private> rows: array<u32, 4>;

// Sixteen features from `start` on, zeros beyond the last. A quarter of the invocations takes u, one v, and one a.
fn stage(lane: u32, start: u32) {
    let quad = lane % 64u / 4u;
    let f = start + lane % 4u;
    let inside = f < params.features;
    let to = lane % 4u * 4u * SIDE + quad;
    if (lane < 64u) {
        var block = mat4x4<f32>();
        if (inside) {
            block = transpose(mat4x4<f32>(u[rows[0] + f], u[rows[1] + f], u[rows[2] + f], u[rows[3] + f]));
        }
        for (var q = 0u; q < 4u; q++) {
            receivers[to + q * SIDE] = block[q];
        }
    } else if (lane < 128u) {
        var block = mat4x4<f32>();
        if (inside) {
            block = transpose(mat4x4<f32>(v[rows[0] + f], v[rows[1] + f], v[rows[2] + f], v[rows[3] + f]));
        }
        for (var q = 0u; q < 4u; q++) {
            senders[to + q * SIDE] = block[q];
        }
    } else if (lane < 192u && (BY_RECEIVER || quad == 0u)) {
        var block = mat4x4<f32>();
        if (inside) {
            block = transpose(mat4x4<f32>(a[rows[0] + f], a[rows[1] + f], a[rows[2] + f], a[rows[3] + f]));
        }
        for (var q = 0u; q < 4u; q++) {
            weights[to + q * SIDE] = block[q];
        }
    }
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = group_index(grid.group, grid.groups);
    if (unit >= params.units) {
        return;
    }
    let across = (params.senders + 63u) / 64u;
    let down = (params.receivers + 63u) / 64u;
    let first_j = unit % across * 64u;
    let first_i = unit / across % down * 64u;
    let head = unit / across / down % params.heads;
    let batch = unit / across / down / params.heads;

    // Rows beyond the end are held to the last.
    for (var r = 0u; r < 4u; r++) {
        let place = lane % 64u / 4u * 4u + r;
        let receiver = batch * params.receivers + min(first_i + place, params.receivers - 1u);
        let sender = batch * params.senders + min(first_j + place, params.senders - 1u);
        let weighted = head * params.by_head + receiver * params.by_receiver;
        rows[r] = select(select(weighted, sender * params.features, lane < 128u), receiver * params.features, lane < 64u);
    }
    var total: array<vec4<f32>, 4>;
    var part: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) {
        total[r] = vec4<f32>();
    }
    for (var flush = 0u; flush < params.features; flush += 16u) {
        for (var r = 0u; r < 4u; r++) {
            part[r] = vec4<f32>();
        }
        for (var step = 0u; step < 16u; step += 4u) {
            workgroupBarrier();
            stage(lane, flush + step);
            workgroupBarrier();
            for (var k = 0u; k < 16u; k++) {
                let own = receivers[k * SIDE + lane / SIDE];
                let others = senders[k * SIDE + lane % SIDE];
                let weight = weights[k * SIDE + select(0u, lane / SIDE, BY_RECEIVER)];
                for (var r = 0u; r < 4u; r++) {
                    let made = activated(vec4<f32>(own[r]) + others, ACTIVATION, params.leak, false);
                    part[r] = fma(vec4<f32>(weight[r]), made, part[r]);
                }
            }
        }
        for (var r = 0u; r < 4u; r++) {
            total[r] += part[r];
        }
    }
    let plane = (batch * params.heads + head) * params.receivers;
    let first = first_j + lane % SIDE * 4u;
    for (var r = 0u; r < 4u; r++) {
        let i = first_i + lane / SIDE * 4u + r;
        for (var c = 0u; c < 4u; c++) {
            if (i < params.receivers && first + c < params.senders) {
                e[(plane + i) * params.senders + first + c] = total[r][c];
            }
        }
    }
}
