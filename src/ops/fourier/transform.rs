//! The op: real series to half a spectrum, or back. Its dispatches are one stage for each radix, over panels of rows; where the length has a large
//! prime factor, they are Bluestein's convolution through stages of a power of 2.

use super::way::{Way, radices};
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Var};
use crate::tensor::{DType, HostTensor, MAX_RANK, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};
use realfft::num_complex::Complex;

/// The direction of a transform.
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
/// s_k = `ends` at its first and, where n is even, last entry, and `middle` between. Operands: the series or spectrum, and the tables,
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
        if x.dtype != DType::F32 || *roots.shape != [Way::of(self.n).entries(self.n), 2] {
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

fn lower(op: &Transform, cx: &mut Lowering<'_>) -> Result<()> {
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
