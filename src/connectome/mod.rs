//! Blocks of functional connectomics, composed of the tape's ops, and the computations around them on the host.
//!
//! | module | contents |
//! |---|---|
//! | [`signal`] | filters, convolution, interpolation, noise, trends |
//! | [`confounds`] | strategies, formulas, censoring, denoising, learnt confound models, quality |
//! | [`parcels`] | parcellation, learnt parcels, homogeneity, the sphere |
//! | [`connectivity`] | covariance, correlation, partial correlation, tangent, shrinkage, windows |
//! | [`graph`] | Laplacians, modularity, communities, eigenmaps |
//! | [`weights`] | domains, first values, activations, symmetric layers |
//! | [`loss`] | losses and how they become one number |

pub mod confounds;
pub mod connectivity;
pub mod graph;
pub mod loss;
pub mod parcels;
pub mod signal;
pub mod weights;

use crate::ops::case::Case;
use crate::ops::work::Work;

/// The test cases of all blocks.
pub fn cases() -> Vec<Case> {
    [loss::cases(), parcels::cases(), connectivity::cases(), graph::cases(), weights::cases(), signal::cases(), confounds::cases()]
        .concat()
        .into_iter()
        .map(Case::composed)
        .collect()
}

/// The benchmarks of all blocks.
pub fn works() -> Vec<Work> {
    [loss::works(), connectivity::works(), confounds::works(), signal::works()].concat()
}
