// An entry of a covariance or correlation matrix, as CORRELATION and FISHER say: as it is; or held within [-1, 1], the diagonal 1, or 0 for
// a row of zeros; or Fisher's z of it, |r| held to 1 - 1e-6, the diagonal 0. It is for one number T at a time.
fn finish(value: f32, diagonal: bool) -> f32 {
    if (FISHER) {
        return nan_or(value, select(atanh_(clamp(value, -0.999999, 0.999999)), 0.0, diagonal));
    } else if (CORRELATION) {
        return nan_or(value, select(clamp(value, -1.0, 1.0), select(0.0, 1.0, value > 0.5), diagonal));
    }
    return value;
}
