// Rows q = m x that are orthonormal under weights, <q_i, q_j> + ridge <m_i, m_j> = [i = j], <a, b> = sum_t w_t a_t b_t, by Gram and
// Schmidt's process, each row rid of those before it twice (Giraud et al. 2005). A row that has nothing left but rounding,
//   |rest|^2 <= tolerance^2 |row|^2,
// is zeros in q and m.
//
// x, q     [batch, k, time]
// w        [batch, time]
// m        [batch, k, k], lower triangular
// workgroup GROUP x 1 x 1, a batch entry as a row of the row snippet: see there for memory and barriers. Each lane reads and writes its
//          own columns of q and m alone. Sums are flushed every 64 terms.
// cost     batch (k (k - 1) (5 time + 4 k + 2) + k (7 time + 5 k + 8)) FLOPs over all rows; x, w, q, m once a dispatch

struct Params {
    batch: u32,
    k: u32,
    time: u32,
    // The rows of this dispatch, those before being done.
    first: u32,
    last: u32,
    ridge: f32,
    tolerance: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// The part of <q_i, q_j> + ridge <m_i, m_j> in this lane's columns; rows by where they begin.
fn inner(q_i: u32, q_j: u32, m_i: u32, m_j: u32, w_0: u32, lane: u32, time: u32, k: u32) -> f32 {
    var sum = 0.0;
    for (var block = 0u; block < time; block += 64u * LANES) {
        var part = 0.0;
        let end = min(block + 64u * LANES, time);
        for (var t = block + lane; t < end; t += LANES) {
            part += w[w_0 + t] * q[q_i + t] * q[q_j + t];
        }
        sum += part;
    }
    var penalty = 0.0;
    for (var l = lane; l < k; l += LANES) {
        penalty += m[m_i + l] * m[m_j + l];
    }
    return sum + params.ridge * penalty;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = row_index(group_index(group, groups), local);
    let lane = lane_index(local);
    // An entry beyond the end has no columns.
    let inside = row < params.batch;
    let time = select(0u, params.time, inside);
    let k = select(0u, params.k, inside);
    let at = min(row, params.batch - 1u);
    let w_0 = at * params.time;
    let q_0 = at * params.k * params.time;
    let m_0 = at * params.k * params.k;

    for (var j = params.first; j < params.last; j++) {
        let q_j = q_0 + j * params.time;
        let m_j = m_0 + j * params.k;
        for (var t = lane; t < time; t += LANES) {
            q[q_j + t] = x[q_j + t];
        }
        for (var l = lane; l < k; l += LANES) {
            m[m_j + l] = select(0.0, 1.0, l == j);
        }
        let whole = row_sum(inner(q_j, q_j, m_j, m_j, w_0, lane, time, k), local);
        for (var pass_ = 0u; pass_ < 2u; pass_++) {
            for (var i = 0u; i < j; i++) {
                let q_i = q_0 + i * params.time;
                let m_i = m_0 + i * params.k;
                let c = row_sum(inner(q_i, q_j, m_i, m_j, w_0, lane, time, k), local);
                for (var t = lane; t < time; t += LANES) {
                    q[q_j + t] -= c * q[q_i + t];
                }
                for (var l = lane; l < k; l += LANES) {
                    m[m_j + l] -= c * m[m_i + l];
                }
            }
        }
        let rest = row_sum(inner(q_j, q_j, m_j, m_j, w_0, lane, time, k), local);
        var s = 0.0;
        // A row with a NaN is no combination of others.
        if (is_nan(rest)) {
            s = rest;
        } else if (rest > params.tolerance * params.tolerance * whole) {
            s = 1.0 / sqrt(rest);
        }
        for (var t = lane; t < time; t += LANES) {
            q[q_j + t] *= s;
        }
        for (var l = lane; l < k; l += LANES) {
            m[m_j + l] *= s;
        }
    }
}
