//! Losses of differentiable functional connectomics (Ciric et al. 2022, arXiv 2206.00649; hypercoil's `loss`), as compositions of the
//! tape's ops: a *score*, a tensor with an entry for what is judged; a [`Scalarise`], which makes it one number; and a weight.
//!
//! | hypercoil's loss (and its scalarisation) | here |
//! |---|---|
//! | `MSELoss` (mean square) | `sub`, [`Reduction::MeanSquare`] |
//! | `NormedLoss` | any value, [`Reduction::Norm`] then [`Reduction::Mean`] |
//! | `ConstraintViolationLoss`, `UnilateralLoss` (mean), `HingeLoss` (sum) | [`constraint_violation`](crate::Tape::constraint_violation), [`hinge`](crate::Tape::hinge) |
//! | `SmoothnessLoss` (1-norm) | [`difference`](crate::Tape::difference) |
//! | `BimodalSymmetricLoss` (mean) | [`bimodal`](crate::Tape::bimodal) |
//! | `EntropyLoss`, `KLDivergenceLoss`, `JSDivergenceLoss`, `BregmanDivergenceLoss` and their logit forms (mean) | [`entropy`](crate::Tape::entropy), [`kl_divergence`](crate::Tape::kl_divergence), [`js_divergence`](crate::Tape::js_divergence), [`bregman_divergence`](crate::Tape::bregman_divergence) |
//! | `EquilibriumLoss` (mean square), `SecondMomentLoss` (mean) | [`equilibrium`](crate::Tape::equilibrium), [`second_moment`](crate::Tape::second_moment), [`mean_second_moment`](crate::Tape::mean_second_moment) |
//! | `CompactnessLoss`, `ReferenceTetherLoss`, `InterhemisphericTetherLoss`, `DispersionLoss` (mean) | [`compactness`](crate::Tape::compactness), [`reference_tether`](crate::Tape::reference_tether), [`interhemispheric_tether`](crate::Tape::interhemispheric_tether), [`dispersion`](crate::Tape::dispersion) |
//! | `BatchCorrelationLoss`, `QCFCLoss` (mean) | [`batch_correlation`](crate::Tape::batch_correlation), [`qc_fc`](crate::Tape::qc_fc), [`distance_dependence`](crate::Tape::distance_dependence) |
//! | `ModularityLoss`, `ConnectopyLoss` (mean) | `neg` of [`modularity`](crate::Tape::modularity), [`connectopy`](crate::Tape::connectopy) |
//! | `MultivariateKurtosis` (mean) | [`multivariate_kurtosis`](crate::Tape::multivariate_kurtosis) |
//!
//! Nothing is of size parcels × vertices × time, or parcels × vertices × 3.

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
