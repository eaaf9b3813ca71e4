//! Covariance and correlation of `[.., variables, time]`, with optional weights of the frames: standardise, then a symmetric product
//! that computes half the blocks; in reverse, one product and one kernel over rows. For more variables than a matrix can hold, the
//! product row panel by row panel.
//!
//! Weights mean `numpy.cov(aweights=…)`: μ = Σwx/Σw, Σ = Σ w (x − μ)(x − μ)ᵀ / f, f = Σw − ddof Σw²/Σw (reference: NumPy; Ciric et al.
//! 2022, §"covariance"). A *constant* series, Σw(x − μ)² ≤ (c ε max|x|)² Σw with c = 8 and ε of f32, has correlation 0 with all, itself
//! included, and gradient 0. A series with a NaN or an infinity, or whose squares overflow, is not constant: its correlation is NaN with all,
//! itself included.

mod neighbours;
mod panels;
mod product;
mod reverse;
mod standardise;

pub(in crate::ops) use neighbours::{NEIGHBOURS, TOP_K, TOP_K_MERGE, TOP_K_TILES};
pub(in crate::ops) use panels::{CORRELATION_ROWS, COUNTED, DEGREE};
pub(in crate::ops) use product::{Best, SYMMETRIC_PRODUCT, correlated, correlation_cotangent, infer_correlation, lower_correlation};
pub(in crate::ops) use reverse::{SYMMETRISE, WEIGHTS_REVERSE};
pub(crate) use standardise::CONSTANT_SPACINGS;
pub(in crate::ops) use standardise::{STANDARDISE, STANDARDISE_REVERSE};

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::Shape;

pub(super) static FAMILY: Family = Family {
    sources: &[
        &CORRELATION_ROWS,
        &COUNTED,
        &DEGREE,
        &STANDARDISE,
        &STANDARDISE_REVERSE,
        &SYMMETRIC_PRODUCT,
        &SYMMETRISE,
        &TOP_K,
        &TOP_K_MERGE,
        &TOP_K_TILES,
        &WEIGHTS_REVERSE,
    ],
    cases,
    works,
};

const FALSE_TRUE: &[&str] = &["false", "true"];

/// The largest |r| that goes into Fisher's z.
const LARGEST: f64 = 0.999_999;

/// The statistic computed for each pair of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistic {
    Covariance { ddof: usize },
    Correlation { fisher_z: bool },
}

impl Statistic {
    fn name(self) -> &'static str {
        match self {
            Self::Covariance { .. } => "covariance",
            Self::Correlation { .. } => "correlation",
        }
    }

    fn correlation(self) -> bool {
        matches!(self, Self::Correlation { .. })
    }

    fn ddof(self) -> f64 {
        if let Self::Covariance { ddof } = self { ddof as f64 } else { 0.0 }
    }
}

/// The extents of `[.., n, time]`.
fn extents(x: Shape) -> [usize; 3] {
    let rank = x.rank();
    [x[..rank - 2].iter().product(), x[rank - 2], x[rank - 1]]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = [standardise::cases(), panels::cases()].concat();
    for shape in [[1, 1, 7], [1, 7, 65], [2, 65, 63], [1, 68, 132], [1, 150, 20], [3, 3, 257], [1, 2, 1200]] {
        let weights = || f32s([shape[0], shape[2]], Draw::Weights);
        let series = || f32s(shape, Draw::Series);
        cases.push(Case::new("correlation", vec![series()], |t, x| Ok(vec![t.correlation(x[0], None, false)?])).within(1e-6, 5e-6));
        cases.push(Case::new("correlation fisher_z", vec![series()], |t, x| Ok(vec![t.correlation(x[0], None, true)?])).within(5e-6, 2e-5));
        cases.push(
            Case::new("correlation weighted", vec![series(), weights()], |t, x| Ok(vec![t.correlation(x[0], Some(x[1]), false)?]))
                .within(1e-6, 1e-5),
        );
        cases.push(
            Case::new("covariance", vec![f32s(shape, Draw::Normal)], |t, x| Ok(vec![t.covariance(x[0], None, 1)?])).within(2e-6, 5e-6),
        );
        cases.push(
            Case::new("covariance weighted", vec![f32s(shape, Draw::Normal), weights()], |t, x| {
                Ok(vec![t.covariance(x[0], Some(x[1]), 1)?])
            })
            .within(2e-6, 1e-5),
        );
    }
    let shared = vec![f32s([2, 5, 33], Draw::Normal), f32s([33], Draw::Weights)];
    cases
        .push(Case::new("correlation weights shared", shared, |t, x| Ok(vec![t.correlation(x[0], Some(x[1]), false)?])).within(1e-6, 1e-5));
    cases
}

pub(super) fn works() -> Vec<Work> {
    let shapes = [[1, 32, 128], [4, 200, 600], [16, 400, 1200]];
    let weighted = |[batch, n, time]: [usize; 3]| vec![f32s([batch, n, time], Draw::Series), f32s([batch, time], Draw::Weights)];
    let own = vec![
        Work::new(
            "correlation",
            // The last has more vertices than is usual: its matrix takes 64 MiB.
            [[1, 32, 128], [16, 400, 1200], [1, 4096, 1200]]
                .map(|s| Instance::new(vec![f32s(s, Draw::Series)], |t, x| Ok(vec![t.correlation(x[0], None, false)?]))),
        ),
        Work::new(
            "correlation fisher_z",
            shapes.map(|s| Instance::new(vec![f32s(s, Draw::Series)], |t, x| Ok(vec![t.correlation(x[0], None, true)?]))),
        ),
        Work::new(
            "correlation weighted",
            shapes.map(|s| Instance::new(weighted(s), |t, x| Ok(vec![t.correlation(x[0], Some(x[1]), false)?]))),
        ),
        Work::new("covariance", shapes.map(|s| Instance::new(vec![f32s(s, Draw::Normal)], |t, x| Ok(vec![t.covariance(x[0], None, 1)?])))),
    ];
    [own, standardise::works(), panels::works()].concat()
}
