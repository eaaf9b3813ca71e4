//! Eigenvalues and eigenvectors of symmetric matrices.

use super::decompose::eigen;
use super::{VARIANTS, class, extents, positive_definite, rounded, shares, square, symmetric};
use crate::kernel::{Binding, Lowering, Params, Source, Variant, common, wgsl};
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::shape::plain;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, TensorType, parallel, real_inputs};
use crate::{Error, Result};
use std::sync::Arc;

pub(in crate::ops) static JACOBI_START: Source = plain("spd/jacobi_start", wgsl!("spd/jacobi_start"));

pub(in crate::ops) static EIGEN_ORDER: Source = Source {
    name: "spd/eigen_order",
    text: wgsl!("spd/eigen_order"),
    snippets: &[common::GRID, common::SCALAR, common::NAN, common::ORDERED],
    variants: &Variant::PLAIN,
    choices: &[],
};

pub(in crate::ops) static JACOBI: Source = Source {
    name: "spd/jacobi",
    text: wgsl!("spd/jacobi"),
    snippets: &[common::GRID, common::SCALAR, common::NAN],
    variants: &VARIANTS,
    choices: &[],
};

/// The most variables that the kernel's workgroup memory has room for.
const MOST: usize = 2048;

/// Larger matrices take a dispatch a sweep, so that none keeps a GPU so long that its watchdog bites.
const LONG: usize = 64;

/// Sweeps after which what is left off the diagonal is below the rounding of f32: the method converges quadratically, after a number
/// of sweeps that grows with the logarithm of n. Measured up to n = 512 on spectra spread evenly over three decades, and one added.
fn sweeps(n: usize) -> usize {
    match n {
        0..=1 => 0,
        2 => 1,
        3..=8 => 6,
        9..=16 => 7,
        17..=64 => 10,
        65..=128 => 10,
        129..=512 => 12,
        _ => 14,
    }
}

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
        let shape = inputs[0].shape();
        let [_, n] = extents(shape);
        let x = symmetric(&inputs[0]);
        let mut made: Vec<(Vec<f64>, Vec<f64>)> = x.chunks_exact((n * n).max(1)).map(|a| (Vec::new(), a.to_vec())).collect();
        parallel::rows(&mut made, 1, 9 * n * n * n, |_, made| made[0] = eigen(std::mem::take(&mut made[0].1), n));
        let values: Vec<f64> = made.iter().flat_map(|(values, _)| values.iter().copied()).collect();
        let turned = |rows: &[f64]| (0..n * n).map(|at| rows[at % n * n + at / n]).collect::<Vec<_>>();
        let vectors: Vec<f64> = made.iter().flat_map(|(_, rows)| turned(rows)).collect();
        real_inputs!(inputs, R => Ok(vec![rounded::<R>(shape.without(shape.rank() - 1), &values)?, rounded::<R>(shape, &vectors)?]))
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
        let shape = cx.input_shape(0);
        let [matrices, n] = extents(shape);
        if n > MOST {
            return Err(Error::op("eigh", format!("matrices of at most {MOST} variables have a kernel, found {shape}; use the host")));
        }
        let (a, values, vectors) = (cx.input(0), cx.output(0), cx.output(1));
        let (work, w) = (cx.scratch(TensorType::f32(shape)), cx.scratch(TensorType::f32(shape)));
        let elements = matrices * n * n;
        let kernel = cx.kernel(&JACOBI_START, &[]);
        let bindings = vec![Binding::read(a), Binding::write(work), Binding::write(w)];
        cx.dispatch(kernel, bindings, Params::new().u32(elements).u32(n), elements.div_ceil(64), 2.0 * elements as f64)?;

        let variant = JACOBI.variant(cx.target(), class(n));
        let kernel = JACOBI.kernel(variant, &[]).for_class(class(n));
        let (lanes, rounds) = (variant.constant("LANES").unwrap_or(1), n.max(1) - 1 + n % 2);
        let pairs = n.div_ceil(2);
        let turns = 4 + pairs.div_ceil(lanes) + (pairs * pairs / 2).div_ceil(lanes) + (pairs * n).div_ceil(lanes);
        let most = if n <= LONG { usize::MAX } else { rounds };
        for share in shares(cx.target(), sweeps(n) * rounds, most, |_| turns) {
            let bindings = vec![Binding::go_on(work), Binding::go_on(w)];
            let params = Params::new().u32(matrices).u32(n).u32(share.start).u32(share.end);
            cx.dispatch(kernel.clone(), bindings, params, matrices, (matrices * share.len()) as f64 * flops_of_round(n))?;
        }

        let count = matrices * n;
        let kernel = cx.kernel(&EIGEN_ORDER, &[]);
        let bindings = vec![Binding::read(work), Binding::read(w), Binding::write(values), Binding::write(vectors)];
        cx.dispatch(kernel, bindings, Params::new().u32(count).u32(n), count.div_ceil(64), ((5 * n + 1) * count) as f64)
    }
}

fn flops_of_round(n: usize) -> f64 {
    let (pairs, odd) = (n / 2, n % 2);
    (pairs * (25 + 8 * n) + 32 * (pairs * (pairs - 1) / 2) + 8 * odd * pairs) as f64
}

impl Tape {
    /// Eigenvalues `[.., n]`, ascending, and eigenvectors `[.., n, n]`, the columns, of the symmetric parts of x `[.., n, n]`. The sign
    /// of each vector is that which makes positive the first of its components whose magnitude is at least half the largest. A matrix with
    /// a NaN or an infinity has NaN for all of both.
    ///
    /// On devices by Jacobi's method in the parallel order; on the host by Householder's reduction and implicit QL. Where eigenvalues
    /// are equal to the rounding of f32, the gradient takes their vectors not to depend on one another. Functions of the whole matrix
    /// have no such exception: see [`Tape::matrix_function`].
    ///
    /// # Errors
    /// Where x is not f32 `[.., n, n]`; on a device, when it is compiled, where n is above 2048.
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
    for shape in [[1, 1, 1], [3, 2, 2], [2, 7, 7], [3, 10, 10], [1, 65, 65]] {
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
    cases.push(Case::new("eigh", vec![f32s([0, 3, 3], Draw::Normal)], |t, x| Ok(vec![t.eigh(x[0])?.0])));
    cases
}
