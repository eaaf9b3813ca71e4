//! Eigenvalues and eigenvectors of symmetric matrices.

use super::decompose::{self, eigen};
use super::{extents, positive_definite, square, symmetric_part};
use crate::Result;
use crate::kernel::Lowering;
use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use std::sync::Arc;

/// A → λ `[.., n]` ascending, V `[.., n, n]` whose columns are the eigenvectors.
#[derive(Debug, Clone, Copy)]
struct Eigh;

impl Op for Eigh {
    fn key(&self) -> OpKey {
        OpKey::new("eigh")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = square("eigh", inputs[0])?;
        Ok(vec![TensorType::f32(x.shape.without(x.shape.rank() - 1)), x])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => evaluate::<R>(&inputs[0]))
    }

    /// V (Λ̄ + F ∘ (Vᵀ V̄ − V̄ᵀ V)/2) Vᵀ, F = 1/(λⱼ − λᵢ), and 0 where the two are equal to the rounding of f32.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (values, vectors) = (cx.output(0), cx.output(1));
        let (of_values, of_vectors) = (cx.cotangent(0), cx.cotangent(1));
        let tape = cx.tape();
        let mut inner = None;
        if let Some(g) = of_values {
            inner = Some(tape.diagonal_matrix(g)?);
        }
        if let Some(g) = of_vectors {
            let turned = tape.matmul_with(vectors, g, true, false)?;
            let gaps = tape.inverse_gaps(values)?;
            let weighted = tape.mul(turned, gaps)?;
            let weighted = tape.symmetric_part(weighted)?;
            inner = Some(inner.map_or(Ok(weighted), |d| tape.add(d, weighted))?);
        }
        let Some(inner) = inner else { return Ok(vec![None]) };
        Ok(vec![Some(tape.congruence(vectors, inner)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        super::jacobi::lower(cx)
    }
}

fn evaluate<R: Real>(x: &HostTensor) -> Result<Vec<HostTensor>> {
    let (shape, [batch, n]) = (x.shape(), extents(x.shape()));
    let x = x.elements::<R>()?;
    let (mut values, mut vectors) = (buffer::<R>(batch * n), buffer::<R>(batch * n * n));
    let mut each: Vec<&mut [R]> = values.chunks_mut(n.max(1)).collect();
    parallel::rows_with(&mut vectors, n * n, &mut each, 9 * n * n * n, |i, vectors, values| {
        let (found, rows) = eigen(&symmetric_part(&x[i * n * n..(i + 1) * n * n], n), n);
        values.iter_mut().zip(found).for_each(|(value, found)| *value = R::of(found));
        for (row, from) in rows.chunks_exact(n).enumerate() {
            vectors[row..].iter_mut().step_by(n).zip(from).for_each(|(entry, &x)| *entry = R::of(x));
        }
    });
    Ok(vec![HostTensor::real(shape.without(shape.rank() - 1), values)?, HostTensor::real(shape, vectors)?])
}

/// The eigenvalues of symmetric matrices `[.., n, n]`, ascending, computed on the host in double precision.
pub(crate) fn eigenvalues(x: &HostTensor) -> Result<Vec<f64>> {
    real_inputs!([x.clone()], R => values::<R>(x))
}

fn values<R: Real>(x: &HostTensor) -> Result<Vec<f64>> {
    let [batch, n] = extents(x.shape());
    let x = x.elements::<R>()?;
    let mut found = vec![0.0; batch * n];
    parallel::rows(&mut found, n, 3 * n * n * n, |i, found| {
        found.copy_from_slice(&decompose::eigenvalues(&symmetric_part(&x[i * n * n..(i + 1) * n * n], n), n));
    });
    Ok(found)
}

/// # Eigendecomposition
impl Tape {
    /// Eigenvalues `[.., n]`, ascending, and eigenvectors `[.., n, n]`, the columns, of the symmetric parts of x `[.., n, n]`. The sign
    /// of each vector is that which makes positive the first of its components whose magnitude is at least half the largest. A matrix with
    /// a NaN or an infinity has NaN for all of both.
    ///
    /// On devices by Jacobi's method in the parallel order, on GPUs by blocks; on the host by Householder's reduction and implicit QL. Where eigenvalues
    /// are equal to the rounding of f32, the gradient takes their vectors not to depend on one another. Functions of the whole matrix
    /// have no such exception: see [`Tape::matrix_function`].
    ///
    /// # Errors
    /// Where x is not f32 `[.., n, n]`; on a software adapter, when it is compiled, where n is above 2048.
    pub fn eigh(&mut self, x: Var) -> Result<(Var, Var)> {
        let made = self.record(Arc::new(Eigh), &[x])?;
        Ok((made[0], made[1]))
    }

    /// 1/(λⱼ − λᵢ) `[.., n, n]`, 0 where |λⱼ − λᵢ| ≤ 8 ε max |λ|.
    fn inverse_gaps(&mut self, values: Var) -> Result<Var> {
        let (columns, rows) = self.by_columns_and_rows(values)?;
        let gaps = self.sub(columns, rows)?;
        let size = self.abs(values)?;
        let most = self.max(size, &[-1], true)?;
        let most = self.reshape_last(most, &[1, 1])?;
        let least = self.scale(most, 8.0 * f32::EPSILON)?;
        let magnitude = self.abs(gaps)?;
        let apart = self.greater(magnitude, least)?;
        let one = self.scalar(1.0)?;
        let safe = self.select(apart, gaps, one)?;
        let inverse = self.reciprocal(safe)?;
        self.mul(inverse, apart)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Jacobi's errors are those of a few roundings a sweep, at random: ε √(n · sweeps) of the largest eigenvalue.
    for shape in [[1, 1, 1], [3, 2, 2], [2, 7, 7], [3, 10, 10], [2, 33, 33], [1, 65, 65]] {
        let x = vec![f32s(shape, Draw::Normal)];
        cases.push(Case::new("eigh values", x, |t, x| Ok(vec![t.eigh(x[0])?.0])).within(2e-6, 2e-5));
    }
    // Vectors lose what the gaps between eigenvalues are short of the largest.
    for shape in [[2, 2, 6], [3, 5, 9]] {
        let x = vec![f32s(shape, Draw::Normal)];
        let build = |t: &mut Tape, x: &[Var]| {
            let a = positive_definite(t, x[0])?;
            let (values, vectors) = t.eigh(a)?;
            Ok(vec![values, vectors])
        };
        cases.push(Case::new("eigh", x, build).within(1e-5, 1e-4));
    }
    // So many eigenvalues lie so near to one another that their gradients, which are of the vectors, have few digits.
    let many = vec![f32s([1, 129, 129], Draw::Normal)];
    cases.push(Case::new("eigh values", many, |t, x| Ok(vec![t.eigh(x[0])?.0])).within(2e-6, 0.0).forward_only());
    // All but one of the eigenvalues are 0.
    let ones = vec![f32s([1, 40, 40], Draw::Uniform(1.0, 1.0))];
    cases.push(Case::new("eigh values of a constant", ones, |t, x| Ok(vec![t.eigh(x[0])?.0])).within(2e-6, 0.0).forward_only());
    cases.push(Case::new("eigh", vec![f32s([0, 3, 3], Draw::Normal)], |t, x| Ok(vec![t.eigh(x[0])?.0])));
    cases
}
