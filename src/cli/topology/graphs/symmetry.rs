//! Symmetric weights from a matrix as a file has it.

/// The largest difference of two entries across the diagonal that counts as rounding, as a fraction of the largest weight.
const ROUNDING: f32 = 1e-5;

/// The one weight that is made of the two weights of a directed graph's edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli::topology) enum Symmetrise {
    /// Their mean
    Mean,
    /// The larger of the two by value
    Max,
}

/// The weights of the nodes that are kept, with 0 on the diagonal: checked to be finite, and made symmetric, or checked to be symmetric up to
/// rounding, in which case the entries above the diagonal count.
pub(super) fn checked(w: &[f32], n: usize, kept: &[usize], how: Option<Symmetrise>) -> Result<Vec<f32>, String> {
    let named = |i: usize, j: usize, what: String| Err(format!("row {i}, column {j} (counted from 0): {what}"));
    let pairs = || kept.iter().flat_map(|&i| kept.iter().map(move |&j| (i, j))).filter(|(i, j)| i != j);
    if let Some((i, j)) = pairs().find(|&(i, j)| !w[i * n + j].is_finite()) {
        return named(i, j, format!("{}: a finite number is expected", w[i * n + j]));
    }
    // All weights are finite here.
    let most = pairs().fold(0.0f32, |most, (i, j)| most.max(w[i * n + j].abs()));
    let m = kept.len();
    let mut made = vec![0.0; m * m];
    for (a, &i) in kept.iter().enumerate() {
        for (b, &j) in kept.iter().enumerate().skip(a + 1) {
            let (x, across) = (w[i * n + j], w[j * n + i]);
            let weight = match how {
                Some(Symmetrise::Mean) => 0.5 * x + 0.5 * across,
                Some(Symmetrise::Max) => x.max(across),
                None if (x - across).abs() <= ROUNDING * most => x,
                None => {
                    let what = "a symmetric matrix is expected; --symmetrise mean or max makes one of a directed graph";
                    return named(i, j, format!("{x}, and {across} across the diagonal: {what}"));
                }
            };
            (made[a * m + b], made[b * m + a]) = (weight, weight);
        }
    }
    Ok(made)
}
