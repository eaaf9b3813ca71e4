//! Whether two groups of graphs differ: by transpositions of their members, and exactly by the greatest difference of Betti curves.

use super::{Diagrams, Dimension};
use crate::tensor::{Philox, parallel};
use crate::{Error, Result};

/// A test of two groups by transpositions.
#[derive(Debug, Clone, PartialEq)]
pub struct Transpositions {
    /// Members exchanged in all, over all chains.
    pub count: usize,
    /// Chains that run side by side, each from a shuffle of its own.
    pub chains: usize,
    /// A chain is shuffled anew after so many.
    pub reshuffle: usize,
    /// Draws members.
    pub seed: u64,
}

impl Default for Transpositions {
    fn default() -> Self {
        Self { count: 200_000, chains: 16, reshuffle: 500, seed: 0 }
    }
}

/// What a test by transpositions found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tested {
    /// The mean squared distance between groups over that within them.
    pub ratio: f64,
    /// (1 + how many transposed ratios are not below it) / (1 + how many there are).
    pub p: f64,
    /// The same as transpositions went on: after how many, and p.
    pub running: Vec<(usize, f64)>,
    /// Transposed ratios, an even selection of at most 10,000.
    pub null: Vec<f64>,
}

/// Sums of distances between pairs of groups a and b: within a, within b, between.
#[derive(Debug, Clone, Copy)]
struct Sums {
    within: f64,
    between: f64,
}

impl Sums {
    fn ratio(self, [m, n]: [usize; 2]) -> f64 {
        let pairs = m * m.saturating_sub(1) / 2 + n * n.saturating_sub(1) / 2;
        self.between / (m * n) as f64 / (self.within / pairs as f64)
    }
}

/// Tests whether the first `m` graphs and the others differ in births, deaths or both: the ratio of the mean squared distance between
/// groups to that within, among ratios of groups whose members are exchanged one for one at random (Songdechakraiwut & Chung 2023, §4;
/// Chung et al., "Rapid acceleration of the permutation test via transpositions", 2019). An exchange costs a sum over members.
///
/// # Errors
/// Where a group has fewer than two graphs, or a setting is 0.
pub fn two_group_test(diagrams: &Diagrams, m: usize, dimension: Dimension, how: &Transpositions) -> Result<Tested> {
    let total = diagrams.len();
    if m < 2 || total < m + 2 {
        return Err(Error::argument(format!("groups of {m} and {} graphs: two at least expected in each", total.saturating_sub(m))));
    }
    if how.count == 0 || how.chains == 0 || how.reshuffle == 0 {
        return Err(Error::argument("transpositions, chains and transpositions from one shuffle to the next: 1 or more expected"));
    }
    let distances = diagrams.squared_distances(dimension);
    let sizes = [m, total - m];
    let observed = sums(&distances, &(0..total).collect::<Vec<_>>(), m).ratio(sizes);
    let mut chains = vec![Vec::new(); how.chains];
    parallel::rows(&mut chains, 1, how.count / how.chains * total, |chain, ratios| {
        let length = how.count / how.chains + usize::from(chain < how.count % how.chains);
        ratios[0] = run(&distances, [m, total], length, how.reshuffle, Philox::new(how.seed, chain as u32, 0));
    });
    // One of each chain at a time, so that what runs is a part of every chain.
    let longest = chains.iter().map(Vec::len).max().unwrap_or(0);
    let ratios: Vec<f64> = (0..longest).flat_map(|i| chains.iter().filter_map(move |c| c.get(i))).copied().collect();
    // Sums taken apart and put together again round: what is equal but for that is not below.
    let least = observed * (1.0 - 1e-9);
    let (mut beyond, mut running) = (0, Vec::new());
    let every = (ratios.len() / 200).max(1);
    for (i, &ratio) in ratios.iter().enumerate() {
        beyond += usize::from(ratio >= least);
        if (i + 1) % every == 0 {
            running.push((i + 1, (1 + beyond) as f64 / (2 + i) as f64));
        }
    }
    let null = ratios.iter().step_by(ratios.len().div_ceil(10_000).max(1)).copied().collect();
    Ok(Tested { ratio: observed, p: (1 + beyond) as f64 / (1 + ratios.len()) as f64, running, null })
}

/// The sums of the groups whose members are the first `m` of `order`, and the others.
fn sums(distances: &[f64], order: &[usize], m: usize) -> Sums {
    let total = order.len();
    let mut found = Sums { within: 0.0, between: 0.0 };
    for (i, &a) in order.iter().enumerate() {
        for (j, &b) in order.iter().enumerate().skip(i + 1) {
            let d = distances[a * total + b];
            if (i < m) == (j < m) {
                found.within += d;
            } else {
                found.between += d;
            }
        }
    }
    found
}

/// The ratios along a chain.
fn run(distances: &[f64], [m, total]: [usize; 2], length: usize, reshuffle: usize, draws: Philox) -> Vec<f64> {
    let mut word = 0;
    let mut below = |n: usize| {
        word += 1;
        draws.word(word - 1) as usize % n
    };
    let mut order: Vec<usize> = (0..total).collect();
    let mut now = Sums { within: 0.0, between: 0.0 };
    let mut ratios = Vec::with_capacity(length);
    for i in 0..length {
        if i % reshuffle == 0 {
            (1..total).rev().for_each(|k| order.swap(k, below(k + 1)));
            now = sums(distances, &order, m);
        }
        let (a, b) = (below(m), m + below(total - m));
        let (from, to) = (order[a], order[b]);
        for (k, &other) in order.iter().enumerate().filter(|&(k, _)| k != a && k != b) {
            let change = distances[from * total + other] - distances[to * total + other];
            // What was within for the one is between, and the other way round.
            let sign = if k < m { 1.0 } else { -1.0 };
            now.between += sign * change;
            now.within -= sign * change;
        }
        order.swap(a, b);
        ratios.push(now.ratio([m, total - m]));
    }
    ratios
}

/// P(D ≥ d): how likely two samples of q values each of one distribution have counts that lie d or more apart at some threshold, without
/// ties. 2 Σₖ (−1)ᵏ⁺¹ C(2q, q − kd) / C(2q, q) (Gnedenko & Korolyuk 1951; of connectomes' Betti curves, Chung et al., "Exact topological
/// inference", 2017).
pub fn exact_p(q: usize, d: usize) -> f64 {
    if d == 0 {
        return 1.0;
    }
    // C(2q, q − h) / C(2q, q), a product of ratios each below 1.
    let share = |h: usize| (0..h).map(|i| (q - i) as f64 / (q + i + 1) as f64).product::<f64>();
    let terms = (1..=q / d).map(|k| if k % 2 == 1 { share(k * d) } else { -share(k * d) });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

/// The greatest difference of two graphs' Betti numbers at any threshold, given their births or deaths, ascending and of one length; and
/// how likely it is to be so great or greater by [`exact_p`].
///
/// # Errors
/// Where the lists differ in length.
pub fn exact_inference(x: &[f32], y: &[f32]) -> Result<(usize, f64)> {
    if x.len() != y.len() {
        return Err(Error::argument(format!("lists of {} and {} values: lists of one length expected", x.len(), y.len())));
    }
    let up_to = |list: &[f32], threshold: f32| list.partition_point(|&v| v <= threshold);
    let d = x.iter().chain(y).map(|&e| up_to(x, e).abs_diff(up_to(y, e))).max().unwrap_or(0);
    Ok((d, exact_p(x.len(), d)))
}
