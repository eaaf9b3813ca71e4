//! Clustering of graphs by topology and by weights: "Top" of Songdechakraiwut et al., "Fast topological clustering with Wasserstein
//! distance" (ICLR 2022).
//!
//! A cluster's centre is a graph Θ with births and deaths of its own, and a graph's squared distance to it is
//! (1 − w) Σ (W − Θ)² over edges + w d²(W, Θ) over births and deaths. For w = 1 the centre's lists are the barycentre, and the whole is
//! k-means on lists; for w = 0 it is k-means on weights ("Adj"). In between Θ is found by topological interpolation.

use super::Diagrams;
use super::diagrams::{mean_list, square};
use crate::ops::topology::decomposed;
use crate::statistics::lloyd::{Clustering, Empty, lloyd};
use crate::tensor::{Philox, parallel};
use crate::{Error, HostTensor, Result};

/// The way in which a centre between a mean matrix and a barycentre is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// By the minimiser for the present order of edges, (1 − w) W̄ + w τ(Θ), until the order stays or so many steps are over. For w = 1
    /// no graph is sought at all: the barycentre's lists are the centre.
    Exact {
        /// At most so many steps.
        steps: usize,
    },
    /// By gradient steps from the last centre's graph, as the authors' code does: their settings are 300 steps at 0.05, or at 0.01.
    Gradient {
        /// The length of a step.
        rate: f32,
        /// So many steps.
        steps: usize,
    },
}

/// A clustering to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// The number of clusters.
    pub clusters: usize,
    /// w: 1 for topology alone, 0 for weights alone.
    pub weight: f32,
    /// The way in which centres are found.
    pub interpolation: Interpolation,
    /// Rounds of assignment at most; the authors' code allows 300.
    pub rounds: usize,
    /// The graphs that are the first centres; where there are none, they are drawn by the seed.
    pub initial: Vec<usize>,
    /// Draws the first centres.
    pub seed: u64,
}

impl Top {
    /// So many clusters by topology alone, exactly, drawn by the seed.
    pub fn new(clusters: usize, seed: u64) -> Self {
        Self { clusters, weight: 1.0, interpolation: Interpolation::Exact { steps: 20 }, rounds: 300, initial: Vec::new(), seed }
    }

    /// The same by weights alone ("Adj").
    pub fn adjacency(clusters: usize, seed: u64) -> Self {
        Self { weight: 0.0, ..Self::new(clusters, seed) }
    }

    /// Clusters graphs, weights `[graphs, n, n]`, given their births and deaths. No round raises the inertia: where a centre that was sought
    /// between weights and topology lies farther from its graphs than the one before, that one stays. An empty cluster is given the graph that
    /// lies farthest from its own centre.
    ///
    /// # Errors
    /// Where there are more clusters than graphs or none, the topological weight is not from 0 to 1, a gradient step's length is not above
    /// 0 and below 1, the first centres are not so many graphs, or the weights are not finite or not those of the diagrams.
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
                // The squared distances to the members differ from the one to their means by what does not depend on the centre.
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

    /// The graph between a mean matrix and a barycentre, both as lists over edges; by gradient steps from the graph before, otherwise from
    /// the mean.
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

/// k-means of lists from these for centres.
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

/// The nearest centre of each graph, by `distance(graph, centre)`, and how far it is.
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
