//! Determinants of Gram matrices: how much of their space a set of series spans.

use crate::Result;
use crate::ops::case::{Case, normal, one};
use crate::tape::{Tape, Var};

impl Tape {
    /// −ln |K + ψ 1| of Gram matrices K `[.., n, n]`: `[..]`. Least where series are orthogonal, of correlations at 0 (hypercoil's
    /// `GramLogDeterminantLoss`, of correlations by default). ψ ≥ 0 keeps matrices of less than full rank from the cone's edge; without
    /// it, what is left out of the factor adds nothing, see [`Tape::log_determinant`].
    ///
    /// # Errors
    /// Where the matrices are not f32 `[.., n, n]`; so for the other.
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

    /// −|K + ψ 1|, as [`Tape::gram_log_determinant`]. Of many series it is 0 in f32: prefer the logarithm.
    pub fn gram_determinant(&mut self, gram: Var, psi: f32) -> Result<Var> {
        let negative = self.gram_log_determinant(gram, psi)?;
        let log = self.neg(negative)?;
        let determinant = self.exp(log)?;
        self.neg(determinant)
    }
}

/// Cases of the determinants.
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
