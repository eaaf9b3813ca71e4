//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

pub mod butterworth;
pub mod confounds;
pub mod convolution;
#[cfg(feature = "cli")]
pub mod cortex;
pub mod frequency;
pub mod homogeneity;
pub mod interpolation;
pub mod learn_parcels;
pub mod sphere;
pub mod synthesis;
pub mod trends;
