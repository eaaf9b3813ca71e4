//! Betti curves: how many components and cycles a graph has at each threshold.

use super::Diagrams;

/// Components and cycles of a graph whose edges above a threshold are kept, threshold by threshold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Curves {
    /// β₀, the number of connected components: it grows from 1 to n.
    pub components: Vec<f64>,
    /// β₁, the number of independent cycles: it falls to 0.
    pub cycles: Vec<f64>,
}

/// The Betti numbers of a graph at `thresholds`, given its births and deaths, each ascending: β₀(ε) = 1 + #{b ≤ ε}, β₁(ε) = #{d > ε}
/// (Chung et al. 2019).
pub fn betti_curves(births: &[f32], deaths: &[f32], thresholds: &[f32]) -> Curves {
    let up_to = |list: &[f32], threshold: f32| list.partition_point(|&x| x <= threshold);
    Curves {
        components: thresholds.iter().map(|&e| 1.0 + up_to(births, e) as f64).collect(),
        cycles: thresholds.iter().map(|&e| (deaths.len() - up_to(deaths, e)) as f64).collect(),
    }
}

/// The mean and the standard deviation (of the population) of the Betti curves of the graphs `members`.
pub fn group_curves(diagrams: &Diagrams, members: &[usize], thresholds: &[f32]) -> (Curves, Curves) {
    let curves: Vec<Curves> = members.iter().map(|&g| betti_curves(diagrams.births(g), diagrams.deaths(g), thresholds)).collect();
    let both = |of: fn(&Curves) -> &[f64]| -> (Vec<f64>, Vec<f64>) {
        let moments = |at: usize| {
            let n = curves.len().max(1) as f64;
            let mean = curves.iter().map(|c| of(c)[at]).sum::<f64>() / n;
            (mean, (curves.iter().map(|c| (of(c)[at] - mean).powi(2)).sum::<f64>() / n).sqrt())
        };
        (0..thresholds.len()).map(moments).unzip()
    };
    let (components, of_components) = both(|c| &c.components);
    let (cycles, of_cycles) = both(|c| &c.cycles);
    (Curves { components, cycles }, Curves { components: of_components, cycles: of_cycles })
}
