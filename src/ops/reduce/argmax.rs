//! The place of the largest element along an axis.

use super::super::line::{self, Lines};
use crate::kernel::{Binding, Buffer, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result};

pub(in crate::ops) static ARGMAX: Source =
    kernel_source!("reduce/argmax").with_variants(&line::VARIANTS).with_choices(&[common::LINE_WIDTH, common::CANDIDATES]);

/// The first place of the largest element along one axis, which vanishes; of the first NaN, where there is one.
#[derive(Debug, Clone, Copy)]
struct ArgMax {
    axis: usize,
}

impl Op for ArgMax {
    fn key(&self) -> OpKey {
        OpKey::of("argmax", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = inputs[0];
        if x.dtype != DType::F32 {
            return Err(Error::op("argmax", format!("the operand must be f32, found {x}")));
        }
        if x.shape[self.axis] == 0 {
            return Err(Error::op("argmax", format!("no elements along axis {} of {x}", self.axis)));
        }
        Ok(vec![TensorType::i32(x.shape.without(self.axis))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let [_, n, inner] = inputs[0].shape().around(self.axis);
        let shape = inputs[0].shape().without(self.axis);
        let first = |x: &[f64], base: usize| {
            let at = |j: usize| x[base + j * inner];
            let better = |j: usize, best: usize| !at(best).is_nan() && (at(j) > at(best) || at(j).is_nan());
            (1..n).fold(0, |best, j| if better(j, best) { j } else { best }) as i32
        };
        let x = inputs[0].to_f64_vec();
        let y = (0..shape.elements()).map(|row| first(&x, row / inner * n * inner + row % inner)).collect();
        Ok(vec![HostTensor::i32(shape, y)?])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [outer, n, inner] = cx.input_shape(0).around(self.axis);
        let (x, y) = (cx.input(0), cx.output(0));
        let mut lines = Lines::new(&ARGMAX, cx, [outer, n, inner]);
        let chunk = lines.chunk();
        let chunks = lines.n.div_ceil(chunk);
        if chunks == 1 {
            return stage(cx, lines, chunk, lines.n, [x, y], None);
        }
        let found = cx.scratch(TensorType::i32([outer, chunks, inner]));
        stage(cx, lines, chunk, lines.n, [x, found], None)?;
        // The places found are elements of x anywhere in a line, so the second stage takes its elements one at a time.
        let mut lines = Lines::single(&ARGMAX, cx, [outer, chunks, inner]);
        lines.spread();
        stage(cx, lines, chunks, n, [x, y], Some(found))
    }
}

/// One stage, over the elements of x or over the places `found` among its `extent`: the best of each chunk.
fn stage(cx: &mut Lowering<'_>, lines: Lines, chunk: usize, extent: usize, [x, y]: [Buffer; 2], found: Option<Buffer>) -> Result<()> {
    let chunks = lines.n.div_ceil(chunk);
    let count = lines.count * chunks;
    let params = Params::new().u32(count).u32(lines.n).u32(lines.inner).u32(chunks).u32(chunk).u32(lines.lines).u32(extent);
    let compared = cx.ty(found.unwrap_or(x)).shape.elements();
    let bindings = [Binding::read(x), Binding::write(y)].into_iter().chain(found.map(Binding::read)).collect();
    cx.dispatch(lines.kernel(&[found.is_some().into()]), bindings, params, lines.groups(count), compared as f64)
}

/// # The largest element
impl Tape {
    /// The first index of the largest element along `axis`, i32, or of the first NaN where there is one; `axis` vanishes.
    pub fn argmax(&mut self, x: Var, axis: isize) -> Result<Var> {
        let axis = self.axis("argmax", x, axis)?;
        self.record_one(ArgMax { axis }, &[x])
    }
}
