//! Connectivity of series: covariance and correlation, shrinkage, positive definite matrices, windows, kernels, and sparse connectomes.

mod cases;
mod compute;
pub(crate) mod condition;
pub mod covariance;
mod group;
pub mod large;
pub mod mean;
pub mod measure;
mod neighbours;
mod panels;
mod present;
pub mod shrinkage;
mod similarity;
mod sparse;
pub mod spd;
mod tangent;
pub mod windows;
mod works;

pub(super) use cases::cases;
pub use sparse::SparseConnectome;
pub(super) use works::works;
