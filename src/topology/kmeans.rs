//! k-means by Lloyd's rounds, from graphs drawn at random.

use super::diagrams::{mean_list, square};
use crate::tensor::{Philox, parallel};

/// What a clustering found.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The cluster of each graph.
    pub clusters: Vec<usize>,
    /// The sum over graphs of the squared distance to their cluster's centre.
    pub inertia: f64,
    /// Rounds of assignment.
    pub rounds: usize,
}

/// k distinct graphs of `n`, drawn by the seed.
pub(super) fn drawn(n: usize, k: usize, seed: u64) -> Vec<usize> {
    Philox::new(seed, 0, 0).distinct(n, k)
}

/// The nearest centre of each graph, by `distance(graph, centre)`, and how far it is.
pub(super) fn nearest(graphs: usize, centres: usize, work: usize, distance: impl Fn(usize, usize) -> f64 + Sync) -> Vec<(usize, f64)> {
    let mut found = vec![(0, f64::INFINITY); graphs];
    parallel::rows(&mut found, 1, work * centres, |graph, best| {
        for centre in 0..centres {
            let d = distance(graph, centre);
            if d < best[0].1 {
                best[0] = (centre, d);
            }
        }
    });
    found
}

/// The members of each cluster. An empty one is given the graph that lies farthest from its own centre, of those that are not alone.
pub(super) fn members(assigned: &mut [(usize, f64)], k: usize) -> Vec<Vec<usize>> {
    let gather = |assigned: &[(usize, f64)]| {
        let mut members = vec![Vec::new(); k];
        assigned.iter().enumerate().for_each(|(g, (c, _))| members[*c].push(g));
        members
    };
    let mut found = gather(assigned);
    while let Some(empty) = found.iter().position(Vec::is_empty) {
        let spare = (0..assigned.len()).filter(|&g| found[assigned[g].0].len() > 1);
        let Some(farthest) = spare.max_by(|&a, &b| assigned[a].1.total_cmp(&assigned[b].1)) else { break };
        assigned[farthest] = (empty, 0.0);
        found = gather(assigned);
    }
    found
}

/// Clusters the rows of `features` from these for centres, until no row changes its cluster or `rounds` are over.
pub(super) fn kmeans(features: &[Vec<f32>], initial: &[usize], rounds: usize) -> Clustering {
    let mut centres: Vec<Vec<f32>> = initial.iter().map(|&g| features[g].clone()).collect();
    let mut made = Clustering { clusters: Vec::new(), inertia: f64::INFINITY, rounds: 0 };
    let width = features.first().map_or(0, Vec::len);
    while made.rounds < rounds {
        let mut assigned = nearest(features.len(), centres.len(), width, |g, c| square(&features[g], &centres[c]));
        made.rounds += 1;
        made.inertia = assigned.iter().map(|(_, d)| d).sum();
        let members = members(&mut assigned, centres.len());
        let clusters: Vec<usize> = assigned.iter().map(|(c, _)| *c).collect();
        if clusters == made.clusters {
            break;
        }
        made.clusters = clusters;
        let moved = members.iter().zip(&centres).map(|(m, old)| if m.is_empty() { old.clone() } else { mean_list(m, |g| &features[g]) });
        centres = moved.collect();
    }
    made
}
