//! Betti curves: the numbers of components and cycles of a graph at each threshold.

use super::Diagrams;

/// The numbers of components and cycles of a graph, at each threshold with the edges above it kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Curves {
    /// β₀, the number of connected components: it grows from 1 to n.
    pub components: Vec<f64>,
    /// β₁, the number of independent cycles: it falls to 0.
    pub cycles: Vec<f64>,
}

/// The Betti numbers of a graph at `thresholds`, given its births and deaths, each ascending: β₀(ε) = 1 + #{b ≤ ε}, β₁(ε) = #{d > ε}
/// (Chung et al. 2019). A curve is NaN where its threshold is, and everywhere where its list holds a NaN.
pub fn betti_curves(births: &[f32], deaths: &[f32], thresholds: &[f32]) -> Curves {
    let counted = |list: &[f32], betti: &dyn Fn(usize) -> f64| {
        let defined = !list.iter().any(|x| x.is_nan());
        let up_to = |threshold: f32| list.partition_point(|&x| x <= threshold);
        thresholds.iter().map(|&e| if defined && !e.is_nan() { betti(up_to(e)) } else { f64::NAN }).collect()
    };
    Curves { components: counted(births, &|n| 1.0 + n as f64), cycles: counted(deaths, &|n| (deaths.len() - n) as f64) }
}

/// The mean and the standard deviation (of the population) of the Betti curves of the graphs `members`: NaN where there are none.
pub fn group_curves(diagrams: &Diagrams, members: &[usize], thresholds: &[f32]) -> (Curves, Curves) {
    let curves: Vec<Curves> = members.iter().map(|&g| betti_curves(diagrams.births(g), diagrams.deaths(g), thresholds)).collect();
    let both = |of: fn(&Curves) -> &[f64]| -> (Vec<f64>, Vec<f64>) {
        let moments = |at: usize| {
            let n = curves.len() as f64;
            let mean = curves.iter().map(|c| of(c)[at]).sum::<f64>() / n;
            (mean, (curves.iter().map(|c| (of(c)[at] - mean).powi(2)).sum::<f64>() / n).sqrt())
        };
        (0..thresholds.len()).map(moments).unzip()
    };
    let (components, of_components) = both(|c| &c.components);
    let (cycles, of_cycles) = both(|c| &c.cycles);
    (Curves { components, cycles }, Curves { components: of_components, cycles: of_cycles })
}
