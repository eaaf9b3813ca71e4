//! Activations of functional connectomics (hypercoil's `activation`), beside those of the pointwise table.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

impl Tape {
    /// e^(−|x − centre| / width).
    ///
    /// # Errors
    /// Where the width is not above 0; so for the others where an attribute is out of range or shapes do not fit.
    pub fn laplace(&mut self, x: Var, centre: f32, width: f32) -> Result<Var> {
        expect_positive("laplace", "width", width)?;
        let away = self.offset(x, -centre)?;
        let away = self.abs(away)?;
        let exponent = self.scale(away, -1.0 / width)?;
        self.exp(exponent)
    }

    /// b √(1 − e^(−|x| / b²)): as √|x| near 0, and never above the barrier b. Its slope at 0, which is not finite, is taken for 0.
    pub fn exponential_barrier(&mut self, x: Var, barrier: f32) -> Result<Var> {
        expect_positive("exponential_barrier", "barrier", barrier)?;
        let size = self.abs(x)?;
        let exponent = self.scale(size, -1.0 / (barrier * barrier))?;
        let short = self.expm1(exponent)?;
        let held = self.neg(short)?;
        let root = self.root(held)?;
        self.scale(root, barrier)
    }

    /// x above the threshold, else `dead` + `leak` x. The threshold itself, a value that broadcasts to x, has no gradient.
    pub fn threshold(&mut self, x: Var, threshold: Var, dead: f32, leak: f32) -> Result<Var> {
        let above = self.greater(x, threshold)?;
        let below = self.scale(x, leak)?;
        let below = self.offset(below, dead)?;
        self.select(above, x, below)
    }

    /// A matrix `[.., n, n]` divided by the roots of its diagonal, a_ij / √(|a_ii| |a_jj|) with the signs of both: the correlation of a
    /// covariance. A row whose diagonal is 0 is 0. With `diagonal` false the gradient takes the diagonal for given.
    pub fn correlation_of_covariance(&mut self, matrix: Var, diagonal: bool) -> Result<Var> {
        let n = self.expect_square("correlation_of_covariance", matrix)?;
        let off = self.without_diagonal(matrix)?;
        let kept = self.sub(matrix, off)?;
        let entries = self.sum(kept, &[-1], true)?;
        let entries = if diagonal { entries } else { self.detach(entries)? };
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(entries, zero)?;
        let size = self.abs(entries)?;
        let safe = self.select(none, one, size)?;
        let root = self.sqrt(safe)?;
        let sign = self.sign(entries)?;
        let scale = self.div(sign, root)?;
        let shape = self.shape(scale);
        let rank = shape.rank();
        let across = self.reshape(scale, shape.with(rank - 1, n).with(rank - 2, 1))?;
        let scaled = self.mul(matrix, scale)?;
        self.mul(scaled, across)
    }

    /// f of the amplitudes of complex values z `[.., 2]`, their phases kept: z f(|z|) / |z|, 0 where z is 0 (hypercoil's `amplitude_*`:
    /// tanh, atanh, [`Tape::laplace`], [`Tape::exponential_barrier`]).
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
