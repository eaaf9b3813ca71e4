//! Parcels of a cortex: memberships applied to series, learning of parcels, their comparison by homogeneity, and the sphere on which they
//! lie.

mod cases;
pub mod cortex;
mod dirichlet;
pub mod homogeneity;
pub mod judge;
pub mod learn_parcels;
mod parcellation;
mod space;
pub mod sphere;

pub(super) use cases::cases;
pub use dirichlet::dirichlet;
pub use parcellation::Normalisation;
