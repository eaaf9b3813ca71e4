//! Noise that is added to values or multiplied into them during training, drawn anew at every step, and random matrices (hypercoil's
//! `engine.noise`). The evaluation of a workflow leaves it out.

use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result, Shape};

/// # Noise
impl Tape {
    /// Adds noise: x + σ ε with standard normal ε. Where `axes` are named, ε varies along these and is the same along all others.
    ///
    /// # Errors
    /// Returns an error where x is not f32 or an axis does not exist; this holds for all methods in this file.
    pub fn with_noise(&mut self, x: Var, deviation: f32, axes: &[isize], seed: u64, stream: u32) -> Result<Var> {
        let drawn = self.drawn_along("with_noise", x, axes)?;
        let noise = self.random_normal(drawn, seed, stream)?;
        let noise = self.scale(noise, deviation)?;
        self.add(x, noise)
    }

    /// Dropout (Srivastava et al. 2014): elements of x are set to 0 with probability `dropped`, and the rest is divided by 1 − `dropped`,
    /// so that the mean stays. `axes` are those of [`Tape::with_noise`] and drop whole regions or whole frames.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::with_noise`], and where `dropped` is not in [0, 1).
    pub fn with_dropout(&mut self, x: Var, dropped: f32, axes: &[isize], seed: u64, stream: u32) -> Result<Var> {
        if !(0.0..1.0).contains(&dropped) {
            return Err(Error::op("with_dropout", format!("a share from 0 up to 1 expected, found {dropped}")));
        }
        let drawn = self.drawn_along("with_dropout", x, axes)?;
        let draws = self.random_uniform(drawn, seed, stream)?;
        let share = self.scalar(dropped)?;
        let kept = self.greater_equal(draws, share)?;
        let kept = self.scale(kept, 1.0 / (1.0 - dropped))?;
        self.mul(x, kept)
    }

    /// Random symmetric matrices σ² G Gᵀ / k `[.., n, n]` with G standard normal `[.., n, k]`: positive semi-definite, of rank k, with mean
    /// σ² 1.
    ///
    /// # Errors
    /// Returns an error where the rank is 0, or there are too many axes.
    pub fn random_outer_products(&mut self, front: &[usize], n: usize, rank: usize, deviation: f32, key: (u64, u32)) -> Result<Var> {
        let shape = Shape::try_new(&[front, &[n, rank]].concat()).filter(|_| rank > 0);
        let shape = shape.ok_or_else(|| Error::op("random_outer_products", "at most 8 axes and a rank of at least 1 expected"))?;
        let factor = self.random_normal(shape, key.0, key.1)?;
        let factor = self.scale(factor, deviation / (rank as f32).sqrt())?;
        self.matmul_with(factor, factor, false, true)
    }

    /// Random symmetric matrices σ (G + Gᵀ) / √2 with G standard normal `[.., n, n]`, whose off-diagonal entries have standard deviation σ.
    /// Their [`Tape::matrix_exp`] is positive definite.
    ///
    /// # Errors
    /// Returns an error where there are too many axes.
    pub fn random_symmetric(&mut self, front: &[usize], n: usize, deviation: f32, key: (u64, u32)) -> Result<Var> {
        let shape = Shape::try_new(&[front, &[n, n]].concat());
        let shape = shape.ok_or_else(|| Error::op("random_symmetric", "at most 8 axes expected"))?;
        let draws = self.random_normal(shape, key.0, key.1)?;
        let symmetric = self.symmetric_part(draws)?;
        self.scale(symmetric, deviation * std::f32::consts::SQRT_2)
    }

    /// Adds to matrices x `[.., n, n]` a random diagonal, x + (ψ − ξ) 1 + diag(u) with u uniform on [0, ξ), which separates equal
    /// eigenvalues, above all those of rank-deficient matrices (hypercoil's `recondition_eigenspaces`). The gradients of this crate are
    /// finite without it.
    ///
    /// # Errors
    /// Returns an error where x is not square, or 0 ≤ ξ ≤ ψ does not hold.
    pub fn with_conditioning(&mut self, x: Var, psi: f32, xi: f32, seed: u64, stream: u32) -> Result<Var> {
        let n = self.expect_square("with_conditioning", x)?;
        if !(0.0 <= xi && xi <= psi && psi.is_finite()) {
            return Err(Error::op("with_conditioning", format!("0 ≤ ξ ≤ ψ expected, found ψ = {psi} and ξ = {xi}")));
        }
        let draws = self.random_uniform([n], seed, stream)?;
        let spread = self.scale(draws, xi)?;
        let added = self.offset(spread, psi - xi)?;
        let added = self.diagonal_matrix(added)?;
        self.add(x, added)
    }

    /// The shape of x with every axis except `axes` set to 1; the full shape where no axis is named.
    fn drawn_along(&self, op: &str, x: Var, axes: &[isize]) -> Result<Shape> {
        self.expect_f32(op, "x", x)?;
        let shape = self.shape(x);
        let kept = axes.iter().map(|&axis| self.axis(op, x, axis)).collect::<Result<Vec<_>>>()?;
        let single = |shape: Shape, axis: usize| if kept.is_empty() || kept.contains(&axis) { shape } else { shape.with(axis, 1) };
        Ok((0..shape.rank()).fold(shape, single))
    }
}

/// Test cases of noise, whose draws are the same in every run of a case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in [3, 7] {
        cases.push(one("with_noise", vec![normal([n, n, 9])], |t, x| t.with_noise(x[0], 0.5, &[-2], 1, 0)));
        cases.push(one("with_dropout", vec![normal([n, n, 9])], |t, x| t.with_dropout(x[0], 0.3, &[], 1, 1)));
        cases.push(one("with_conditioning", vec![normal([2, n, n])], |t, x| t.with_conditioning(x[0], 0.5, 0.2, 1, 2)));
        let matrices = move |t: &mut Tape, x: &[Var]| {
            let (low, full) = (t.random_outer_products(&[2], n, 2, 0.5, (1, 3))?, t.random_symmetric(&[2], n, 0.5, (1, 4))?);
            Ok(vec![t.mul(x[0], low)?, t.mul(x[0], full)?])
        };
        cases.push(Case::new("random matrices", vec![normal([2, n, n])], matrices).within(5e-6, 1e-5));
    }
    cases
}
