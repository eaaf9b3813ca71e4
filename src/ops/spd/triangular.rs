//! Triangular systems.

use super::{extents, positive_definite, rounded, shares, square};
use crate::kernel::{Algorithms, Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType, parallel, real_inputs};
use crate::{Error, Result, Shape};
use std::ops::Range;

pub(in crate::ops) static TRIANGULAR_SOLVE: Source =
    kernel_source!("spd/triangular_solve").with_choices(&[Choice::Constant("TRANSPOSED", &["false", "true"])]);
pub(in crate::ops) static TRIANGULAR_BLOCKS: Source =
    kernel_source!("spd/triangular_blocks").with_choices(&[Choice::Constant("TRANSPOSED", &["false", "true"])]);

/// The algorithms of triangular systems: an invocation a column, or a workgroup some columns, by blocks of rows.
pub(in crate::ops) static SOLVE: Algorithms = Algorithms {
    name: "spd/solve",
    all: &[("columns", "spd/triangular_solve"), ("blocks", "spd/triangular_blocks")],
    classes: &[""],
    rule: super::by_blocks,
};

/// Columns that a workgroup solves by blocks of rows.
const COLUMNS: usize = 64;

/// (L, B) → X, L X = B or Lᵀ X = B.
#[derive(Debug, Clone, Copy)]
struct TriangularSolve {
    transposed: bool,
}

impl TriangularSolve {
    /// X in place of B.
    fn solve(self, l: &[f64], x: &mut [f64], n: usize, m: usize) {
        for step in 0..n {
            let i = if self.transposed { n - 1 - step } else { step };
            for done in 0..step {
                let k = if self.transposed { n - 1 - done } else { done };
                let factor = if self.transposed { l[k * n + i] } else { l[i * n + k] };
                let (from, to) = (k * m, i * m);
                (0..m).for_each(|c| x[to + c] -= factor * x[from + c]);
            }
            let pivot = l[i * n + i];
            let scale = if pivot == 0.0 { 0.0 } else { pivot.recip() };
            // NaN and infinity times 0 are NaN: what is left out hides neither.
            x[i * m..(i + 1) * m].iter_mut().for_each(|x| *x *= scale);
        }
    }
}

impl Op for TriangularSolve {
    fn key(&self) -> OpKey {
        OpKey::of("triangular_solve", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (l, b) = (square("triangular_solve", inputs[0])?, inputs[1]);
        let rank = l.shape.rank();
        let fits = b.dtype == DType::F32 && b.shape.rank() == rank && b.shape[..rank - 1] == l.shape[..rank - 1];
        if fits {
            Ok(vec![b])
        } else {
            Err(Error::op("triangular_solve", format!("right-hand sides f32 [.., n, m] for {l} expected, found {b}")))
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[1].shape();
        let [_, n] = extents(inputs[0].shape());
        let m = shape[shape.rank() - 1];
        let (l, mut x) = (inputs[0].to_f64_vec(), inputs[1].to_f64_vec());
        parallel::rows(&mut x, n * m, n * n * m, |matrix, x| self.solve(&l[matrix * n * n..], x, n, m));
        real_inputs!(inputs, R => rounded::<R>(shape, &x)).map(|x| vec![x])
    }

    /// B̄ by the other triangle; L̄ = −tril(B̄ Xᵀ), or −tril(X B̄ᵀ) of the transposed system.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (l, x, g) = (cx.input(0), cx.output(0), cx.cotangent_or_zeros(0)?);
        let wanted = cx.wanted(0);
        let tape = cx.tape();
        let of_b = tape.record_one(Self { transposed: !self.transposed }, &[l, g])?;
        if !wanted {
            return Ok(vec![None, Some(of_b)]);
        }
        let (left, right) = if self.transposed { (x, of_b) } else { (of_b, x) };
        let outer = tape.matmul_with(left, right, false, true)?;
        let outer = tape.neg(outer)?;
        let lower = tape.lower_triangle(extents(tape.shape(l))[1], 1.0)?;
        Ok(vec![Some(tape.mul(outer, lower)?), Some(of_b)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let shape = cx.input_shape(1);
        let ([matrices, n], m) = (extents(cx.input_shape(0)), shape[shape.rank() - 1]);
        let columns = matrices * m;
        let chosen = [self.transposed.into()];
        let flops = |steps: Range<usize>| (columns * steps.map(|step| 2 * step + 3).sum::<usize>()) as f64;
        if SOLVE.choose(cx.target(), "") == "blocks" {
            let groups = m.div_ceil(COLUMNS);
            cx.check_iterations(n.div_ceil(32) * (n + 64))?;
            let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
            let params = Params::new().u32(matrices).u32(n).u32(m).u32(groups);
            let kernel = cx.kernel(&TRIANGULAR_BLOCKS, &chosen);
            return cx.dispatch(kernel, bindings, params, if n == 0 { 0 } else { matrices * groups }, flops(0..n));
        }
        let kernel = cx.kernel(&TRIANGULAR_SOLVE, &chosen);
        for share in shares(cx.target(), n, n, |step| 6 + step + step / 32) {
            let x = cx.output(0);
            let x = if share.start == 0 { Binding::write(x) } else { Binding::continued(x) };
            let params = Params::new().u32(columns).u32(n).u32(m).u32(share.start).u32(share.end);
            let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), x];
            cx.dispatch(kernel.clone(), bindings, params, columns.div_ceil(64), flops(share))?;
        }
        Ok(())
    }
}

/// # Triangular systems
impl Tape {
    /// X `[.., n, m]` with L X = B, or Lᵀ X = B where `transposed`: l `[.., n, n]` is read at and below its diagonal, b is `[.., n, m]`,
    /// and batches broadcast. A row whose diagonal entry is 0 gets 0: that variable is left out.
    ///
    /// # Errors
    /// Where l is not f32 `[.., n, n]`, or b does not fit.
    pub fn triangular_solve(&mut self, l: Var, b: Var, transposed: bool) -> Result<Var> {
        self.check(l)?;
        self.check(b)?;
        let ty = square("triangular_solve", self.ty(l))?;
        let (n, of_b) = (extents(ty.shape)[1], self.shape(b));
        let unfit = || Error::op("triangular_solve", format!("right-hand sides [.., {n}, m] for {ty} expected, found {of_b}"));
        let [.., rows, m] = of_b[..] else { return Err(unfit()) };
        let batch = |s: Shape| s.without(s.rank() - 1).without(s.rank() - 2);
        let all = batch(ty.shape).broadcast(&batch(of_b)).filter(|_| rows == n).ok_or_else(unfit)?;
        let shape = |cols: usize| Shape::try_new(&[&all[..], &[n, cols]].concat()).ok_or_else(unfit);
        let (l, b) = (self.broadcast_to(l, shape(n)?)?, self.broadcast_to(b, shape(m)?)?);
        self.record_one(TriangularSolve { transposed }, &[l, b])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // The factors' conditions are about 4.
    for (shape, m) in [([2, 1, 3], 1), ([3, 7, 20], 5), ([1, 33, 66], 64), ([1, 65, 130], 67)] {
        for transposed in [false, true] {
            let operands = vec![f32s(shape, Draw::Normal), f32s([shape[1], m], Draw::Normal)];
            let build = move |t: &mut Tape, x: &[Var]| {
                let a = positive_definite(t, x[0])?;
                let l = t.cholesky(a)?;
                Ok(vec![t.triangular_solve(l, x[1], transposed)?])
            };
            cases.push(Case::new("triangular_solve", operands, build).within(5e-6, 5e-5));
        }
        let operands = vec![f32s(shape, Draw::Normal), f32s([shape[0], shape[1], m], Draw::Normal)];
        let build = |t: &mut Tape, x: &[Var]| {
            let a = positive_definite(t, x[0])?;
            Ok(vec![t.solve_spd(a, x[1])?])
        };
        cases.push(Case::new("solve_spd", operands, build).within(1e-5, 1e-4));
    }
    cases
}
