//! Parameters and their constraints: domains, initial values, activations, and layers that keep a matrix symmetric.

mod activation;
mod cases;
mod domain;
pub mod initialise;
pub mod network;

pub(super) use cases::cases;
pub use domain::Domain;
