//! Softmax and its logarithm over any axis.

mod host;

use super::Family;
use super::case::{Case, Draw, f32s};
use super::line::{self, Lines};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Buffer, Choice, Kernel, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, real_inputs};
use crate::{Error, Result};

pub(super) static FAMILY: Family = Family { sources: &[&SOFTMAX, &SOFTMAX_REVERSE], cases, works };

pub(super) static SOFTMAX: Source =
    kernel_source!("softmax/softmax").with_variants(&line::VARIANTS).with_choices(&[common::LINE_WIDTH, LOG, line::KEEP]);

pub(super) static SOFTMAX_REVERSE: Source = kernel_source!("softmax/softmax_reverse").with_variants(&line::VARIANTS).with_choices(&[
    common::LINE_WIDTH,
    LOG,
    line::KEEP_BOTH,
    common::COTANGENT,
]);

const LOG: Choice = Choice::Constant("LOG", &["false", "true"]);

/// Softmax, or its logarithm, along one axis.
#[derive(Debug, Clone, Copy)]
struct Softmax {
    axis: usize,
    log: bool,
}

/// Its reverse, of the result and the result's cotangent.
#[derive(Debug, Clone, Copy)]
struct SoftmaxReverse {
    axis: usize,
    log: bool,
}

impl Softmax {
    fn run<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let shape = x.shape();
        let y = host::softmax(x.elements::<R>()?, shape.around(self.axis), self.log);
        HostTensor::real(shape, y)
    }
}

impl Op for Softmax {
    fn key(&self) -> OpKey {
        OpKey::of(if self.log { "log_softmax" } else { "softmax" }, self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        match inputs[0].dtype {
            DType::F32 => Ok(inputs.to_vec()),
            _ => Err(Error::op("softmax", format!("the operand must be f32, found {}", inputs[0]))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (y, g) = (cx.output(0), cx.cotangent_or_zeros(0)?);
        let op = SoftmaxReverse { axis: self.axis, log: self.log };
        Ok(vec![Some(cx.tape().record_one(op, &[y, g])?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let extents = cx.output_shape(0).around(self.axis);
        lower(cx, extents, self.log, [cx.input(0), cx.output(0)])
    }
}

impl SoftmaxReverse {
    fn run<R: Real>(&self, y: &HostTensor, g: &HostTensor) -> Result<HostTensor> {
        let shape = y.shape();
        let d = host::reverse(y.elements::<R>()?, g.elements::<R>()?, shape.around(self.axis), self.log);
        HostTensor::real(shape, d)
    }

    /// The same from differentiable ops.
    fn compose(&self, tape: &mut Tape, y: Var, g: Var) -> Result<Var> {
        let axis = [self.axis as isize];
        if self.log {
            let sum = tape.sum(g, &axis, true)?;
            let p = tape.exp(y)?;
            let p = tape.mul(p, sum)?;
            return tape.sub(g, p);
        }
        let weighted = tape.mul(y, g)?;
        let sum = tape.sum(weighted, &axis, true)?;
        let centred = tape.sub(g, sum)?;
        tape.mul(y, centred)
    }
}

impl Op for SoftmaxReverse {
    fn key(&self) -> OpKey {
        OpKey::of(if self.log { "log_softmax_reverse" } else { "softmax_reverse" }, self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        if inputs[0] != inputs[1] {
            return Err(Error::op("softmax_reverse", format!("a cotangent {} expected, found {}", inputs[0], inputs[1])));
        }
        Ok(vec![inputs[0]])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0], &inputs[1])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        cx.by_composition(|tape, x| Ok(vec![self.compose(tape, x[0], x[1])?]))
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let extents = cx.output_shape(0).around(self.axis);
        let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0)), Binding::read(cx.input(1))];
        lower_reverse(cx, extents, self.log, bindings)
    }
}

fn lower(cx: &mut Lowering<'_>, [outer, n, inner]: [usize; 3], log: bool, [x, y]: [Buffer; 2]) -> Result<()> {
    let mut lines = Lines::new(&SOFTMAX, cx, [outer, n, inner]);
    let keep = lines.keep(&line::KEPT);
    let kernel = lines.kernel(&[usize::from(log), keep]);
    let flops = (outer * inner * (5 * n + usize::from(log))) as f64;
    dispatch(cx, lines, kernel, vec![Binding::read(x), Binding::write(y)], flops)
}

/// Of the result, its operand's cotangent and the result's: where that is not bound, it lies in the operand's.
fn lower_reverse(cx: &mut Lowering<'_>, [outer, n, inner]: [usize; 3], log: bool, bindings: Vec<Binding>) -> Result<()> {
    let mut lines = Lines::new(&SOFTMAX_REVERSE, cx, [outer, n, inner]);
    let keep = lines.keep(&line::KEPT_BOTH);
    let kernel = lines.kernel(&[usize::from(log), keep, usize::from(bindings.len() < 3)]);
    dispatch(cx, lines, kernel, bindings, (4 * outer * n * inner) as f64)
}

fn dispatch(cx: &mut Lowering<'_>, lines: Lines, kernel: Kernel, bindings: Vec<Binding>, flops: f64) -> Result<()> {
    let params = Params::new().u32(lines.count).u32(lines.n).u32(lines.inner).u32(lines.lines);
    cx.dispatch(kernel, bindings, params, if lines.n == 0 { 0 } else { lines.groups(lines.count) }, flops)
}

/// The definition along `axis`, for ops that contain it.
pub(super) fn evaluate(x: &HostTensor, axis: usize) -> Result<HostTensor> {
    let op = Softmax { axis, log: false };
    real_inputs!([x.clone()], R => op.run::<R>(x))
}

/// The dispatch down the columns of a matrix, for ops that contain it.
pub(super) fn lower_columns(cx: &mut Lowering<'_>, [n, inner]: [usize; 2], buffers: [Buffer; 2]) -> Result<()> {
    lower(cx, [1, n, inner], false, buffers)
}

/// The reverse of that, of the memberships `y`; it turns the cotangent `d` of the result into the operand's, in place.
pub(super) fn lower_columns_reverse(cx: &mut Lowering<'_>, [n, inner]: [usize; 2], [y, d]: [Buffer; 2]) -> Result<()> {
    lower_reverse(cx, [1, n, inner], false, vec![Binding::read(y), Binding::continued(d)])
}

/// # Softmax
impl Tape {
    /// eˣ / Σ eˣ along `axis`.
    ///
    /// # Errors
    /// Where the axis does not exist or x is not f32.
    pub fn softmax(&mut self, x: Var, axis: isize) -> Result<Var> {
        let axis = self.axis("softmax", x, axis)?;
        self.record_one(Softmax { axis, log: false }, &[x])
    }

    /// x − ln Σ eˣ along `axis`. Errors as [`Tape::softmax`].
    pub fn log_softmax(&mut self, x: Var, axis: isize) -> Result<Var> {
        let axis = self.axis("log_softmax", x, axis)?;
        self.record_one(Softmax { axis, log: true }, &[x])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Rows and columns that few or many registers hold, one or four elements at once, and those that none hold.
    for (shape, axis) in [
        ([1, 1, 1], 1),
        ([3, 65, 1], 1),
        ([2, 7, 63], 1),
        ([257, 3, 1], 0),
        ([2, 3, 257], 2),
        ([1, 200, 65], 1),
        ([2, 7, 260], 2),
        ([3, 65, 36], 1),
        ([1, 301, 40], 1),
        ([1, 2, 4100], 2),
    ] {
        let x = || vec![f32s(shape, Draw::Uniform(-9.0, 9.0))];
        cases.push(Case::new("softmax", x(), move |t, x| Ok(vec![t.softmax(x[0], axis)?])).within(2e-6, 2e-6));
        cases.push(Case::new("log_softmax", x(), move |t, x| Ok(vec![t.log_softmax(x[0], axis)?])).within(2e-6, 5e-6));
    }
    // The reverse rule of the reverse rule.
    let x = vec![f32s([3, 7], Draw::Normal), f32s([3, 7], Draw::Normal)];
    cases.push(Case::new("softmax twice", x, |t, x| {
        let y = t.softmax(x[0], 1)?;
        t.vjp(&[(y, x[1])], &[x[0]])
    }));
    cases
}

pub(super) fn works() -> Vec<Work> {
    // Many rows as of a classifier; columns as of a parcellation, parcels by vertices.
    let (rows, columns) = ([[16, 64], [1024, 1024], [16_384, 1024]], [[16, 256], [100, 2562], [400, 40_960]]);
    let x = |s: [usize; 2]| vec![f32s(s, Draw::Normal)];
    vec![
        Work::new("softmax rows", rows.map(|s| Instance::new(x(s), |t, x| Ok(vec![t.softmax(x[0], 1)?])))),
        Work::new("softmax columns", columns.map(|s| Instance::new(x(s), |t, x| Ok(vec![t.softmax(x[0], 0)?])))),
        Work::new("log_softmax rows", rows.map(|s| Instance::new(x(s), |t, x| Ok(vec![t.log_softmax(x[0], 1)?])))),
    ]
}
