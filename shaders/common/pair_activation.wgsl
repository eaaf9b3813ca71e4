// The activation of a pair's hidden state, over T and its signed words I: ReLU, leaky ReLU, ELU or tanh. `leak` is the slope of a leaky
// ReLU below 0; where `slope` is true, the slope is returned instead of the value. ReLU compares words, for which a NaN is a number: those
// from -0 to minus infinity, and no NaN, are at most -8388608. Where EXPONENTIAL is false, the kind is neither ELU nor tanh.
fn activated(x: T, kind: u32, leak: f32, slope: bool) -> T {
    if (kind == 0u) {
        let word = bitcast<I>(x);
        if (slope) {
            return select(T(1.0), T(0.0), (word <= I(-8388608)) | (word == I(0)));
        }
        return select(x, T(0.0), word <= I(-8388608));
    }
    let above = x > T(0.0);
    if (kind == 1u || !EXPONENTIAL) {
        return select(T(leak), T(1.0), above) * select(x, T(1.0), slope);
    }
    if (kind == 2u) {
        let below = nan_or(x, min(x, T(0.0)));
        if (slope) {
            return exp(below);
        }
        return select(expm1_(below), x, above);
    }
    let y = tanh_(x);
    if (slope) {
        return T(1.0) - y * y;
    }
    return y;
}
