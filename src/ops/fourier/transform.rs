//! The op: real series to half a spectrum, or back.

use super::lower::{self, Way};
use crate::kernel::Lowering;
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
        lower::lower(self, cx)
    }
}
