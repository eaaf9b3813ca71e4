//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

#[cfg(feature = "cli")]
pub mod cortex;
pub mod homogeneity;
pub mod learn_parcels;
pub mod sphere;
