//! Persistent graph homology: distances between graphs by their births and deaths, barycentres, clustering, tests, and data for figures. On
//! a tape, [`Tape::birth_death`](crate::Tape::birth_death) and the methods on [`BirthDeath`] are differentiable; on the host, [`Diagrams`]
//! holds the lists of many graphs.
//!
//! Sources: Songdechakraiwut & Chung, "Topological learning for brain networks" (Annals of Applied Statistics 2023);
//! Songdechakraiwut, Krause, Banks, Nourski & Van Veen, "Fast topological clustering with Wasserstein distance" (ICLR 2022);
//! Songdechakraiwut & Wu, "Functional connectomes of neural networks" (AAAI 2025).

mod barycentre;
mod betti;
pub mod clustering;
mod diagrams;
mod distance;
mod generate;
pub mod inference;
mod weights;

pub use crate::ops::topology::BirthDeath;
pub use betti::{Curves, betti_curves, group_curves};
pub use diagrams::{Diagrams, Fill, list_distance, quantile_distance};
pub use distance::{Dimension, Wasserstein};
pub use generate::{Modular, random_correlation, random_modular_graph};
pub use weights::symmetric_to_rounding;

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};

/// The test cases of this module.
pub fn cases() -> Vec<Case> {
    let graphs = |t: &mut Tape, x: Var| {
        let w = t.absolute_correlation(x)?;
        t.birth_death(w)
    };
    let activations = |graphs: usize, nodes: usize| f32s([graphs, nodes, 23], Draw::Normal);
    let mut cases = Vec::new();
    for (order, root) in [(1.0, false), (2.0, false), (2.0, true), (3.0, true)] {
        for dimension in [Dimension::Components, Dimension::Cycles, Dimension::Both] {
            let name = format!("wasserstein r={order} {dimension:?}{}", if root { " root" } else { "" });
            let build = move |t: &mut Tape, x: &[Var]| {
                let (a, b) = (graphs(t, x[0])?, graphs(t, x[1])?);
                Ok(vec![t.wasserstein(&a, &b, dimension, Wasserstein { order, root })?])
            };
            cases.push(Case::new(&name, vec![activations(2, 7), activations(2, 7)], build));
            let build = move |t: &mut Tape, x: &[Var]| {
                let (a, b) = (graphs(t, x[0])?, graphs(t, x[1])?);
                Ok(vec![t.wasserstein(&a, &b, dimension, Wasserstein { order, root })?])
            };
            cases.push(Case::new(&name, vec![activations(2, 5), activations(1, 7)], build));
        }
    }
    // The distance of a list to itself is 0, where the root must have no infinite gradient.
    cases.push(Case::new("wasserstein of one", vec![activations(2, 5)], move |t, x| {
        let a = graphs(t, x[0])?;
        let root = t.wasserstein(&a, &a, Dimension::Both, Wasserstein::ROOT)?;
        let around = t.square(x[0])?;
        let around = t.mean(around, &[], false)?;
        Ok(vec![t.add(root, around)?])
    }));
    cases.push(Case::new("wasserstein_pairs", vec![activations(3, 7), activations(2, 7)], move |t, x| {
        let (a, b) = (graphs(t, x[0])?, graphs(t, x[1])?);
        Ok(vec![t.wasserstein_pairs(&a, &b, Dimension::Both)?])
    }));
    cases.push(Case::new("topological_interpolation", vec![activations(3, 7), f32s([3], Draw::Uniform(0.5, 2.0))], move |t, x| {
        let w = t.absolute_correlation(x[0])?;
        let of = t.birth_death(w)?;
        let (births, deaths) = t.barycentre(&of, Some(x[1]))?;
        let mean = t.mean(w, &[0], false)?;
        let theta = t.slice(w, 0, 1, 2, 1)?;
        let theta = t.reshape(theta, [7, 7])?;
        Ok(vec![t.topological_interpolation(theta, mean, (births, deaths), 0.25)?])
    }));
    cases.into_iter().map(Case::composed).collect()
}
