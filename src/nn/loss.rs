//! What networks are trained on. Divergences of probabilities are in [`connectome::loss`](crate::connectome::loss).

use crate::tape::{Tape, Var};
use crate::{DType, Error, Result};

/// A variance is held to at least this, as PyTorch's `gaussian_nll_loss` does.
const LEAST_VARIANCE: f32 = 1e-6;

/// # Losses of networks
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

    /// Cross-entropy of softmax(logits) `[.., classes]` with i32 `labels` `[..]`, PyTorch's mean over rows:
    /// −Σᵢ Σ_c q_ic w_c ln p_ic / Σᵢ w_yᵢ, with q = (1 − s) at the label and s / classes throughout. `weights` `[classes]` are all 1 where they
    /// are not given. A row whose label is no class is left out; where all are, the loss is 0.
    ///
    /// # Errors
    /// Where shapes do not fit or the smoothing s is outside [0, 1].
    pub fn cross_entropy(&mut self, logits: Var, labels: Var, weights: Option<Var>, smoothing: f32) -> Result<Var> {
        let axis = self.axis("cross_entropy", logits, -1)?;
        self.check(labels)?;
        let (shape, rows) = (self.shape(logits), self.ty(labels));
        if rows.dtype != DType::I32 || rows.shape != shape.without(axis) || !(0.0..=1.0).contains(&smoothing) {
            let what = format!("labels i32{} and a smoothing in [0, 1] expected, found {rows} and {smoothing}", shape.without(axis));
            return Err(Error::op("cross_entropy", what));
        }
        let classes = shape[axis];
        if let Some(w) = weights.filter(|&w| self.check(w).is_err() || *self.shape(w) != [classes]) {
            return Err(Error::op("cross_entropy", format!("weights [{classes}] expected, found {}", self.shape(w))));
        }
        let hot = self.one_hot(labels, classes)?;
        let weighted = match weights {
            Some(w) => self.mul(hot, w)?,
            None => hot,
        };
        let total = self.sum(weighted, &[], false)?;
        let mut target = self.scale(weighted, 1.0 - smoothing)?;
        if smoothing > 0.0 {
            let counts = self.sum(hot, &[-1], true)?;
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
        self.neg(mean)
    }
}
