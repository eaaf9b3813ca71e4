//! Lloyd's algorithm: points go to their nearest centres, centres go to the middle of their points, and so on until no point moves.

use crate::tensor::Philox;
use crate::{Error, Result};

/// Clusters of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The cluster of each point.
    pub clusters: Vec<usize>,
    /// The sum over points of the squared distance to their cluster's centre.
    pub inertia: f64,
    /// Rounds of assignment.
    pub rounds: usize,
    /// Whether the last round changed nothing. Where it is false, the rounds were over before that.
    pub converged: bool,
}

/// What becomes of a centre that is nearest to no point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    /// It stays where it is.
    Stays,
    /// It takes the point that lies farthest from its own centre, of those that are not alone.
    TakesFarthest,
}

/// Alternates `assign`, which gives the nearest of the centres to each point and the squared distance to it, and `place`, which moves the
/// centres to the members of their clusters, until no point changes its cluster or `rounds` are over.
///
/// It cannot diverge where `place` takes no centre farther from its members than it was, by the sum of squared distances: then no round
/// raises the inertia, and there are finitely many ways to divide points.
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

/// Rounds of k-means at most; real data takes some tens.
const ROUNDS: usize = 1000;

/// Starts of k-means, of which the best is kept.
const STARTS: u32 = 10;

/// Clusters of the rows of `profiles` `[n, features]` by k-means: Lloyd's rounds from starts by k-means++ (Arthur & Vassilvitskii 2007), the
/// best of ten by the squared distances to the centres. A centre that loses all its rows stays.
///
/// # Errors
/// Where the rows are not whole, a number is not finite, or k is 0 or above n.
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
