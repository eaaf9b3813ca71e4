//! Activations of functional connectomics (hypercoil's `activation`), in addition to the pointwise ops.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Activations and thresholds
impl Tape {
    /// The Laplace function e^(−|x − centre| / width), element by element.
    ///
    /// # Errors
    /// Returns an error where the width is not above 0. The other methods of this file return one where an attribute is out of range or
    /// shapes do not fit.
    pub fn laplace(&mut self, x: Var, centre: f32, width: f32) -> Result<Var> {
        expect_positive("laplace", "width", width)?;
        let away = self.offset(x, -centre)?;
        let away = self.abs(away)?;
        let exponent = self.scale(away, -1.0 / width)?;
        self.exp(exponent)
    }

    /// The exponential barrier b √(1 − e^(−|x| / b²)), which is close to √|x| near 0 and never exceeds the barrier b. Its slope at 0 is
    /// infinite; the gradient there is taken as 0.
    pub fn exponential_barrier(&mut self, x: Var, barrier: f32) -> Result<Var> {
        expect_positive("exponential_barrier", "barrier", barrier)?;
        let size = self.abs(x)?;
        let exponent = self.scale(size, -1.0 / (barrier * barrier))?;
        let short = self.expm1(exponent)?;
        let held = self.neg(short)?;
        let root = self.root(held)?;
        self.scale(root, barrier)
    }

    /// x where it is above the threshold, else `dead` + `leak` x. The threshold, a value that broadcasts to x, gets no gradient.
    pub fn threshold(&mut self, x: Var, threshold: Var, dead: f32, leak: f32) -> Result<Var> {
        let above = self.greater(x, threshold)?;
        let below = self.scale(x, leak)?;
        let below = self.offset(below, dead)?;
        self.select(above, x, below)
    }

    /// Symmetric positive-definite x `[.., n, n]` scaled to the determinant `volume`: x (volume / |x|)^(1/n). With a `condition`, the
    /// identity is mixed in first, (1 − ψ) x + ψ 1, with the smallest ψ that limits the ratio of the extreme eigenvalues to `condition`.
    /// (hypercoil's `isochor`; its softmax of the eigenvalues is [`Tape::matrix_exp`] up to a scale, which this method removes.) To turn a
    /// covariance into a correlation see [`Tape::normalised`].
    pub fn isochoric(&mut self, x: Var, volume: f32, condition: Option<f32>) -> Result<Var> {
        let n = self.expect_square("isochoric", x)?;
        expect_positive("isochoric", "volume", volume)?;
        let x = match condition {
            Some(condition) => self.with_condition(x, condition)?,
            None => x,
        };
        let shape = self.shape(x);
        let log = self.log_determinant(x)?;
        let missing = self.neg(log)?;
        let missing = self.offset(missing, volume.ln())?;
        let exponent = self.scale(missing, 1.0 / n.max(1) as f32)?;
        let scale = self.exp(exponent)?;
        let rank = shape.rank();
        let scale = self.reshape(scale, shape.with(rank - 1, 1).with(rank - 2, 1))?;
        self.mul(x, scale)
    }

    /// The mixture (1 − ψ) x + ψ 1. With extreme eigenvalues h and l and a condition number c, (1 − ψ) h + ψ = c ((1 − ψ) l + ψ) gives ψ =
    /// (h − c l) / (h − c l + c − 1); ψ is 0 where the condition already holds.
    fn with_condition(&mut self, x: Var, condition: f32) -> Result<Var> {
        if condition.is_nan() || condition <= 1.0 {
            return Err(Error::op("isochoric", format!("a condition above 1 expected, found {condition}")));
        }
        let n = self.expect_square("isochoric", x)?;
        let (values, _) = self.eigh(x)?;
        let (high, low) = (self.max(values, &[-1], true)?, self.min(values, &[-1], true)?);
        let most = self.scale(low, condition)?;
        let excess = self.sub(high, most)?;
        let excess = self.relu(excess)?;
        let whole = self.offset(excess, condition - 1.0)?;
        let part = self.div(excess, whole)?;
        let shape = self.shape(x);
        let rank = shape.rank();
        let part = self.reshape(part, shape.with(rank - 1, 1).with(rank - 2, 1))?;
        let identity = self.identity(n)?;
        let towards = self.sub(identity, x)?;
        let step = self.mul(towards, part)?;
        self.add(x, step)
    }

    /// Applies f to the amplitudes of complex values z `[.., 2]` and keeps their phases: z f(|z|) / |z|, and 0 where z is 0 (hypercoil's
    /// `amplitude_*`: tanh, atanh, [`Tape::laplace`], [`Tape::exponential_barrier`]).
    pub fn amplitude(&mut self, z: Var, f: impl Fn(&mut Self, Var) -> Result<Var>) -> Result<Var> {
        if self.shape(z).last() != Some(&2) {
            return Err(Error::op("amplitude", format!("complex values [.., 2] expected, found {}", self.ty(z))));
        }
        let size = self.l2_norm(z, &[-1], true)?;
        let made = f(self, size)?;
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(size, zero)?;
        let safe = self.select(none, one, size)?;
        let gain = self.div(made, safe)?;
        let turned = self.mul(z, gain)?;
        self.select(none, zero, turned)
    }
}

fn expect_positive(op: &str, what: &str, value: f32) -> Result<()> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(Error::op(op, format!("a {what} above 0 expected, found {value}"))) }
}
