//! Connectivity measures of series: one description of the measure for the command, for workflows and for users of the library.

use super::shrinkage::Shrinkage;
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result};

pub use super::compute::{Matrices, Rows};
pub use super::condition::CONDITION_IN_SINGLE;
pub use super::group::GroupTangents;
pub use super::tangent::Fitted;

/// A kind of connectivity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Pearson's correlation.
    Correlation,
    /// The covariance in squared units of the series, divided by T − 1 or as its [`Shrinkage`] defines.
    Covariance,
    /// The correlation of two regions given all others, computed from the inverse covariance.
    PartialCorrelation,
    /// The inverse covariance.
    Precision,
    /// The tangent log(M^−½ C M^−½) of the covariance C of each subject in a group, with M the geometric mean of the covariances (Varoquaux
    /// et al. 2010); nilearn's `tangent`.
    Tangent,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Correlation, Self::Covariance, Self::PartialCorrelation, Self::Precision, Self::Tangent];

    /// The name of the kind, in words joined by hyphens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Correlation => "correlation",
            Self::Covariance => "covariance",
            Self::PartialCorrelation => "partial-correlation",
            Self::Precision => "precision",
            Self::Tangent => "tangent",
        }
    }

    pub(super) fn is_inverse(self) -> bool {
        matches!(self, Self::PartialCorrelation | Self::Precision)
    }
}

/// The treatment of the diagonal where matrices are written as vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Diagonal {
    /// The diagonal is among the n (n + 1)/2 entries.
    Kept,
    /// The diagonal is left out, which gives n (n − 1)/2 entries.
    Dropped,
}

/// A connectivity measure with its settings, similar to nilearn's `ConnectivityMeasure`.
///
/// ```
/// use tapetum::connectome::connectivity::measure::{Connectivity, Kind};
/// use tapetum::{Device, HostTensor};
///
/// # fn main() -> tapetum::Result<()> {
/// // Two subjects of three regions and five frames.
/// let series = HostTensor::f32([2, 3, 5], (0..30).map(|i| ((i * i) % 11) as f32).collect())?;
/// let matrices = Connectivity::new(Kind::Correlation).compute(&Device::cpu(), &series)?;
/// assert_eq!(matrices.values.shape()[..], [2, 3, 3]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connectivity {
    /// The kind of connectivity.
    pub kind: Kind,
    /// The shrinkage of the covariance. `None` means no shrinkage, or for [`Kind::Tangent`] the intensity of Ledoit and Wolf. As in
    /// nilearn, series are standardised before shrinkage only for a correlation.
    pub shrinkage: Option<Shrinkage>,
    /// True to transform correlations to Fisher's z, atanh r, with |r| limited to 1 − 10⁻⁶ and a diagonal of 0.
    pub fisher_z: bool,
    /// Weights of the frames `[.., time]`, with the meaning of `numpy.cov(aweights=…)`. They apply only to kinds without shrinkage and not
    /// to a tangent.
    pub weights: Option<HostTensor>,
    /// The diagonal of the vectors, where matrices are written as vectors of the upper triangle, row by row; `None` for matrices.
    pub vectorise: Option<Diagonal>,
    /// The largest Frobenius norm ‖mean log(M^−½ C M^−½)‖ at which M counts as the geometric mean. Where neither this nor the shrinkage is
    /// set, [`Kind::Tangent`] follows nilearn's defaults and stops at 10⁻⁷ n², as nilearn does: the tangents agree with nilearn's to 10⁻⁶,
    /// and lie 10⁻⁵ to 10⁻⁴ from those of the converged mean for a hundred regions. Where only the shrinkage is set, the tolerance is 10⁻¹⁰.
    pub tolerance: Option<f64>,
    /// True to use a geometric mean that has not converged, which is an error otherwise.
    pub unconverged: bool,
}

impl Connectivity {
    /// A measure of this kind with its default settings.
    pub fn new(kind: Kind) -> Self {
        Self { kind, shrinkage: None, fisher_z: false, weights: None, vectorise: None, tolerance: None, unconverged: false }
    }

    /// Sets the shrinkage.
    #[must_use]
    pub fn shrunk(self, shrinkage: Shrinkage) -> Self {
        Self { shrinkage: Some(shrinkage), ..self }
    }

    /// Transforms correlations to Fisher's z.
    #[must_use]
    pub fn fisher_z(self) -> Self {
        Self { fisher_z: true, ..self }
    }

    /// Sets the weights of the frames `[.., time]`.
    #[must_use]
    pub fn weighted(self, weights: HostTensor) -> Self {
        Self { weights: Some(weights), ..self }
    }

    /// Writes matrices as vectors.
    #[must_use]
    pub fn vectorised(self, diagonal: Diagonal) -> Self {
        Self { vectorise: Some(diagonal), ..self }
    }

    /// The shrinkage that was set, or the default of the kind.
    pub fn shrinkage(&self) -> Shrinkage {
        self.shrinkage.unwrap_or(if self.kind == Kind::Tangent { Shrinkage::LedoitWolf } else { Shrinkage::None })
    }

    /// True where the result does not depend on the unit of each region.
    pub(super) fn scale_free(&self) -> bool {
        self.kind == Kind::Correlation || self.kind == Kind::PartialCorrelation && self.shrinkage() == Shrinkage::None
    }

    /// Checks that the settings are consistent.
    ///
    /// # Errors
    /// Returns an error where Fisher's z is requested for a kind other than a correlation, or where weights are combined with a shrinkage
    /// or a tangent.
    pub fn check(&self) -> Result<()> {
        let of_correlations = matches!(self.kind, Kind::Correlation | Kind::PartialCorrelation);
        if self.fisher_z && !of_correlations {
            return Err(Error::argument(format!("Fisher's z is of correlations, and not of a {}", self.kind.name())));
        }
        if self.weights.is_some() && (self.shrinkage() != Shrinkage::None || self.kind == Kind::Tangent) {
            return Err(Error::argument("a covariance with weights is not shrunk: leave one of the two out"));
        }
        Ok(())
    }

    /// Records the matrices `[.., n, n]` of series `[.., n, time]` on a tape, differentiable and in f32, with frame weights `[.., time]`
    /// where they are given. [`Kind::Tangent`] belongs to a group and needs a reference: see [`Tape::tangent_projection`].
    ///
    /// # Errors
    /// Returns an error in the cases of [`Connectivity::check`], for [`Kind::Tangent`], and where series or weights do not fit.
    pub fn record(&self, tape: &mut Tape, series: Var, weights: Option<Var>) -> Result<Var> {
        if weights.is_some() && self.shrinkage() != Shrinkage::None {
            return Err(Error::argument("a covariance with weights is not shrunk: leave one of the two out"));
        }
        Ok(self.recorded(tape, series, weights)?.matrices)
    }

    pub(super) fn recorded(&self, tape: &mut Tape, series: Var, weights: Option<Var>) -> Result<Recorded> {
        self.check()?;
        let plain = |matrices| Recorded { matrices, inverted: None };
        match self.kind {
            Kind::Correlation if self.shrinkage() == Shrinkage::None => tape.correlation(series, weights, self.fisher_z).map(plain),
            Kind::Correlation => {
                let covariance = self.gram(tape, series, weights)?;
                let correlation = tape.normalised(covariance)?;
                // The two factors of an entry round differently on either side of the diagonal.
                let correlation = tape.symmetric_part(correlation)?;
                self.fisher(tape, correlation).map(plain)
            }
            Kind::Covariance => self.gram(tape, series, weights).map(plain),
            Kind::PartialCorrelation => {
                let [gram, inverse] = self.gram_and_inverse(tape, series, weights)?;
                let partial = tape.partial_of_precision(inverse)?;
                let partial = tape.symmetric_part(partial)?;
                Ok(Recorded { matrices: self.fisher(tape, partial)?, inverted: Some([gram, inverse]) })
            }
            Kind::Precision => {
                let [gram, inverse] = self.gram_and_inverse(tape, series, weights)?;
                Ok(Recorded { matrices: inverse, inverted: Some([gram, inverse]) })
            }
            Kind::Tangent => Err(Error::argument("a tangent is of a group: a reference is expected (`tangent_projection`)")),
        }
    }

    /// The matrices from which the kind is computed: covariances, or correlations where the scale does not matter.
    pub(super) fn gram(&self, tape: &mut Tape, series: Var, weights: Option<Var>) -> Result<Var> {
        match (self.kind, self.shrinkage()) {
            (Kind::PartialCorrelation, Shrinkage::None) => tape.correlation(series, weights, false),
            (_, Shrinkage::None) => tape.covariance(series, weights, 1),
            (Kind::Correlation, shrinkage) => {
                // The series have unit variance, so that a ridge is a share of it.
                let units = tape.standardise(series)?.0;
                let frames = tape.shape(series).last().copied().unwrap_or(1);
                let scaled = tape.scale(units, (frames.saturating_sub(1) as f32).sqrt())?;
                Ok(tape.shrunk_covariance(scaled, shrinkage)?.covariance)
            }
            (_, shrinkage) => Ok(tape.shrunk_covariance(series, shrinkage)?.covariance),
        }
    }

    /// Without weights and shrinkage, the error of the inverse grows only with the square root of the condition number.
    fn gram_and_inverse(&self, tape: &mut Tape, series: Var, weights: Option<Var>) -> Result<[Var; 2]> {
        if self.shrinkage() == Shrinkage::None && weights.is_none() {
            return match self.kind {
                Kind::PartialCorrelation => tape.correlation_and_inverse(series),
                _ => tape.covariance_and_inverse(series, 1),
            };
        }
        let gram = self.gram(tape, series, weights)?;
        Ok([gram, tape.precision(gram)?])
    }

    fn fisher(&self, tape: &mut Tape, r: Var) -> Result<Var> {
        if !self.fisher_z {
            return Ok(r);
        }
        let held = tape.clamp(r, -LARGEST, LARGEST)?;
        let z = tape.atanh(held)?;
        tape.without_diagonal(z)
    }
}

/// The largest |r| that is passed to Fisher's z.
pub(super) const LARGEST: f32 = 0.999_999;

/// Recorded matrices on a tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded {
    pub(super) matrices: Var,
    /// The matrices that were inverted, and their inverse.
    pub(super) inverted: Option<[Var; 2]>,
}
