//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.
//!
//! | room | what it holds |
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

/// What every block is held to.
pub fn cases() -> Vec<Case> {
    [loss::cases(), parcels::cases(), connectivity::cases(), graph::cases(), weights::cases(), signal::cases(), confounds::cases()]
        .concat()
        .into_iter()
        .map(Case::composed)
        .collect()
}

/// What is timed of them.
pub fn works() -> Vec<Work> {
    [loss::works(), connectivity::works(), confounds::works(), signal::works()].concat()
}
