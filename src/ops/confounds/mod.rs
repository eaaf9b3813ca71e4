//! Confound regression: confounds made orthonormal under the frames' weights, then two thin products.
//!
//! Orthonormal rows, not normal equations: a Cholesky factor of the confounds' products has the square of their condition number, which
//! f32 has no digits for (motion and its squares reach 10⁴).

mod orthonormalise;
mod regression;

pub(crate) use orthonormalise::orthonormal_basis;
pub(in crate::ops) use orthonormalise::{BASIS, ORTHONORMALISE, ORTHONORMALISE_BLOCKS};
pub use regression::Regression;

use super::Family;
use super::case::Case;
use super::work::Work;

pub(super) static FAMILY: Family = Family { sources: &[&ORTHONORMALISE, &ORTHONORMALISE_BLOCKS], cases, works };

pub(super) fn cases() -> Vec<Case> {
    [orthonormalise::cases(), regression::cases()].concat()
}

pub(super) fn works() -> Vec<Work> {
    [orthonormalise::works(), regression::works()].concat()
}
