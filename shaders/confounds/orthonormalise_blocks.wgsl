// Rows q = m x that are orthonormal under weights, <q_i, q_j> + ridge <m_i, m_j> = [i = j], <a, b> = sum_t w_t a_t b_t, by Gram and
// Schmidt's process four rows at a time: the four are rid of all rows before them, four of those after four, then made orthonormal among
// themselves, one after another; and all of that once more. A row that has nothing left but rounding,
//   |rest|^2 <= tolerance^2 |row|^2,
// is zeros in q and m.
//
// x, q     [batch, k, time]
// w        [batch, time]
// m        [batch, k, k], lower triangular
// workgroup 128 x 1 x 1, a batch entry; an invocation holds COLS of the time + k columns of q and m, of four rows each; 10.3 KiB of
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

// Element `col` of a row of q, or beyond its end of m; of the last row where there is none.
fn element_of(wanted: u32, col: u32) -> f32 {
    let row = min(wanted, params.k - 1u);
    if (col < params.time) {
        return q[q_0 + row * params.time + col];
    }
    let inside = col < params.time + params.k;
    return select(0.0, m[m_0 + select(0u, row * params.k + col - params.time, inside)], inside);
}

fn store(row: u32, col: u32, value: f32) {
    if (col < params.time) {
        q[q_0 + row * params.time + col] = value;
    } else if (col < params.time + params.k) {
        m[m_0 + row * params.k + col - params.time] = value;
    }
}

// The same of a row of x, with the identity for m; zeros beyond the last row.
fn given(row: u32, col: u32) -> f32 {
    let inside = row < params.k && col < params.time;
    return select(select(0.0, 1.0, col == params.time + row), x[q_0 + select(0u, row * params.time + col, inside)], inside);
}

fn four(row: u32, col: u32) -> vec4<f32> {
    return vec4<f32>(element_of(row, col), element_of(row + 1u, col), element_of(row + 2u, col), element_of(row + 3u, col));
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

@compute @workgroup_size(128)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.batch) {
        return;
    }
    q_0 = at * params.k * params.time;
    m_0 = at * params.k * params.k;
    var weights: array<f32, COLS>;
    // Rows of four: of those being made, of those before them, and of the next of those.
    var v: array<vec4<f32>, COLS>;
    var before: array<vec4<f32>, COLS>;
    var next: array<vec4<f32>, COLS>;
    for (var c = 0u; c < COLS; c++) {
        let col = 128u * c + lane;
        let of_time = col < params.time;
        let weight = w[at * params.time + select(0u, col, of_time)];
        weights[c] = select(select(0.0, params.ridge, col < params.time + params.k), weight, of_time);
    }

    for (var j = 0u; j < params.k; j += 4u) {
        var part = vec4<f32>(0.0);
        for (var c = 0u; c < COLS; c++) {
            let col = 128u * c + lane;
            v[c] = vec4<f32>(given(j, col), given(j + 1u, col), given(j + 2u, col), given(j + 3u, col));
            part += weights[c] * v[c] * v[c];
        }
        let whole = sum(part, lane);
        var left = vec4<f32>(1.0);
        for (var pass_ = 0u; pass_ < 2u; pass_++) {
            for (var c = 0u; c < COLS; c++) {
                next[c] = four(0u, 128u * c + lane);
            }
            for (var i = 0u; i < j; i += 4u) {
                var products = mat4x4<f32>();
                // The next rows are on their way while the sums are made; after the last, those of the first come once more.
                let ahead = select(0u, i + 4u, i + 4u < j);
                for (var c = 0u; c < COLS; c++) {
                    before[c] = next[c];
                    next[c] = four(ahead, 128u * c + lane);
                    let b = weights[c] * before[c];
                    products[0] += b.x * v[c];
                    products[1] += b.y * v[c];
                    products[2] += b.z * v[c];
                    products[3] += b.w * v[c];
                }
                products = sum4(products, lane);
                for (var c = 0u; c < COLS; c++) {
                    v[c] -= (products[0] * before[c].x + products[1] * before[c].y) + (products[2] * before[c].z + products[3] * before[c].w);
                }
            }
            for (var r = 0u; r < 4u; r++) {
                part = vec4<f32>(0.0);
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
                let rows = vec4<u32>(0u, 1u, 2u, 3u);
                left = select(left, vec4<f32>(rest), rows == vec4<u32>(r));
                for (var c = 0u; c < COLS; c++) {
                    let made = component(v[c], r) * s;
                    let less = select(v[c], v[c] - products * s * made, rows > vec4<u32>(r));
                    v[c] = select(less, vec4<f32>(made), rows == vec4<u32>(r));
                }
            }
        }
        for (var c = 0u; c < COLS; c++) {
            let col = 128u * c + lane;
            for (var r = 0u; r < 4u; r++) {
                if (j + r < params.k) {
                    store(j + r, col, v[c][r]);
                }
            }
        }
    }
}
