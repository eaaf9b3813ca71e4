//! Communities of a known network, on the host: Newman's modularity and the Louvain method. For gradient-based learning see
//! [`Tape::modularity`](crate::Tape::modularity).

use crate::tensor::Philox;
use crate::{Error, Result};

/// A partition of a network into communities, with its modularity.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Communities {
    /// The community of each node, numbered from 0 in the order of their first nodes.
    pub labels: Vec<usize>,
    /// Newman's modularity Q of the partition.
    pub modularity: f64,
    /// True where no node gains by another move. False where the limit on the number of sweeps was reached first.
    pub converged: bool,
}

/// Newman's modularity Q = Σ_ij (A_ij − γ k_i k_j / 2m) δ(c_i, c_j) / 2m of labels over an undirected adjacency `[n, n]` with weights not
/// below 0. It is 0 without edges.
///
/// # Errors
/// Returns an error where there are not n² weights, or one is not finite or below 0, or γ is not finite.
pub fn modularity(adjacency: &[f64], labels: &[usize], gamma: f64) -> Result<f64> {
    let n = labels.len();
    check(adjacency, n, gamma)?;
    let communities = labels.iter().max().map_or(0, |m| m + 1);
    let (mut within, mut ends) = (vec![0.0; communities], vec![0.0; communities]);
    for (i, row) in adjacency.chunks_exact(n.max(1)).enumerate() {
        for (j, w) in row.iter().enumerate() {
            ends[labels[i]] += w;
            within[labels[i]] += if labels[i] == labels[j] { *w } else { 0.0 };
        }
    }
    let total: f64 = ends.iter().sum();
    let share = |(w, e): (&f64, &f64)| w / total - gamma * (e / total).powi(2);
    Ok(if total > 0.0 { within.iter().zip(&ends).map(share).sum() } else { 0.0 })
}

/// Communities of an undirected adjacency `[n, n]` by the Louvain method (Blondel et al. 2008). Each node moves to the neighbouring
/// community that gives the greatest Q, until no node gains; then communities become nodes, and the procedure repeats. `seed` determines
/// the order of the nodes. Every move raises Q, so no partition occurs twice.
///
/// # Errors
/// The same as those of [`modularity`].
pub fn louvain(adjacency: &[f64], n: usize, gamma: f64, seed: u64) -> Result<Communities> {
    check(adjacency, n, gamma)?;
    let mut labels: Vec<usize> = (0..n).collect();
    let (mut network, mut size) = (adjacency.to_vec(), n);
    let mut converged = true;
    for level in 0.. {
        let (moved, communities, settled) = settle(&network, size, gamma, seed, level);
        converged &= settled;
        labels.iter_mut().for_each(|l| *l = moved[*l]);
        if communities == size {
            break;
        }
        network = joined(&network, &moved, communities);
        size = communities;
    }
    Ok(Communities { modularity: modularity(adjacency, &labels, gamma)?, labels, converged })
}

fn check(adjacency: &[f64], n: usize, gamma: f64) -> Result<()> {
    if !gamma.is_finite() {
        return Err(Error::argument(format!("a resolution γ of {gamma}: a finite number expected")));
    }
    if adjacency.len() != n * n {
        return Err(Error::argument(format!("an adjacency of {n} nodes has {} weights, found {}", n * n, adjacency.len())));
    }
    match adjacency.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        Some(at) => {
            let what = format!("the weight of nodes {} and {} is {}: a finite number of 0 or more expected", at / n, at % n, adjacency[at]);
            Err(Error::argument(what))
        }
        None => Ok(()),
    }
}

/// The greatest number of sweeps over the nodes of a level. A few tens are common; only rounding errors could cause more.
const SWEEPS: usize = 1000;

/// Moves nodes until none gains. Returns the community of each node, numbered in the order of first nodes, the number of communities, and
/// true where no node gains any more.
fn settle(network: &[f64], n: usize, gamma: f64, seed: u64, level: u32) -> (Vec<usize>, usize, bool) {
    let degrees: Vec<f64> = network.chunks_exact(n.max(1)).map(|row| row.iter().sum()).collect();
    let total: f64 = degrees.iter().sum();
    let mut ends = degrees.clone();
    let mut labels: Vec<usize> = (0..n).collect();
    let mut order: Vec<usize> = (0..n).collect();
    let draws = Philox::new(seed, 0, level);
    order.sort_by_key(|&i| draws.word(i));
    let mut moving = total > 0.0;
    for _ in 0..SWEEPS {
        if !moving {
            break;
        }
        moving = false;
        for &i in &order {
            let row = &network[i * n..][..n];
            let mut links = vec![0.0; n];
            (0..n).filter(|&j| j != i).for_each(|j| links[labels[j]] += row[j]);
            ends[labels[i]] -= degrees[i];
            let gain = |c: usize| links[c] - gamma * degrees[i] * ends[c] / total;
            let stay = (labels[i], gain(labels[i]));
            let best = (0..n).filter(|&c| links[c] > 0.0).map(|c| (c, gain(c))).fold(stay, |a, b| if b.1 > a.1 { b } else { a });
            // Gains as small as rounding errors would let nodes move for ever.
            if best.1 > stay.1 + 1e-12 * total {
                labels[i] = best.0;
                moving = true;
            }
            ends[labels[i]] += degrees[i];
        }
    }
    let mut names = vec![usize::MAX; n];
    let mut communities = 0;
    for l in &mut labels {
        if names[*l] == usize::MAX {
            names[*l] = communities;
            communities += 1;
        }
        *l = names[*l];
    }
    (labels, communities, !moving)
}

/// The network of communities: the weight between two is the sum over their nodes, and within one it is twice the sum of its edges.
fn joined(network: &[f64], labels: &[usize], communities: usize) -> Vec<f64> {
    let n = labels.len();
    let mut out = vec![0.0; communities * communities];
    for (at, w) in network.iter().enumerate() {
        out[labels[at / n] * communities + labels[at % n]] += w;
    }
    out
}
