//! From a score to one number: reductions, one after the other over axes of choice.

use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// Where the gradient of a mean that weights itself goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GradientPath {
    /// Through both: the gradient of the number that is computed.
    #[default]
    Both,
    /// Through the score alone, its weights taken as given (hypercoil's default).
    Score,
    /// Through the weights alone.
    Weights,
}

/// The number that the elements along the reduced axes become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reduction {
    /// Σ x.
    Sum,
    /// Their mean.
    Mean,
    /// The mean of their squares.
    MeanSquare,
    /// The largest; the gradient is shared among ties.
    Max,
    /// The smallest; the gradient is shared among ties.
    Min,
    /// (Σ |x|ᵖ)^(1/p) for p ≥ 1, infinity included; its gradient is 0 where it is 0. Over several axes, the norm of them as one vector.
    Norm(f32),
    /// Σ w x / Σ w, with weights that broadcast to the score.
    WeightedMean(Var),
    /// Σ x² / Σ x: the mean weighted by the score itself, for scores above 0.
    SelfWeightedMean(GradientPath),
    /// Σ x softmax(x / t): a smooth maximum, the mean at great temperatures t and the maximum at small ones.
    SoftMaximum {
        /// t, above 0.
        temperature: f32,
        /// Where the gradient goes.
        path: GradientPath,
    },
    /// Σ x softmax(−x / t): a smooth minimum. (hypercoil's `softmax_invert` gives minus this: it turns the score as well as the weights.)
    SoftMinimum {
        /// t, above 0.
        temperature: f32,
        /// Where the gradient goes.
        path: GradientPath,
    },
}

/// Reductions in order, each over some axes of what the last one left: what hypercoil composes by `inner`.
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
    /// One reduction over `axes`, all where empty.
    pub fn over(reduction: Reduction, axes: &[isize]) -> Self {
        Self { steps: vec![(reduction, axes.to_vec())] }
    }

    /// And then another over `axes` of what is left, all where empty.
    pub fn then(mut self, reduction: Reduction, axes: &[isize]) -> Self {
        self.steps.push((reduction, axes.to_vec()));
        self
    }

    /// The number that `score` becomes, f32 `[]`.
    ///
    /// # Errors
    /// Where an axis does not exist, weights do not broadcast to the score, a norm's p is below 1, a temperature is not above 0, or axes
    /// are left at the end.
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
    /// The score reduced over `axes` (all where empty), which vanish.
    ///
    /// # Errors
    /// As [`Scalarise::apply`].
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
    // exp((x − max) / t): the softmax but for its denominator, which the weighted mean divides by, and over any set of axes.
    let most = tape.max(score, axes, true)?;
    let most = tape.detach(most)?;
    let below = tape.sub(score, most)?;
    let below = tape.scale(below, 1.0 / temperature)?;
    let weights = tape.exp(below)?;
    weighted(tape, score, weights, path, axes)
}

impl Tape {
    /// Σ w x / Σ w over `axes` (all where empty), which vanish; `weights` broadcast to x.
    ///
    /// # Errors
    /// Where the weights do not broadcast to x, or an axis does not exist.
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

    /// (Σ |x|ᵖ)^(1/p) over `axes` (all where empty), which vanish; p = ∞ is max |x|. Its gradient is 0 where it is 0.
    ///
    /// # Errors
    /// Where p is below 1, or an axis does not exist.
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

/// Cases of the reductions.
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
