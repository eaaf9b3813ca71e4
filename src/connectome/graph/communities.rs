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
}

/// Newman's Q = Σ_ij (A_ij − γ k_i k_j / 2m) δ(c_i, c_j) / 2m of labels over an undirected adjacency `[n, n]`, weights not below 0; 0 without
/// edges.
///
/// # Errors
/// Where there are not n² weights, or one is below 0.
pub fn modularity(adjacency: &[f64], labels: &[usize], gamma: f64) -> Result<f64> {
    let n = labels.len();
    check(adjacency, n)?;
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
/// makes Q greatest until none gains, communities become nodes, and so on. The order in which nodes are asked is drawn by `seed`.
///
/// # Errors
/// As [`modularity`].
pub fn louvain(adjacency: &[f64], n: usize, gamma: f64, seed: u64) -> Result<Communities> {
    check(adjacency, n)?;
    let mut labels: Vec<usize> = (0..n).collect();
    let (mut network, mut size) = (adjacency.to_vec(), n);
    for level in 0.. {
        let (moved, communities) = settle(&network, size, gamma, seed, level);
        labels.iter_mut().for_each(|l| *l = moved[*l]);
        if communities == size {
            break;
        }
        network = joined(&network, &moved, communities);
        size = communities;
    }
    Ok(Communities { modularity: modularity(adjacency, &labels, gamma)?, labels })
}

/// Clusters of the rows of `profiles` `[n, features]` by k-means: Lloyd's rounds from starts by k-means++ (Arthur & Vassilvitskii 2007), the best
/// of ten by the squared distances to the centres.
///
/// # Errors
/// Where the rows are not whole, or k is 0 or above n.
pub fn k_means(profiles: &[f64], n: usize, k: usize, seed: u64) -> Result<Vec<usize>> {
    if k == 0 || k > n || !profiles.len().is_multiple_of(n) {
        return Err(Error::argument(format!("{k} clusters of {n} rows of {} numbers in all", profiles.len())));
    }
    let rows: Vec<&[f64]> = profiles.chunks_exact(profiles.len() / n).collect();
    let tries = (0..10).map(|start| lloyd(&rows, plus_plus(&rows, k, seed, start)));
    let best = tries.min_by(|a, b| a.1.total_cmp(&b.1));
    best.map(|(labels, _)| labels).ok_or_else(|| Error::argument("no start of k-means"))
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Centres drawn one after the other, each row by its squared distance to those before.
fn plus_plus(rows: &[&[f64]], k: usize, seed: u64, start: u32) -> Vec<Vec<f64>> {
    let draws = Philox::new(seed, 2, start);
    let mut centres = vec![rows[draws.word(0) as usize % rows.len()].to_vec()];
    let mut far: Vec<f64> = rows.iter().map(|row| square(row, &centres[0])).collect();
    while centres.len() < k {
        let mut left = f64::from(draws.uniform(centres.len())) * far.iter().sum::<f64>();
        let chosen = far.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        let centre = rows[chosen.unwrap_or(rows.len() - 1)].to_vec();
        far.iter_mut().zip(rows).for_each(|(d, row)| *d = d.min(square(row, &centre)));
        centres.push(centre);
    }
    centres
}

/// Labels after at most a hundred rounds, and the sum of squared distances. A centre that loses all its rows stays.
fn lloyd(rows: &[&[f64]], mut centres: Vec<Vec<f64>>) -> (Vec<usize>, f64) {
    let mut labels = vec![usize::MAX; rows.len()];
    let mut total = f64::INFINITY;
    for _ in 0..100 {
        let nearest = |row: &&[f64]| {
            let distances = centres.iter().map(|c| square(row, c)).enumerate();
            distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
        };
        let found: Vec<(usize, f64)> = rows.iter().map(nearest).collect();
        total = found.iter().map(|(_, d)| d).sum();
        let next: Vec<usize> = found.into_iter().map(|(label, _)| label).collect();
        if next == labels {
            break;
        }
        labels = next;
        for (label, centre) in centres.iter_mut().enumerate() {
            let members: Vec<&&[f64]> = rows.iter().zip(&labels).filter(|(_, l)| **l == label).map(|(row, _)| row).collect();
            if !members.is_empty() {
                let mean = |i: usize| members.iter().map(|row| row[i]).sum::<f64>() / members.len() as f64;
                *centre = (0..centre.len()).map(mean).collect();
            }
        }
    }
    (labels, total)
}

fn check(adjacency: &[f64], n: usize) -> Result<()> {
    if adjacency.len() != n * n {
        return Err(Error::argument(format!("an adjacency of {n} nodes has {} weights, found {}", n * n, adjacency.len())));
    }
    match adjacency.iter().position(|w| w.is_nan() || *w < 0.0) {
        Some(at) => Err(Error::argument(format!("the weight of nodes {} and {} is {}: 0 or more expected", at / n, at % n, adjacency[at]))),
        None => Ok(()),
    }
}

/// Moves nodes until none gains: each node's community, counted in the order of first nodes, and how many there are.
fn settle(network: &[f64], n: usize, gamma: f64, seed: u64, level: u32) -> (Vec<usize>, usize) {
    let degrees: Vec<f64> = network.chunks_exact(n.max(1)).map(|row| row.iter().sum()).collect();
    let total: f64 = degrees.iter().sum();
    let mut ends = degrees.clone();
    let mut labels: Vec<usize> = (0..n).collect();
    let mut order: Vec<usize> = (0..n).collect();
    let draws = Philox::new(seed, 0, level);
    order.sort_by_key(|&i| draws.word(i));
    let mut moving = total > 0.0;
    while moving {
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
    (labels, communities)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Three heaps far apart are found whatever the seed.
    #[test]
    fn k_means_finds_what_lies_apart() {
        let rows: Vec<f64> = (0..21).flat_map(|i| [10.0 * f64::from(i % 3) + 0.01 * f64::from(i), -5.0 * f64::from(i % 3)]).collect();
        for seed in 0..5 {
            let labels = k_means(&rows, 21, 3, seed).unwrap();
            assert!(
                (0..21).all(|i| labels[i] == labels[i % 3]) && labels[0] != labels[1] && labels[1] != labels[2] && labels[0] != labels[2]
            );
        }
        assert!(k_means(&rows, 21, 22, 0).is_err() && k_means(&rows, 21, 0, 0).is_err());
    }
}
