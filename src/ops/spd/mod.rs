//! Symmetric positive-definite matrices `[.., n, n]`: eigendecomposition, Cholesky's factor, what is solved by it, and functions of
//! the matrix.
//!
//! Every op takes the symmetric part (A + Aᵀ)/2 of what it is given, and its gradient is symmetric. On the host they compute in double
//! precision whatever the operands' own, since what is lost in a decomposition cannot be had back; kernels compute in f32.
//!
//! *Left out*: a variable whose pivot in Cholesky's factor is not above the rounding of its variance (8 ε of f32 in a kernel, 8 ε n of f64
//! on the host, which computes whole tapes in f64 where they invert) is a combination of those before it, or constant. Its column of the factor is 0, and so are its entries in every solution: the inverse is that of the other
//! variables, bordered by zeros, and the determinant is theirs. Of finite matrices
//! nothing is infinite or NaN; a NaN is handed on.

mod cholesky;
mod decompose;
mod eigen;
mod function;
mod householder;
mod jacobi;
mod parts;
mod ruled;
mod triangular;

pub(crate) use cholesky::inverse;
pub(super) use cholesky::{CHOLESKY, CHOLESKY_BLOCKS, FACTOR};
pub(crate) use eigen::eigenvalues;
pub(super) use jacobi::{EIGEN, EIGEN_ORDER, JACOBI, JACOBI_BLOCKS, JACOBI_START, JACOBI_TURN, RAYLEIGH};
pub(super) use triangular::{SOLVE, TRIANGULAR_BLOCKS, TRIANGULAR_SOLVE};

pub use function::MatrixFunction;

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::{Adapters, LOOP_LIMIT, Target, Variant, common};
use crate::tape::{Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType};
use crate::{Error, Result, Shape};
use std::ops::Range;

pub(super) static FAMILY: Family = Family {
    sources: &[
        &CHOLESKY,
        &CHOLESKY_BLOCKS,
        &EIGEN_ORDER,
        &JACOBI,
        &JACOBI_BLOCKS,
        &JACOBI_START,
        &JACOBI_TURN,
        &RAYLEIGH,
        &TRIANGULAR_BLOCKS,
        &TRIANGULAR_SOLVE,
    ],
    cases,
    works,
};

type Constants = &'static [(&'static str, &'static str)];

const fn together(name: &'static str, adapters: Adapters, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters, classes, constants, snippets: &[common::SYNC_GROUP] }
}

/// A matrix to a workgroup; a small one to an invocation on software adapters, where barriers cost most.
pub(in crate::ops) const VARIANTS: [Variant; 3] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &["small"], constants: &[], snippets: &[common::SYNC_SERIAL] },
    together("group64", Adapters::Hardware, &["small"], &[("LANES", "64u")]),
    together("group256", Adapters::Any, &["large"], &[("LANES", "256u")]),
];

/// The class of a decomposition's work.
pub(in crate::ops) fn class(n: usize) -> &'static str {
    if n <= 32 { "small" } else { "large" }
}

/// The rule of the decompositions that have an algorithm whose work is products of blocks: GPUs take it. On software adapters it meets
/// more barriers, which cost most there.
fn by_blocks(target: &Target, _class: &str) -> &'static str {
    if target.software { "columns" } else { "blocks" }
}

/// The steps of a long kernel shared out to dispatches, of at most `most` steps each, and on software adapters of at most [`LOOP_LIMIT`]
/// turns, of which a step takes `turns(step)`.
pub(in crate::ops) fn shares(target: &Target, steps: usize, most: usize, turns: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut taken = 0;
    for step in 0..steps {
        taken += turns(step);
        match found.last_mut() {
            Some(last) if last.len() < most && (!target.software || taken <= LOOP_LIMIT) => last.end = step + 1,
            _ => {
                taken = turns(step);
                found.push(step..step + 1);
            }
        }
    }
    found
}

/// The number of matrices in `[.., n, n]`, and n.
fn extents(x: Shape) -> [usize; 2] {
    let rank = x.rank();
    [x[..rank - 2].iter().product(), x[rank - 1]]
}

/// Square f32 matrices.
fn square(op: &str, x: TensorType) -> Result<TensorType> {
    let rank = x.shape.rank();
    if x.dtype != DType::F32 || rank < 2 || x.shape[rank - 1] != x.shape[rank - 2] {
        return Err(Error::op(op, format!("symmetric f32 matrices [.., n, n] expected, found {x}")));
    }
    Ok(x)
}

/// The symmetric part of one matrix, in double precision.
fn symmetric_part<R: Real>(x: &[R], n: usize) -> Vec<f64> {
    let mut part = Vec::with_capacity(n * n);
    for i in 0..n {
        part.extend((0..n).map(|j| 0.5 * (x[i * n + j].double() + x[j * n + i].double())));
    }
    part
}

/// Numbers as a tensor of the operands' precision.
fn rounded<R: Real>(shape: Shape, x: &[f64]) -> Result<HostTensor> {
    HostTensor::real(shape, x.iter().map(|&x| R::of(x)).collect())
}

/// The matrix that a case or a work begins with: x xᵀ / m + ¼, of x `[.., n, m]` drawn at random.
fn positive_definite(tape: &mut Tape, x: Var) -> Result<Var> {
    let shape = tape.shape(x);
    let (n, m) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    let product = tape.matmul_with(x, x, false, true)?;
    let scaled = tape.scale(product, 1.0 / m as f32)?;
    let quarter: Vec<f32> = (0..n * n).map(|at| if at.is_multiple_of(n + 1) { 0.25 } else { 0.0 }).collect();
    let quarter = tape.constant(HostTensor::f32([n, n], quarter)?)?;
    tape.add(scaled, quarter)
}

/// Something of a positive-definite matrix.
type Unary = fn(&mut Tape, Var) -> Result<Var>;

fn unary_cases(name: &str, op: Unary, forward: f64, reverse: f64) -> Vec<Case> {
    let make = |shape: [usize; 3]| {
        let x = vec![f32s(shape, Draw::Normal)];
        let build = move |t: &mut Tape, x: &[Var]| {
            let a = positive_definite(t, x[0])?;
            Ok(vec![op(t, a)?])
        };
        Case::new(name, x, build).within(forward, reverse)
    };
    [[2, 1, 3], [3, 7, 20], [2, 10, 30], [1, 65, 130]].map(make).to_vec()
}

pub(super) fn cases() -> Vec<Case> {
    [eigen::cases(), function::cases(), cholesky::cases(), triangular::cases()].concat()
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [[4, 32], [64, 64], [32, 512]];
    let work = |name, op: Unary| {
        let made = |[batch, n]: [usize; 2]| {
            let x = vec![f32s([batch, n, 2 * n], Draw::Normal)];
            Instance::new(x, move |t, x| {
                let a = positive_definite(t, x[0])?;
                Ok(vec![op(t, a)?])
            })
        };
        Work::new(name, sizes.map(made))
    };
    vec![
        work("matrix_log", |t, a| t.matrix_log(a, 1e-6)),
        work("cholesky", |t, a| t.cholesky(a)),
        work("inverse_spd", |t, a| t.inverse_spd(a)),
        work("log_determinant", |t, a| t.log_determinant(a)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_shared_out_in_order_within_the_turns_of_software() {
        let gpu = Target::portable();
        let software = Target { software: true, ..Target::portable() };
        assert_eq!(shares(&gpu, 10, 10, |_| LOOP_LIMIT), vec![0..10]);
        assert_eq!(shares(&gpu, 10, 4, |_| LOOP_LIMIT), vec![0..4, 4..8, 8..10]);
        assert_eq!(shares(&software, 5, 5, |_| LOOP_LIMIT / 2), vec![0..2, 2..4, 4..5]);
        assert_eq!(shares(&software, 3, 3, |_| 2 * LOOP_LIMIT), vec![0..1, 1..2, 2..3]);
        assert!(shares(&gpu, 0, 1, |_| 1).is_empty());
    }
}
