//! Entropy and divergences of probabilities along an axis, in nats.
//!
//! For logits, apply [`Tape::softmax`] first, or use the methods `…_of_logits`, which stay accurate where probabilities are small.

use super::SIZES;
use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::ops::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The lower bound applied to a probability in a denominator or a logarithm.
const LEAST: f32 = 1e-30;

/// # Losses of distributions
impl Tape {
    /// The entropy H = −Σ p ln p along `axis`, which is removed; 0 ln 0 is 0. (hypercoil adds ε = 1.2·10⁻⁷ inside the logarithm.)
    ///
    /// # Errors
    /// Returns an error where the axis does not exist.
    pub fn entropy(&mut self, p: Var, axis: isize) -> Result<Var> {
        let terms = self.x_log_x(p)?;
        let sum = self.sum(terms, &[axis], false)?;
        self.neg(sum)
    }

    /// The entropy of softmax(logits / t) along `axis`.
    ///
    /// # Errors
    /// Returns an error where the axis does not exist or the temperature t is not above 0.
    pub fn entropy_of_logits(&mut self, logits: Var, axis: isize, temperature: f32) -> Result<Var> {
        if temperature.is_nan() || temperature <= 0.0 {
            return Err(Error::op("entropy", format!("a temperature above 0 expected, found {temperature}")));
        }
        let logits = if temperature == 1.0 { logits } else { self.scale(logits, 1.0 / temperature)? };
        let p = self.softmax(logits, axis)?;
        self.entropy(p, axis)
    }

    /// The Kullback–Leibler divergence Σ p ln(p / q) along `axis`, which is removed; q is raised to at least 10⁻³⁰.
    ///
    /// # Errors
    /// Returns an error where the operands do not broadcast or the axis does not exist.
    pub fn kl_divergence(&mut self, p: Var, q: Var, axis: isize) -> Result<Var> {
        let entropy = self.x_log_x(p)?;
        let q = self.clamp(q, LEAST, f32::MAX)?;
        let log = self.log(q)?;
        let cross = self.mul(p, log)?;
        let terms = self.sub(entropy, cross)?;
        self.sum(terms, &[axis], false)
    }

    /// [`Tape::kl_divergence`] of softmax(p) from softmax(q).
    ///
    /// # Errors
    /// The same as those of [`Tape::kl_divergence`].
    pub fn kl_divergence_of_logits(&mut self, p: Var, q: Var, axis: isize) -> Result<Var> {
        let (log_p, log_q) = (self.log_softmax(p, axis)?, self.log_softmax(q, axis)?);
        let p = self.exp(log_p)?;
        let ratio = self.sub(log_p, log_q)?;
        let terms = self.mul(p, ratio)?;
        self.sum(terms, &[axis], false)
    }

    /// The Jensen–Shannon divergence ½ KL(p‖m) + ½ KL(q‖m) with m = (p + q) / 2 along `axis`, which is removed. It is the square of SciPy's
    /// `jensenshannon`.
    ///
    /// # Errors
    /// The same as those of [`Tape::kl_divergence`].
    pub fn js_divergence(&mut self, p: Var, q: Var, axis: isize) -> Result<Var> {
        // The form p ln(p / m) = p ln(1 + (p − q) / (p + q)) stays accurate where p and q are close.
        let (difference, sum) = (self.sub(p, q)?, self.add(p, q)?);
        let sum = self.clamp(sum, LEAST, f32::MAX)?;
        let ratio = self.div(difference, sum)?;
        let turned = self.neg(ratio)?;
        let mut halves = [p, q];
        for (half, ratio) in halves.iter_mut().zip([ratio, turned]) {
            // Where p is 0 its term is 0, so the bound inside the logarithm does not matter.
            let ratio = self.clamp(ratio, -1.0 + f32::EPSILON, 1.0)?;
            let log = self.log1p(ratio)?;
            *half = self.mul(*half, log)?;
        }
        let terms = self.add(halves[0], halves[1])?;
        let total = self.sum(terms, &[axis], false)?;
        self.scale(total, 0.5)
    }

    /// The Bregman divergence f(y) − f(x) − ⟨∇f(x), y − x⟩ of a convex function f that reduces the last axis, for each of the leading axes.
    /// With f the squared 2-norm it is |y − x|²; with f = Σ p ln p it is the Kullback–Leibler divergence of y from x. It is differentiated
    /// twice, so the gradients of all ops in f must themselves be differentiable.
    ///
    /// # Errors
    /// Returns an error where x and y differ in shape, f does not reduce exactly the last axis, or an op in it has no gradient.
    pub fn bregman_divergence(&mut self, x: Var, y: Var, f: impl Fn(&mut Self, Var) -> Result<Var>) -> Result<Var> {
        self.check(y)?;
        let axis = self.axis("bregman_divergence", x, -1)?;
        let (shape, wanted) = (self.shape(x), self.shape(x).without(axis));
        if self.shape(y) != shape {
            return Err(Error::op("bregman_divergence", format!("operands {shape} and {} of different shapes", self.shape(y))));
        }
        let (at_x, at_y) = (f(self, x)?, f(self, y)?);
        if self.shape(at_x) != wanted {
            return Err(Error::op("bregman_divergence", format!("f of {shape} must be {wanted}, found {}", self.shape(at_x))));
        }
        let one = self.full(wanted, 1.0)?;
        let slope = self.vjp(&[(at_x, one)], &[x])?[0];
        let step = self.sub(y, x)?;
        let rise = self.mul(slope, step)?;
        let rise = self.sum(rise, &[axis as isize], false)?;
        let difference = self.sub(at_y, at_x)?;
        self.sub(difference, rise)
    }
}

/// Test cases of entropy and divergences.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 7], [65, 3], [7, 257]] {
        let two = || vec![normal(shape), normal(shape)];
        cases.push(one("entropy", vec![f32s(shape, Draw::Uniform(0.01, 1.0))], |t, x| t.entropy(x[0], 0)));
        cases.push(one("entropy_of_logits", vec![normal(shape)], |t, x| t.entropy_of_logits(x[0], 1, 0.5)));
        let positive = || vec![f32s(shape, Draw::Uniform(0.01, 1.0)), f32s(shape, Draw::Uniform(0.01, 1.0))];
        cases.push(one("kl_divergence", positive(), |t, x| t.kl_divergence(x[0], x[1], -1)));
        cases.push(one("js_divergence", positive(), |t, x| t.js_divergence(x[0], x[1], 0)));
        cases.push(one("kl_divergence_of_logits", two(), |t, x| t.kl_divergence_of_logits(x[0], x[1], -1)));
        // The curvature of f makes ∇f differ from x.
        let f = |t: &mut Tape, x: Var| {
            let e = t.exp(x)?;
            t.sum(e, &[-1], false)
        };
        cases.push(one("bregman_divergence", two(), move |t, x| t.bregman_divergence(x[0], x[1], f)));
    }
    cases
}

/// Benchmarks of entropy and divergences.
pub(super) fn works() -> Vec<Work> {
    let entropy =
        |[p, v, _]: [usize; 3]| Instance::new(vec![f32s([p, v], Draw::Normal)], |t, x| Ok(vec![t.entropy_of_logits(x[0], 0, 1.0)?]));
    vec![Work::new("entropy_of_logits", SIZES.map(entropy))]
}
