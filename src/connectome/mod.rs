//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

#[cfg(feature = "cli")]
pub mod cortex;
pub mod covariance;
pub mod homogeneity;
pub mod learn_parcels;
pub mod shrinkage;
pub mod spd;
pub mod sphere;
pub mod windows;

use crate::ops::case::Case;

/// What the blocks are held to, beside the ops' own cases.
pub fn cases() -> Vec<Case> {
    [covariance::cases(), shrinkage::cases(), spd::cases(), windows::cases()].concat()
}
