//! The op: real series to half a spectrum, or back; its kernel is a stage a radix, over panels of rows.

use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Var};
use crate::tensor::{DType, HostTensor, MAX_RANK, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};
use realfft::num_complex::Complex;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// `[.., n]` to `[.., n / 2 + 1, 2]`.
    Forward,
    /// And back.
    Inverse,
}

/// Why a transform on the host cannot fail.
const FITS: &str = "the plan is of this length, and the ends are real";

/// Forward, X_k = s_k Σ_t x_t e^(−2πikt/n); inverse, x_t = Re Σ_k s_k X_k e^(2πikt/n); over the first half of the spectrum alone, with
/// s_k = `ends` at its first and, where n is even, last entry, and `middle` between. Operands: the series or spectrum, and the roots,
/// which only kernels read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transform {
    pub(super) direction: Direction,
    pub(super) n: usize,
    pub(super) ends: f64,
    pub(super) middle: f64,
}

impl Transform {
    pub(super) fn name(&self) -> &'static str {
        match self.direction {
            Direction::Forward => "rfft",
            Direction::Inverse => "irfft",
        }
    }

    /// Entries of half a spectrum.
    pub(super) fn half(&self) -> usize {
        self.n / 2 + 1
    }

    fn scale(&self, k: usize) -> f64 {
        if k == 0 || 2 * k == self.n { self.ends } else { self.middle }
    }

    /// The shape of the result, where x fits.
    fn output(&self, x: Shape) -> Option<Shape> {
        let rank = x.rank();
        match self.direction {
            Direction::Forward if rank >= 1 && x[rank - 1] == self.n && rank < MAX_RANK => {
                Shape::try_new(&[&x[..rank - 1], &[self.half(), 2]].concat())
            }
            Direction::Inverse if rank >= 2 && x[rank - 2..] == [self.half(), 2] => Some(x.without(rank - 1).with(rank - 2, self.n)),
            _ => None,
        }
    }

    fn run<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let shape = self.output(x.shape()).ok_or_else(|| self.mismatch(x.ty()))?;
        let (n, m, x) = (self.n, self.half(), x.elements::<R>()?);
        let (forward, inverse) = R::fourier(n);
        let mut y = buffer(shape.elements());
        match self.direction {
            Direction::Forward => parallel::rows(&mut y, 2 * m, 8 * n, |row, y| {
                let (mut series, mut spectrum) = (x[row * n..][..n].to_vec(), vec![Complex::default(); m]);
                forward.process(&mut series, &mut spectrum).expect(FITS);
                for (k, (y, z)) in y.chunks_exact_mut(2).zip(spectrum).enumerate() {
                    let s = R::of(self.scale(k));
                    (y[0], y[1]) = (z.re * s, z.im * s);
                }
            }),
            Direction::Inverse => parallel::rows(&mut y, n, 8 * n, |row, y| {
                let of = |(k, z): (usize, &[R])| {
                    let s = R::of(self.scale(k));
                    // The transform takes the ends for real, and counts an entry between them twice.
                    if k == 0 || 2 * k == n { Complex::new(z[0] * s, R::zero()) } else { Complex::new(z[0] * s, z[1] * s) * R::of(0.5) }
                };
                let mut spectrum: Vec<_> = x[row * 2 * m..][..2 * m].chunks_exact(2).enumerate().map(of).collect();
                inverse.process(&mut spectrum, y).expect(FITS);
            }),
        }
        HostTensor::real(shape, y)
    }

    fn mismatch(&self, x: TensorType) -> Error {
        let what = match self.direction {
            Direction::Forward => format!("f32 series [.., {}] of fewer than {MAX_RANK} axes expected, found {x}", self.n),
            Direction::Inverse => format!("the f32 half spectrum [.., {}, 2] of {} elements expected, found {x}", self.half(), self.n),
        };
        Error::op(self.name(), what)
    }
}

impl Op for Transform {
    fn key(&self) -> OpKey {
        OpKey::of(self.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, roots) = (inputs[0], inputs[1]);
        if x.dtype != DType::F32 || *roots.shape != [self.n, 2] {
            return Err(self.mismatch(x));
        }
        self.output(x.shape).map(|shape| vec![TensorType::f32(shape)]).ok_or_else(|| self.mismatch(x))
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (roots, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        let direction = match self.direction {
            Direction::Forward => Direction::Inverse,
            Direction::Inverse => Direction::Forward,
        };
        Ok(vec![Some(cx.tape().record_one(Self { direction, ..*self }, &[g, roots])?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        lower(self, cx)
    }
}

pub(in crate::ops) static STAGE: Source = kernel_source!("fourier/stage").with_choices(&[
    Choice::Constant("READ", &["0u", "1u", "2u"]),
    Choice::Constant("WRITE", &["0u", "1u", "2u"]),
    Choice::Constant("INVERSE", &["false", "true"]),
]);

/// The layouts between stages and at either end, as the kernel numbers them.
const COMPLEX_IN: usize = 1;
const COMPLEX_OUT: usize = 0;

/// The most bytes of a panel between stages: few enough to stay in a cache.
const PANEL: u64 = 32 << 20;

/// The radices of the stages of n, the largest first: primes, gathered to at most 8 while that is a whole factor of what is left.
fn radices(n: usize) -> Vec<usize> {
    let mut radices = Vec::new();
    let mut rest = n;
    while let Some(radix) = (2..=8).rev().find(|&p| rest.is_multiple_of(p)).filter(|_| rest > 1) {
        radices.push(radix);
        rest /= radix;
    }
    let mut prime = 11;
    while rest > 1 {
        // Beyond its root, what is left is prime.
        if prime * prime > rest {
            prime = rest;
        }
        while rest.is_multiple_of(prime) && rest > 1 {
            radices.push(prime);
            rest /= prime;
        }
        prime += 2;
    }
    radices.sort_unstable_by(|a, b| b.cmp(a));
    // One element is its own transform: a stage moves it.
    if radices.is_empty() { vec![1] } else { radices }
}

fn lower(op: &Transform, cx: &mut Lowering<'_>) -> Result<()> {
    let (n, m) = (op.n, op.half());
    let elements = cx.input_shape(0).elements();
    let (rows, x_kind, y_kind) = match op.direction {
        Direction::Forward => (elements / n, 0, 1),
        Direction::Inverse => (elements / (2 * m), 2, 2),
    };
    let radices = radices(n);
    let bytes = PANEL.min(cx.target().max_binding);
    let together = if radices.len() == 1 { rows } else { ((bytes / (8 * n as u64)) as usize).max(1) };
    for first in (0..rows).step_by(together.max(1)) {
        let panel = together.min(rows - first);
        let mut span = 1;
        let mut from = cx.input(0);
        for (i, &radix) in radices.iter().enumerate() {
            let (begins, ends) = (i == 0, i + 1 == radices.len());
            let chosen = [if begins { x_kind } else { COMPLEX_IN }, if ends { y_kind } else { COMPLEX_OUT }];
            let (to, binding) = result(cx, ends, first, [panel, n]);
            stage(op, cx, chosen, from, binding, [first, panel, span, radix])?;
            (from, span) = (to, span * radix);
        }
    }
    Ok(())
}

/// Where a stage writes: the op's result, which the first panel begins, or scratch.
fn result(cx: &mut Lowering<'_>, ends: bool, first: usize, [panel, n]: [usize; 2]) -> (Buffer, Binding) {
    if ends {
        let y = cx.output(0);
        return (y, if first == 0 { Binding::write(y) } else { Binding::continued(y) });
    }
    let scratch = cx.scratch(TensorType::f32([panel, n, 2]));
    (scratch, Binding::write(scratch))
}

fn stage(
    op: &Transform,
    cx: &mut Lowering<'_>,
    [read, write]: [usize; 2],
    from: Buffer,
    to: Binding,
    [first, panel, span, radix]: [usize; 4],
) -> Result<()> {
    let (n, m) = (op.n, op.half());
    let per_row = if write == 1 { m } else { n };
    let outputs = panel * per_row;
    // What is read of a Hermitian spectrum stands for two entries but at the ends.
    let middle = if read == 2 { 0.5 * op.middle } else { op.middle };
    let params = Params::new().u32(outputs).u32(per_row).u32(n).u32(span).u32(radix).u32(first).f32(op.ends as f32).f32(middle as f32);
    let kernel = cx.kernel(&STAGE, &[read, write, usize::from(op.direction == Direction::Inverse)]);
    let term = if read == 0 || write == 2 { 4 } else { 8 };
    let scaled = if read == 2 || write == 1 { 2 * panel * m } else { 0 };
    let bindings = vec![Binding::read(from), Binding::read(cx.input(1)), to];
    cx.dispatch(kernel, bindings, params, outputs.div_ceil(64), (outputs * radix * term + scaled) as f64)
}

#[cfg(test)]
mod tests {
    use super::radices;

    #[test]
    fn radices_multiply_to_the_length() {
        for n in 1..3000 {
            let radices = radices(n);
            assert_eq!(radices.iter().product::<usize>(), n, "{radices:?}");
        }
        assert_eq!(radices(814), [37, 11, 2]);
        assert_eq!(radices(1200), [8, 6, 5, 5]);
        assert_eq!(radices(1201), [1201]);
    }
}
