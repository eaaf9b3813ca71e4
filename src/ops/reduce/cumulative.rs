//! Sums of all elements up to each along an axis.

use super::super::line::{self, Lines};
use super::{REDUCE, Reduce, ReduceOp};
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, real_inputs};
use crate::{Error, Result};

pub(in crate::ops) static CUMULATIVE_SUM: Source = kernel_source!("reduce/cumulative_sum").with_variants(&line::VARIANTS).with_choices(&[
    common::LINE_WIDTH,
    Choice::Constant("REVERSED", &["false", "true"]),
    common::START,
]);

/// RUN in the kernel: the elements that a lane takes one after the other, but where it takes fours of one line.
const RUN: usize = 8;

/// Sums of all elements up to each, or from each on where `reversed`.
#[derive(Debug, Clone, Copy)]
struct CumulativeSum {
    axis: usize,
    reversed: bool,
}

impl CumulativeSum {
    fn run<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let shape = x.shape();
        let [outer, n, inner] = shape.around(self.axis);
        let mut y = x.elements::<R>()?.to_vec();
        for row in 0..outer * inner {
            let base = row / inner * n * inner + row % inner;
            let mut sum = 0.0;
            for k in 0..n {
                let at = base + inner * if self.reversed { n - 1 - k } else { k };
                sum += y[at].double();
                y[at] = R::of(sum);
            }
        }
        HostTensor::real(shape, y)
    }
}

impl Op for CumulativeSum {
    fn key(&self) -> OpKey {
        OpKey::of("cumulative_sum", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        match inputs[0].dtype {
            DType::F32 => Ok(inputs.to_vec()),
            _ => Err(Error::op("cumulative_sum", format!("the operand must be f32, found {}", inputs[0]))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let g = cx.cotangent_or_zeros(0)?;
        let op = Self { reversed: !self.reversed, ..*self };
        Ok(vec![Some(cx.tape().record_one(op, &[g])?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [outer, n, inner] = cx.input_shape(0).around(self.axis);
        cx.check_iterations(n)?;
        let (from, to) = (cx.input(0), cx.output(0));
        self.stages(cx, from, to, [outer, n, inner])
    }
}

impl CumulativeSum {
    /// Long lines, few of them: sums of chunks, the running sums of those, and then those of the elements.
    fn stages(&self, cx: &mut Lowering<'_>, from: Buffer, to: Buffer, [outer, n, inner]: [usize; 3]) -> Result<()> {
        let mut lines = Lines::new(&CUMULATIVE_SUM, cx, [outer, n, inner]);
        let chunk = lines.blocks(if lines.unit() > 1 { 1 } else { RUN });
        let chunks = lines.n.div_ceil(chunk.max(1));
        if chunks < 2 {
            return self.stage(cx, lines, chunk, [from, to], None);
        }
        let ty = TensorType::f32([outer, chunks, inner]);
        let (parts, ends) = (cx.scratch(ty), cx.scratch(ty));
        let sums = Reduce { kind: ReduceOp::Sum, first: 1, last: 2 };
        // A pinned variant may take other units than these.
        let summed = Lines::new(&REDUCE, cx, [outer, n, inner]);
        sums.stage(cx, (from, parts), summed, chunk * lines.unit() / summed.unit())?;
        self.stages(cx, parts, ends, [outer, chunks, inner])?;
        self.stage(cx, lines, chunk, [from, to], Some(ends))
    }

    fn stage(&self, cx: &mut Lowering<'_>, lines: Lines, chunk: usize, [from, to]: [Buffer; 2], ends: Option<Buffer>) -> Result<()> {
        let chunks = lines.n.div_ceil(chunk.max(1));
        let count = lines.count * chunks;
        let params = Params::new().u32(count).u32(lines.n).u32(lines.inner).u32(chunks).u32(chunk).u32(lines.lines);
        let bindings = [Binding::read(from), Binding::write(to)].into_iter().chain(ends.map(Binding::read)).collect();
        let kernel = lines.kernel(&[self.reversed.into(), ends.is_some().into()]);
        let elements = cx.ty(from).shape.elements();
        cx.dispatch(kernel, bindings, params, lines.groups(count), elements as f64)
    }
}

/// # Cumulative sums
impl Tape {
    /// Σ of the elements up to and including each along `axis`.
    pub fn cumulative_sum(&mut self, x: Var, axis: isize) -> Result<Var> {
        let axis = self.axis("cumulative_sum", x, axis)?;
        self.record_one(CumulativeSum { axis, reversed: false }, &[x])
    }
}
