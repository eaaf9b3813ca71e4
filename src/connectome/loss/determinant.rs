//! Losses from determinants of Gram matrices, which measure the volume that a set of series spans.

use crate::Result;
use crate::ops::case::{Case, normal, one};
use crate::tape::{Tape, Var};

/// # Losses: determinants
impl Tape {
    /// The loss −ln |K + ψ 1| `[..]` of Gram matrices K `[.., n, n]`. It is smallest where series are orthogonal; for correlations this
    /// minimum is 0 (hypercoil's `GramLogDeterminantLoss`, by default of correlations). ψ ≥ 0 keeps rank-deficient matrices away from the
    /// boundary of the cone. Without it, variables that the Cholesky factor leaves out add nothing; see [`Tape::log_determinant`].
    ///
    /// # Errors
    /// Returns an error where the matrices are not f32 `[.., n, n]`; this holds for both methods.
    pub fn gram_log_determinant(&mut self, gram: Var, psi: f32) -> Result<Var> {
        let n = self.expect_square("gram_log_determinant", gram)?;
        let gram = if psi == 0.0 {
            gram
        } else {
            let identity = self.identity(n)?;
            let ridge = self.scale(identity, psi)?;
            self.add(gram, ridge)?
        };
        let log = self.log_determinant(gram)?;
        self.neg(log)
    }

    /// The loss −|K + ψ 1|, with the operands of [`Tape::gram_log_determinant`]. For many series it underflows to 0 in f32: prefer the
    /// logarithm.
    pub fn gram_determinant(&mut self, gram: Var, psi: f32) -> Result<Var> {
        let negative = self.gram_log_determinant(gram, psi)?;
        let log = self.neg(negative)?;
        let determinant = self.exp(log)?;
        self.neg(determinant)
    }
}

/// Test cases of the determinants.
pub(super) fn cases() -> Vec<Case> {
    let correlation = |t: &mut Tape, x: Var| t.correlation(x, None, false);
    let mut cases = Vec::new();
    for shape in [[1, 3, 7], [2, 7, 65]] {
        cases.push(one("gram_log_determinant", vec![normal(shape)], move |t, x| {
            let gram = correlation(t, x[0])?;
            t.gram_log_determinant(gram, 0.1)
        }));
        cases.push(one("gram_determinant", vec![normal(shape)], move |t, x| {
            let gram = correlation(t, x[0])?;
            t.gram_determinant(gram, 0.1)
        }));
    }
    cases
}
