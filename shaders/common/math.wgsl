// Elementary functions over T (f32 or vec4<f32>) that hold up where drivers' own do not: tanh of large arguments is NaN
// on several, atanh and expm1 lose their digits near 0, erf does not exist, and sin and cos are good to 2^-11 only. NaN stays NaN.

fn expm1_(x: T) -> T {
    // Near 0, the Taylor series to x^8/8!: error under 1e-8 for |x| <= 0.5.
    let s = x * (T(1.0) + x * (T(0.5) + x * (T(0.16666667) + x * (T(0.041666667)
        + x * (T(0.008333334) + x * (T(0.0013888889) + x * (T(0.0001984127) + x * T(0.0000248016))))))));
    return select(exp(x) - T(1.0), s, abs(x) <= T(0.5));
}

fn log1p_(x: T) -> T {
    // Near 0, 2 atanh(x / (2 + x)) by its series to the 13th power; WGSL's log is only good to 5e-7 there.
    let s = x / (T(2.0) + x);
    let y = s * s;
    let near = T(2.0) * s * (T(1.0) + y * (T(0.33333334) + y * (T(0.2) + y * (T(0.14285715)
        + y * (T(0.11111111) + y * (T(0.09090909) + y * T(0.07692308)))))));
    return select(log(T(1.0) + x), near, abs(x) < T(0.41));
}

fn tanh_(x: T) -> T {
    // expm1 keeps the digits near 0; beyond 10 the result is 1 in f32.
    let e = expm1_(T(-2.0) * min(abs(x), T(10.0)));
    let t = -e / (T(2.0) + e);
    return nan_or(x, select(t, -t, x < T(0.0)));
}

fn atanh_(x: T) -> T {
    let y = x * x;
    let near = x * (T(1.0) + y * (T(0.33333334) + y * (T(0.2) + y * (T(0.14285715)
        + y * (T(0.11111111) + y * (T(0.09090909) + y * T(0.07692308)))))));
    return select(T(0.5) * log((T(1.0) + x) / (T(1.0) - x)), near, abs(x) < T(0.25));
}

// 2 asin(sqrt(x) / 2), the angle between unit vectors at the squared distance x. Drivers' asin is good to 5e-4 only; this is
// Cephes' asinf, whose polynomial holds to half a right angle; beyond, asin(s) = pi/2 - 2 asin(sqrt((1 - s) / 2)).
fn angle_of_chord_(x: T) -> T {
    let s = min(T(0.5) * sqrt(max(x, T(0.0))), T(1.0));
    let far = s > T(0.5);
    let z = select(s * s, T(0.5) * (T(1.0) - s), far);
    let r = select(s, sqrt(z), far);
    let a = r + r * z * (T(0.16666752) + z * (T(0.074953003) + z * (T(0.045470026) + z * (T(0.024181311) + z * T(0.042163199)))));
    return nan_or(x, select(T(2.0) * a, T(3.1415927) - T(4.0) * a, far));
}

fn sigmoid_(x: T) -> T {
    let e = exp(-abs(x));
    return nan_or(x, select(e, T(1.0), x >= T(0.0)) / (T(1.0) + e));
}

fn softplus_(x: T) -> T {
    return nan_or(x, max(x, T(0.0)) + log1p_(exp(-abs(x))));
}

// Near 0 the Maclaurin series of erf to x^11; beyond, Abramowitz & Stegun 7.1.26 would leave 1.5e-7, so the rational
// approximation of the complement by Numerical Recipes' Chebyshev fit (erfccheb, fractional error 1.2e-7).
fn erf_(x: T) -> T {
    let a = abs(x);
    let y = x * x;
    let near = x * (T(1.1283792) + y * (T(-0.37612638) + y * (T(0.11283792) + y * (T(-0.026866170)
        + y * (T(0.0052239776) - y * T(0.00085483270))))));
    let t = T(1.0) / (T(1.0) + T(0.5) * a);
    let p = T(-1.26551223) + t * (T(1.00002368) + t * (T(0.37409196) + t * (T(0.09678418) + t * (T(-0.18628806)
        + t * (T(0.27886807) + t * (T(-1.13520398) + t * (T(1.48851587) + t * (T(-0.82215223) + t * T(0.17087277)))))))));
    let far = T(1.0) - t * exp(min(p - a * a, T(0.0)));
    return nan_or(x, select(select(far, -far, x < T(0.0)), near, a < T(0.5)));
}

fn sign_(x: T) -> T {
    return nan_or(x, select(T(0.0), T(1.0), x > T(0.0)) - select(T(0.0), T(1.0), x < T(0.0)));
}

// WGSL promises 4096 units in the last place of its own. Of the smaller to the larger magnitude, turned by an eighth beyond tan(pi / 8),
// the series of Cephes' atanf; then back by symmetry.
fn atan2_(y: T, x: T) -> T {
    let smallest = min(abs(x), abs(y));
    let ratio = smallest / max(max(abs(x), abs(y)), T(1.1754944e-38));
    // Two infinities are equal.
    let t = select(ratio, T(1.0), smallest > T(3.4028234e38));
    let far = t > T(0.41421357);
    let u = select(t, (t - T(1.0)) / (t + T(1.0)), far);
    let s = u * u;
    let series = u + u * s * (T(-0.3333295) + s * (T(0.19977711) + s * (T(-0.13877685) + s * T(0.080537446))));
    let eighth = series + select(T(0.0), T(0.7853982), far);
    let quarter = select(eighth, T(1.5707964) - eighth, abs(y) > abs(x));
    let half = select(quarter, T(3.1415927) - quarter, x < T(0.0));
    return unless_nan(x, y, select(half, -half, y < T(0.0)), x + y);
}

// The sine of x, a quarter of a turn on if `quarter` is 1. x less the nearest multiple of pi / 2, whose digits are taken away in four parts
// (Cody & Waite), the first three so short that their products are exact; then Cephes' sinf and cosf. Beyond 10^5 the parts are too short,
// and the driver's sine is taken.
fn sine_of_(x: T, quarter: T) -> T {
    let k = round(x * T(0.63661977));
    let r = (((x - k * T(1.5703125)) - k * T(0.0004825592041015625)) - k * T(1.2665987014770508e-06)) - k * T(9.920935184482005e-10);
    let z = r * r;
    let sine = r + r * z * (T(-0.16666655) + z * (T(0.008332161) - z * T(0.00019515296)));
    let cosine = T(1.0) - T(0.5) * z + z * z * (T(0.041666646) + z * (T(-0.0013887316) + z * T(0.000024433157)));
    let turn = k + quarter;
    let quadrant = turn - T(4.0) * floor(T(0.25) * turn);
    let odd = abs(quadrant - T(2.0)) == T(1.0);
    let y = select(sine, cosine, odd);
    return select(y, -y, quadrant > T(1.5));
}

fn sin_(x: T) -> T {
    let size = abs(x);
    return nan_or(x, select(sine_of_(x, T(0.0)), sin(x), (size > T(1e5)) & (size <= T(3.4028234e38))));
}

fn cos_(x: T) -> T {
    let size = abs(x);
    return nan_or(x, select(sine_of_(x, T(1.0)), cos(x), (size > T(1e5)) & (size <= T(3.4028234e38))));
}

// C's pow on reals, without the driver's: a negative base wants a whole exponent.
fn pow_(x: T, y: T) -> T {
    let magnitude = select(exp2(y * log2(abs(x))), T(1.0), abs(x) == T(1.0));
    let odd = abs(y - T(2.0) * floor(T(0.5) * y)) == T(1.0);
    let whole = floor(y) == y;
    let signed = select(magnitude, -magnitude, (x < T(0.0)) & odd);
    // An infinite base has no sign where the exponent is not odd.
    let defined = select(signed, nan_of(x), (x < T(0.0)) & (x >= T(-3.4028234e38)) & !whole);
    let signed_zero = select(abs(x), x, odd);
    let at_zero = select(T(1.0) / signed_zero, signed_zero, y > T(0.0));
    let value = unless_nan(x, y, select(defined, at_zero, x == T(0.0)), nan_of(x));
    // Of 1, and to the power 0, whatever the other is.
    return select(value, T(1.0), (x == T(1.0)) | (y == T(0.0)));
}
