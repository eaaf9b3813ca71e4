//! Losses of differentiable functional connectomics (Ciric et al. 2022, arXiv 2206.00649; hypercoil's `loss`), as compositions of the
//! tape's ops. A loss consists of a *score*, a tensor with one entry for each judged item; a [`Scalarise`], which reduces it to one number;
//! and a weight.
//!
//! | hypercoil's loss (and its scalarisation) | here |
//! |---|---|
//! | `MSELoss` (mean square), `NormedLoss` | any value; [`Reduction::MeanSquare`], [`Reduction::Norm`] |
//! | `ConstraintViolationLoss`, `UnilateralLoss` (mean), `HingeLoss` (sum) | [`constraint_violation`], [`hinge`] |
//! | `SmoothnessLoss` (1-norm), `BimodalSymmetricLoss` (mean) | [`difference`], [`bimodal`] |
//! | `EntropyLoss`, `BregmanDivergenceLoss` (mean) | [`entropy`], [`entropy_of_logits`], [`bregman_divergence`] |
//! | `KLDivergenceLoss`, `JSDivergenceLoss` (mean) | [`kl_divergence`], [`kl_divergence_of_logits`], [`js_divergence`] |
//! | `EquilibriumLoss` (mean square) | [`equilibrium`] |
//! | `SecondMomentLoss`, `SecondMomentCentredLoss` (mean) | [`second_moment`], [`mean_second_moment`], [`second_moment_about`] |
//! | `CompactnessLoss`, `DispersionLoss` (mean) | [`compactness`], [`dispersion`] |
//! | `ReferenceTetherLoss`, `InterhemisphericTetherLoss` (mean) | [`reference_tether`], [`interhemispheric_tether`] |
//! | `BatchCorrelationLoss`, `QCFCLoss` (mean) | [`batch_correlation`], [`qc_fc`], [`distance_dependence`] |
//! | `ModularityLoss`, `ConnectopyLoss` (mean) | `neg` of [`modularity`], [`connectopy`] |
//! | `GramDeterminantLoss`, `GramLogDeterminantLoss` (mean) | [`gram_determinant`], [`gram_log_determinant`] |
//! | `MultivariateKurtosis` (mean) | [`multivariate_kurtosis`] |
//!
//! No loss builds an array of size parcels × vertices × time, or parcels × vertices × 3.
//!
//! [`constraint_violation`]: crate::Tape::constraint_violation
//! [`hinge`]: crate::Tape::hinge
//! [`difference`]: crate::Tape::difference
//! [`bimodal`]: crate::Tape::bimodal
//! [`entropy`]: crate::Tape::entropy
//! [`entropy_of_logits`]: crate::Tape::entropy_of_logits
//! [`bregman_divergence`]: crate::Tape::bregman_divergence
//! [`kl_divergence`]: crate::Tape::kl_divergence
//! [`kl_divergence_of_logits`]: crate::Tape::kl_divergence_of_logits
//! [`js_divergence`]: crate::Tape::js_divergence
//! [`equilibrium`]: crate::Tape::equilibrium
//! [`second_moment`]: crate::Tape::second_moment
//! [`mean_second_moment`]: crate::Tape::mean_second_moment
//! [`second_moment_about`]: crate::Tape::second_moment_about
//! [`compactness`]: crate::Tape::compactness
//! [`dispersion`]: crate::Tape::dispersion
//! [`reference_tether`]: crate::Tape::reference_tether
//! [`interhemispheric_tether`]: crate::Tape::interhemispheric_tether
//! [`batch_correlation`]: crate::Tape::batch_correlation
//! [`qc_fc`]: crate::Tape::qc_fc
//! [`distance_dependence`]: crate::Tape::distance_dependence
//! [`modularity`]: crate::Tape::modularity
//! [`connectopy`]: crate::Tape::connectopy
//! [`gram_determinant`]: crate::Tape::gram_determinant
//! [`gram_log_determinant`]: crate::Tape::gram_log_determinant
//! [`multivariate_kurtosis`]: crate::Tape::multivariate_kurtosis

mod determinant;
mod deviation;
mod objective;
mod parcels;
mod probability;
mod quality;
mod scalarise;
mod space;

pub use objective::Objective;
pub use parcels::Moment;
pub use quality::critical_correlation;
pub use scalarise::{GradientPath, Reduction, Scalarise};

use crate::ops::case::Case;
use crate::ops::work::Work;

/// The test cases of each file; see [`crate::ops::case`].
const CASES: [fn() -> Vec<Case>; 7] =
    [deviation::cases, scalarise::cases, probability::cases, parcels::cases, space::cases, quality::cases, determinant::cases];

/// The benchmarks of the losses; see [`crate::ops::work`].
const WORKS: [fn() -> Vec<Work>; 4] = [parcels::works, probability::works, space::works, quality::works];

/// The numbers of parcels, vertices and frames at which losses of parcellations are benchmarked.
const SIZES: [[usize; 3]; 3] = [[16, 256, 64], [100, 2562, 652], [400, 20_484, 652]];

/// The test cases of this module.
pub(super) fn cases() -> Vec<Case> {
    CASES.iter().flat_map(|cases| cases()).collect()
}

/// The benchmarks of this module.
pub(super) fn works() -> Vec<Work> {
    WORKS.iter().flat_map(|works| works()).collect()
}
