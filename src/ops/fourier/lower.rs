//! The dispatches: a stage a radix over panels of rows; where n has a large prime factor, Bluestein's way through stages of a power of 2.

use super::transform::{Direction, Transform};
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, kernel_source};
use crate::tensor::{HostTensor, Real, TensorType};
use crate::{Error, Result};
use realfft::num_complex::Complex64;

const CHOICES: [Choice; 3] = [
    Choice::Constant("READ", &["0u", "1u", "2u"]),
    Choice::Constant("WRITE", &["0u", "1u", "2u"]),
    Choice::Constant("INVERSE", &["false", "true"]),
];

pub(in crate::ops) static STAGE: Source = kernel_source!("fourier/stage").with_choices(&CHOICES);

pub(in crate::ops) static CHIRP: Source = kernel_source!("fourier/chirp").with_choices(&CHOICES);

/// The layouts between stages and at either end, as the kernels number them.
const COMPLEX_IN: usize = 1;
const COMPLEX_OUT: usize = 0;

/// The most bytes of a panel between stages: few enough to stay in a cache.
const PANEL: u64 = 32 << 20;

/// The method by which a length is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By stages of its own factors, which cost n p a factor p.
    Stages,
    /// By Bluestein's: X_k = c_k Σ_t (x_t c_t) c̄_{k−t}, c_t = e^(−πit²/n), a circular convolution of this length, a power of 2.
    Bluestein(usize),
}

impl Way {
    /// The cheaper one.
    pub(super) fn of(n: usize) -> Self {
        let m = (2 * n.max(1) - 1).next_power_of_two();
        let cost = |n: usize| n * radices(n).iter().sum::<usize>();
        // Two transforms of m and three products, and twice as much for their dispatches.
        if cost(n) > 2 * (2 * cost(m) + 3 * m) { Self::Bluestein(m) } else { Self::Stages }
    }

    /// Complex numbers of its tables.
    pub(super) fn entries(self, n: usize) -> usize {
        match self {
            Self::Stages => n,
            Self::Bluestein(m) => 2 * m + n,
        }
    }

    /// Its tables, `[entries, 2]`: the powers e^(−2πik/n); by Bluestein's, those of m, the spectrum of the conjugate chirp over m, and the
    /// chirp.
    pub(super) fn tables(self, n: usize) -> Result<HostTensor> {
        let root = |k: usize, n: usize| Complex64::from_polar(1.0, -2.0 * std::f64::consts::PI * k as f64 / n as f64);
        let all: Vec<Complex64> = match self {
            Self::Stages => (0..n).map(|k| root(k, n)).collect(),
            Self::Bluestein(m) => {
                // Of t², what is beyond whole turns is kept in whole numbers.
                let chirp = |t: usize| root(((t as u64 * t as u64) % (2 * n as u64)) as usize, 2 * n);
                let spectrum = chirp_spectrum(chirp, n, m)?;
                (0..m).map(|k| root(k, m)).chain(spectrum).chain((0..n).map(chirp)).collect()
            }
        };
        HostTensor::f32([all.len(), 2], all.iter().flat_map(|z| [z.re as f32, z.im as f32]).collect())
    }
}

/// The spectrum over m of c̄_t laid around 0, which is even in t: that of its real and that of its imaginary part are real and even too.
fn chirp_spectrum(chirp: impl Fn(usize) -> Complex64, n: usize, m: usize) -> Result<Vec<Complex64>> {
    let (forward, _) = f64::fourier(m);
    let part = |of: fn(Complex64) -> f64| {
        let at = |j: usize| {
            if j < n {
                of(chirp(j))
            } else if m - j < n {
                of(chirp(m - j))
            } else {
                0.0
            }
        };
        let (mut x, mut spectrum) = ((0..m).map(at).collect::<Vec<f64>>(), vec![Complex64::default(); m / 2 + 1]);
        let failed = |e: realfft::FftError| Error::op("rfft", e.to_string());
        forward.process(&mut x, &mut spectrum).map(|()| spectrum).map_err(failed)
    };
    let (re, im) = (part(|z| z.re)?, part(|z| -z.im)?);
    let half = |k: usize| k.min(m - k);
    Ok((0..m).map(|k| Complex64::new(re[half(k)].re, im[half(k)].re) / m as f64).collect())
}

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

pub(super) fn lower(op: &Transform, cx: &mut Lowering<'_>) -> Result<()> {
    let elements = cx.input_shape(0).elements();
    let (rows, read, write) = match op.direction {
        Direction::Forward => (elements / op.n, 0, 1),
        Direction::Inverse => (elements / (2 * op.half()), 2, 2),
    };
    let way = Way::of(op.n);
    let length = if let Way::Bluestein(m) = way { m } else { op.n };
    let radices = radices(length);
    let bytes = PANEL.min(cx.target().max_binding);
    let together = if radices.len() == 1 { rows } else { ((bytes / (8 * length as u64)) as usize).max(1) };
    for first in (0..rows).step_by(together.max(1)) {
        let mut rows = Rows { op, cx: &mut *cx, length, first, panel: together.min(rows - first) };
        let x = rows.cx.input(0);
        match way {
            Way::Stages => rows.stages(&radices, x, [read, write], op.direction == Direction::Inverse)?,
            Way::Bluestein(m) => {
                let turned = rows.chirp(x, [read, COMPLEX_OUT], 2 * m)?;
                let spectrum = rows.stages(&radices, turned, [COMPLEX_IN, COMPLEX_OUT], false)?;
                let product = rows.chirp(spectrum, [COMPLEX_IN, COMPLEX_OUT], m)?;
                let convolved = rows.stages(&radices, product, [COMPLEX_IN, COMPLEX_OUT], true)?;
                rows.chirp(convolved, [COMPLEX_IN, write], 2 * m)?
            }
        };
    }
    Ok(())
}

/// A panel of rows on its way, between complex buffers `[panel, length, 2]`.
struct Rows<'a, 'b> {
    op: &'a Transform,
    cx: &'a mut Lowering<'b>,
    length: usize,
    first: usize,
    panel: usize,
}

impl Rows<'_, '_> {
    /// Where a dispatch writes: the op's result, which the first panel begins, or scratch.
    fn result(&mut self, write: usize) -> (Buffer, Binding) {
        if write != COMPLEX_OUT {
            let y = self.cx.output(0);
            return (y, if self.first == 0 { Binding::write(y) } else { Binding::continued(y) });
        }
        let scratch = self.cx.scratch(TensorType::f32([self.panel, self.length, 2]));
        (scratch, Binding::write(scratch))
    }

    /// The elements of a result, those of a row, and the scales at both ends and between.
    fn extents(&self, [read, write]: [usize; 2]) -> ([usize; 2], [f32; 2]) {
        let per_row = match write {
            1 => self.op.half(),
            2 => self.op.n,
            _ => self.length,
        };
        // Each entry read from a Hermitian spectrum stands for two, except at the ends.
        let middle = if read == 2 { 0.5 * self.op.middle } else { self.op.middle };
        ([self.panel * per_row, per_row], [self.op.ends as f32, middle as f32])
    }

    /// FLOPs of scaling a half spectrum, where one is read or written.
    fn scaled(&self, [read, write]: [usize; 2]) -> usize {
        if read == 2 || write == 1 { 2 * self.panel * self.op.half() } else { 0 }
    }

    fn stages(&mut self, radices: &[usize], x: Buffer, [read, write]: [usize; 2], inverse: bool) -> Result<Buffer> {
        let (mut span, mut from) = (1, x);
        for (i, &radix) in radices.iter().enumerate() {
            let kinds = [if i == 0 { read } else { COMPLEX_IN }, if i + 1 == radices.len() { write } else { COMPLEX_OUT }];
            let ([outputs, per_row], [ends, middle]) = self.extents(kinds);
            let (to, binding) = self.result(kinds[1]);
            let params = Params::new().u32(outputs).u32(per_row).u32(self.length).u32(span).u32(radix).u32(self.first);
            let kernel = self.cx.kernel(&STAGE, &[kinds[0], kinds[1], usize::from(inverse)]);
            let term = if kinds[0] == 0 || kinds[1] == 2 { 4 } else { 8 };
            let flops = outputs * radix * term + self.scaled(kinds);
            let bindings = vec![Binding::read(from), Binding::read(self.cx.input(1)), binding];
            self.cx.dispatch(kernel, bindings, params.f32(ends).f32(middle), outputs.div_ceil(64), flops as f64)?;
            (from, span) = (to, span * radix);
        }
        Ok(from)
    }

    /// A product with the table that begins at `table`.
    fn chirp(&mut self, x: Buffer, kinds: [usize; 2], table: usize) -> Result<Buffer> {
        let ([outputs, per_row], [ends, middle]) = self.extents(kinds);
        let (to, binding) = self.result(kinds[1]);
        let params = Params::new().u32(outputs).u32(per_row).u32(self.op.n).u32(self.length).u32(table).u32(self.first);
        let kernel = self.cx.kernel(&CHIRP, &[kinds[0], kinds[1], usize::from(self.op.direction == Direction::Inverse)]);
        let each = match kinds {
            [0, _] => 2,
            [_, 2] => 3,
            _ => 6,
        };
        let products = if kinds[0] == COMPLEX_IN { outputs } else { self.panel * self.op.n };
        let bindings = vec![Binding::read(x), Binding::read(self.cx.input(1)), binding];
        let flops = products * each + self.scaled(kinds);
        self.cx.dispatch(kernel, bindings, params.f32(ends).f32(middle), outputs.div_ceil(64), flops as f64)?;
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::{Way, radices};

    #[test]
    fn radices_multiply_to_the_length() {
        for n in 1..3000 {
            let radices = radices(n);
            assert_eq!(radices.iter().product::<usize>(), n, "{radices:?}");
        }
        assert_eq!(radices(814), [37, 11, 2]);
        assert_eq!(radices(1200), [8, 6, 5, 5]);
        assert_eq!(radices(1201), [1201]);
        assert_eq!((Way::of(814), Way::of(1201), Way::of(1)), (Way::Stages, Way::Bluestein(4096), Way::Stages));
    }
}
