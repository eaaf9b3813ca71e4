//! Orders of nodes in which a connectome shows its structure.

use crate::{Error, Result};
use kodama::{Method, linkage};

/// The `n` nodes of a matrix of similarities, row-major and symmetric, in the order of the leaves of an average-linkage clustering (Sokal &
/// Michener 1958): nodes that are alike stand together, the larger cluster of two first.
///
/// # Errors
/// Returns an error where there are not `n`² similarities, or one off the diagonal is NaN.
pub fn cluster_order(n: usize, similarity: &[f32]) -> Result<Vec<usize>> {
    if similarity.len() != n * n {
        return Err(Error::argument(format!("{} similarities of {n} nodes: {} are expected", similarity.len(), n * n)));
    }
    // The upper triangle, row by row; the distance falls as the similarity grows, and its size is that of the similarities.
    let upper = |i: usize| similarity[i * n..][i + 1..n].iter();
    let most = (0..n).flat_map(upper).fold(f32::NEG_INFINITY, |most, x| most.max(*x));
    let mut distances: Vec<f32> = (0..n).flat_map(|i| upper(i).map(|x| most - x)).collect();
    if distances.iter().any(|d| d.is_nan()) {
        return Err(Error::argument("a similarity that is NaN: numbers are expected"));
    }
    let tree = linkage(&mut distances, n, Method::Average);
    let mut clusters: Vec<Vec<usize>> = (0..n).map(|node| vec![node]).collect();
    for step in tree.steps() {
        let [a, b] = [step.cluster1, step.cluster2].map(|at| std::mem::take(&mut clusters[at]));
        clusters.push(if a.len() >= b.len() { [a, b].concat() } else { [b, a].concat() });
    }
    Ok(clusters.pop().unwrap_or_default())
}

/// The matrix `[n, n]` with its rows and columns in this order.
pub fn reordered(matrix: &[f32], order: &[usize]) -> Vec<f32> {
    let n = order.len();
    order.iter().flat_map(|&i| order.iter().map(move |&j| matrix[i * n + j])).collect()
}

#[cfg(test)]
mod tests {
    use super::{cluster_order, reordered};

    #[test]
    fn nodes_of_a_block_stand_together() {
        // Two blocks, interleaved: the even nodes, five of nine, and the odd ones.
        let n = 9;
        let r: Vec<f32> = (0..n * n).map(|at| if at / n % 2 == at % n % 2 { 0.9 - 0.01 * (at / n + at % n) as f32 } else { 0.1 }).collect();
        let order = cluster_order(n, &r).unwrap();
        assert!(order[..5].iter().all(|v| v % 2 == 0) && order[5..].iter().all(|v| v % 2 == 1), "{order:?}");
        let sorted = reordered(&r, &order);
        assert!((0..5).all(|i| (0..5).all(|j| sorted[i * n + j] > 0.5)) && (0..5).all(|i| sorted[i * n + 7] == 0.1));
        assert!(cluster_order(2, &[1.0, f32::NAN, f32::NAN, 1.0]).is_err() && cluster_order(3, &[0.0; 4]).is_err());
        assert_eq!((cluster_order(1, &[1.0]).unwrap(), cluster_order(0, &[]).unwrap()), (vec![0], vec![]));
    }
}
