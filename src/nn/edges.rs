//! Inference of edge types: relaxed discrete draws, and their divergence from a prior.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Relaxed discrete draws
impl Tape {
    /// A relaxed one-hot draw along `axis` (Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017): softmax((logits + G) / temperature) with G
    /// standard Gumbel, drawn anew at every step from seed and stream. Where `hard`, the value is the one-hot code of the largest entry,
    /// and the gradient is that of the relaxed draw (straight-through estimator).
    ///
    /// # Errors
    /// Returns an error where the axis does not exist or the temperature is not above 0.
    pub fn gumbel_softmax(&mut self, logits: Var, axis: isize, temperature: f32, hard: bool, (seed, stream): (u64, u32)) -> Result<Var> {
        let scale = warm("gumbel_softmax", temperature)?;
        self.axis("gumbel_softmax", logits, axis)?;
        let noise = self.random_gumbel(self.shape(logits), seed, stream)?;
        let noisy = self.add(logits, noise)?;
        let noisy = self.scale(noisy, scale)?;
        let soft = self.softmax(noisy, axis)?;
        if !hard {
            return Ok(soft);
        }
        let most = self.max(soft, &[axis], true)?;
        let code = self.equal(soft, most)?;
        self.straight_through(soft, code)
    }

    /// A relaxed binary draw: σ((logits + L) / temperature) with L standard logistic. Where `hard`, the value is 1 above ½ and otherwise 0,
    /// with the gradient of the relaxed draw.
    ///
    /// # Errors
    /// Returns an error where the temperature is not above 0.
    pub fn binary_concrete(&mut self, logits: Var, temperature: f32, hard: bool, (seed, stream): (u64, u32)) -> Result<Var> {
        let scale = warm("binary_concrete", temperature)?;
        self.check(logits)?;
        let shape = self.shape(logits);
        // A standard logistic variable is the difference of two standard Gumbel variables: the draws at even and odd positions.
        let pairs = self.random_gumbel([2 * shape.elements()], seed, stream)?;
        let pairs = self.reshape(pairs, [shape.elements(), 2])?;
        let (a, b) = (self.slice(pairs, 1, 0, 1, 1)?, self.slice(pairs, 1, 1, 2, 1)?);
        let noise = self.sub(a, b)?;
        let noise = self.reshape(noise, shape)?;
        let noisy = self.add(logits, noise)?;
        let noisy = self.scale(noisy, scale)?;
        let soft = self.sigmoid(noisy)?;
        if !hard {
            return Ok(soft);
        }
        let half = self.scalar(0.5)?;
        let code = self.greater(soft, half)?;
        self.straight_through(soft, code)
    }

    /// A value equal to `code` with the gradient of `soft`.
    fn straight_through(&mut self, soft: Var, code: Var) -> Result<Var> {
        let rise = self.sub(code, soft)?;
        let rise = self.detach(rise)?;
        self.add(soft, rise)
    }

    /// The divergence Σ q (ln q − ln prior) of q = softmax(logits) from the prior along `axis`, which is removed.
    ///
    /// # Errors
    /// Returns an error where the axis does not exist, or the prior does not have a positive number for each type.
    pub fn kl_to_prior(&mut self, logits: Var, axis: isize, prior: &[f32]) -> Result<Var> {
        let at = self.axis("kl_to_prior", logits, axis)?;
        let shape = self.shape(logits);
        if prior.len() != shape[at] || prior.iter().any(|p| p.is_nan() || *p <= 0.0) {
            return Err(Error::op("kl_to_prior", format!("{} positive numbers expected, found {prior:?}", shape[at])));
        }
        let expected = crate::HostTensor::f32([prior.len()], prior.iter().map(|p| p.ln()).collect())?;
        let expected = self.constant(expected)?;
        // All axes except this one have extent 1, so that the prior broadcasts.
        let aligned = (0..shape.rank()).filter(|&i| i != at).fold(shape, |s, i| s.with(i, 1));
        let expected = self.reshape(expected, aligned)?;
        let log = self.log_softmax(logits, axis)?;
        let q = self.exp(log)?;
        let ratio = self.sub(log, expected)?;
        let terms = self.mul(q, ratio)?;
        self.sum(terms, &[axis], false)
    }
}

/// The inverse temperature 1 / temperature.
fn warm(op: &str, temperature: f32) -> Result<f32> {
    if temperature.is_nan() || temperature <= 0.0 {
        return Err(Error::op(op, format!("a temperature above 0 expected, found {temperature}")));
    }
    Ok(1.0 / temperature)
}
