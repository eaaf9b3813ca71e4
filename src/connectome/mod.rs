//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

mod activation;
mod cases;
#[cfg(feature = "cli")]
pub mod cortex;
mod dirichlet;
mod domain;
mod graph;
pub mod homogeneity;
pub mod learn_parcels;
pub mod loss;
pub mod network;
mod parcellation;
mod similarity;
mod space;
mod sparse;
pub mod sphere;
mod works;

pub use cases::cases;
pub use dirichlet::dirichlet;
pub use domain::Domain;
pub use parcellation::Normalisation;
pub use sparse::SparseConnectome;
pub use works::works;
