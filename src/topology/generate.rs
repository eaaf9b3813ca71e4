//! Random graphs for experiments with the methods of this module.

use crate::tensor::Philox;
use crate::{Error, HostTensor, Result};

/// A random modular graph (Songdechakraiwut & Chung 2023, §5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modular {
    /// The number of nodes.
    pub nodes: usize,
    /// The number of modules, whose sizes differ by at most one node.
    pub modules: usize,
    /// The probability that an edge within a module is strong, and that an edge between modules is weak.
    pub p: f32,
    /// The mean weight of strong edges; that of weak edges is 0.
    pub mean: f32,
    /// The standard deviation of the weights of both.
    pub deviation: f32,
}

/// Weights `[n, n]`: strong edges are normal about `mean` and weak edges about 0, and negative values are set to 0. The diagonal is 0.
///
/// # Errors
/// Returns an error where there are no modules or more than nodes, `p` is not in [0, 1], or the mean or deviation is not finite.
pub fn random_modular_graph(of: Modular, seed: u64) -> Result<HostTensor> {
    let Modular { nodes: n, modules, p, mean, deviation } = of;
    if modules == 0 || modules > n {
        return Err(Error::argument(format!("{modules} modules of {n} nodes: from 1 to {n} expected")));
    }
    if !(0.0..=1.0).contains(&p) || !mean.is_finite() || !deviation.is_finite() {
        let what = format!("p = {p}, a mean of {mean} and a deviation of {deviation}: p from 0 to 1 and finite numbers expected");
        return Err(Error::argument(what));
    }
    let (kinds, sizes) = (Philox::new(seed, 0, 0), Philox::new(seed, 1, 0));
    let module = |v: usize| v * modules / n;
    symmetric(n, |i, j| {
        let together = if module(i) == module(j) { p } else { 1.0 - p };
        let strong = kinds.uniform(i * n + j) < together;
        let about = if strong { mean } else { 0.0 };
        (about + deviation * sizes.normal(i * n + j) as f32).max(0.0)
    })
}

/// A random correlation matrix `[n, n]` of n variables, each of which is a mixture of `factors` independent variables with normal weights
/// plus the same amount of independent noise.
///
/// # Errors
/// Returns an error where there are no factors.
pub fn random_correlation(n: usize, factors: usize, seed: u64) -> Result<HostTensor> {
    if factors == 0 {
        return Err(Error::argument("0 factors: 1 or more expected"));
    }
    let draws = Philox::new(seed, 0, 0);
    let loadings: Vec<f64> = (0..n * factors).map(|i| draws.normal(i)).collect();
    let row = |i: usize| &loadings[i * factors..][..factors];
    let dot = |i: usize, j: usize| row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum::<f64>();
    let sizes: Vec<f64> = (0..n).map(|i| (dot(i, i) + factors as f64).sqrt()).collect();
    let mut made = symmetric(n, |i, j| (dot(i, j) / (sizes[i] * sizes[j])) as f32)?.elements::<f32>()?.to_vec();
    (0..n).for_each(|i| made[i * n + i] = 1.0);
    HostTensor::f32([n, n], made)
}

fn symmetric(n: usize, weight: impl Fn(usize, usize) -> f32) -> Result<HostTensor> {
    let mut w = vec![0.0; n * n];
    for i in 0..n {
        for j in i + 1..n {
            let x = weight(i, j);
            (w[i * n + j], w[j * n + i]) = (x, x);
        }
    }
    HostTensor::f32([n, n], w)
}
