//! Connectivity of series: covariance and correlation, shrinkage, positive definite matrices, windows, kernels, and sparse connectomes.

mod cases;
#[cfg(not(target_arch = "wasm32"))]
mod compute;
pub(crate) mod condition;
pub mod covariance;
#[cfg(not(target_arch = "wasm32"))]
pub mod large;
#[cfg(not(target_arch = "wasm32"))]
pub mod mean;
pub mod measure;
#[cfg(not(target_arch = "wasm32"))]
mod neighbours;
#[cfg(not(target_arch = "wasm32"))]
mod panels;
#[cfg(not(target_arch = "wasm32"))]
mod present;
pub mod shrinkage;
mod similarity;
mod sparse;
pub mod spd;
#[cfg(not(target_arch = "wasm32"))]
mod tangent;
pub mod windows;
mod works;

pub(super) use cases::cases;
pub use sparse::SparseConnectome;
pub(super) use works::works;
