//! Clustering of graphs by topology and by weights: "Top" of Songdechakraiwut et al., "Fast topological clustering with Wasserstein
//! distance" (ICLR 2022).
//!
//! The centre of a cluster is a graph Θ with its own births and deaths. The squared distance of a graph W to it is (1 − w) Σ (W − Θ)² over
//! edges + w d²(W, Θ) over births and deaths. For w = 1 the lists of the centre are the barycentre, and the method is k-means on lists; for
//! w = 0 it is k-means on weights ("Adj"). Otherwise Θ is found by topological interpolation.

use super::Diagrams;
use super::diagrams::{mean_list, square};
use crate::ops::topology::decomposed;
use crate::statistics::lloyd::{Clustering, Empty, lloyd};
use crate::tensor::{Philox, parallel};
use crate::{Error, HostTensor, Result};

/// The method that finds a centre between a mean matrix and a barycentre.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Interpolation {
    /// Repeated minimisation for the current order of edges, (1 − w) W̄ + w τ(Θ), until the order stays the same or the steps are over. For
    /// w = 1 no graph is needed: the lists of the barycentre are the centre.
    Exact {
        /// The greatest number of steps.
        steps: usize,
    },
    /// Gradient steps from the last centre's graph, as in the authors' code, whose settings are 300 steps at 0.05 or at 0.01.
    Gradient {
        /// The length of a step.
        rate: f32,
        /// The number of steps.
        steps: usize,
    },
}

/// The settings of a topological clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// The number of clusters.
    pub clusters: usize,
    /// The weight w of topology: 1 for topology alone, 0 for weights alone.
    pub weight: f32,
    /// The method that finds the centres.
    pub interpolation: Interpolation,
    /// The greatest number of rounds of assignment; the authors' code allows 300.
    pub rounds: usize,
    /// The graphs that are the first centres. Where this is empty, they are drawn with the seed.
    pub initial: Vec<usize>,
    /// The seed of the first centres.
    pub seed: u64,
}

impl Top {
    /// A clustering into this number of clusters by topology alone, with exact centres and the given seed.
    pub fn new(clusters: usize, seed: u64) -> Self {
        Self { clusters, weight: 1.0, interpolation: Interpolation::Exact { steps: 20 }, rounds: 300, initial: Vec::new(), seed }
    }

    /// A clustering by weights alone ("Adj").
    pub fn adjacency(clusters: usize, seed: u64) -> Self {
        Self { weight: 0.0, ..Self::new(clusters, seed) }
    }

    /// Clusters graphs with weights `[graphs, n, n]`, given their births and deaths. No round raises the inertia: where a new centre
    /// between weights and topology lies farther from its graphs than the old one, the old one stays. An empty cluster receives the graph
    /// that lies farthest from its own centre.
    ///
    /// # Errors
    /// Returns an error where there are no clusters or more than graphs, the topological weight is not in [0, 1], the length of a gradient
    /// step is not in (0, 1), the number of first centres differs from that of clusters, or the weights are not finite or do not belong to
    /// the diagrams.
    pub fn run(&self, graphs: &HostTensor, diagrams: &Diagrams) -> Result<Clustering> {
        let (count, n) = (diagrams.len(), diagrams.nodes());
        let weights = graphs.elements::<f32>()?;
        self.check(count)?;
        if weights.len() != count * n * n {
            return Err(Error::argument(format!("weights {}: {count} graphs of {n} nodes expected", graphs.shape())));
        }
        if let Some(at) = weights.iter().position(|w| !w.is_finite()) {
            let [graph, row, column] = [at / (n * n), at / n % n, at % n];
            let what = format!("graph {graph}, row {row}, column {column} (counted from 0): {}: a finite weight is expected", weights[at]);
            return Err(Error::argument(what));
        }
        let initial =
            if self.initial.is_empty() { Philox::new(self.seed, 0, 0).distinct(count, self.clusters) } else { self.initial.clone() };
        if self.weight == 1.0 && matches!(self.interpolation, Interpolation::Exact { .. }) {
            let lists: Vec<Vec<f32>> = (0..count).map(|g| diagrams.features(g)).collect();
            return Ok(kmeans(&lists, &initial, self.rounds));
        }
        let triangles: Vec<Vec<f32>> = weights.chunks_exact(n * n).map(|w| triangle(w, n)).collect();
        if self.weight == 0.0 {
            return Ok(kmeans(&triangles, &initial, self.rounds));
        }
        Ok(self.interpolated(&triangles, diagrams, &initial))
    }

    fn check(&self, graphs: usize) -> Result<()> {
        let k = self.clusters;
        if k == 0 || k > graphs {
            return Err(Error::argument(format!("{k} clusters of {graphs} graphs: from 1 to {graphs} expected")));
        }
        if !(0.0..=1.0).contains(&self.weight) {
            return Err(Error::argument(format!("a topological weight of {}: from 0 to 1 expected", self.weight)));
        }
        if let Interpolation::Gradient { rate, .. } = self.interpolation
            && !(rate > 0.0 && rate < 1.0)
        {
            return Err(Error::argument(format!("gradient steps of length {rate}: above 0 and below 1 is expected, or they diverge")));
        }
        if !self.initial.is_empty() && (self.initial.len() != k || self.initial.iter().any(|&g| g >= graphs)) {
            return Err(Error::argument(format!("first centres {:?}: {k} of {graphs} graphs expected", self.initial)));
        }
        Ok(())
    }

    /// Rounds of centres between weights and topology.
    fn interpolated(&self, triangles: &[Vec<f32>], diagrams: &Diagrams, initial: &[usize]) -> Clustering {
        let n = diagrams.nodes();
        let lists: Vec<Vec<f32>> = (0..diagrams.len()).map(|g| diagrams.features(g)).collect();
        let mut centres: Vec<Centre> = initial.iter().map(|&g| Centre { theta: triangles[g].clone(), lists: lists[g].clone() }).collect();
        let assign =
            |centres: &[Centre]| nearest(triangles.len(), centres.len(), n * n, |g, c| self.apart(&triangles[g], &lists[g], &centres[c]));
        lloyd(&mut centres, self.rounds, Empty::TakesFarthest, assign, |centres, members| {
            parallel::rows(centres, 1, 100 * n * n, |c, centre| {
                if members[c].is_empty() {
                    return;
                }
                let mean = mean_list(&members[c], |g| &triangles[g]);
                let barycentre = mean_list(&members[c], |g| &lists[g]);
                let sought = self.centre(&centre[0].theta, &mean, &barycentre, n);
                // The sum of squared distances to the members differs from the squared distance to their mean only by a constant that does
                // not depend on the centre.
                if self.apart(&mean, &barycentre, &sought) <= self.apart(&mean, &barycentre, &centre[0]) {
                    centre[0] = sought;
                }
            });
        })
    }

    /// The squared distance of a graph, its weights and its births and deaths, to a centre.
    fn apart(&self, weights: &[f32], lists: &[f32], centre: &Centre) -> f64 {
        let w = f64::from(self.weight);
        (1.0 - w) * square(weights, &centre.theta) + w * square(lists, &centre.lists)
    }

    /// The graph between a mean matrix and a barycentre, both as lists over edges. Gradient steps start from the graph before, the exact
    /// method from the mean.
    fn centre(&self, before: &[f32], mean: &[f32], barycentre: &[f32], n: usize) -> Centre {
        let (start, steps, rate) = match self.interpolation {
            Interpolation::Exact { steps } => (mean, steps, 0.5),
            Interpolation::Gradient { rate, steps } => (before, steps, rate),
        };
        let (w, mut theta, mut before) = (self.weight, start.to_vec(), Vec::new());
        for _ in 0..steps {
            let order = decomposed(&theta, n).1;
            if rate == 0.5 && order == before {
                break;
            }
            for (&edge, &target) in order.iter().zip(barycentre) {
                let (x, m) = (theta[edge], mean[edge]);
                theta[edge] = x - rate * 2.0 * ((1.0 - w) * (x - m) + w * (x - target));
            }
            before = order;
        }
        let lists = decomposed(&theta, n).0;
        Centre { theta, lists }
    }
}

/// k-means of lists with these as first centres.
fn kmeans(features: &[Vec<f32>], initial: &[usize], rounds: usize) -> Clustering {
    let mut centres: Vec<Vec<f32>> = initial.iter().map(|&g| features[g].clone()).collect();
    let width = features.first().map_or(0, Vec::len);
    let assign = |centres: &[Vec<f32>]| nearest(features.len(), centres.len(), width, |g, c| square(&features[g], &centres[c]));
    lloyd(&mut centres, rounds, Empty::TakesFarthest, assign, |centres, members| {
        for (centre, members) in centres.iter_mut().zip(members).filter(|(_, members)| !members.is_empty()) {
            *centre = mean_list(members, |g| &features[g]);
        }
    })
}

/// For each graph the nearest centre by `distance(graph, centre)`, and that distance.
fn nearest(graphs: usize, centres: usize, work: usize, distance: impl Fn(usize, usize) -> f64 + Sync) -> Vec<(usize, f64)> {
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

/// A cluster's centre: weights over edges, and births and deaths.
#[derive(Debug, Clone)]
struct Centre {
    theta: Vec<f32>,
    lists: Vec<f32>,
}

/// The weights above the diagonal, row by row.
pub(super) fn triangle(w: &[f32], n: usize) -> Vec<f32> {
    w.chunks_exact(n).enumerate().flat_map(|(i, row)| &row[i + 1..]).copied().collect()
}
