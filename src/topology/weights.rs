//! Weights of graphs as other programs compute them.

use crate::{HostTensor, Result};

/// The difference of two weights, relative to the larger, up to which they are one weight that was rounded in two ways: NumPy's `corrcoef`
/// rounds either side of the diagonal by itself.
const ROUNDING: f64 = 1e-6;

/// Weights `[.., nodes, nodes]` of graphs in f32, where both weights of an edge become their mean if only rounding, up to 10⁻⁶ of the
/// larger, parts them. Other arrays and weights stay as they are.
///
/// # Errors
/// None for a tensor whose elements are as many as its shape has.
pub fn symmetric_to_rounding(given: &HostTensor) -> Result<HostTensor> {
    let shape = given.shape();
    let mut weights = given.to_f64_vec();
    if let [.., n, columns] = shape[..]
        && n == columns
    {
        for graph in weights.chunks_exact_mut((n * n).max(1)) {
            for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i * n + j, j * n + i))) {
                let (a, b) = (graph[i], graph[j]);
                if (a - b).abs() <= ROUNDING * a.abs().max(b.abs()) {
                    (graph[i], graph[j]) = (0.5 * (a + b), 0.5 * (a + b));
                }
            }
        }
    }
    HostTensor::f32(shape, weights.into_iter().map(|w| w as f32).collect())
}
