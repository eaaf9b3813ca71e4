//! Regions of connectomes that have no value.

/// For each of the `n` regions of a matrix `[n, n]`, true where it has no value: its row and its column are NaN apart from the diagonal. A
/// single region has none where its one entry is NaN.
///
/// ```
/// use tapetum::statistics::missing::regions_without_values;
///
/// let nan = f32::NAN;
/// let matrix = [1.0, nan, 0.5, nan, 1.0, nan, 0.5, nan, 1.0];
/// assert_eq!(regions_without_values(&matrix, 3), [false, true, false]);
/// ```
pub fn regions_without_values(matrix: &[f32], n: usize) -> Vec<bool> {
    let mut missing = vec![true; n];
    for (i, row) in matrix.chunks_exact(n.max(1)).take(n).enumerate() {
        for (j, _) in row.iter().enumerate().filter(|(j, x)| (*j != i || n == 1) && !x.is_nan()) {
            (missing[i], missing[j]) = (false, false);
        }
    }
    missing
}
