//! Tests for a difference between two groups of graphs: by random transpositions of their members, and exactly by the greatest difference
//! of Betti curves.

use super::{Diagrams, Dimension};
use crate::tensor::{Philox, parallel};
use crate::{Error, Result};

/// The settings of a two-group test by random transpositions.
#[derive(Debug, Clone, PartialEq)]
pub struct Transpositions {
    /// The total number of transpositions over all chains.
    pub count: usize,
    /// The number of chains that run in parallel, each from its own random permutation.
    pub chains: usize,
    /// The number of transpositions after which a chain is permuted anew.
    pub reshuffle: usize,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for Transpositions {
    fn default() -> Self {
        Self { count: 200_000, chains: 16, reshuffle: 500, seed: 0 }
    }
}

/// The result of a test by transpositions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tested {
    /// The mean squared distance between groups divided by that within them; `None` where all distances within groups are 0, because the
    /// ratio is then undefined.
    pub ratio: Option<f64>,
    /// The p-value (1 + the number of transposed ratios that are at least the observed one) / (1 + their number). It is defined even where
    /// the ratio is not, and is 1 where no two graphs differ.
    pub p: f64,
    /// The course of the p-value: pairs of the number of transpositions and p.
    pub running: Vec<(usize, f64)>,
    /// The null distribution: transposed ratios that are defined, an even selection of at most 10,000.
    pub null: Vec<f64>,
}

/// The greatest relative rounding error of a sum of distances after repeated subtraction and addition, as a share of the sum over all
/// pairs.
const ROUNDING: f64 = 1e-9;

/// The mean distance between groups divided by that within them, as a function of the sum `between` groups. The sum over all pairs does not
/// change when members are exchanged, so the ratio is an increasing function of `between`.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    total: f64,
    sizes: [usize; 2],
}

impl Ratio {
    fn of(self, between: f64) -> Option<f64> {
        let [m, n] = self.sizes;
        let pairs = m * m.saturating_sub(1) / 2 + n * n.saturating_sub(1) / 2;
        let within = self.total - between;
        (within > ROUNDING * self.total).then(|| between / (m * n) as f64 / (within / pairs as f64))
    }
}

/// Tests whether the first `m` graphs and the others differ in births, deaths or both. The statistic is the ratio of the mean squared
/// distance between groups to that within; its null distribution comes from groups whose members are exchanged one for one at random
/// (Songdechakraiwut & Chung 2023, §4; Chung et al., "Rapid acceleration of the permutation test via transpositions", 2019). An exchange
/// costs one sum over members. Ratios are ordered by the sum between groups, which also orders those that are undefined.
///
/// # Errors
/// Returns an error where a group has fewer than two graphs, a setting is 0, or distances are too large for f64.
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
    let all = distances.iter().sum::<f64>() / 2.0;
    if !all.is_finite() {
        return Err(Error::argument("the graphs lie so far apart that their distances are not finite: smaller weights are expected"));
    }
    let ratio = Ratio { total: all, sizes };
    let observed = between(&distances, &(0..total).collect::<Vec<_>>(), m);
    let mut chains = vec![Vec::new(); how.chains];
    parallel::rows(&mut chains, 1, how.count / how.chains * total, |chain, sums| {
        let length = how.count / how.chains + usize::from(chain < how.count % how.chains);
        sums[0] = run(&distances, [m, total], length, how.reshuffle, Philox::new(how.seed, chain as u32, 0));
    });
    // One value of each chain is taken in turn, so that the course of p reflects all chains.
    let longest = chains.iter().map(Vec::len).max().unwrap_or(0);
    let sums: Vec<f64> = (0..longest).flat_map(|i| chains.iter().filter_map(move |c| c.get(i))).copied().collect();
    // A sum that equals the observed one up to rounding does not count as less. All sums are finite, because their total is.
    let least = observed - ROUNDING * all;
    let (mut beyond, mut running) = (0, Vec::new());
    let every = (sums.len() / 200).max(1);
    for (i, &sum) in sums.iter().enumerate() {
        beyond += usize::from(sum >= least);
        if (i + 1) % every == 0 {
            running.push((i + 1, (1 + beyond) as f64 / (2 + i) as f64));
        }
    }
    let null = sums.iter().step_by(sums.len().div_ceil(10_000).max(1)).filter_map(|&sum| ratio.of(sum)).collect();
    Ok(Tested { ratio: ratio.of(observed), p: (1 + beyond) as f64 / (1 + sums.len()) as f64, running, null })
}

/// The sum of distances between the group of the first `m` of `order` and the group of the others.
fn between(distances: &[f64], order: &[usize], m: usize) -> f64 {
    let (first, second) = order.split_at(m);
    first.iter().flat_map(|&a| second.iter().map(move |&b| distances[a * order.len() + b])).sum()
}

/// The sums of distances between the groups along a chain.
fn run(distances: &[f64], [m, total]: [usize; 2], length: usize, reshuffle: usize, draws: Philox) -> Vec<f64> {
    let mut word = 0;
    let mut below = |n: usize| {
        word += 1;
        draws.word(word - 1) as usize % n
    };
    let mut order: Vec<usize> = (0..total).collect();
    let mut now = 0.0;
    let mut sums = Vec::with_capacity(length);
    for i in 0..length {
        if i % reshuffle == 0 {
            (1..total).rev().for_each(|k| order.swap(k, below(k + 1)));
            now = between(distances, &order, m);
        }
        let (a, b) = (below(m), m + below(total - m));
        let (from, to) = (order[a], order[b]);
        for (k, &other) in order.iter().enumerate().filter(|&(k, _)| k != a && k != b) {
            let change = distances[from * total + other] - distances[to * total + other];
            // A member's distances within its old group become distances between groups, and vice versa.
            now += if k < m { change } else { -change };
        }
        order.swap(a, b);
        sums.push(now);
    }
    sums
}

/// The p-value P(D ≥ d): the probability that two samples of q values from one distribution have counts that differ by d or more at some
/// threshold, without ties, 2 Σₖ (−1)ᵏ⁺¹ C(2q, q − kd) / C(2q, q) (Gnedenko & Korolyuk 1951; for Betti curves of connectomes Chung et al.,
/// "Exact topological inference", 2017). It is 1 for d = 0, and 0 for d above q.
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
/// its p-value by [`exact_p`].
///
/// # Errors
/// Returns an error where the lists differ in length or hold NaN.
pub fn exact_inference(x: &[f32], y: &[f32]) -> Result<(usize, f64)> {
    if x.len() != y.len() {
        return Err(Error::argument(format!("lists of {} and {} values: lists of one length expected", x.len(), y.len())));
    }
    if x.iter().chain(y).any(|v| v.is_nan()) {
        return Err(Error::argument("a list that holds NaN: numbers in ascending order expected"));
    }
    let up_to = |list: &[f32], threshold: f32| list.partition_point(|&v| v <= threshold);
    let d = x.iter().chain(y).map(|&e| up_to(x, e).abs_diff(up_to(y, e))).max().unwrap_or(0);
    Ok((d, exact_p(x.len(), d)))
}
