// A pass of a transform of rows of `length`: of each row, `length` / P transforms of P points, P = `points` (Stockham's order: nothing is
// permuted). After passes whose points multiply to `span`, with k = o mod span, s = o / span mod P, b = o / (span P), j = b span + k, a
// pass makes of each row
//   y[o] = sum over r < P of x[j + r length / P] w^(r (k + s span) length / (span P)),
// where w = e^(-2 pi i / length), its conjugate if inverse. One pass of all points is the whole transform.
//
// x        as the first digit of LAYOUT says: 0 reals [rows, n]; 1 complex [panel, length, 2]; 2 the first half [rows, n / 2 + 1, 2] of a
//          Hermitian spectrum, its first and, of an even n, last entry scaled by `ends`, those between by `middle`; 3 pairs of neighbours
//          in rows [rows, n] of reals as one complex number, n = 2 length; 4 such a half spectrum, made into the spectrum of such pairs
// tables   [.., 2]: powers of the root of unity of n (of `length`, by Bluestein's way), then, if CHIRPED, what rows are multiplied by as
//          they are read and written: `tables_in` and `tables_out` say where that begins, 0 that nothing is
// y        as the second digit says: 0 complex [panel, length, 2]; 1 the first half [rows, n / 2 + 1, 2] of a spectrum, scaled likewise; 2
//          the real parts [rows, n]; 3 complex numbers as pairs of neighbours in rows [rows, n]; 4 the first half of the spectrum of such
//          pairs
// workgroup LANES x 1 x 1: serial, 64, an invocation an element of y, no memory, no barrier; group, 256, `group` transforms in 16 KiB of
//          workgroup memory, by steps of the radices of P with two barriers each
// cost     8 p FLOPs an element of a step of radix p, 4 p where x or y is real; 2 for each one scaled; 6 for each product with a table, 2
//          where x is real, 3 where y is; x, tables and y once
// uses     grid
// one of   fourier_serial | fourier_group

struct Params {
    // Elements of a row of reals; complex numbers of a row, and of a transform; the points of the passes before, multiplied.
    n: u32,
    length: u32,
    points: u32,
    span: u32,
    // Transforms in all, and of a workgroup; the first row of this panel; the number of steps.
    transforms: u32,
    group: u32,
    first: u32,
    steps: u32,
    tables_in: u32,
    tables_out: u32,
    // 1 where the transform is inverse; 2 where the tables that multiply are conjugated.
    turned: u32,
    // Divisors as factors, in units of 2^-21: the points or transforms that lie beside one another in the tile, `points`, and n / 2 + 1.
    per_beside: u32,
    per_points: u32,
    per_half: u32,
    ends: f32,
    middle: f32,
    // For each step: the radix p in 16 bits, and P / p in the bits above; the factors for quotients by the number of butterflies that lie
    // side by side and by the product of the radices before; and the power of the root by which neighbours turn.
    step_0: vec4<u32>,
    step_1: vec4<u32>,
    step_2: vec4<u32>,
    step_3: vec4<u32>,
    step_4: vec4<u32>,
    step_5: vec4<u32>,
    step_6: vec4<u32>,
    step_7: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> tables: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const READ = LAYOUT / 10u;
const WRITE = LAYOUT % 10u;

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// z / i.
fn quarter(z: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(z.y, -z.x);
}

fn conjugate(z: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(z.x, -z.y);
}

// The transform with the roots' conjugates is that of swapped parts, swapped.
fn swapped(z: vec2<f32>) -> vec2<f32> {
    return select(z, z.yx, (params.turned & 1u) == 1u);
}

// Powers of the root of unity that `tables` begins with.
fn roots() -> u32 {
    return select(params.length, params.n, (READ >= 3u) | (WRITE >= 3u));
}

fn scale(k: u32) -> f32 {
    return select(params.middle, params.ends, (k == 0u) | (2u * k == params.n));
}

fn factor(at: u32) -> vec2<f32> {
    return tables[at] * vec2<f32>(1.0, select(1.0, -1.0, (params.turned & 2u) == 2u));
}

// Entry k of a half spectrum, scaled. The imaginary parts at the ends count for nothing.
fn half_spectrum(row: u32, k: u32) -> vec2<f32> {
    let at = 2u * ((params.first + row) * (params.n / 2u + 1u) + k);
    let z = vec2<f32>(x[at], x[at + 1u]) * scale(k);
    return vec2<f32>(z.x, select(z.y, 0.0, (k == 0u) | (2u * k == params.n)));
}

// Element t of a row. Beyond n, it is 0.
fn element_of(row: u32, t: u32) -> vec2<f32> {
    if (READ == 0u) {
        let real = x[(params.first + row) * params.n + min(t, params.n - 1u)];
        return vec2<f32>(select(real, 0.0, t >= params.n), 0.0);
    }
    if (READ == 1u) {
        let at = 2u * (row * params.length + t);
        return vec2<f32>(x[at], x[at + 1u]);
    }
    if (READ == 2u) {
        let within = min(t, params.n - 1u);
        let k = min(within, params.n - within);
        let z = half_spectrum(row, k);
        return select(vec2<f32>(z.x, select(-z.y, z.y, k == within)), vec2<f32>(0.0), t >= params.n);
    }
    if (READ == 3u) {
        let at = 2u * ((params.first + row) * params.length + t);
        return vec2<f32>(x[at], x[at + 1u]);
    }
    // The spectra of even and of odd elements, as the parts of one: X_t + X'_(h - t) + i e^(2 pi i t / n) (X_t - X'_(h - t)), n = 2 h.
    let a = half_spectrum(row, t);
    let b = conjugate(half_spectrum(row, params.length - t));
    return a + b - quarter(times(a - b, conjugate(tables[t])));
}

// The same, multiplied by what it is read with, its parts swapped if inverse.
fn load(row: u32, t: u32) -> vec2<f32> {
    var z = element_of(row, t);
    if (CHIRPED) {
        if (params.tables_in > 0u) {
            z = times(z, factor(params.tables_in + min(t, params.n - 1u)));
        }
    }
    return swapped(z);
}

fn keep(row: u32, o: u32, z: vec2<f32>) {
    if (WRITE == 2u) {
        if (o < params.n) {
            y[(params.first + row) * params.n + o] = z.x;
        }
        return;
    }
    if ((WRITE == 1u) | (WRITE == 4u)) {
        if (o <= params.n / 2u) {
            let to = 2u * ((params.first + row) * (params.n / 2u + 1u) + o);
            let s = scale(o);
            y[to] = z.x * s;
            y[to + 1u] = z.y * s;
        }
        return;
    }
    let to = 2u * ((row + select(params.first, 0u, WRITE == 0u)) * params.length + o);
    y[to] = z.x;
    y[to + 1u] = z.y;
}

// Writes entry o of a row, its parts swapped if inverse, multiplied by what it is written with.
fn store(row: u32, o: u32, made: vec2<f32>) {
    var z = swapped(made);
    if (CHIRPED) {
        if (params.tables_out > 0u) {
            // The chirp ends where nothing more is written.
            z = times(z, factor(params.tables_out + select(min(o, params.n - 1u), o, WRITE == 0u)));
        }
    }
    keep(row, o, z);
}

@compute @workgroup_size(LANES)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    transform(group_index(grid.group, grid.groups), lane);
}
