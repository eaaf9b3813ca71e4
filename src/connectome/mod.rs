//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

mod cases;
#[cfg(feature = "cli")]
pub mod cortex;
mod graph;
pub mod homogeneity;
pub mod learn_parcels;
pub mod loss;
mod similarity;
mod space;
mod sparse;
pub mod sphere;

pub use cases::{cases, works};
pub use sparse::SparseConnectome;
