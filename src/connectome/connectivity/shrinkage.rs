//! Covariance shrunk towards a known target, so that it has an inverse.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The shrinkage of a covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Shrinkage {
    /// No shrinkage: the sample covariance, divided by T − 1.
    None,
    /// The sample covariance, divided by T − 1, plus this value on its diagonal, in squared units of the series.
    Ridge(f32),
    /// Shrinkage towards μ1 by the intensity of Ledoit and Wolf 2004, with the sample covariance divided by T; scikit-learn's
    /// `ledoit_wolf`.
    LedoitWolf,
    /// Shrinkage towards μ1 by the intensity of Chen et al. 2010, with the sample covariance divided by T; scikit-learn's `oas`.
    Oas,
}

/// A shrunk covariance and its shrinkage intensity.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Shrunk {
    /// The covariance, `[.., n, n]`.
    pub covariance: Var,
    /// The share of the target in the covariance, `[..]`; `None` for a ridge or no shrinkage.
    pub intensity: Option<Var>,
}

/// The moments from which intensities are computed. Sums over matrices keep their axes, `[.., 1, 1]`.
struct Moments {
    /// The sample covariance S, divided by T.
    covariance: Var,
    /// A diagonal matrix `[.., n, n]` with 1 for each variable that varies.
    varying: Var,
    /// The number of variables that vary, at least 1.
    count: Var,
    /// The mean μ of their variances.
    mean: Var,
    /// The squared distance ‖S − μ1‖² to the target.
    spread: Var,
}

/// # Shrinkage of covariance
impl Tape {
    /// The shrunk covariance `[.., variables, variables]` of series x `[.., variables, time]`.
    ///
    /// Constant series have rows and columns of 0, and do not affect the result of the other series.
    ///
    /// # Errors
    /// Returns an error where x is not f32 `[.., variables, time]`, has too few frames, or a ridge is negative or not finite.
    pub fn shrunk_covariance(&mut self, x: Var, shrinkage: Shrinkage) -> Result<Shrunk> {
        match shrinkage {
            Shrinkage::None => Ok(Shrunk { covariance: self.covariance(x, None, 1)?, intensity: None }),
            Shrinkage::Ridge(ridge) if ridge >= 0.0 && ridge.is_finite() => {
                let plain = self.covariance(x, None, 1)?;
                let varying = self.varying(plain)?;
                let added = self.scale(varying, ridge)?;
                Ok(Shrunk { covariance: self.add(plain, added)?, intensity: None })
            }
            Shrinkage::Ridge(ridge) => Err(Error::op("shrunk_covariance", format!("a ridge of 0 or more expected, found {ridge}"))),
            Shrinkage::LedoitWolf => {
                let m = self.moments(x)?;
                let intensity = self.ledoit_wolf(x, &m)?;
                self.shrink(&m, intensity)
            }
            Shrinkage::Oas => {
                let m = self.moments(x)?;
                let intensity = self.oas(x, &m)?;
                self.shrink(&m, intensity)
            }
        }
    }

    /// A diagonal matrix with 1 where the variance on the diagonal of a covariance is above 0.
    fn varying(&mut self, covariance: Var) -> Result<Var> {
        let variances = self.diagonal(covariance)?;
        let zero = self.scalar(0.0)?;
        let varies = self.greater(variances, zero)?;
        self.diagonal_matrix(varies)
    }

    fn moments(&mut self, x: Var) -> Result<Moments> {
        let covariance = self.covariance(x, None, 0)?;
        let varying = self.varying(covariance)?;
        let count = self.sum(varying, &[-2, -1], true)?;
        let count = self.clamp(count, 1.0, f32::MAX)?;
        let variances = self.mul(covariance, varying)?;
        let total = self.sum(variances, &[-2, -1], true)?;
        let mean = self.div(total, count)?;
        let target = self.mul(varying, mean)?;
        let off = self.sub(covariance, target)?;
        let spread = self.square(off)?;
        let spread = self.sum(spread, &[-2, -1], true)?;
        Ok(Moments { covariance, varying, count, mean, spread })
    }

    /// The shrunk covariance (1 − s) S + s μ1.
    fn shrink(&mut self, m: &Moments, intensity: Var) -> Result<Shrunk> {
        let target = self.mul(m.varying, m.mean)?;
        let towards = self.sub(target, m.covariance)?;
        let towards = self.mul(towards, intensity)?;
        let covariance = self.add(m.covariance, towards)?;
        let shape = self.shape(intensity);
        let intensity = self.reshape(intensity, shape.without(shape.rank() - 1).without(shape.rank() - 2))?;
        Ok(Shrunk { covariance, intensity: Some(intensity) })
    }

    /// The intensity min(β, δ)/δ with δ = ‖S − μ1‖² and β = Σₜ‖xₜxₜᵀ − S‖²/T² = (Σₜ|xₜ|⁴/T − ‖S‖²)/T; 0 where δ is 0.
    fn ledoit_wolf(&mut self, x: Var, m: &Moments) -> Result<Var> {
        let frames = self.frames(x);
        let centred = self.about_mean(x)?;
        let powers = self.square(centred)?;
        let powers = self.sum(powers, &[-2], true)?;
        let fourth = self.square(powers)?;
        let fourth = self.mean(fourth, &[-1], true)?;
        let size = self.square(m.covariance)?;
        let size = self.sum(size, &[-2, -1], true)?;
        let noise = self.sub(fourth, size)?;
        let noise = self.scale(noise, 1.0 / frames)?;
        let noise = self.clamp(noise, 0.0, f32::MAX)?;
        let held = self.minimum(noise, m.spread)?;
        let (one, zero) = (self.scalar(1.0)?, self.scalar(0.0)?);
        let safe = self.select(m.spread, m.spread, one)?;
        let intensity = self.div(held, safe)?;
        self.select(m.spread, intensity, zero)
    }

    /// The intensity min(1, (α + μ²)/((T + 1)(α − μ²/p))) with α = ‖S‖²/p² and α − μ²/p = ‖S − μ1‖²/p²; 1 where the latter is 0.
    fn oas(&mut self, x: Var, m: &Moments) -> Result<Var> {
        let frames = self.frames(x);
        let size = self.square(m.covariance)?;
        let size = self.sum(size, &[-2, -1], true)?;
        let elements = self.square(m.count)?;
        let squares = self.square(m.mean)?;
        let squares = self.mul(squares, elements)?;
        let above = self.add(size, squares)?;
        let below = self.scale(m.spread, frames + 1.0)?;
        let one = self.scalar(1.0)?;
        let safe = self.select(below, below, one)?;
        let ratio = self.div(above, safe)?;
        let held = self.clamp(ratio, 0.0, 1.0)?;
        self.select(below, held, one)
    }

    fn frames(&self, x: Var) -> f32 {
        self.shape(x).last().copied().unwrap_or(1) as f32
    }
}

/// The test cases of shrinkage.
pub(super) fn cases() -> Vec<Case> {
    let kinds = [
        ("shrunk_covariance ridge", Shrinkage::Ridge(0.5)),
        ("shrunk_covariance ledoit_wolf", Shrinkage::LedoitWolf),
        ("shrunk_covariance oas", Shrinkage::Oas),
    ];
    let mut cases = Vec::new();
    for (name, shrinkage) in kinds {
        for (shape, draw) in [([1, 1, 7], Draw::Normal), ([2, 7, 65], Draw::Series), ([1, 65, 33], Draw::Normal)] {
            let build = move |t: &mut Tape, x: &[Var]| {
                // A constant series varies once it is perturbed, unless it is standardised first.
                let x = if draw == Draw::Series { t.standardise(x[0])?.0 } else { x[0] };
                let shrunk = t.shrunk_covariance(x, shrinkage)?;
                Ok([shrunk.covariance].into_iter().chain(shrunk.intensity).collect())
            };
            cases.push(Case::new(name, vec![f32s(shape, draw)], build).within(5e-6, 2e-5));
        }
    }
    cases
}
