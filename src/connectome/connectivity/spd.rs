//! Geometry of symmetric positive-definite matrices, such as correlation matrices: tangent spaces of their cone, and means on it.
//!
//! Sources: Pennec, Fillard and Ayache 2006 (a Riemannian framework for tensor computing); Varoquaux et al. 2010 (tangent space of
//! functional connectivity); Arsigny et al. 2007 (log-Euclidean). A *floor* is the lower bound applied to eigenvalues before their
//! logarithm or root is taken. It keeps results and gradients finite where matrices are rank-deficient; for matrices of standardised series
//! 1e-6 is a suitable choice.

use crate::ops::case::{Case, Draw, f32s};
use crate::ops::spd::MatrixFunction;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A geometric mean, with a measure of its convergence.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct GeometricMean {
    /// The mean, `[.., n, n]`.
    pub mean: Var,
    /// The Frobenius norm ‖mean log‖ `[..]` of the last step in the tangent space at the mean; 0 where the iteration has converged.
    pub residual: Var,
}

/// The quantities of a step at M towards the geometric mean of matrices X.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slope {
    /// The square root M^½ `[.., n, n]`.
    pub(super) root: Var,
    /// The logarithms log(M^−½ X M^−½) `[.., matrices, n, n]`.
    pub(super) logs: Var,
    /// G = mean log(M^−½ X M^−½) `[.., n, n]`, which is minus the gradient of half the mean squared distance.
    pub(super) gradient: Var,
    /// The Frobenius norm ‖G‖ `[..]`.
    pub(super) residual: Var,
    /// The spread ln(λₙ/λ₁) of the eigenvalues of each matrix M^−½ X M^−½, `[.., matrices]`.
    pub(super) spread: Var,
}

/// # Tangent space and means of matrices
impl Tape {
    /// The tangent vector log(R^−½ X R^−½) of x `[.., n, n]` at the reference R `[.., n, n]`. Batch axes broadcast.
    ///
    /// # Errors
    /// Returns an error where an operand is not f32 `[.., n, n]`, the operands do not broadcast, or the floor is not above 0.
    pub fn tangent_projection(&mut self, x: Var, reference: Var, floor: f32) -> Result<Var> {
        let whitening = self.matrix_inverse_sqrt(reference, floor)?;
        let white = self.sandwich(whitening, x)?;
        self.matrix_log(white, floor)
    }

    /// The matrix R^½ e^X R^½ on the cone of the tangent vector x `[.., n, n]`; the inverse of [`Tape::tangent_projection`], with the same
    /// errors.
    pub fn cone_projection(&mut self, x: Var, reference: Var, floor: f32) -> Result<Var> {
        let root = self.matrix_sqrt(reference, floor)?;
        let grown = self.matrix_exp(x)?;
        self.sandwich(root, grown)
    }

    /// The arithmetic mean of x `[.., matrices, n, n]` over the matrices.
    ///
    /// # Errors
    /// Returns an error where x is not f32 `[.., matrices, n, n]`.
    pub fn mean_euclidean(&mut self, x: Var) -> Result<Var> {
        self.expect_matrices("mean_euclidean", x)?;
        self.mean(x, &[-3], false)
    }

    /// The harmonic mean (mean X⁻¹)⁻¹ of positive-definite x `[.., matrices, n, n]`. Errors are those of [`Tape::mean_euclidean`].
    pub fn mean_harmonic(&mut self, x: Var) -> Result<Var> {
        self.expect_matrices("mean_harmonic", x)?;
        let inverses = self.inverse_spd(x)?;
        let mean = self.mean(inverses, &[-3], false)?;
        self.inverse_spd(mean)
    }

    /// The log-Euclidean mean exp(mean log X) of x `[.., matrices, n, n]`.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::mean_euclidean`], and where the floor is not above 0.
    pub fn mean_log_euclidean(&mut self, x: Var, floor: f32) -> Result<Var> {
        self.expect_matrices("mean_log_euclidean", x)?;
        let logs = self.matrix_log(x, floor)?;
        let mean = self.mean(logs, &[-3], false)?;
        self.matrix_exp(mean)
    }

    /// The geometric mean (the Karcher mean of the affine-invariant metric) of x `[.., matrices, n, n]`, by `iterations` steps from the
    /// Euclidean mean (see [`Tape::karcher_step`]). All steps are recorded, and gradients flow through them. For a mean that iterates until
    /// it converges or reports that it does not, see [`geometric_mean`](super::mean::geometric_mean).
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::mean_euclidean`], and where `iterations` is 0 or the floor is not above 0.
    pub fn mean_geometric(&mut self, x: Var, iterations: usize, floor: f32) -> Result<GeometricMean> {
        let mean = self.mean_euclidean(x)?;
        if iterations == 0 {
            return Err(Error::op("mean_geometric", "at least one iteration expected, found 0"));
        }
        let mut found = self.karcher_step(x, mean, floor)?;
        for _ in 1..iterations {
            found = self.karcher_step(x, found.mean, floor)?;
        }
        Ok(found)
    }

    /// One step of [`Tape::mean_geometric`] from `mean` M `[.., n, n]` to M^½ exp(τ G) M^½ with G = mean log(M^−½ X M^−½).
    ///
    /// A whole step (τ = 1) diverges where matrices differ much. The step length here, τ = 2/(1 + L), does not overshoot: the curvature of
    /// the sum of squared distances lies between 1 and L, the mean of (r/2)/tanh(r/2), where r = ln(λₙ/λ₁) of each matrix M^−½ X M^−½ (Bini
    /// and Iannazzo 2013, Linear Algebra Appl. 438, 1700–1710).
    ///
    /// # Errors
    /// The same as those of [`Tape::mean_geometric`].
    pub fn karcher_step(&mut self, x: Var, mean: Var, floor: f32) -> Result<GeometricMean> {
        let slope = self.karcher_slope(x, mean, floor)?;
        // The function (r/2)/tanh(r/2) is 1 at r = 0.
        let half = self.scale(slope.spread, 0.5)?;
        let (one, two) = (self.scalar(1.0)?, self.scalar(2.0)?);
        let safe = self.select(half, half, one)?;
        let slant = self.tanh(safe)?;
        let curvature = self.div(safe, slant)?;
        let curvature = self.select(half, curvature, one)?;
        let curvature = self.mean(curvature, &[-1], false)?;
        let below = self.add(curvature, one)?;
        let length = self.div(two, below)?;
        let shape = self.shape(mean);
        let length = self.reshape(length, shape.with(shape.rank() - 1, 1).with(shape.rank() - 2, 1))?;
        let step = self.mul(slope.gradient, length)?;
        let mean = self.karcher_moved(slope.root, step)?;
        Ok(GeometricMean { mean: self.reshape(mean, shape)?, residual: slope.residual })
    }

    /// The quantities of a step at `mean` `[.., n, n]` for x `[.., matrices, n, n]`.
    pub(super) fn karcher_slope(&mut self, x: Var, mean: Var, floor: f32) -> Result<Slope> {
        self.expect_matrices("mean_geometric", x)?;
        let decomposed = self.eigh(mean)?;
        let root = self.function_of(mean, decomposed, MatrixFunction::Sqrt, floor)?;
        let whitening = self.function_of(mean, decomposed, MatrixFunction::InverseSqrt, floor)?;
        let aside = self.shape(x).with(self.shape(x).rank() - 3, 1);
        let aside = self.reshape(whitening, aside)?;
        let white = self.sandwich(aside, x)?;
        let (values, vectors) = self.eigh(white)?;
        let logs = self.function_of(white, (values, vectors), MatrixFunction::Log, floor)?;
        let gradient = self.mean(logs, &[-3], false)?;
        let residual = self.l2_norm(gradient, &[-2, -1], false)?;
        let n = self.shape(values)[self.shape(values).rank() - 1];
        let held = self.clamp(values, floor, f32::MAX)?;
        let (least, most) = (self.slice(held, -1, 0, 1, 1)?, self.slice(held, -1, n - 1, n, 1)?);
        let ratio = self.div(most, least)?;
        let spread = self.log(ratio)?;
        let spread = self.sum(spread, &[-1], false)?;
        Ok(Slope { root, logs, gradient, residual, spread })
    }

    /// The next mean M^½ exp(step) M^½, from M^½ and a step in the tangent space at M.
    pub(super) fn karcher_moved(&mut self, root: Var, step: Var) -> Result<Var> {
        let grown = self.matrix_exp(step)?;
        self.sandwich(root, grown)
    }

    /// The product S X S, made exactly symmetric.
    pub(super) fn sandwich(&mut self, s: Var, x: Var) -> Result<Var> {
        let both = self.congruence(s, x)?;
        self.symmetric_part(both)
    }

    fn expect_matrices(&self, op: &str, x: Var) -> Result<()> {
        self.expect_f32(op, "matrices", x)?;
        let shape = self.shape(x);
        match shape[..] {
            [.., many, rows, cols] if rows == cols && many > 0 => Ok(()),
            _ => Err(Error::op(op, format!("matrices [.., matrices, n, n], at least one of them, expected, found {shape}"))),
        }
    }
}

/// The test cases of means and projections.
pub(super) fn cases() -> Vec<Case> {
    type Many = fn(&mut Tape, Var) -> Result<Vec<Var>>;
    let means: [(&str, Many); 5] = [
        ("mean_harmonic", |t, x| Ok(vec![t.mean_harmonic(x)?])),
        ("mean_log_euclidean", |t, x| Ok(vec![t.mean_log_euclidean(x, 1e-4)?])),
        ("mean_geometric", |t, x| Ok(vec![t.mean_geometric(x, 4, 1e-4)?.mean])),
        ("tangent_projection", |t, x| {
            let mean = t.mean_euclidean(x)?;
            Ok(vec![t.tangent_projection(x, mean, 1e-4)?])
        }),
        ("cone_projection", |t, x| {
            let mean = t.mean_euclidean(x)?;
            Ok(vec![t.cone_projection(x, mean, 1e-4)?])
        }),
    ];
    let mut cases = Vec::new();
    for (name, op) in means {
        for shape in [[1, 1, 4], [3, 5, 12], [2, 7, 20]] {
            let build = move |t: &mut Tape, x: &[Var]| {
                let product = t.matmul_with(x[0], x[0], false, true)?;
                let a = t.scale(product, 1.0 / shape[2] as f32)?;
                let quarter = t.identity(shape[1])?;
                let quarter = t.scale(quarter, 0.25)?;
                let a = t.add(a, quarter)?;
                op(t, a)
            };
            // Condition numbers are about 15, and a gradient passes through several decompositions, each accurate to 1e-5.
            cases.push(Case::new(name, vec![f32s(shape, Draw::Normal)], build).within(1e-5, 1e-4));
        }
    }
    cases
}
