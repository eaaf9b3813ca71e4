// Rows q = m x that are orthonormal under weights, <q_i, q_j> + ridge <m_i, m_j> = [i = j], <a, b> = sum_t w_t a_t b_t, by Gram and
// Schmidt's process four rows at a time: the four are rid of all rows before them, four of those after four, then made orthonormal among
// themselves, one after another; and all of that once more. A row that has nothing left but rounding,
//   |rest|^2 <= tolerance^2 |row|^2,
// is zeros in q and m.
//
// x, q     [batch, k, time]
// w        [batch, time]
// m        [batch, k, k], lower triangular
// workgroup 128 x 1 x 1, a batch entry; an invocation holds COLS of the columns of q and one of m, of four rows each; 10.3 KiB of
//          workgroup memory; of four rows, 3 barriers for each four before them and 8, both twice. Sums of COLS, then a fixed tree.
// cost     batch (k (k - 1) (5 time + 4 k + 2) + k (7 time + 5 k + 8)) FLOPs over all rows; x, w, q, m once
// uses     grid, scalar, nan

struct Params {
    batch: u32,
    k: u32,
    time: u32,
    ridge: f32,
    tolerance: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// The levels of a sum: of 4 vectors of 128 invocations, of 4 of 32, of 4 of 4.
var<workgroup> parts: array<vec4<f32>, 512>;
var<workgroup> fewer: array<vec4<f32>, 128>;
var<workgroup> few: array<vec4<f32>, 16>;
// Where the rows of q and m begin.
var<private> q_0: u32;
var<private> m_0: u32;

// An invocation's column c of those of q; the last where there is none, of which four zeros are made.
fn column(c: u32, lane: u32) -> u32 {
    return min(128u * c + lane, params.time - 1u);
}

fn held(c: u32, lane: u32, x: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), x, 128u * c + lane < params.time);
}

// Four rows of q, of an invocation's column c.
fn four(row: u32, c: u32, lane: u32) -> vec4<f32> {
    let at = q_0 + row * params.time + column(c, lane);
    return held(c, lane, vec4<f32>(q[at], q[at + params.time], q[at + 2u * params.time], q[at + 3u * params.time]));
}

fn four_of_m(row: u32, lane: u32) -> vec4<f32> {
    let at = m_0 + row * params.k + min(lane, params.k - 1u);
    let x = vec4<f32>(m[at], m[at + params.k], m[at + 2u * params.k], m[at + 3u * params.k]);
    return select(vec4<f32>(0.0), x, lane < params.k);
}

// Four rows of x; of the last row where there is none.
fn given(row: u32, c: u32, lane: u32) -> vec4<f32> {
    let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.k - 1u)) * params.time + q_0 + column(c, lane);
    return held(c, lane, vec4<f32>(x[rows.x], x[rows.y], x[rows.z], x[rows.w]));
}

// The sums over all invocations.
fn sum(part: vec4<f32>, lane: u32) -> vec4<f32> {
    parts[lane] = part;
    workgroupBarrier();
    if (lane < 16u) {
        var s = parts[lane];
        for (var i = 1u; i < 8u; i++) {
            s += parts[lane + 16u * i];
        }
        few[lane] = s;
    }
    workgroupBarrier();
    var s = few[0];
    for (var i = 1u; i < 16u; i++) {
        s += few[i];
    }
    return s;
}

fn sum4(part: mat4x4<f32>, lane: u32) -> mat4x4<f32> {
    for (var i = 0u; i < 4u; i++) {
        parts[128u * i + lane] = part[i];
    }
    workgroupBarrier();
    let own = lane / 32u * 128u + lane % 32u;
    fewer[lane] = (parts[own] + parts[own + 32u]) + (parts[own + 64u] + parts[own + 96u]);
    workgroupBarrier();
    if (lane < 16u) {
        let at = lane / 4u * 32u + lane % 4u;
        var s = fewer[at];
        for (var i = 1u; i < 8u; i++) {
            s += fewer[at + 4u * i];
        }
        few[lane] = s;
    }
    workgroupBarrier();
    return mat4x4<f32>(
        (few[0] + few[1]) + (few[2] + few[3]), (few[4] + few[5]) + (few[6] + few[7]),
        (few[8] + few[9]) + (few[10] + few[11]), (few[12] + few[13]) + (few[14] + few[15])
    );
}

fn component(v: vec4<f32>, at: u32) -> f32 {
    return select(select(v.x, v.y, at == 1u), select(v.z, v.w, at == 3u), at >= 2u);
}

// A column of four rows once row r of them is scaled by s, those after it rid of it; `products` are theirs with the row before.
fn rid(v: vec4<f32>, r: u32, s: f32, products: vec4<f32>) -> vec4<f32> {
    let rows = vec4<u32>(0u, 1u, 2u, 3u);
    let made = component(v, r) * s;
    return select(select(v, v - products * s * made, rows > vec4<u32>(r)), vec4<f32>(made), rows == vec4<u32>(r));
}

@compute @workgroup_size(128)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.batch) {
        return;
    }
    q_0 = at * params.k * params.time;
    m_0 = at * params.k * params.k;
    var weights: array<f32, COLS>;
    // Rows of four: of those being made, and of those before them.
    var v: array<vec4<f32>, COLS>;
    var before: array<vec4<f32>, COLS>;
    let rows = vec4<u32>(0u, 1u, 2u, 3u);
    for (var c = 0u; c < COLS; c++) {
        weights[c] = select(0.0, w[at * params.time + column(c, lane)], 128u * c + lane < params.time);
    }
    let weight_of_m = select(0.0, params.ridge, lane < params.k);

    for (var j = 0u; j < params.k; j += 4u) {
        var of_m = select(vec4<f32>(0.0), vec4<f32>(1.0), rows + j == vec4<u32>(lane));
        var part = weight_of_m * of_m * of_m;
        for (var c = 0u; c < COLS; c++) {
            v[c] = given(j, c, lane);
            part += weights[c] * v[c] * v[c];
        }
        let whole = sum(part, lane);
        var left = vec4<f32>(1.0);
        for (var pass_ = 0u; pass_ < 2u; pass_++) {
            for (var i = 0u; i < j; i += 4u) {
                let m_before = four_of_m(i, lane);
                let weighted = weight_of_m * m_before;
                var products = mat4x4<f32>(weighted.x * of_m, weighted.y * of_m, weighted.z * of_m, weighted.w * of_m);
                for (var c = 0u; c < COLS; c++) {
                    before[c] = four(i, c, lane);
                    let b = weights[c] * before[c];
                    products[0] += b.x * v[c];
                    products[1] += b.y * v[c];
                    products[2] += b.z * v[c];
                    products[3] += b.w * v[c];
                }
                products = sum4(products, lane);
                of_m -= products * m_before;
                for (var c = 0u; c < COLS; c++) {
                    v[c] -= products * before[c];
                }
            }
            for (var r = 0u; r < 4u; r++) {
                part = weight_of_m * component(of_m, r) * of_m;
                for (var c = 0u; c < COLS; c++) {
                    part += weights[c] * component(v[c], r) * v[c];
                }
                let products = sum(part, lane);
                let own = component(products, r);
                let rest = component(left, r) * own;
                var s = 0.0;
                // A row with a NaN is no combination of others.
                if (is_nan(rest)) {
                    s = rest;
                } else if (rest > params.tolerance * params.tolerance * component(whole, r)) {
                    s = 1.0 / sqrt(own);
                }
                left = select(left, vec4<f32>(rest), rows == vec4<u32>(r));
                of_m = rid(of_m, r, s, products);
                for (var c = 0u; c < COLS; c++) {
                    v[c] = rid(v[c], r, s, products);
                }
            }
        }
        for (var r = 0u; r < min(4u, params.k - j); r++) {
            for (var c = 0u; c < COLS; c++) {
                if (128u * c + lane < params.time) {
                    q[q_0 + (j + r) * params.time + 128u * c + lane] = component(v[c], r);
                }
            }
            if (lane < params.k) {
                m[m_0 + (j + r) * params.k + lane] = component(of_m, r);
            }
        }
    }
}
