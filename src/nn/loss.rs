//! Losses of networks. Divergences of probabilities are in [`connectome::loss`](crate::connectome::loss).

use crate::tape::{Origin, Tape, Var};
use crate::{DType, Error, Result};

/// The lower bound applied to a variance, as in PyTorch's `gaussian_nll_loss`.
const LEAST_VARIANCE: f32 = 1e-6;

/// The options of PyTorch's `cross_entropy`; `Default` sets none of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CrossEntropy {
    /// A weight for each class, f32 `[classes]`; all weights are 1 where this is `None`.
    pub weights: Option<Var>,
    /// The label smoothing s, from 0 to 1: the share of a label that is spread over all classes.
    pub smoothing: f32,
    /// Rows with this label are left out. This is PyTorch's `ignore_index`, which defaults to −100 there and to none here.
    pub ignore: Option<i32>,
}

/// # Losses of networks
impl Tape {
    /// The mean of (p − t)² over all elements of predictions p and targets t.
    ///
    /// # Errors
    /// Returns an error where the operands do not broadcast; this holds for all losses in this file.
    pub fn mean_squared_error(&mut self, predicted: Var, target: Var) -> Result<Var> {
        let apart = self.sub(predicted, target)?;
        let square = self.square(apart)?;
        self.mean(square, &[], false)
    }

    /// The Huber loss, element by element: ½ d² where |d| ≤ δ, else δ (|d| − ½ δ), with d = p − t.
    pub fn huber(&mut self, predicted: Var, target: Var, delta: f32) -> Result<Var> {
        if delta.is_nan() || delta <= 0.0 {
            return Err(Error::op("huber", format!("a δ above 0 expected, found {delta}")));
        }
        let apart = self.sub(predicted, target)?;
        let size = self.abs(apart)?;
        // The loss is c (|d| − ½ c) with c the smaller of |d| and δ.
        let held = self.clamp(size, 0.0, delta)?;
        let half = self.scale(held, 0.5)?;
        let rest = self.sub(size, half)?;
        self.mul(held, rest)
    }

    /// The negative log-likelihood −ln N(t; mean, variance) without its constant, element by element: ½ (ln v + (p − t)² / v), with v at
    /// least 10⁻⁶.
    pub fn gaussian_nll(&mut self, mean: Var, target: Var, variance: Var) -> Result<Var> {
        let variance = self.clamp(variance, LEAST_VARIANCE, f32::MAX)?;
        let apart = self.sub(mean, target)?;
        let square = self.square(apart)?;
        let misfit = self.div(square, variance)?;
        let spread = self.log(variance)?;
        let sum = self.add(misfit, spread)?;
        self.scale(sum, 0.5)
    }

    /// The binary cross-entropy −t ln σ(x) − (1 − t) ln(1 − σ(x)), element by element, of logits x and targets t in [0, 1].
    pub fn binary_cross_entropy(&mut self, logits: Var, target: Var) -> Result<Var> {
        let whole = self.softplus(logits)?;
        let part = self.mul(target, logits)?;
        self.sub(whole, part)
    }

    /// The cross-entropy of softmax(logits) `[.., classes]` with i32 `labels` `[..]`, averaged over rows as in PyTorch: −Σᵢ ln p_iyᵢ /
    /// rows. For class weights, label smoothing or an ignored label see [`Tape::cross_entropy_with`].
    ///
    /// # Errors
    /// Returns an error where shapes do not fit, or a constant label is not a class. A label written later that is not a class makes the
    /// loss NaN.
    pub fn cross_entropy(&mut self, logits: Var, labels: Var) -> Result<Var> {
        self.cross_entropy_with(logits, labels, &CrossEntropy::default())
    }

    /// [`Tape::cross_entropy`] with `options`: −Σᵢ Σ_c q_ic w_c ln p_ic / Σᵢ w_yᵢ, where q has 1 − s at the label plus s / classes at every
    /// class. Where every row is left out, the loss is 0.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::cross_entropy`], and where the smoothing s is outside [0, 1].
    pub fn cross_entropy_with(&mut self, logits: Var, labels: Var, options: &CrossEntropy) -> Result<Var> {
        let axis = self.axis("cross_entropy", logits, -1)?;
        self.check(labels)?;
        let (shape, rows, smoothing) = (self.shape(logits), self.ty(labels), options.smoothing);
        if rows.dtype != DType::I32 || rows.shape != shape.without(axis) || !(0.0..=1.0).contains(&smoothing) {
            let what = format!("labels i32{} and a smoothing in [0, 1] expected, found {rows} and {smoothing}", shape.without(axis));
            return Err(Error::op("cross_entropy", what));
        }
        let classes = shape[axis];
        let weights = options.weights;
        if let Some(w) = weights.filter(|&w| self.check(w).is_err() || *self.shape(w) != [classes]) {
            return Err(Error::op("cross_entropy", format!("weights [{classes}] expected, found {}", self.shape(w))));
        }
        self.check_labels(labels, classes, options.ignore)?;
        let mut hot = self.one_hot(labels, classes)?;
        // The rows that count, [.., 1]. Rows that are left out contribute to no sum.
        let mut counts = self.sum(hot, &[-1], true)?;
        let (one, mut known) = (self.scalar(1.0)?, counts);
        if let Some(ignored) = options.ignore {
            let ignored = self.scalar(ignored as f32)?;
            let left_out = self.equal(labels, ignored)?;
            let left_out = self.reshape(left_out, self.shape(counts))?;
            known = self.maximum(counts, left_out)?;
            let kept = self.sub(one, left_out)?;
            (hot, counts) = (self.mul(hot, kept)?, self.mul(counts, kept)?);
        }
        let weighted = match weights {
            Some(w) => self.mul(hot, w)?,
            None => hot,
        };
        let total = self.sum(weighted, &[], false)?;
        let mut target = self.scale(weighted, 1.0 - smoothing)?;
        if smoothing > 0.0 {
            let mut even = self.scale(counts, smoothing / classes as f32)?;
            if let Some(w) = weights {
                even = self.mul(even, w)?;
            }
            target = self.add(target, even)?;
        }
        let log = self.log_softmax(logits, -1)?;
        let terms = self.mul(target, log)?;
        let sum = self.sum(terms, &[], false)?;
        // Where no row counts the sum is 0, so the divisor does not matter.
        let safe = self.clamp(total, f32::MIN_POSITIVE, f32::MAX)?;
        let mean = self.div(sum, safe)?;
        let loss = self.neg(mean)?;
        let strange = self.sub(one, known)?;
        let strange = self.sum(strange, &[], false)?;
        let undefined = self.scalar(f32::NAN)?;
        self.select(strange, undefined, loss)
    }

    /// Returns an error where labels whose values the tape knows are not classes.
    fn check_labels(&self, labels: Var, classes: usize, ignored: Option<i32>) -> Result<()> {
        let Origin::Constant(value) = &self.node_of(labels).origin else { return Ok(()) };
        let known = |label: i32| usize::try_from(label).is_ok_and(|l| l < classes) || Some(label) == ignored;
        let found = value.as_i32().unwrap_or_default().iter().enumerate().find(|(_, label)| !known(**label));
        found.map_or(Ok(()), |(row, label)| {
            let what = format!("the label of row {row} (counted from 0) is {label}: a class from 0 to {} expected", classes - 1);
            Err(Error::op("cross_entropy", what))
        })
    }
}
