//! What networks are trained on. Divergences of probabilities are in [`connectome::loss`](crate::connectome::loss).

use crate::tape::{Source, Tape, Var};
use crate::{DType, Error, Result};

/// A variance is held to at least this, as PyTorch's `gaussian_nll_loss` does.
const LEAST_VARIANCE: f32 = 1e-6;

/// The options of PyTorch's `cross_entropy`; `Default` has none of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CrossEntropy {
    /// A weight for each class, f32 `[classes]`; all 1 where there are none.
    pub weights: Option<Var>,
    /// s, from 0 to 1: the share of a label that is spread over all classes.
    pub smoothing: f32,
    /// Rows of this label are left out: PyTorch's `ignore_index`, which has a default there (−100) and none here.
    pub ignore: Option<i32>,
}

impl Tape {
    /// Mean of (p − t)².
    ///
    /// # Errors
    /// Where the operands do not broadcast; so for all of these.
    pub fn mean_squared_error(&mut self, predicted: Var, target: Var) -> Result<Var> {
        let apart = self.sub(predicted, target)?;
        let square = self.square(apart)?;
        self.mean(square, &[], false)
    }

    /// Huber's loss, element by element: ½ d² where |d| ≤ δ, else δ (|d| − ½ δ); d = p − t.
    pub fn huber(&mut self, predicted: Var, target: Var, delta: f32) -> Result<Var> {
        if delta.is_nan() || delta <= 0.0 {
            return Err(Error::op("huber", format!("a δ above 0 expected, found {delta}")));
        }
        let apart = self.sub(predicted, target)?;
        let size = self.abs(apart)?;
        // c (|d| − ½ c), c the smaller of |d| and δ.
        let held = self.clamp(size, 0.0, delta)?;
        let half = self.scale(held, 0.5)?;
        let rest = self.sub(size, half)?;
        self.mul(held, rest)
    }

    /// −ln N(t; mean, variance) less its constant, element by element: ½ (ln v + (p − t)² / v), v held to at least 10⁻⁶.
    pub fn gaussian_nll(&mut self, mean: Var, target: Var, variance: Var) -> Result<Var> {
        let variance = self.clamp(variance, LEAST_VARIANCE, f32::MAX)?;
        let apart = self.sub(mean, target)?;
        let square = self.square(apart)?;
        let misfit = self.div(square, variance)?;
        let spread = self.log(variance)?;
        let sum = self.add(misfit, spread)?;
        self.scale(sum, 0.5)
    }

    /// −t ln σ(x) − (1 − t) ln(1 − σ(x)), element by element, of logits x and targets t in [0, 1].
    pub fn binary_cross_entropy(&mut self, logits: Var, target: Var) -> Result<Var> {
        let whole = self.softplus(logits)?;
        let part = self.mul(target, logits)?;
        self.sub(whole, part)
    }

    /// Cross-entropy of softmax(logits) `[.., classes]` with i32 `labels` `[..]`, PyTorch's mean over rows: −Σᵢ ln p_iyᵢ / rows. With weights
    /// of the classes, smoothing or a label to leave out: [`Tape::cross_entropy_with`].
    ///
    /// # Errors
    /// Where shapes do not fit, or a constant label is no class. A label that is written later and is no class makes the loss NaN.
    pub fn cross_entropy(&mut self, logits: Var, labels: Var) -> Result<Var> {
        self.cross_entropy_with(logits, labels, &CrossEntropy::default())
    }

    /// [`Tape::cross_entropy`] as `options` say: −Σᵢ Σ_c q_ic w_c ln p_ic / Σᵢ w_yᵢ, with q = (1 − s) at the label and s / classes throughout.
    /// Where every row is left out, the loss is 0.
    ///
    /// # Errors
    /// As [`Tape::cross_entropy`], and where the smoothing s is outside [0, 1].
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
        // Rows that are counted, [.., 1]: those left out make no part of any sum.
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
        // Where no row counts, the sum is 0, so what it is divided by does not matter.
        let safe = self.clamp(total, f32::MIN_POSITIVE, f32::MAX)?;
        let mean = self.div(sum, safe)?;
        let loss = self.neg(mean)?;
        let strange = self.sub(one, known)?;
        let strange = self.sum(strange, &[], false)?;
        let undefined = self.scalar(f32::NAN)?;
        self.select(strange, undefined, loss)
    }

    /// An error where labels that the tape knows are no classes.
    fn check_labels(&self, labels: Var, classes: usize, ignored: Option<i32>) -> Result<()> {
        let Source::Constant(value) = &self.node_of(labels).source else { return Ok(()) };
        let known = |label: i32| usize::try_from(label).is_ok_and(|l| l < classes) || Some(label) == ignored;
        let found = value.as_i32().unwrap_or_default().iter().enumerate().find(|(_, label)| !known(**label));
        found.map_or(Ok(()), |(row, label)| {
            let what = format!("the label of row {row} (counted from 0) is {label}: a class from 0 to {} expected", classes - 1);
            Err(Error::op("cross_entropy", what))
        })
    }
}
