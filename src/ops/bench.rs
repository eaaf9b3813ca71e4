//! The ops whose kernels `tapetum bench` runs to measure a device's ceilings. They compute the same on the host, so its ceilings are
//! measured alike. None has a gradient.

use super::Family;
use super::case::{Case, Draw, f32s};
use crate::kernel::{Binding, Choice, Lowering, Params, Snippet, Source, kernel_source, snippet};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(super) static FAMILY: Family = Family { sources: &[&COPY, &EMPTY, &FMA, &READ, &SHARED, &WRITE], cases, works: Vec::new };

pub(super) static COPY: Source = kernel_source!("bench/copy");

pub(super) static FMA: Source = kernel_source!("bench/fma")
    .with_choices(&[Choice::Snippet(&[Snippet { name: "f32", ..snippet!("real_f32") }, Snippet { name: "f16", ..snippet!("real_f16") }])]);

pub(super) static EMPTY: Source = kernel_source!("bench/empty");

pub(super) static READ: Source = kernel_source!("bench/read");

pub(super) static WRITE: Source = kernel_source!("bench/write");

pub(super) static SHARED: Source = kernel_source!("bench/shared");

/// The number of times that f(z) = A z + B is applied; the kernel's loop has the same number.
const TIMES: usize = 1024;
/// Both are exact in f16, and f draws every z slowly towards 1.
const A: f32 = 1023.0 / 1024.0;
const B: f32 = 1.0 / 1024.0;

/// The elements that a workgroup of [`FMA`] works on: operands are multiples of it.
pub(crate) const FMA_BLOCK: usize = 512;

/// The elements of a row of the blocks of [`READ`] and [`SHARED`], and the rows of a block of [`READ`].
const ROW: usize = 1024;
const ROWS: usize = 32;
/// The elements that a workgroup of [`READ`] works on: operands are multiples of it.
pub(crate) const READ_BLOCK: usize = ROW * ROWS;
/// The elements that a workgroup of [`SHARED`] works on: operands are multiples of it.
pub(crate) const SHARED_BLOCK: usize = ROW;
/// The times that an invocation of [`SHARED`] loads each vector of its block, and the vectors.
const TURNS: usize = 4;
const VECTORS: usize = 256;
/// The bytes that [`SHARED`] loads from workgroup memory for each byte of its operand.
pub(crate) const SHARED_LOADS: f64 = (TURNS * VECTORS) as f64;
/// The value that [`WRITE`] writes.
const VALUE: f32 = 0.5;

/// One of the ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ceiling {
    /// y = x.
    Copy,
    /// f, many times; in f16 where `half`.
    Fma { half: bool },
    /// One word.
    Empty,
    /// Sums over rows.
    Read,
    /// So many elements of one value.
    Write { elements: usize },
    /// Sums over blocks, from workgroup memory.
    Shared,
}

impl Ceiling {
    fn name(self) -> &'static str {
        match self {
            Self::Copy => "bench_copy",
            Self::Fma { .. } => "bench_fma",
            Self::Empty => "bench_empty",
            Self::Read => "bench_read",
            Self::Write { .. } => "bench_write",
            Self::Shared => "bench_shared",
        }
    }

    fn run<R: Real>(self, x: &HostTensor) -> Result<HostTensor> {
        let (shape, x) = (x.shape(), x.elements::<R>()?);
        if self == Self::Read {
            let mut y = buffer(x.len() / ROWS);
            parallel::parts(&mut y, ROW, |start, y| sum_rows(&x[start * ROWS..][..y.len() * ROWS], y));
            return HostTensor::real([y.len()], y);
        }
        let mut y = buffer(x.len());
        parallel::parts(&mut y, self.block(), |start, y| {
            let x = &x[start..][..y.len()];
            match self {
                Self::Shared => sum_blocks(x, y),
                Self::Copy => y.copy_from_slice(x),
                _ => {
                    y.copy_from_slice(x);
                    iterate(y);
                }
            }
        });
        HostTensor::real(shape, y)
    }

    /// Operands are multiples of so many elements.
    fn block(self) -> usize {
        match self {
            Self::Copy | Self::Write { .. } => 4,
            Self::Fma { .. } => FMA_BLOCK,
            Self::Read => READ_BLOCK,
            Self::Shared => SHARED_BLOCK,
            Self::Empty => 1,
        }
    }
}

/// The sum of the rows of each block.
fn sum_rows<R: Real>(x: &[R], y: &mut [R]) {
    for (x, y) in x.chunks(READ_BLOCK).zip(y.chunks_mut(ROW)) {
        y.fill(R::of(0.0));
        x.chunks(ROW).for_each(|row| y.iter_mut().zip(row).for_each(|(y, x)| *y += *x));
    }
}

/// Four times the sum of the vectors of a block, for each of them.
fn sum_blocks<R: Real>(x: &[R], y: &mut [R]) {
    for (x, y) in x.chunks(SHARED_BLOCK).zip(y.chunks_mut(SHARED_BLOCK)) {
        let sum = |i: usize| x.iter().skip(i).step_by(4).fold(R::of(0.0), |sum, x| sum + *x) * R::of(TURNS as f64);
        let sums = [sum(0), sum(1), sum(2), sum(3)];
        y.iter_mut().zip(sums.iter().cycle()).for_each(|(y, sum)| *y = *sum);
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
        let unit = self.block();
        match (self, inputs) {
            (Self::Empty, []) => Ok(vec![TensorType::u32([1])]),
            (Self::Write { elements }, []) if elements.is_multiple_of(unit) => Ok(vec![TensorType::f32([*elements])]),
            (Self::Read, [x]) if x.dtype == DType::F32 && x.shape.elements().is_multiple_of(unit) => {
                Ok(vec![TensorType::f32([x.shape.elements() / ROWS])])
            }
            (Self::Copy | Self::Fma { .. } | Self::Shared, [x]) if x.dtype == DType::F32 && x.shape.elements().is_multiple_of(unit) => {
                Ok(vec![*x])
            }
            _ => Err(Error::op(self.name(), format!("f32 of a multiple of {unit} elements expected, found {inputs:?}"))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        match self {
            Self::Empty => Ok(vec![HostTensor::u32([1], vec![1])?]),
            Self::Write { elements } => Ok(vec![HostTensor::full([*elements], VALUE)]),
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
            Self::Write { .. } => {
                let kernel = cx.kernel(&WRITE, &[]);
                cx.dispatch(kernel, vec![y], Params::new().u32(n / 4).f32(VALUE), (n / 4).div_ceil(256), 0.0)
            }
            Self::Read => {
                let (kernel, blocks) = (cx.kernel(&READ, &[]), n / ROW);
                let bindings = vec![Binding::read(cx.input(0)), y];
                cx.dispatch(kernel, bindings, Params::new().u32(blocks), blocks, (n * ROWS) as f64)
            }
            Self::Shared => {
                let (kernel, blocks) = (cx.kernel(&SHARED, &[]), n / SHARED_BLOCK);
                let bindings = vec![Binding::read(cx.input(0)), y];
                cx.dispatch(kernel, bindings, Params::new().u32(blocks), blocks, SHARED_LOADS * n as f64)
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

/// The sums of blocks of rows of x, by the kernel that loads and stores little.
pub(crate) fn read(tape: &mut Tape, x: Var) -> Result<Var> {
    tape.record_one(Ceiling::Read, &[x])
}

/// So many elements of one value, by the kernel that stores and loads nothing.
pub(crate) fn write(tape: &mut Tape, elements: usize) -> Result<Var> {
    tape.record_one(Ceiling::Write { elements }, &[])
}

/// Sums of blocks of x, whose elements are loaded from workgroup memory many times.
pub(crate) fn shared(tape: &mut Tape, x: Var) -> Result<Var> {
    tape.record_one(Ceiling::Shared, &[x])
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
        // 32 roundings of half a unit of the largest sum at most.
        Case::new("bench_read", x(READ_BLOCK), |t, x| Ok(vec![read(t, x[0])?])).within(16.0 / 8_388_608.0, 0.0),
        Case::new("bench_read", x(3 * READ_BLOCK), |t, x| Ok(vec![read(t, x[0])?])).within(16.0 / 8_388_608.0, 0.0),
        Case::new("bench_write", vec![], |t, _| Ok(vec![write(t, 4)?])).within(0.0, 0.0),
        Case::new("bench_write", vec![], |t, _| Ok(vec![write(t, 1028)?])).within(0.0, 0.0),
        // 512 roundings in each of two sums of half a unit, of the largest sum.
        Case::new("bench_shared", x(SHARED_BLOCK), |t, x| Ok(vec![shared(t, x[0])?])).within(512.0 / 8_388_608.0, 0.0),
        Case::new("bench_shared", x(3 * SHARED_BLOCK), |t, x| Ok(vec![shared(t, x[0])?])).within(512.0 / 8_388_608.0, 0.0),
        Case::new("bench_empty", vec![], |t, _| Ok(vec![empty(t)?])).within(0.0, 0.0),
    ]
    .into_iter()
    .map(Case::forward_only)
    .collect()
}
