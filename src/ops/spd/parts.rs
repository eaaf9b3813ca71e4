//! The parts that the rules of matrices are composed of: transposes, diagonals, symmetric parts.

use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// # Parts of square matrices
impl Tape {
    /// x `[.., m, n]` with its last two axes exchanged.
    ///
    /// # Errors
    /// Where x has fewer than two axes.
    pub fn transpose_matrices(&mut self, x: Var) -> Result<Var> {
        self.check(x)?;
        let rank = self.shape(x).rank();
        if rank < 2 {
            return Err(Error::op("transpose_matrices", format!("matrices [.., m, n] expected, found {}", self.ty(x))));
        }
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(rank - 2, rank - 1);
        self.transpose(x, &axes)
    }

    /// (x + xᵀ)/2 of x `[.., n, n]`.
    ///
    /// # Errors
    /// Where x is not f32 `[.., n, n]`.
    pub fn symmetric_part(&mut self, x: Var) -> Result<Var> {
        self.check(x)?;
        super::square("symmetric_part", self.ty(x))?;
        let turned = self.transpose_matrices(x)?;
        let sum = self.add(x, turned)?;
        self.scale(sum, 0.5)
    }

    /// The diagonals `[.., n]` of x `[.., n, n]`.
    ///
    /// # Errors
    /// Where x is not f32 `[.., n, n]`.
    pub fn diagonal(&mut self, x: Var) -> Result<Var> {
        self.check(x)?;
        let shape = super::square("diagonal", self.ty(x))?.shape;
        let [_, n] = super::extents(shape);
        let flat = shape.without(shape.rank() - 1).with(shape.rank() - 2, n * n);
        let flat = self.reshape(x, flat)?;
        self.slice(flat, -1, 0, n * n, n + 1)
    }

    /// Matrices `[.., n, n]` of diagonals d `[.., n]`.
    ///
    /// # Errors
    /// Where d is not f32 of at least one axis, or of more than 7.
    pub fn diagonal_matrix(&mut self, d: Var) -> Result<Var> {
        self.expect_f32("diagonal_matrix", "a diagonal", d)?;
        let n = self.shape(d).last().copied().ok_or_else(|| Error::op("diagonal_matrix", "a diagonal [.., n] expected, found a scalar"))?;
        let column = self.reshape_last(d, &[n, 1])?;
        let identity = self.identity(n)?;
        self.mul(column, identity)
    }

    /// 1 `[n, n]`.
    pub(crate) fn identity(&mut self, n: usize) -> Result<Var> {
        let elements = (0..n * n).map(|at| if at.is_multiple_of(n + 1) { 1.0 } else { 0.0 }).collect();
        self.constant(HostTensor::f32([n, n], elements)?)
    }

    /// x with its last axis replaced by `extents` of as many elements.
    pub(crate) fn reshape_last(&mut self, x: Var, extents: &[usize]) -> Result<Var> {
        let shape = self.shape(x);
        let all = [&shape[..shape.rank() - 1], extents].concat();
        let shape = Shape::try_new(&all)
            .ok_or_else(|| Error::op("reshape", format!("{shape} with its last axis as {extents:?}: more than 8 axes")))?;
        self.reshape(x, shape)
    }

    /// Of λ `[.., n]`, the λⱼ along columns `[.., 1, n]` and the λᵢ along rows `[.., n, 1]`.
    pub(crate) fn by_columns_and_rows(&mut self, values: Var) -> Result<(Var, Var)> {
        let n = self.shape(values).last().copied().unwrap_or(1);
        Ok((self.reshape_last(values, &[1, n])?, self.reshape_last(values, &[n, 1])?))
    }

    /// V M Vᵀ.
    pub(crate) fn congruence(&mut self, v: Var, m: Var) -> Result<Var> {
        let left = self.matmul(v, m)?;
        self.matmul_with(left, v, false, true)
    }
}
