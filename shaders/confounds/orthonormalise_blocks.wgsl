// Rows q = m x that are orthonormal under weights, <q_i, q_j> + ridge <m_i, m_j> = [i = j], <a, b> = sum_t w_t a_t b_t, by Gram and
// Schmidt's process four rows at a time: the four are rid of all rows before them, four of those after four, then made orthonormal among
// themselves, one after another; and all of that once more. A row that has nothing left but rounding,
//   |rest|^2 <= tolerance^2 |row|^2,
// is zeros in q and m.
//
// x, q     [batch, k, time]
// w        [batch, time]
// m        [batch, k, k], lower triangular
// workgroup 256 x 1 x 1, a batch entry; an invocation holds five of the columns of q and one of m, of four rows each, so that time is at
//          most 1280 and k at most 256; 10.5 KiB of workgroup memory; of four rows, 4 barriers for each four before them and 12, both
//          twice. An invocation adds its six, then a fixed tree adds the invocations' sums. The five columns have names of their own
//          instead of an array, so that no compiler puts them in memory.
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

// The levels of four sums at once: 4 vectors of each of 128 invocations, then of 32, then of 8.
var<workgroup> parts: array<vec4<f32>, 512>;
var<workgroup> fewer: array<vec4<f32>, 128>;
var<workgroup> few: array<vec4<f32>, 32>;
// The first elements of the rows of q and of m, and an invocation's place among the 256.
var<private> q_0: u32;
var<private> m_0: u32;
var<private> place: u32;

// The elements of four rows that an invocation holds.
struct Held {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    of_m: vec4<f32>,
}

fn weight(at: u32, col: u32) -> f32 {
    return select(0.0, w[at * params.time + min(col, params.time - 1u)], col < params.time);
}

// Four rows of a column of q; zeros beyond the end.
fn four(row: u32, col: u32) -> vec4<f32> {
    let at = q_0 + row * params.time + min(col, params.time - 1u);
    let x = vec4<f32>(q[at], q[at + params.time], q[at + 2u * params.time], q[at + 3u * params.time]);
    return select(vec4<f32>(0.0), x, col < params.time);
}

fn four_of_m(row: u32) -> vec4<f32> {
    let at = m_0 + row * params.k + min(place, params.k - 1u);
    let x = vec4<f32>(m[at], m[at + params.k], m[at + 2u * params.k], m[at + 3u * params.k]);
    return select(vec4<f32>(0.0), x, place < params.k);
}

// Four rows of a column of x, the last row where there is none.
fn given(row: u32, col: u32) -> vec4<f32> {
    let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.k - 1u));
    let at = rows * params.time + q_0 + min(col, params.time - 1u);
    return select(vec4<f32>(0.0), vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]), col < params.time);
}

// The sums over all invocations.
fn sum(part: vec4<f32>) -> vec4<f32> {
    parts[place] = part;
    workgroupBarrier();
    if (place < 64u) {
        fewer[place] = (parts[place] + parts[place + 64u]) + (parts[place + 128u] + parts[place + 192u]);
    }
    workgroupBarrier();
    if (place < 16u) {
        few[place] = (fewer[place] + fewer[place + 16u]) + (fewer[place + 32u] + fewer[place + 48u]);
    }
    workgroupBarrier();
    return (((few[0] + few[1]) + (few[2] + few[3])) + ((few[4] + few[5]) + (few[6] + few[7])))
        + (((few[8] + few[9]) + (few[10] + few[11])) + ((few[12] + few[13]) + (few[14] + few[15])));
}

fn sum4(part: mat4x4<f32>) -> mat4x4<f32> {
    // The upper half hands its own to the lower.
    let half = place % 128u;
    if (place >= 128u) {
        parts[half] = part[0];
        parts[half + 128u] = part[1];
        parts[half + 256u] = part[2];
        parts[half + 384u] = part[3];
    }
    workgroupBarrier();
    if (place < 128u) {
        parts[half] += part[0];
        parts[half + 128u] += part[1];
        parts[half + 256u] += part[2];
        parts[half + 384u] += part[3];
    }
    workgroupBarrier();
    if (place < 128u) {
        let at = half / 32u * 128u + half % 32u;
        fewer[half] = (parts[at] + parts[at + 32u]) + (parts[at + 64u] + parts[at + 96u]);
    }
    workgroupBarrier();
    if (place < 32u) {
        let at = place / 8u * 32u + place % 8u;
        few[place] = (fewer[at] + fewer[at + 8u]) + (fewer[at + 16u] + fewer[at + 24u]);
    }
    workgroupBarrier();
    return mat4x4<f32>(few_of(0u), few_of(8u), few_of(16u), few_of(24u));
}

fn few_of(at: u32) -> vec4<f32> {
    return ((few[at] + few[at + 1u]) + (few[at + 2u] + few[at + 3u])) + ((few[at + 4u] + few[at + 5u]) + (few[at + 6u] + few[at + 7u]));
}

fn component(v: vec4<f32>, at: u32) -> f32 {
    return select(select(v.x, v.y, at == 1u), select(v.z, v.w, at == 3u), at >= 2u);
}

// p and what two columns of four rows add to the products of the rows: column i of it with row i of the first.
fn added(p: mat4x4<f32>, before: vec4<f32>, v: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(p[0] + before.x * v, p[1] + before.y * v, p[2] + before.z * v, p[3] + before.w * v);
}

// A column of four rows once row r of them is scaled by s, those after it rid of it; `products` are theirs with the row before.
fn rid(v: vec4<f32>, r: u32, s: f32, products: vec4<f32>) -> vec4<f32> {
    let rows = vec4<u32>(0u, 1u, 2u, 3u);
    let made = component(v, r) * s;
    return select(select(v, v - products * s * made, rows > vec4<u32>(r)), vec4<f32>(made), rows == vec4<u32>(r));
}

fn store(row: u32, col: u32, value: f32) {
    if (col < params.time) {
        q[q_0 + row * params.time + col] = value;
    }
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.batch) {
        return;
    }
    q_0 = at * params.k * params.time;
    m_0 = at * params.k * params.k;
    place = lane;
    let cols = vec4<u32>(lane, lane + 256u, lane + 512u, lane + 768u);
    let col_e = lane + 1024u;
    let weights = vec4<f32>(weight(at, cols.x), weight(at, cols.y), weight(at, cols.z), weight(at, cols.w));
    let weight_e = weight(at, col_e);
    let weight_m = select(0.0, params.ridge, lane < params.k);
    let rows = vec4<u32>(0u, 1u, 2u, 3u);

    for (var j = 0u; j < params.k; j += 4u) {
        var v: Held;
        v.a = given(j, cols.x);
        v.b = given(j, cols.y);
        v.c = given(j, cols.z);
        v.d = given(j, cols.w);
        v.e = given(j, col_e);
        v.of_m = select(vec4<f32>(0.0), vec4<f32>(1.0), rows + j == vec4<u32>(lane));
        let whole = sum(weights.x * v.a * v.a + weights.y * v.b * v.b + weights.z * v.c * v.c + weights.w * v.d * v.d
            + weight_e * v.e * v.e + weight_m * v.of_m * v.of_m);
        var left = vec4<f32>(1.0);
        for (var pass_ = 0u; pass_ < 2u; pass_++) {
            for (var i = 0u; i < j; i += 4u) {
                let before =
                    Held(four(i, cols.x), four(i, cols.y), four(i, cols.z), four(i, cols.w), four(i, col_e), four_of_m(i));
                var products = added(mat4x4<f32>(), weights.x * before.a, v.a);
                products = added(products, weights.y * before.b, v.b);
                products = added(products, weights.z * before.c, v.c);
                products = added(products, weights.w * before.d, v.d);
                products = added(products, weight_e * before.e, v.e);
                products = added(products, weight_m * before.of_m, v.of_m);
                products = sum4(products);
                v.a -= products * before.a;
                v.b -= products * before.b;
                v.c -= products * before.c;
                v.d -= products * before.d;
                v.e -= products * before.e;
                v.of_m -= products * before.of_m;
            }
            for (var r = 0u; r < 4u; r++) {
                let products = sum(weights.x * component(v.a, r) * v.a + weights.y * component(v.b, r) * v.b
                    + weights.z * component(v.c, r) * v.c + weights.w * component(v.d, r) * v.d + weight_e * component(v.e, r) * v.e
                    + weight_m * component(v.of_m, r) * v.of_m);
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
                v.a = rid(v.a, r, s, products);
                v.b = rid(v.b, r, s, products);
                v.c = rid(v.c, r, s, products);
                v.d = rid(v.d, r, s, products);
                v.e = rid(v.e, r, s, products);
                v.of_m = rid(v.of_m, r, s, products);
            }
        }
        for (var r = 0u; r < min(4u, params.k - j); r++) {
            store(j + r, cols.x, component(v.a, r));
            store(j + r, cols.y, component(v.b, r));
            store(j + r, cols.z, component(v.c, r));
            store(j + r, cols.w, component(v.d, r));
            store(j + r, col_e, component(v.e, r));
            if (lane < params.k) {
                m[m_0 + (j + r) * params.k + lane] = component(v.of_m, r);
            }
        }
    }
}
