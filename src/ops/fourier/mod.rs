//! Fourier transforms of real series along the last axis, any length: [`Tape::rfft`] and [`Tape::irfft`], scaled as NumPy's. A spectrum
//! is the first half, `[.., n / 2 + 1, 2]`, real and imaginary part last.
//!
//! The kernel transforms rows in workgroup memory: 2,048 complex numbers in one dispatch, where rows of an even length go as half as many, and
//! longer rows in several. A prime factor of some size (814 frames are 2 · 11 · 37) is a step like any other, at cost n p. A length with a
//! large prime factor goes Bluestein's way, a convolution by transforms of a length of small factors, so that no length costs its square.
//! Powers of the root of unity come from the host, rounded from f64: WGSL promises little of its sine.
//!
//! Both directions are linear, and each is the other's adjoint but for the scale of the entries that stand for two of the whole
//! spectrum; so a transform carries two scales, and its reverse is the other direction with the same.

mod transform;
mod way;

pub(in crate::ops) use transform::PASS;

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::{Error, Result};
use transform::{Direction, Transform};

pub(super) static FAMILY: Family = Family { sources: &[&PASS], cases, works };

/// # Fourier transforms
impl Tape {
    /// The first half of the spectrum of real x `[.., n]`: `[.., n / 2 + 1, 2]`, X_k = Σ x_t e^(−2πikt/n), as `numpy.fft.rfft`.
    ///
    /// # Errors
    /// Where x is not f32 with a last axis of one element at least, or has 8 axes.
    pub fn rfft(&mut self, x: Var) -> Result<Var> {
        self.check(x)?;
        let n = self.shape(x).last().copied().unwrap_or(0);
        self.transform(x, Transform { direction: Direction::Forward, n, ends: 1.0, middle: 1.0 })
    }

    /// The n reals whose spectrum has the first half `[.., n / 2 + 1, 2]`, as `numpy.fft.irfft`: the imaginary parts of the first and,
    /// of an even n, the last entry count for nothing.
    ///
    /// # Errors
    /// Where the spectrum is not f32 of that shape.
    pub fn irfft(&mut self, spectrum: Var, n: usize) -> Result<Var> {
        let one = 1.0 / n.max(1) as f64;
        self.transform(spectrum, Transform { direction: Direction::Inverse, n, ends: one, middle: 2.0 * one })
    }

    fn transform(&mut self, x: Var, op: Transform) -> Result<Var> {
        self.check(x)?;
        if op.n == 0 {
            return Err(Error::op(op.name(), format!("series of one element at least expected, found {}", self.ty(x))));
        }
        let tables = self.constant(way::Way::of(op.n).tables(op.n)?)?;
        self.record_one(op, &[x, tables])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Powers of 2, odd, prime, and the lengths of real runs; a sum of √n terms of size 1, held relative to the largest of √n or more.
    // Of 300 rows of 7, some share a workgroup; 2,187, 4,802 and the convolutions of 1,201 and 2,042 take two passes.
    let short = [[1, 1], [3, 2], [300, 7], [1, 64], [3, 65], [2, 260], [1, 257], [2, 814]];
    let long = [[2, 1201], [3, 2042], [1, 2048], [2, 2187], [1, 4802]];
    for [rows, n] in short.into_iter().chain(long) {
        let m = n / 2 + 1;
        cases.push(Case::new("rfft", vec![f32s([rows, n], Draw::Normal)], |t, x| Ok(vec![t.rfft(x[0])?])).within(2e-6, 2e-6));
        let spectrum = vec![f32s([rows, m, 2], Draw::Normal)];
        cases.push(Case::new("irfft", spectrum, move |t, x| Ok(vec![t.irfft(x[0], n)?])).within(2e-6, 2e-6));
        let there_and_back = move |t: &mut Tape, x: &[Var]| {
            let spectrum = t.rfft(x[0])?;
            Ok(vec![t.irfft(spectrum, n)?])
        };
        cases.push(Case::new("irfft of rfft", vec![f32s([rows, n], Draw::Normal)], there_and_back).within(2e-6, 2e-6));
    }
    cases.extend(filters());
    cases.push(Case::new("rfft", vec![f32s([0, 9], Draw::Normal)], |t, x| Ok(vec![t.rfft(x[0])?])));
    cases
}

/// The cases of ops that are composed of transforms.
fn filters() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, regions, n] in [[1, 1, 7], [2, 3, 64], [1, 7, 65], [1, 2, 257]] {
        let series = || f32s([batch, regions, n], Draw::Normal);
        let gains = |filters: usize| f32s([filters, n / 2 + 1], Draw::Uniform(0.0, 1.0));
        let operands = vec![series(), gains(3)];
        cases.push(Case::new("product_filter", operands, |t, x| Ok(vec![t.product_filter(x[0], x[1])?])).within(2e-6, 2e-6));
        let operands = vec![series(), gains(1)];
        cases.push(Case::new("zero_phase_filter", operands, |t, x| Ok(vec![t.zero_phase_filter(x[0], x[1])?])).within(2e-6, 2e-6));
        cases.push(Case::new("hilbert", vec![series()], |t, x| Ok(vec![t.hilbert(x[0])?])).within(2e-6, 2e-6));
        cases.push(Case::new("envelope", vec![series()], |t, x| Ok(vec![t.envelope(x[0])?])).within(2e-6, 5e-6));
    }
    // Away from 0, where an angle hangs on its last digits: of series about 3, whose analytic signal stays on one side.
    for n in [2, 7, 65] {
        let series = || vec![f32s([3, n], Draw::Uniform(2.5, 3.5))];
        cases.push(Case::new("instantaneous_phase", series(), |t, x| Ok(vec![t.instantaneous_phase(x[0])?])));
        cases.push(Case::new("instantaneous_frequency", series(), |t, x| Ok(vec![t.instantaneous_frequency(x[0], 0.72)?])));
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let shapes = [[32, 128], [800, 600], [8000, 1200]];
    // Lengths that are primes go Bluestein's way.
    let primes = [[32, 601], [800, 601], [6400, 1201]];
    let rfft = |s: [usize; 2]| Instance::new(vec![f32s(s, Draw::Normal)], |t, x| Ok(vec![t.rfft(x[0])?]));
    vec![
        Work::new("rfft", shapes.map(rfft)),
        Work::new("rfft of a prime length", primes.map(rfft)),
        Work::new(
            "irfft",
            shapes.map(|[rows, n]| Instance::new(vec![f32s([rows, n / 2 + 1, 2], Draw::Normal)], move |t, x| Ok(vec![t.irfft(x[0], n)?]))),
        ),
    ]
}
