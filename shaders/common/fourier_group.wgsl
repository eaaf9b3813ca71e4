// A pass of a Fourier transform by a workgroup. It holds `group` transforms, 2,048 points at most, in workgroup memory, and takes one step
// for each radix of their points, by the formula of a pass. A lane makes 2048 / (256 p) butterflies of a step of radix p, rounded up; it
// keeps them in registers until all lanes have read, and then writes them.
const POINTS = 2048u;

var<workgroup> tile: array<vec2<f32>, POINTS>;

// A step. `butterflies` is the number of its butterflies, and `apart` both the number in each transform and the distance between the
// elements of one. `span` is the product of the radices of the steps before. In the tile the elements of a transform are `along` apart,
// transforms are `across` apart, and `fast` butterflies lie side by side: those of one transform, or one of each transform. `per_fast` and
// `per_span` are the factors for quotients by `fast` and by `span`. Butterfly k of a span is turned by the root at k `turn` in the tables.
struct Step {
    butterflies: u32,
    apart: u32,
    span: u32,
    along: u32,
    across: u32,
    fast: u32,
    per_fast: u32,
    per_span: u32,
    turn: u32,
}

// A butterfly: its first element and its first result in the tile, and the root that turns its second element.
struct Butterfly {
    live: bool,
    at: u32,
    to: u32,
    root: vec2<f32>,
}

// Several transforms of a row lie side by side in the tile, whole rows one after the other.
fn beside() -> bool {
    return params.points < params.length;
}

// The quotient of i by the divisor that `factor` was made from, for i below 2^12, quotients below 2^11 and divisors up to 1024. The factor
// of larger divisors is 0: they divide only numbers smaller than themselves.
fn quotient(i: u32, factor: u32) -> u32 {
    return (i * factor) >> 21u;
}

// The parameters that the host gives for step i.
fn step_at(i: u32) -> vec4<u32> {
    switch (i) {
        case 0u: { return params.step_0; }
        case 1u: { return params.step_1; }
        case 2u: { return params.step_2; }
        case 3u: { return params.step_3; }
        case 4u: { return params.step_4; }
        case 5u: { return params.step_5; }
        case 6u: { return params.step_6; }
        default: { return params.step_7; }
    }
}

fn step_of(apart: u32, span: u32, per_fast: u32, per_span: u32, turn: u32) -> Step {
    let fast = select(apart, params.group, beside());
    let along = select(1u, params.group, beside());
    let across = select(params.points, 1u, beside());
    return Step(apart * params.group, apart, span, along, across, fast, per_fast, per_span, turn);
}

// A step that goes through all points one by one.
fn whole_step(span: u32) -> Step {
    return step_of(params.points, span, params.per_beside, 0u, 0u);
}

// The transform that place i belongs to, and the index within it.
fn apportioned(step: Step, i: u32) -> vec2<u32> {
    let slow = quotient(i, step.per_fast);
    let fast = i - slow * step.fast;
    return select(vec2<u32>(slow, fast), vec2<u32>(fast, slow), beside());
}

// Butterfly i of a step of radix p.
fn butterfly(step: Step, i: u32, p: u32) -> Butterfly {
    let its = apportioned(step, i);
    let whole = quotient(its.y, step.per_span) * step.span;
    let k = its.y - whole;
    let first = its.x * step.across;
    let live = i < step.butterflies;
    return Butterfly(live, first + its.y * step.along, first + (whole * p + k) * step.along, tables[select(0u, k * step.turn, live)]);
}

fn by_two(step: Step, lane: u32) {
    var v: array<vec2<f32>, 8>;
    let apart = step.apart * step.along;
    for (var i = 0u; i < 4u; i++) {
        let b = butterfly(step, i * LANES + lane, 2u);
        if (b.live) {
            let a0 = tile[b.at];
            let a1 = times(tile[b.at + apart], b.root);
            v[2u * i] = a0 + a1;
            v[2u * i + 1u] = a0 - a1;
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
        let b = butterfly(step, i * LANES + lane, 2u);
        if (b.live) {
            for (var s = 0u; s < 2u; s++) {
                tile[b.to + s * step.span * step.along] = v[2u * i + s];
            }
        }
    }
}

fn by_three(step: Step, lane: u32) {
    var v: array<vec2<f32>, 9>;
    let apart = step.apart * step.along;
    for (var i = 0u; i < 3u; i++) {
        let b = butterfly(step, i * LANES + lane, 3u);
        if (b.live) {
            let w2 = times(b.root, b.root);
            let a0 = tile[b.at];
            let a1 = times(tile[b.at + apart], b.root);
            let a2 = times(tile[b.at + 2u * apart], w2);
            let sum = a1 + a2;
            let real = a0 - 0.5 * sum;
            let turned = 0.8660254 * quarter(a1 - a2);
            v[3u * i] = a0 + sum;
            v[3u * i + 1u] = real + turned;
            v[3u * i + 2u] = real - turned;
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < 3u; i++) {
        let b = butterfly(step, i * LANES + lane, 3u);
        if (b.live) {
            for (var s = 0u; s < 3u; s++) {
                tile[b.to + s * step.span * step.along] = v[3u * i + s];
            }
        }
    }
}

fn by_four(step: Step, lane: u32) {
    var v: array<vec2<f32>, 8>;
    let apart = step.apart * step.along;
    for (var i = 0u; i < 2u; i++) {
        let b = butterfly(step, i * LANES + lane, 4u);
        if (b.live) {
            let w2 = times(b.root, b.root);
            let w3 = times(w2, b.root);
            let a0 = tile[b.at];
            let a1 = times(tile[b.at + apart], b.root);
            let a2 = times(tile[b.at + 2u * apart], w2);
            let a3 = times(tile[b.at + 3u * apart], w3);
            let sum = a0 + a2;
            let difference = a0 - a2;
            let turned = quarter(a1 - a3);
            v[4u * i] = sum + (a1 + a3);
            v[4u * i + 1u] = difference + turned;
            v[4u * i + 2u] = sum - (a1 + a3);
            v[4u * i + 3u] = difference - turned;
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < 2u; i++) {
        let b = butterfly(step, i * LANES + lane, 4u);
        if (b.live) {
            for (var s = 0u; s < 4u; s++) {
                tile[b.to + s * step.span * step.along] = v[4u * i + s];
            }
        }
    }
}

fn by_five(step: Step, lane: u32) {
    var v: array<vec2<f32>, 10>;
    let apart = step.apart * step.along;
    for (var i = 0u; i < 2u; i++) {
        let b = butterfly(step, i * LANES + lane, 5u);
        if (b.live) {
            let w2 = times(b.root, b.root);
            let w3 = times(w2, b.root);
            let w4 = times(w2, w2);
            let a0 = tile[b.at];
            let a1 = times(tile[b.at + apart], b.root);
            let a2 = times(tile[b.at + 2u * apart], w2);
            let a3 = times(tile[b.at + 3u * apart], w3);
            let a4 = times(tile[b.at + 4u * apart], w4);
            let near = a1 + a4;
            let far = a2 + a3;
            let near_turned = quarter(a1 - a4);
            let far_turned = quarter(a2 - a3);
            let real1 = a0 + 0.30901699 * near - 0.80901699 * far;
            let real2 = a0 - 0.80901699 * near + 0.30901699 * far;
            let turned1 = 0.95105652 * near_turned + 0.58778525 * far_turned;
            let turned2 = 0.58778525 * near_turned - 0.95105652 * far_turned;
            v[5u * i] = a0 + (near + far);
            v[5u * i + 1u] = real1 + turned1;
            v[5u * i + 2u] = real2 + turned2;
            v[5u * i + 3u] = real2 - turned2;
            v[5u * i + 4u] = real1 - turned1;
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < 2u; i++) {
        let b = butterfly(step, i * LANES + lane, 5u);
        if (b.live) {
            for (var s = 0u; s < 5u; s++) {
                tile[b.to + s * step.span * step.along] = v[5u * i + s];
            }
        }
    }
}

fn by_seven(step: Step, lane: u32) {
    var v: array<vec2<f32>, 14>;
    let apart = step.apart * step.along;
    for (var i = 0u; i < 2u; i++) {
        let b = butterfly(step, i * LANES + lane, 7u);
        if (b.live) {
            let w2 = times(b.root, b.root);
            let w3 = times(w2, b.root);
            let w4 = times(w2, w2);
            let a0 = tile[b.at];
            let a1 = times(tile[b.at + apart], b.root);
            let a2 = times(tile[b.at + 2u * apart], w2);
            let a3 = times(tile[b.at + 3u * apart], w3);
            let a4 = times(tile[b.at + 4u * apart], w4);
            let a5 = times(tile[b.at + 5u * apart], times(w4, b.root));
            let a6 = times(tile[b.at + 6u * apart], times(w4, w2));
            let p1 = a1 + a6;
            let p2 = a2 + a5;
            let p3 = a3 + a4;
            let m1 = quarter(a1 - a6);
            let m2 = quarter(a2 - a5);
            let m3 = quarter(a3 - a4);
            let real1 = a0 + 0.62348980 * p1 - 0.22252093 * p2 - 0.90096887 * p3;
            let real2 = a0 - 0.22252093 * p1 - 0.90096887 * p2 + 0.62348980 * p3;
            let real3 = a0 - 0.90096887 * p1 + 0.62348980 * p2 - 0.22252093 * p3;
            let turned1 = 0.78183148 * m1 + 0.97492791 * m2 + 0.43388374 * m3;
            let turned2 = 0.97492791 * m1 - 0.43388374 * m2 - 0.78183148 * m3;
            let turned3 = 0.43388374 * m1 - 0.78183148 * m2 + 0.97492791 * m3;
            v[7u * i] = a0 + (p1 + p2 + p3);
            v[7u * i + 1u] = real1 + turned1;
            v[7u * i + 2u] = real2 + turned2;
            v[7u * i + 3u] = real3 + turned3;
            v[7u * i + 4u] = real3 - turned3;
            v[7u * i + 5u] = real2 - turned2;
            v[7u * i + 6u] = real1 - turned1;
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < 2u; i++) {
        let b = butterfly(step, i * LANES + lane, 7u);
        if (b.live) {
            for (var s = 0u; s < 7u; s++) {
                tile[b.to + s * step.span * step.along] = v[7u * i + s];
            }
        }
    }
}

fn by_eight(step: Step, lane: u32) {
    var v: array<vec2<f32>, 8>;
    let apart = step.apart * step.along;
    for (var i = 0u; i < 1u; i++) {
        let b = butterfly(step, i * LANES + lane, 8u);
        if (b.live) {
            let w2 = times(b.root, b.root);
            let w3 = times(w2, b.root);
            let w4 = times(w2, w2);
            let a0 = tile[b.at];
            let a1 = times(tile[b.at + apart], b.root);
            let a2 = times(tile[b.at + 2u * apart], w2);
            let a3 = times(tile[b.at + 3u * apart], w3);
            let a4 = times(tile[b.at + 4u * apart], w4);
            let a5 = times(tile[b.at + 5u * apart], times(w4, b.root));
            let a6 = times(tile[b.at + 6u * apart], times(w4, w2));
            let a7 = times(tile[b.at + 7u * apart], times(w4, w3));
            // The transform of the even ones, and of the odd ones, turned.
            let e0 = (a0 + a4) + (a2 + a6);
            let e1 = (a0 - a4) + quarter(a2 - a6);
            let e2 = (a0 + a4) - (a2 + a6);
            let e3 = (a0 - a4) - quarter(a2 - a6);
            let o0 = (a1 + a5) + (a3 + a7);
            let o1 = (a1 - a5) + quarter(a3 - a7);
            let o2 = quarter((a1 + a5) - (a3 + a7));
            let o3 = (a1 - a5) - quarter(a3 - a7);
            let t1 = 0.70710678 * (o1 + quarter(o1));
            let t3 = 0.70710678 * (quarter(o3) - o3);
            v[0u] = e0 + o0;
            v[1u] = e1 + t1;
            v[2u] = e2 + o2;
            v[3u] = e3 + t3;
            v[4u] = e0 - o0;
            v[5u] = e1 - t1;
            v[6u] = e2 - o2;
            v[7u] = e3 - t3;
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < 1u; i++) {
        let b = butterfly(step, i * LANES + lane, 8u);
        if (b.live) {
            for (var s = 0u; s < 8u; s++) {
                tile[b.to + s * step.span * step.along] = v[8u * i + s];
            }
        }
    }
}

// Any radix up to 64: a lane sums the terms of each of its 8 points.
fn by_any(step: Step, lane: u32, p: u32) {
    var v: array<vec2<f32>, 8>;
    let apart = step.apart * step.along;
    let around = step.span * p;
    let points = whole_step(step.span);
    for (var i = 0u; i < 8u; i++) {
        let its = apportioned(points, i * LANES + lane);
        var sum = vec2<f32>(0.0);
        if (i * LANES + lane < points.butterflies) {
            let o = its.y % around;
            let first = its.x * step.across + (its.y / around * step.span + o % step.span) * step.along;
            var power = 0u;
            for (var r = 0u; r < p; r++) {
                sum += times(tile[first + r * apart], tables[power]);
                power += o * step.turn;
                power -= select(0u, roots(), power >= roots());
            }
        }
        v[i] = sum;
    }
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) {
        let its = apportioned(points, i * LANES + lane);
        if (i * LANES + lane < points.butterflies) {
            tile[its.x * step.across + its.y * step.along] = v[i];
        }
    }
}

// The row of a transform of the panel, and its place there.
fn row_of(at: u32) -> vec2<u32> {
    if (!beside()) {
        return vec2<u32>(at, 0u);
    }
    let apart = params.length / params.points;
    let row = at / apart;
    return vec2<u32>(row, at - row * apart);
}

// Loads elements of x into the tile; neighbouring invocations load neighbouring elements.
fn fill(first: u32, live: u32, lane: u32) {
    let points = whole_step(1u);
    let apart = params.length / params.points;
    for (var i = lane; i < points.butterflies; i += LANES) {
        let its = apportioned(points, i);
        if (its.x < live) {
            let row = row_of(first + its.x);
            var z = load(row.x, row.y + its.y * apart);
            if (params.span > 1u) {
                z = times(z, tables[its.y * (row.y % params.span) * (roots() / (params.span * params.points))]);
            }
            tile[i] = z;
        }
    }
}

// Stores the tile into y. In the first of several passes the results of one transform are neighbours in y.
fn empty(first: u32, live: u32, lane: u32) {
    let points = whole_step(1u);
    for (var i = lane; i < points.butterflies; i += LANES) {
        var its = apportioned(points, i);
        if (params.span == 1u) {
            its.x = quotient(i, params.per_points);
            its.y = i - its.x * params.points;
        }
        if (its.x < live) {
            let row = row_of(first + its.x);
            let k = row.y % params.span;
            store(row.x, (row.y - k) * params.points + its.y * params.span + k, tile[its.x * points.across + its.y * points.along]);
        }
    }
}

// The first half of the spectrum of n = 2 h reals from that of its pairs, Z:
// X_k = (Z_k + Z'_(h - k)) / 2 - i e^(-2 pi i k / n) (Z_k - Z'_(h - k)) / 2.
fn unpack(first: u32, live: u32, lane: u32) {
    let kept = params.length + 1u;
    for (var i = lane; i < live * kept; i += LANES) {
        let row = quotient(i, params.per_half);
        let k = i - row * kept;
        let a = tile[row * params.length + select(k, 0u, k == params.length)];
        let b = conjugate(tile[row * params.length + select(params.length - k, 0u, k == 0u)]);
        let w = select(tables[min(k, params.n - 1u)], vec2<f32>(-1.0, 0.0), k == params.length);
        keep(first + row, k, 0.5 * (a + b + quarter(times(a - b, w))));
    }
}

fn transform(group: u32, lane: u32) {
    let first = group * params.group;
    if (first >= params.transforms) {
        return;
    }
    let live = min(params.group, params.transforms - first);
    fill(first, live, lane);
    var span = 1u;
    for (var i = 0u; i < params.steps; i++) {
        workgroupBarrier();
        let said = step_at(i);
        let p = said.x & 0xffffu;
        let step = step_of(said.x >> 16u, span, said.y, said.z, said.w);
        switch (p) {
            case 1u: { }
            case 2u: { by_two(step, lane); }
            case 3u: { by_three(step, lane); }
            case 4u: { by_four(step, lane); }
            case 5u: { by_five(step, lane); }
            case 7u: { by_seven(step, lane); }
            case 8u: { by_eight(step, lane); }
            default: { by_any(step, lane, p); }
        }
        span *= p;
    }
    workgroupBarrier();
    if (WRITE == 4u) {
        unpack(first, live, lane);
    } else {
        empty(first, live, lane);
    }
}
