//! Reduction of a score to one number, by one or several reductions over chosen axes.

use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The path of the gradient through a mean whose weights depend on the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GradientPath {
    /// Through score and weights: the exact gradient of the result.
    #[default]
    Both,
    /// Through the score only, with the weights as constants (hypercoil's default).
    Score,
    /// Through the weights only.
    Weights,
}

/// The reduction of the elements along the reduced axes to one number.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Reduction {
    /// The sum Σ x.
    Sum,
    /// The mean.
    Mean,
    /// The mean of the squares.
    MeanSquare,
    /// The largest element; the gradient is shared among ties.
    Max,
    /// The smallest element; the gradient is shared among ties.
    Min,
    /// The norm (Σ |x|ᵖ)^(1/p) for p ≥ 1, infinity included; its gradient is 0 where it is 0. Several axes are treated as one vector.
    Norm(f32),
    /// The weighted mean Σ w x / Σ w, with weights that broadcast to the score.
    WeightedMean(Var),
    /// The mean weighted by the score itself, Σ x² / Σ x, for scores above 0.
    SelfWeightedMean(GradientPath),
    /// The smooth maximum Σ x softmax(x / t), which tends to the mean for large temperatures t and to the maximum for small ones.
    SoftMaximum {
        /// The temperature t, above 0.
        temperature: f32,
        /// The path of the gradient.
        path: GradientPath,
    },
    /// The smooth minimum Σ x softmax(−x / t). (hypercoil's `softmax_invert` gives minus this, because it negates the score as well as the
    /// weights.)
    SoftMinimum {
        /// The temperature t, above 0.
        temperature: f32,
        /// The path of the gradient.
        path: GradientPath,
    },
}

/// Reductions in order, each over some of the axes that the one before left; hypercoil composes them by `inner`.
///
/// ```
/// # use tapetum::connectome::loss::{Reduction, Scalarise};
/// // The mean over parcels of the norm over time, for a score [parcels, time].
/// let scalarise = Scalarise::over(Reduction::Norm(2.0), &[-1]).then(Reduction::Mean, &[]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scalarise {
    steps: Vec<(Reduction, Vec<isize>)>,
}

impl From<Reduction> for Scalarise {
    fn from(reduction: Reduction) -> Self {
        Self::over(reduction, &[])
    }
}

impl Scalarise {
    /// One reduction over `axes`, or over all axes where the list is empty.
    pub fn over(reduction: Reduction, axes: &[isize]) -> Self {
        Self { steps: vec![(reduction, axes.to_vec())] }
    }

    /// Adds a further reduction over `axes` of those that are left, or over all of them where the list is empty.
    pub fn then(mut self, reduction: Reduction, axes: &[isize]) -> Self {
        self.steps.push((reduction, axes.to_vec()));
        self
    }

    /// Reduces `score` to one number, f32 `[]`.
    ///
    /// # Errors
    /// Returns an error where an axis does not exist, weights do not broadcast to the score, the p of a norm is below 1, a temperature is
    /// not above 0, or axes are left at the end.
    pub fn apply(&self, tape: &mut Tape, score: Var) -> Result<Var> {
        let mut value = score;
        for (reduction, axes) in &self.steps {
            value = reduction.apply(tape, value, axes)?;
        }
        let left = tape.shape(value);
        if left.elements() != 1 {
            return Err(Error::op("scalarise", format!("axes {left} are left of a score {}; add a reduction over them", tape.ty(score))));
        }
        tape.reshape(value, [])
    }
}

impl Reduction {
    /// Reduces the score over `axes` (all where the list is empty), which are removed.
    ///
    /// # Errors
    /// The same as those of [`Scalarise::apply`].
    pub fn apply(&self, tape: &mut Tape, score: Var, axes: &[isize]) -> Result<Var> {
        match *self {
            Self::Sum => tape.sum(score, axes, false),
            Self::Mean => tape.mean(score, axes, false),
            Self::MeanSquare => {
                let square = tape.square(score)?;
                tape.mean(square, axes, false)
            }
            Self::Max => tape.max(score, axes, false),
            Self::Min => tape.min(score, axes, false),
            Self::Norm(p) => tape.vector_norm(score, p, axes),
            Self::WeightedMean(weights) => tape.weighted_mean(score, weights, axes),
            Self::SelfWeightedMean(path) => weighted(tape, score, score, path, axes),
            Self::SoftMaximum { temperature, path } => soft_extreme(tape, score, temperature, path, axes),
            Self::SoftMinimum { temperature, path } => {
                let turned = tape.neg(score)?;
                let most = soft_extreme(tape, turned, temperature, path, axes)?;
                tape.neg(most)
            }
        }
    }
}

fn weighted(tape: &mut Tape, score: Var, weights: Var, path: GradientPath, axes: &[isize]) -> Result<Var> {
    let (mut x, mut w) = (score, weights);
    match path {
        GradientPath::Both => {}
        GradientPath::Score => w = tape.detach(w)?,
        GradientPath::Weights => x = tape.detach(x)?,
    }
    tape.weighted_mean(x, w, axes)
}

fn soft_extreme(tape: &mut Tape, score: Var, temperature: f32, path: GradientPath, axes: &[isize]) -> Result<Var> {
    if temperature.is_nan() || temperature <= 0.0 {
        return Err(Error::op("scalarise", format!("a temperature above 0 expected, found {temperature}")));
    }
    // exp((x − max) / t) is the softmax without its denominator, by which the weighted mean divides; it works over any set of axes.
    let most = tape.max(score, axes, true)?;
    let most = tape.detach(most)?;
    let below = tape.sub(score, most)?;
    let below = tape.scale(below, 1.0 / temperature)?;
    let weights = tape.exp(below)?;
    weighted(tape, score, weights, path, axes)
}

/// # Scalarisations
impl Tape {
    /// The weighted mean Σ w x / Σ w over `axes` (all where the list is empty), which are removed; `weights` broadcast to x.
    ///
    /// # Errors
    /// Returns an error where the weights do not broadcast to x, or an axis does not exist.
    pub fn weighted_mean(&mut self, x: Var, weights: Var, axes: &[isize]) -> Result<Var> {
        self.check(weights)?;
        self.check(x)?;
        if self.shape(weights).broadcast(&self.shape(x)) != Some(self.shape(x)) {
            let what = format!("weights {} do not broadcast to {}", self.shape(weights), self.shape(x));
            return Err(Error::op("weighted_mean", what));
        }
        let weights = self.broadcast_to(weights, self.shape(x))?;
        let products = self.mul(x, weights)?;
        let (sum, total) = (self.sum(products, axes, false)?, self.sum(weights, axes, false)?);
        self.div(sum, total)
    }

    /// The norm (Σ |x|ᵖ)^(1/p) over `axes` (all where the list is empty), which are removed; p = ∞ gives max |x|. Its gradient is 0 where
    /// it is 0.
    ///
    /// # Errors
    /// Returns an error where p is below 1, or an axis does not exist.
    pub fn vector_norm(&mut self, x: Var, p: f32, axes: &[isize]) -> Result<Var> {
        if p.is_nan() || p < 1.0 {
            return Err(Error::op("vector_norm", format!("a norm's p is at least 1, found {p}")));
        }
        if p == 2.0 {
            return self.l2_norm(x, axes, false);
        }
        let magnitude = self.abs(x)?;
        if p == 1.0 {
            return self.sum(magnitude, axes, false);
        }
        if p.is_infinite() {
            return self.max(magnitude, axes, false);
        }
        let powers = self.powf(magnitude, p)?;
        let sum = self.sum(powers, axes, false)?;
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(sum, zero)?;
        let safe = self.select(none, one, sum)?;
        let root = self.powf(safe, 1.0 / p)?;
        self.select(none, zero, root)
    }
}

/// Test cases of the reductions.
pub(super) fn cases() -> Vec<Case> {
    let each = [
        ("mean square", Reduction::MeanSquare),
        ("norm 1", Reduction::Norm(1.0)),
        ("norm 2", Reduction::Norm(2.0)),
        ("norm 3", Reduction::Norm(3.0)),
        ("norm inf", Reduction::Norm(f32::INFINITY)),
        ("self-weighted mean", Reduction::SelfWeightedMean(GradientPath::Both)),
        ("soft maximum", Reduction::SoftMaximum { temperature: 0.5, path: GradientPath::Both }),
        ("soft minimum", Reduction::SoftMinimum { temperature: 0.5, path: GradientPath::Both }),
    ];
    let mut cases = Vec::new();
    for (name, reduction) in each {
        let operands = || vec![f32s([3, 65], Draw::Uniform(0.2, 2.0))];
        cases.push(one(&format!("scalarise {name}"), operands(), move |t, x| Scalarise::from(reduction).apply(t, x[0])));
        let then = move |t: &mut Tape, x: &[Var]| Scalarise::over(reduction, &[0]).then(Reduction::Mean, &[]).apply(t, x[0]);
        cases.push(one(&format!("scalarise {name} then mean"), operands(), then));
    }
    let operands = vec![normal([7, 65]), f32s([65], Draw::Uniform(0.2, 2.0))];
    cases.push(one("weighted_mean", operands, |t, x| t.weighted_mean(x[0], x[1], &[1])));
    cases
}
