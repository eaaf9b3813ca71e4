//! Clustering of connectomes, comparison of clusters with labels, and the run time of a distance.

use super::network::Connectomes;
use std::time::Instant;
use tapetum::statistics::agreement;
use tapetum::topology::clustering::Top;
use tapetum::topology::{Diagrams, Dimension, random_correlation};
use tapetum::{Device, HostTensor, Result};

/// The number of random starts, as in the paper.
const SEEDS: u64 = 20;

/// The results of one clustering method.
pub struct Method {
    pub name: &'static str,
    /// The purity for each seed.
    pub purity: Vec<f64>,
    /// The confusion matrix `[labels, clusters]` of the seed with the median purity.
    pub confusion: Vec<Vec<usize>>,
    pub seconds: f64,
}

impl Method {
    pub fn mean(&self) -> f64 {
        self.purity.iter().sum::<f64>() / self.purity.len() as f64
    }

    /// The population standard deviation.
    pub fn deviation(&self) -> f64 {
        (self.purity.iter().map(|p| (p - self.mean()).powi(2)).sum::<f64>() / self.purity.len() as f64).sqrt()
    }
}

/// Connectomes with known labels, and the results of each clustering method.
pub struct Study {
    pub of: String,
    pub names: Vec<String>,
    pub labels: Vec<usize>,
    pub diagrams: Diagrams,
    pub right: Vec<f64>,
    pub methods: Vec<Method>,
}

impl Study {
    pub fn new(device: &Device, of: String, names: &[String], labels: Vec<usize>, made: &Connectomes) -> Result<Self> {
        let diagrams = Diagrams::new(device, &made.stack)?;
        let methods = [("Top", 1.0), ("half topology, half weights", 0.5), ("Adj", 0.0)];
        let methods = methods.into_iter().map(|(name, weight)| method(name, weight, &labels, names.len(), &made.stack, &diagrams));
        let methods = methods.collect::<Result<_>>()?;
        Ok(Self { of, names: names.to_vec(), labels, diagrams, right: made.right.clone(), methods })
    }

    /// The graphs with a label.
    pub fn members(&self, label: usize) -> Vec<usize> {
        (0..self.labels.len()).filter(|&g| self.labels[g] == label).collect()
    }

    pub fn print(&self) {
        println!("purity by {}, mean and standard deviation over {SEEDS} first centres", self.of);
        for m in &self.methods {
            println!("  {:<28} {:.3} ± {:.3}  ({:.2} s a run)", m.name, m.mean(), m.deviation(), m.seconds);
        }
    }
}

fn method(name: &'static str, weight: f32, labels: &[usize], k: usize, stack: &HostTensor, diagrams: &Diagrams) -> Result<Method> {
    let start = Instant::now();
    let mut found = Vec::new();
    for seed in 0..SEEDS {
        let clusters = Top { weight, ..Top::new(k, seed) }.run(stack, diagrams)?.clusters;
        found.push((agreement::purity(labels, &clusters)?, clusters));
    }
    let seconds = start.elapsed().as_secs_f64() / SEEDS as f64;
    let purity = found.iter().map(|(p, _)| *p).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let confusion = agreement::Confusion::between(labels, &found[found.len() / 2].1)?.counts;
    Ok(Method { name, purity, confusion, seconds })
}

/// For several sizes, the number of nodes and the time in milliseconds of the distance between two graphs, including their decomposition.
pub fn runtimes(device: &Device) -> Result<Vec<(f64, f64)>> {
    let mut found = Vec::new();
    for n in [30, 60, 120, 250, 500, 1000] {
        let pair = [random_correlation(n, 5, 1)?, random_correlation(n, 5, 2)?];
        let stack = pair.iter().map(|w| w.elements::<f32>().map(|w| w.iter().map(|x| x.abs()).collect::<Vec<f32>>()));
        let stack = HostTensor::f32([2, n, n], stack.collect::<Result<Vec<_>>>()?.concat())?;
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let start = Instant::now();
            let made = Diagrams::new(device, &stack)?;
            std::hint::black_box(made.squared_distance(0, 1, Dimension::Both));
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        found.push((n as f64, best));
    }
    Ok(found)
}
