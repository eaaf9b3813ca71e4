// The activation of a pair's hidden state, over T: ReLU, leaky ReLU, ELU or tanh. `leak` is the slope of a leaky ReLU below 0; where
// `slope` is true, the slope is returned instead of the value.
fn activated(x: T, kind: u32, leak: f32, slope: bool) -> T {
    let above = x > T(0.0);
    if (kind == 0u) {
        let on = select(x, T(1.0), slope);
        return unless_nan(x, x, select(T(0.0), on, above), on);
    }
    if (kind == 1u) {
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
