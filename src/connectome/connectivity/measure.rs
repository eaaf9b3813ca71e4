//! Connectivity of series: one description of what is computed, for the command, for workflows and for users of the library.

use super::shrinkage::Shrinkage;
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result};

#[cfg(not(target_arch = "wasm32"))]
pub use super::compute::{CONDITION_IN_SINGLE, Matrices, Rows};
#[cfg(not(target_arch = "wasm32"))]
pub use super::tangent::Fitted;

/// What is computed of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Pearson's correlation.
    Correlation,
    /// The covariance, in the series' units squared, divided by T − 1, or as its [`Shrinkage`] says.
    Covariance,
    /// The correlation of two regions given all others, from the inverse covariance.
    PartialCorrelation,
    /// The inverse covariance.
    Precision,
    /// Of a group: log(M^−½ C M^−½) of each subject's covariance C, M their geometric mean (Varoquaux et al. 2010), as nilearn's `tangent`.
    Tangent,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Correlation, Self::Covariance, Self::PartialCorrelation, Self::Precision, Self::Tangent];

    /// Its name, in words joined by hyphens.
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

/// What becomes of the diagonal where matrices are written as vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Diagonal {
    /// It is among the entries: n (n + 1)/2 of them.
    Kept,
    /// It is left out: n (n − 1)/2 entries.
    Dropped,
}

/// A measure of connectivity, as nilearn's `ConnectivityMeasure`: what is computed of series, and how.
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
    /// What is computed.
    pub kind: Kind,
    /// How the covariance is shrunk; where it is not said, not at all, and by Ledoit and Wolf's intensity for [`Kind::Tangent`]. As in
    /// nilearn, series are standardised before that for a correlation alone.
    pub shrinkage: Option<Shrinkage>,
    /// Whether correlations become Fisher's z, atanh r with |r| held to 1 − 10⁻⁶; the diagonal is 0 then.
    pub fisher_z: bool,
    /// Weights of the frames `[.., time]`, for kinds that are neither shrunk nor tangent; they mean `numpy.cov(aweights=…)`.
    pub weights: Option<HostTensor>,
    /// Whether matrices are written as vectors: the entries of the upper triangle, row by row.
    pub vectorise: Option<Diagonal>,
    /// The largest ‖mean log(M^−½ C M^−½)‖, by Frobenius, at which M counts as the geometric mean. Where neither it nor the shrinkage is
    /// said, [`Kind::Tangent`] is what nilearn's defaults make of the series, and stops as they do: at 10⁻⁷ n², which at a hundred regions
    /// leaves some 10⁻⁵ of the tangents. Where the shrinkage is said, 10⁻¹⁰.
    pub tolerance: Option<f64>,
    /// Whether a geometric mean that has not converged is taken all the same. It is an error otherwise.
    pub unconverged: bool,
}

impl Connectivity {
    /// A measure of a kind, with its defaults.
    pub fn new(kind: Kind) -> Self {
        Self { kind, shrinkage: None, fisher_z: false, weights: None, vectorise: None, tolerance: None, unconverged: false }
    }

    /// Shrunk so.
    #[must_use]
    pub fn shrunk(self, shrinkage: Shrinkage) -> Self {
        Self { shrinkage: Some(shrinkage), ..self }
    }

    /// As Fisher's z.
    #[must_use]
    pub fn fisher_z(self) -> Self {
        Self { fisher_z: true, ..self }
    }

    /// With weights of the frames `[.., time]`.
    #[must_use]
    pub fn weighted(self, weights: HostTensor) -> Self {
        Self { weights: Some(weights), ..self }
    }

    /// As vectors.
    #[must_use]
    pub fn vectorised(self, diagonal: Diagonal) -> Self {
        Self { vectorise: Some(diagonal), ..self }
    }

    /// What was said of the shrinkage, or what the kind takes.
    pub fn shrinkage(&self) -> Shrinkage {
        self.shrinkage.unwrap_or(if self.kind == Kind::Tangent { Shrinkage::LedoitWolf } else { Shrinkage::None })
    }

    /// Whether the result does not depend on each region's unit.
    pub(super) fn scale_free(&self) -> bool {
        self.kind == Kind::Correlation || self.kind == Kind::PartialCorrelation && self.shrinkage() == Shrinkage::None
    }

    /// That the settings agree with one another.
    ///
    /// # Errors
    /// Where Fisher's z is asked of what is no correlation, or weights are given with a shrinkage or a tangent.
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

    /// Records the matrices `[.., n, n]` of series `[.., n, time]` on a tape, differentiable, in the tape's f32; with weights of the frames
    /// `[.., time]` where they are given here. [`Kind::Tangent`] is of a group, and needs a reference: see [`Tape::tangent_projection`].
    ///
    /// # Errors
    /// As [`Connectivity::check`], for [`Kind::Tangent`], and where series or weights do not fit.
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
                self.fisher(tape, correlation).map(plain)
            }
            Kind::Covariance => self.gram(tape, series, weights).map(plain),
            Kind::PartialCorrelation => {
                let [gram, inverse] = self.gram_and_inverse(tape, series, weights)?;
                let partial = tape.partial_of_precision(inverse)?;
                Ok(Recorded { matrices: self.fisher(tape, partial)?, inverted: Some([gram, inverse]) })
            }
            Kind::Precision => {
                let [gram, inverse] = self.gram_and_inverse(tape, series, weights)?;
                Ok(Recorded { matrices: inverse, inverted: Some([gram, inverse]) })
            }
            Kind::Tangent => Err(Error::argument("a tangent is of a group: a reference is expected (`tangent_projection`)")),
        }
    }

    /// The matrices that the kind is made of: covariances, or where their scales do not matter, correlations.
    pub(super) fn gram(&self, tape: &mut Tape, series: Var, weights: Option<Var>) -> Result<Var> {
        match (self.kind, self.shrinkage()) {
            (Kind::PartialCorrelation, Shrinkage::None) => tape.correlation(series, weights, false),
            (_, Shrinkage::None) => tape.covariance(series, weights, 1),
            (Kind::Correlation, shrinkage) => {
                // Of unit variance, so that a ridge is a share of it.
                let units = tape.standardise(series)?.0;
                let frames = tape.shape(series).last().copied().unwrap_or(1);
                let scaled = tape.scale(units, (frames.saturating_sub(1) as f32).sqrt())?;
                Ok(tape.shrunk_covariance(scaled, shrinkage)?.covariance)
            }
            (_, shrinkage) => Ok(tape.shrunk_covariance(series, shrinkage)?.covariance),
        }
    }

    /// Without weights and shrinkage, an inverse that loses the root of the condition alone.
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

/// The largest |r| that goes into Fisher's z.
pub(super) const LARGEST: f32 = 0.999_999;

/// Matrices on a tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded {
    pub(super) matrices: Var,
    /// What was inverted to make them, and its inverse.
    pub(super) inverted: Option<[Var; 2]>,
}
