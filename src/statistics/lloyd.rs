//! Lloyd's algorithm: points are assigned to their nearest centres and centres are moved to the mean of their points, until no assignment
//! changes.

use crate::tensor::Philox;
use crate::{Error, Result};

/// A clustering of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The cluster of each point.
    pub clusters: Vec<usize>,
    /// The sum over points of the squared distance to their cluster's centre.
    pub inertia: f64,
    /// The number of rounds of assignment.
    pub rounds: usize,
    /// True where the last round changed no assignment. False where the limit on rounds was reached first.
    pub converged: bool,
}

/// The treatment of a centre that is not the nearest to any point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    /// The centre keeps its place.
    Stays,
    /// The centre takes the point farthest from its own centre, among those in clusters of several points.
    TakesFarthest,
}

/// Alternates `assign`, which returns for each point the nearest centre and the squared distance to it, and `place`, which moves the
/// centres to the members of their clusters, until no assignment changes or `rounds` are over.
///
/// It converges as long as `place` never increases the sum of squared distances of a centre to its members: then no round raises the
/// inertia, and there are finitely many partitions of the points.
pub(crate) fn lloyd<C>(
    centres: &mut [C],
    rounds: usize,
    empty: Empty,
    assign: impl Fn(&[C]) -> Vec<(usize, f64)>,
    mut place: impl FnMut(&mut [C], &[Vec<usize>]),
) -> Clustering {
    let mut made = Clustering { clusters: Vec::new(), inertia: f64::INFINITY, rounds: 0, converged: false };
    while made.rounds < rounds && !made.converged {
        let mut assigned = assign(centres);
        made.rounds += 1;
        made.inertia = assigned.iter().map(|(_, d)| d).sum();
        let members = members(&mut assigned, centres.len(), empty);
        let clusters: Vec<usize> = assigned.iter().map(|(c, _)| *c).collect();
        made.converged = clusters == made.clusters;
        made.clusters = clusters;
        if !made.converged {
            place(centres, &members);
        }
    }
    made
}

/// The points of each of k clusters.
fn members(assigned: &mut [(usize, f64)], k: usize, empty: Empty) -> Vec<Vec<usize>> {
    let gather = |assigned: &[(usize, f64)]| {
        let mut members = vec![Vec::new(); k];
        assigned.iter().enumerate().for_each(|(point, (c, _))| members[*c].push(point));
        members
    };
    let mut found = gather(assigned);
    while let Some(vacant) = found.iter().position(Vec::is_empty).filter(|_| empty == Empty::TakesFarthest) {
        let spare = (0..assigned.len()).filter(|&point| found[assigned[point].0].len() > 1);
        let Some(farthest) = spare.max_by(|&a, &b| assigned[a].1.total_cmp(&assigned[b].1)) else { break };
        assigned[farthest] = (vacant, 0.0);
        found = gather(assigned);
    }
    found
}

/// The greatest number of rounds of k-means; real data takes a few tens.
const ROUNDS: usize = 1000;

/// The number of starts of k-means, of which the best is kept.
const STARTS: u32 = 10;

/// Clusters the rows of `profiles` `[n, features]` by k-means: Lloyd's algorithm from ten k-means++ starts (Arthur & Vassilvitskii 2007),
/// of which the one with the least squared distances to the centres is kept. A centre that loses all its rows keeps its place.
///
/// # Errors
/// Returns an error where the length of `profiles` is not a multiple of n, a number is not finite, or k is 0 or above n.
pub fn k_means(profiles: &[f64], n: usize, k: usize, seed: u64) -> Result<Clustering> {
    if k == 0 || k > n || !profiles.len().is_multiple_of(n) {
        return Err(Error::argument(format!("{k} clusters of {n} rows of {} numbers in all", profiles.len())));
    }
    let width = profiles.len() / n;
    if let Some(at) = profiles.iter().position(|x| !x.is_finite()) {
        let what = format!("row {}, column {} (counted from 0) is {}: k-means needs finite numbers", at / width, at % width, profiles[at]);
        return Err(Error::argument(what));
    }
    if width == 0 {
        return Err(Error::argument("k-means of rows without numbers"));
    }
    let rows: Vec<&[f64]> = profiles.chunks_exact(width).collect();
    let tries = (0..STARTS).map(|start| from_centres(&rows, &mut plus_plus(&rows, k, seed, start)));
    tries.min_by(|a, b| a.inertia.total_cmp(&b.inertia)).ok_or_else(|| Error::argument("no start of k-means"))
}

fn from_centres(rows: &[&[f64]], centres: &mut [Vec<f64>]) -> Clustering {
    let nearest = |row: &&[f64], centres: &[Vec<f64>]| {
        let distances = centres.iter().map(|c| square(row, c)).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
    };
    let assign = |centres: &[Vec<f64>]| rows.iter().map(|row| nearest(row, centres)).collect();
    lloyd(centres, ROUNDS, Empty::Stays, assign, |centres, members| {
        for (centre, members) in centres.iter_mut().zip(members).filter(|(_, members)| !members.is_empty()) {
            let mean = |i: usize| members.iter().map(|&m| rows[m][i]).sum::<f64>() / members.len() as f64;
            *centre = (0..centre.len()).map(mean).collect();
        }
    })
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Centres drawn one after another, each row with a probability proportional to its squared distance to the centres before.
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
