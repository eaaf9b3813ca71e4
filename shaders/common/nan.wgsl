// Functions that keep NaN, over T (f32 or vec4<f32>) and its words U (u32 or vec4<u32>). WGSL lets a back end compile as if there were no
// NaN: then min, max, clamp and comparisons drop it, and `x != x` is never true. These functions test bits and choose between bits, which
// no back end may change.
fn unless_nan(a: T, b: T, y: T, otherwise: T) -> T {
    let larger_bits = max(bitcast<U>(a) & U(0x7fffffffu), bitcast<U>(b) & U(0x7fffffffu));
    return bitcast<T>(select(bitcast<U>(y), bitcast<U>(otherwise), larger_bits > U(0x7f800000u)));
}

// x where it is NaN, else y.
fn nan_or(x: T, y: T) -> T {
    return unless_nan(x, x, y, x);
}

// The larger, and the smaller; NaN where either is.
fn larger(a: T, b: T) -> T {
    return unless_nan(a, b, max(a, b), a + b);
}

fn smaller(a: T, b: T) -> T {
    return unless_nan(a, b, min(a, b), a + b);
}

// b where a is not 0, NaN included; else c.
fn chosen(a: T, b: T, c: T) -> T {
    return bitcast<T>(select(bitcast<U>(c), bitcast<U>(b), (bitcast<U>(a) & U(0x7fffffffu)) != U(0u)));
}

// NaN, whatever x is.
fn nan_of(x: T) -> T {
    return bitcast<T>(bitcast<U>(x) | U(0x7fc00000u));
}

fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// True where x is neither NaN nor infinite.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) < 0x7f800000u;
}
