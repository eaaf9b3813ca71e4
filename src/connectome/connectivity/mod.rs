//! Connectivity of series: covariance and correlation, shrinkage, positive definite matrices, windows, kernels, and sparse connectomes.

mod cases;
pub mod covariance;
pub mod shrinkage;
mod similarity;
mod sparse;
pub mod spd;
pub mod windows;
mod works;

pub(super) use cases::cases;
pub use sparse::SparseConnectome;
pub(super) use works::works;
