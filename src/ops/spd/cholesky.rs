//! Cholesky's factor, and what follows from it: the inverse and the determinant.

use super::ruled::Rule;
use super::{VARIANTS, class, extents, rounded, shares, square, symmetric_part, unary_cases};
use crate::Result;
use crate::kernel::{Algorithms, Binding, Lowering, Params, Source, kernel_source};
use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Inversion, Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, parallel, real_inputs, symmetric_product};
use std::ops::Range;

/// A pivot not above this share of its variable's variance counts as 0, in the kernel and for operands in f32.
const LEAST: f32 = 8.0 * f32::EPSILON;

/// The share of its variance below which a pivot of a matrix `[n, n]` in double precision counts as 0.
fn least_in_double(n: usize) -> f64 {
    8.0 * f64::EPSILON * n as f64
}

pub(in crate::ops) static CHOLESKY: Source = kernel_source!("spd/cholesky").with_variants(&VARIANTS);
pub(in crate::ops) static CHOLESKY_BLOCKS: Source = kernel_source!("spd/cholesky_blocks");

/// The algorithms of the factor: column by column, a matrix to a workgroup, or by blocks of columns, the rows of each shared out to
/// workgroups.
pub(in crate::ops) static FACTOR: Algorithms = Algorithms {
    name: "spd/factor",
    all: &[("columns", "spd/cholesky"), ("blocks", "spd/cholesky_blocks")],
    classes: &[""],
    rule: super::by_blocks,
};

/// Columns that a dispatch makes by blocks.
const BLOCK: usize = 32;

/// A → L, lower triangular, L Lᵀ = A.
#[derive(Debug, Clone, Copy)]
struct Cholesky;

/// The factor of one matrix, row by row; a pivot not above `least` of its variance is 0.
fn factor(a: &[f64], n: usize, l: &mut [f64], least: f64) {
    for i in 0..n {
        let (above, row) = l.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..];
            let rest = a[i * n + j] - row[..j].iter().zip(other).map(|(x, y)| x * y).sum::<f64>();
            row[j] = if other[j] == 0.0 { rest * 0.0 } else { rest / other[j] };
        }
        let rest = a[i * n + i] - row[..i].iter().map(|x| x * x).sum::<f64>();
        // NaN is no small pivot, nor is infinity.
        let left_out = rest.is_finite() && rest <= least * a[i * n + i];
        row[i] = if left_out { 0.0 } else { rest.sqrt() };
    }
}

/// The inverse of one symmetric matrix `[n, n]` on the host, in double precision, and the variables that are left out of it: those whose
/// pivot is not above the rounding of f64, 8 ε n of its variance.
pub(crate) fn inverse(a: &[f64], n: usize) -> (Vec<f64>, Vec<usize>) {
    let mut l = vec![0.0; n * n];
    factor(a, n, &mut l, least_in_double(n));
    let left_out = (0..n).filter(|i| l[i * n + i] == 0.0).collect();
    // The columns of L⁻¹, each a row of `z`: forward substitution from the diagonal on.
    let mut z = vec![0.0; n * n];
    parallel::rows(&mut z, n, n * n / 2, |column, z| {
        for i in column..n {
            let row = &l[i * n..][..n];
            let rest = f64::from(u8::from(i == column)) - (column..i).map(|k| row[k] * z[k]).sum::<f64>();
            z[i] = if row[i] == 0.0 { 0.0 } else { rest / row[i] };
        }
    });
    let mut inverse = vec![0.0; n * n];
    symmetric_product(&mut inverse, [n, n], &z, &z);
    (inverse, left_out)
}

fn evaluate<R: Real>(x: &HostTensor) -> Result<HostTensor> {
    let (shape, [_, n]) = (x.shape(), extents(x.shape()));
    let least = if x.is_f64() { least_in_double(n) } else { f64::from(LEAST) };
    let x = x.elements::<R>()?;
    let mut l = vec![0.0; x.len()];
    parallel::rows(&mut l, n * n, n * n * n / 3, |matrix, l| {
        factor(&symmetric_part(&x[matrix * n * n..(matrix + 1) * n * n], n), n, l, least);
    });
    rounded::<R>(shape, &l)
}

impl Op for Cholesky {
    fn key(&self) -> OpKey {
        OpKey::new("cholesky")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        square("cholesky", inputs[0]).map(|x| vec![x])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => evaluate::<R>(&inputs[0])).map(|l| vec![l])
    }

    fn inversion(&self) -> Option<Inversion> {
        Some(Inversion::Factor)
    }

    /// Ā = L⁻ᵀ sym(Φ(Lᵀ L̄)) L⁻¹, Φ the lower triangle with half the diagonal (Murray 2016, arXiv 1602.07527).
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (l, g) = (cx.output(0), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let [_, n] = extents(tape.shape(l));
        let lower = tape.lower_triangle(n, 0.5)?;
        let inner = tape.matmul_with(l, g, true, false)?;
        let inner = tape.mul(inner, lower)?;
        let inner = tape.symmetric_part(inner)?;
        let left = tape.triangular_solve(l, inner, true)?;
        let turned = tape.transpose_matrices(left)?;
        let both = tape.triangular_solve(l, turned, true)?;
        Ok(vec![Some(tape.symmetric_part(both)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [matrices, n] = extents(cx.input_shape(0));
        if FACTOR.choose(cx.target(), "") == "blocks" {
            return lower_blocks(cx, [matrices, n]);
        }
        let variant = CHOLESKY.variant(cx.target(), class(n));
        let kernel = CHOLESKY.kernel(variant, &[]).for_class(class(n));
        let lanes = variant.constant("LANES").unwrap_or(1);
        let turns = |j: usize| (1 + (n - j).div_ceil(lanes)) * (6 + j + j / 32);
        for share in shares(cx.target(), n, n, turns) {
            let params = Params::new().u32(matrices).u32(n).u32(share.start).u32(share.end).f32(LEAST);
            let flops = (matrices * flops(n, share.clone())) as f64;
            cx.dispatch(kernel.clone(), bindings(cx, share.start), params, matrices, flops)?;
        }
        Ok(())
    }
}

fn flops(n: usize, columns: Range<usize>) -> usize {
    columns.map(|j| 7 + 2 * j + (n - 1 - j) * (4 + 2 * j)).sum()
}

/// Of a dispatch that makes the columns from `first` on.
fn bindings(cx: &Lowering<'_>, first: usize) -> Vec<Binding> {
    let (a, l) = (cx.input(0), cx.output(0));
    vec![Binding::read(a), if first == 0 { Binding::write(l) } else { Binding::continued(l) }]
}

fn lower_blocks(cx: &mut Lowering<'_>, [matrices, n]: [usize; 2]) -> Result<()> {
    let kernel = cx.kernel(&CHOLESKY_BLOCKS, &[]);
    for first in (0..n).step_by(BLOCK) {
        let end = n.min(first + BLOCK);
        let groups = (n - end).div_ceil(BLOCK).max(1);
        let params = Params::new().u32(matrices).u32(n).u32(first).u32(groups).f32(LEAST);
        let flops = (matrices * flops(n, first..end)) as f64;
        cx.dispatch(kernel.clone(), bindings(cx, first), params, matrices * groups, flops)?;
    }
    Ok(())
}

/// # Symmetric positive-definite matrices
impl Tape {
    /// The lower triangular L `[.., n, n]`, L Lᵀ the symmetric part of x `[.., n, n]`. A variable whose pivot is not above the rounding of
    /// its variance (8 ε of f32 on a GPU, 8 ε n of f64 on the host) is left out: its column is 0, as the module's page says. A NaN stays
    /// NaN, in its row and in what follows of it.
    ///
    /// # Errors
    /// Where x is not f32 `[.., n, n]`.
    pub fn cholesky(&mut self, x: Var) -> Result<Var> {
        self.record_one(Cholesky, &[x])
    }

    /// A⁻¹ of symmetric positive-definite x `[.., n, n]`, by Cholesky's factor; variables that are left out have rows and columns of 0.
    ///
    /// # Errors
    /// As [`Tape::cholesky`].
    pub fn inverse_spd(&mut self, x: Var) -> Result<Var> {
        let l = self.cholesky(x)?;
        let shape = self.shape(l);
        let identity = self.identity(extents(shape)[1])?;
        let half = self.triangular_solve(l, identity, false)?;
        let y = self.matmul_with(half, half, true, false)?;
        self.ruled(Rule::Inverse, y, x, &[])
    }

    /// (U Uᵀ)⁻¹ of rows u `[.., n, m]`, given their products `gram` `[.., n, n]`, to which its gradient goes alone. Inverting `gram` would
    /// lose its condition times what its sums were rounded by; here the rows are whitened by its factor and multiplied again, whose
    /// products are near 1, and whitened by the factor of those: what is lost is the root of the condition (Cholesky QR twice, Yamamoto
    /// et al. 2015).
    pub(crate) fn inverse_gram(&mut self, gram: Var, u: Var) -> Result<Var> {
        let first = self.cholesky(gram)?;
        let white = self.triangular_solve(first, u, false)?;
        let nearly_one = self.matmul_with(white, white, false, true)?;
        let second = self.cholesky(nearly_one)?;
        let identity = self.identity(extents(self.shape(gram))[1])?;
        let half = self.triangular_solve(first, identity, false)?;
        let half = self.triangular_solve(second, half, false)?;
        let y = self.matmul_with(half, half, true, false)?;
        self.ruled(Rule::Inverse, y, gram, &[])
    }

    /// X `[.., n, m]` with A X = B, A the symmetric positive-definite a `[.., n, n]`, B the matrices b `[.., n, m]`; batches broadcast.
    ///
    /// # Errors
    /// As [`Tape::cholesky`], and where b does not fit.
    pub fn solve_spd(&mut self, a: Var, b: Var) -> Result<Var> {
        let l = self.cholesky(a)?;
        let half = self.triangular_solve(l, b, false)?;
        self.triangular_solve(l, half, true)
    }

    /// ln |A| `[..]` of symmetric positive-definite x `[.., n, n]`: 2 Σ ln Lᵢᵢ, over the variables that are not left out.
    ///
    /// # Errors
    /// As [`Tape::cholesky`].
    pub fn log_determinant(&mut self, x: Var) -> Result<Var> {
        let l = self.cholesky(x)?;
        let pivots = self.diagonal(l)?;
        let one = self.scalar(1.0)?;
        let held = self.select(pivots, pivots, one)?;
        let logs = self.log(held)?;
        let sum = self.sum(logs, &[-1], false)?;
        let y = self.scale(sum, 2.0)?;
        let inverse = self.inverse_spd(x)?;
        self.ruled(Rule::LogDeterminant, y, x, &[inverse])
    }

    /// 1 below the diagonal, `diagonal` on it, 0 above `[n, n]`.
    pub(super) fn lower_triangle(&mut self, n: usize, diagonal: f32) -> Result<Var> {
        let entry = |at: usize| match (at / n).cmp(&(at % n)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => diagonal,
            std::cmp::Ordering::Greater => 1.0,
        };
        self.constant(HostTensor::f32([n, n], (0..n * n).map(entry).collect())?)
    }
}

pub(super) fn cases() -> Vec<Case> {
    // The matrices' conditions are about 15; gradients of a solution lose that twice.
    let mut cases = unary_cases("cholesky", Tape::cholesky, 2e-6, 2e-5);
    cases.extend(unary_cases("inverse_spd", Tape::inverse_spd, 1e-5, 5e-5));
    cases.extend(unary_cases("log_determinant", Tape::log_determinant, 2e-6, 2e-5));
    // The edges of blocks of 32 columns.
    for shape in [[2, 32, 64], [1, 33, 66], [1, 129, 258]] {
        let build = |t: &mut Tape, x: &[Var]| {
            let a = super::positive_definite(t, x[0])?;
            Ok(vec![t.cholesky(a)?])
        };
        cases.push(Case::new("cholesky", vec![f32s(shape, Draw::Normal)], build).within(2e-6, 2e-5));
    }
    // So large that software adapters take it in several dispatches.
    let large = vec![f32s([257, 514], Draw::Normal)];
    let inverse = |t: &mut Tape, x: &[Var]| {
        let a = super::positive_definite(t, x[0])?;
        Ok(vec![t.cholesky(a)?, t.inverse_spd(a)?])
    };
    cases.push(Case::new("cholesky and inverse_spd", large, inverse).within(1e-5, 5e-5));
    // The second variable is three times the first, and the third is constant.
    let left_out = |t: &mut Tape, x: &[Var]| {
        let rows = [x[0], t.scale(x[0], 3.0)?, t.scale(x[0], 0.0)?, x[1]];
        let rows = t.concatenate(&rows, 0)?;
        let a = t.matmul_with(rows, rows, false, true)?;
        Ok(vec![t.inverse_spd(a)?, t.log_determinant(a)?])
    };
    let rows = vec![f32s([1, 9], Draw::Normal), f32s([2, 9], Draw::Normal)];
    cases.push(Case::new("inverse_spd left out", rows, left_out));
    cases
}
