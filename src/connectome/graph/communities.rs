//! Communities of a known network, on the host: Newman's modularity and Louvain's method. What is learnt by gradients takes
//! [`Tape::modularity`](crate::Tape::modularity).

use crate::tensor::Philox;
use crate::{Error, Result};

/// Communities and how good they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Communities {
    /// The community of each node, counted from 0 in the order of their first nodes.
    pub labels: Vec<usize>,
    /// Newman's Q of them.
    pub modularity: f64,
    /// Whether no node gains by another move. Where it is false, the sweeps were over before that.
    pub converged: bool,
}

/// Newman's Q = Σ_ij (A_ij − γ k_i k_j / 2m) δ(c_i, c_j) / 2m of labels over an undirected adjacency `[n, n]`, weights not below 0; 0 without
/// edges.
///
/// # Errors
/// Where there are not n² weights, or one is not finite or below 0; or γ is not finite.
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

/// Communities of an undirected adjacency `[n, n]` by Louvain's method (Blondel et al. 2008): nodes move to the community beside them that
/// makes Q greatest until none gains, communities become nodes, and so on. The order in which nodes are asked is drawn by `seed`. Every move
/// raises Q, so that no division of the nodes comes twice.
///
/// # Errors
/// As [`modularity`].
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

/// Sweeps over the nodes of a level at most. Some tens are common; only rounding could take more.
const SWEEPS: usize = 1000;

/// Moves nodes until none gains: each node's community, counted in the order of first nodes, how many there are, and whether none gains.
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
            // Gains within rounding would let nodes wander for ever.
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

/// The network of communities: weights between all their nodes; within one, twice what its edges weigh.
fn joined(network: &[f64], labels: &[usize], communities: usize) -> Vec<f64> {
    let n = labels.len();
    let mut out = vec![0.0; communities * communities];
    for (at, w) in network.iter().enumerate() {
        out[labels[at / n] * communities + labels[at % n]] += w;
    }
    out
}
