//! Blocks of functional connectomics, composed of the tape's ops, and what is computed around them on the host.

mod activation;
pub mod butterworth;
mod cases;
pub mod communities;
pub mod confounds;
pub mod convolution;
#[cfg(feature = "cli")]
pub mod cortex;
pub mod covariance;
mod dirichlet;
mod domain;
pub mod eigenmaps;
pub mod frequency;
mod graph;
pub mod homogeneity;
pub mod initialise;
pub mod interpolation;
pub mod learn_parcels;
pub mod loss;
pub mod network;
mod noise;
mod parcellation;
pub mod quality;
pub mod shrinkage;
mod similarity;
mod space;
mod sparse;
pub mod spd;
pub mod sphere;
pub mod synthesis;
pub mod trends;
pub mod windows;
mod works;

pub use cases::cases;
pub use dirichlet::dirichlet;
pub use domain::Domain;
pub use parcellation::Normalisation;
pub use sparse::SparseConnectome;
pub use works::works;
