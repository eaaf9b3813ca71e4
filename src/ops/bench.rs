//! The ops whose kernels `tapetum bench` runs to measure a device's ceilings. They compute the same on the host, so its ceilings are
//! measured alike. None has a gradient.

use super::Family;
use super::case::{Case, Draw, f32s};
use crate::kernel::{Binding, Choice, Lowering, Params, Snippet, Source, kernel_source, snippet};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(super) static FAMILY: Family = Family { sources: &[&COPY, &EMPTY, &FMA], cases, works: Vec::new };

pub(super) static COPY: Source = kernel_source!("bench/copy");

pub(super) static FMA: Source = kernel_source!("bench/fma")
    .with_choices(&[Choice::Snippet(&[Snippet { name: "f32", ..snippet!("real_f32") }, Snippet { name: "f16", ..snippet!("real_f16") }])]);

pub(super) static EMPTY: Source = kernel_source!("bench/empty");

/// The number of times that f(z) = A z + B is applied; the kernel's loop has the same number.
const TIMES: usize = 1024;
/// Both are exact in f16, and f draws every z slowly towards 1.
const A: f32 = 1023.0 / 1024.0;
const B: f32 = 1.0 / 1024.0;

/// The elements that a workgroup of [`FMA`] works on: operands are multiples of it.
pub(crate) const FMA_BLOCK: usize = 512;

/// One of the ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ceiling {
    /// y = x.
    Copy,
    /// f, many times; in f16 where `half`.
    Fma { half: bool },
    /// One word.
    Empty,
}

impl Ceiling {
    fn name(self) -> &'static str {
        match self {
            Self::Copy => "bench_copy",
            Self::Fma { .. } => "bench_fma",
            Self::Empty => "bench_empty",
        }
    }

    fn run<R: Real>(self, x: &HostTensor) -> Result<HostTensor> {
        let (shape, x) = (x.shape(), x.elements::<R>()?);
        let mut y = buffer(x.len());
        parallel::parts(&mut y, FMA_BLOCK, |start, y| {
            y.copy_from_slice(&x[start..][..y.len()]);
            if self != Self::Copy {
                iterate(y);
            }
        });
        HostTensor::real(shape, y)
    }
}

/// Applies f to each element, as fast as this processor can.
fn iterate<R: Real>(z: &mut [R]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { iterate_fused(z) };
        return;
    }
    let (a, b) = (R::of(A.into()), R::of(B.into()));
    iterate_by(z, |z| z * a + b);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn iterate_fused<R: Real>(z: &mut [R]) {
    let (a, b) = (R::of(A.into()), R::of(B.into()));
    iterate_by(z, |z| z.mul_add(a, b));
}

/// 64 chains at once: eight registers of eight.
#[inline(always)]
fn iterate_by<R: Real>(z: &mut [R], f: impl Fn(R) -> R) {
    let (whole, rest) = z.as_chunks_mut::<64>();
    for chains in whole {
        let mut held = *chains;
        for _ in 0..TIMES {
            held.iter_mut().for_each(|z| *z = f(*z));
        }
        *chains = held;
    }
    for z in rest {
        (0..TIMES).for_each(|_| *z = f(*z));
    }
}

impl Op for Ceiling {
    fn key(&self) -> OpKey {
        OpKey::of(self.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let unit = match self {
            Self::Copy => 4,
            Self::Fma { .. } => FMA_BLOCK,
            Self::Empty => return Ok(vec![TensorType::u32([1])]),
        };
        match inputs {
            [x] if x.dtype == DType::F32 && x.shape.elements().is_multiple_of(unit) => Ok(vec![*x]),
            _ => Err(Error::op(self.name(), format!("f32 of a multiple of {unit} elements expected, found {inputs:?}"))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        match self {
            Self::Empty => Ok(vec![HostTensor::u32([1], vec![1])?]),
            _ => real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|t| vec![t]),
        }
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable { op: self.name().into(), why: "it is there to be timed".into() })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let y = Binding::write(cx.output(0));
        let n = cx.output_shape(0).elements();
        match self {
            Self::Copy => {
                let kernel = cx.kernel(&COPY, &[]);
                let bindings = vec![Binding::read(cx.input(0)), y];
                cx.dispatch(kernel, bindings, Params::new().u32(n / 4), (n / 4).div_ceil(256), 0.0)
            }
            Self::Fma { half: true } if !cx.target().f16 => Err(Error::op(self.name(), "the device does not compute in f16")),
            Self::Fma { half } => {
                let kernel = cx.kernel(&FMA, &[usize::from(*half)]);
                let bindings = vec![Binding::read(cx.input(0)), y];
                let params = Params::new().u32(n / 4).f32(A).f32(B);
                cx.dispatch(kernel, bindings, params, n / FMA_BLOCK, 2.0 * TIMES as f64 * n as f64)
            }
            Self::Empty => {
                let kernel = cx.kernel(&EMPTY, &[]);
                cx.dispatch(kernel, vec![y], Params::new().u32(1), 1, 0.0)
            }
        }
    }
}

/// A copy of x, by the kernel that does nothing else.
pub(crate) fn copy(tape: &mut Tape, x: Var) -> Result<Var> {
    tape.record_one(Ceiling::Copy, &[x])
}

/// f applied to x many times; computed in f16 where `half`.
pub(crate) fn fma(tape: &mut Tape, x: Var, half: bool) -> Result<Var> {
    tape.record_one(Ceiling::Fma { half }, &[x])
}

/// One word, written.
pub(crate) fn empty(tape: &mut Tape) -> Result<Var> {
    tape.record_one(Ceiling::Empty, &[])
}

pub(super) fn cases() -> Vec<Case> {
    let x = |n: usize| vec![f32s([n], Draw::Normal)];
    vec![
        Case::new("bench_copy", x(4), |t, x| Ok(vec![copy(t, x[0])?])).within(0.0, 0.0),
        Case::new("bench_copy", x(1028), |t, x| Ok(vec![copy(t, x[0])?])).within(0.0, 0.0),
        // Twice 1024 roundings of half a unit, 2⁻²⁴, at most; 1.0 is the definition's scale at least.
        Case::new("bench_fma", x(FMA_BLOCK), |t, x| Ok(vec![fma(t, x[0], false)?])).within(1024.0 / 8_388_608.0, 0.0),
        Case::new("bench_fma", x(3 * FMA_BLOCK), |t, x| Ok(vec![fma(t, x[0], false)?])).within(1024.0 / 8_388_608.0, 0.0),
        Case::new("bench_empty", vec![], |t, _| Ok(vec![empty(t)?])).within(0.0, 0.0),
    ]
    .into_iter()
    .map(Case::forward_only)
    .collect()
}
