//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

mod cases;
#[cfg(feature = "cli")]
pub mod cortex;
pub mod covariance;
mod graph;
pub mod homogeneity;
pub mod learn_parcels;
pub mod loss;
pub mod shrinkage;
mod similarity;
mod space;
mod sparse;
pub mod spd;
pub mod sphere;
pub mod windows;

pub use cases::{cases, works};
pub use sparse::SparseConnectome;
