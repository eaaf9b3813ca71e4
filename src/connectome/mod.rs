//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

mod activation;
mod cases;
#[cfg(feature = "cli")]
pub mod cortex;
pub mod covariance;
mod dirichlet;
mod domain;
mod graph;
pub mod homogeneity;
pub mod learn_parcels;
pub mod loss;
pub mod network;
mod parcellation;
pub mod shrinkage;
mod similarity;
mod space;
mod sparse;
pub mod spd;
pub mod sphere;
pub mod windows;
mod works;

pub use cases::cases;
pub use dirichlet::dirichlet;
pub use domain::Domain;
pub use parcellation::Normalisation;
pub use sparse::SparseConnectome;
pub use works::works;
