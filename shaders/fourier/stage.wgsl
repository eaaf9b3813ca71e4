// One stage of a mixed-radix transform of rows (Stockham's order: nothing is permuted). After stages whose radices multiply to `span`,
// the stage of radix p makes, with k = o mod span, s = o / span mod p, b = o / (span p), j = b span + k, of each row
//   y[o] = sum over r < p of x[j + r n / p] w^(r (k + s span) n / (span p)),   w = e^(-2 pi i / n), its conjugate if INVERSE.
//
// x        as READ says: 0 reals [rows, n]; 1 complex [panel, n, 2]; 2 the first half [rows, n / 2 + 1, 2] of a Hermitian spectrum, its
//          first and, of an even n, last entry scaled by `ends`, those between by `middle`
// roots    [n, 2]: powers of w
// y        as WRITE says: 0 complex [panel, n, 2]; 1 the first half [rows, n / 2 + 1, 2] of a spectrum, scaled likewise; 2 the real
//          parts [rows, n]
// workgroup 64 x 1 x 1, an invocation an element of y, no memory, no barrier. Sums are flushed every 64 terms.
// cost     8 p FLOPs an element of y, 4 p where x or y is real; 2 for each one scaled; x, roots and y once
// uses     grid

struct Params {
    outputs: u32,
    per_row: u32,
    n: u32,
    span: u32,
    radix: u32,
    // The first row of this panel.
    first: u32,
    ends: f32,
    middle: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn scale(k: u32) -> f32 {
    return select(params.middle, params.ends, (k == 0u) | (2u * k == params.n));
}

fn load(row: u32, j: u32) -> vec2<f32> {
    if (READ == 0u) {
        return vec2<f32>(x[(params.first + row) * params.n + j], 0.0);
    }
    if (READ == 1u) {
        let at = 2u * (row * params.n + j);
        return vec2<f32>(x[at], x[at + 1u]);
    }
    let k = min(j, params.n - j);
    let at = 2u * ((params.first + row) * (params.n / 2u + 1u) + k);
    let s = scale(k);
    return vec2<f32>(x[at] * s, x[at + 1u] * select(-s, s, k == j));
}

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = element(grid.group, grid.groups, lane);
    if (at >= params.outputs) {
        return;
    }
    let row = at / params.per_row;
    let o = at % params.per_row;
    let whole = params.span * params.radix;
    let j = o / whole * params.span + o % params.span;
    let apart = params.n / params.radix;
    let turn = o % whole * (params.n / whole);
    var power = 0u;
    var sum = vec2<f32>(0.0);
    for (var block = 0u; block < params.radix; block += 64u) {
        var part = vec2<f32>(0.0);
        for (var r = block; r < min(block + 64u, params.radix); r++) {
            let z = load(row, j + r * apart);
            let w = roots[power] * vec2<f32>(1.0, select(1.0, -1.0, INVERSE));
            part += vec2<f32>(z.x * w.x - z.y * w.y, z.x * w.y + z.y * w.x);
            power += turn;
            power -= select(0u, params.n, power >= params.n);
        }
        sum += part;
    }
    if (WRITE == 2u) {
        y[(params.first + row) * params.n + o] = sum.x;
        return;
    }
    if (WRITE == 1u) {
        let to = 2u * ((params.first + row) * params.per_row + o);
        let s = scale(o);
        y[to] = sum.x * s;
        y[to + 1u] = sum.y * s;
        return;
    }
    let to = 2u * at;
    y[to] = sum.x;
    y[to + 1u] = sum.y;
}
