//! Rows by index: gathered, and one-hot.

use super::Family;
use super::case::{Case, Draw, f32s, i32s};
use super::shape::words;
use super::work::{Instance, Work};
use crate::kernel::common::{FLAT_NUMBERS, flat_groups, flat_step, flat_width};
use crate::kernel::{Binding, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType, filled, parallel};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[&GATHER_ROWS, &ONE_HOT], cases, works };

pub(super) static GATHER_ROWS: Source = kernel_source!("shape/gather_rows").with_choices(&[FLAT_NUMBERS]);
pub(super) static ONE_HOT: Source = kernel_source!("shape/one_hot").with_choices(&[FLAT_NUMBERS]);

/// Rows of x by index.
#[derive(Debug, Clone, Copy)]
struct GatherRows;

impl Op for GatherRows {
    fn key(&self) -> OpKey {
        OpKey::new("gather_rows")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, index) = (words("gather_rows", inputs[0])?, inputs[1]);
        if index.dtype != DType::I32 || index.shape.rank() != 1 {
            return Err(Error::op("gather_rows", format!("`index` must be i32 of one axis, found {index}")));
        }
        if x.shape.rank() == 0 || (x.shape[0] == 0 && index.shape[0] > 0) {
            return Err(Error::op("gather_rows", format!("`x` has no rows: {x}")));
        }
        Ok(vec![TensorType::new(x.dtype, x.shape.with(0, index.shape[0]))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let x = &inputs[0];
        let mut y = x.blank(self.infer(&[x.ty(), inputs[1].ty()])?[0].shape);
        let (index, rows) = (indices(&inputs[1])?, x.shape()[0]);
        y.zip_mut(
            x,
            |y, x| take(y, x, index, rows),
            |y, x| take(y, x, index, rows),
            |y, x| take(y, x, index, rows),
            |y, x| take(y, x, index, rows),
        )?;
        Ok(vec![y])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (x, index, g) = (cx.input(0), cx.input(1), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let rows = tape.shape(x)[0];
        Ok(vec![Some(tape.scatter_rows(g, index, rows)?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, n) = (cx.input_shape(0), cx.output_shape(0).elements());
        let width: usize = x[1..].iter().product();
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        let (choice, unit) = flat_width(&[width]);
        let kernel = cx.kernel(&GATHER_ROWS, &[choice]);
        let [rows, cols] = flat_step(width / unit);
        let params = Params::new().u32(n / unit).u32(width / unit).u32(x[0]).u32(rows).u32(cols);
        cx.dispatch(kernel, bindings, params, flat_groups(n), 0.0)
    }
}

/// A row for each index, 1 in its place.
#[derive(Debug, Clone, Copy)]
struct OneHot {
    classes: usize,
}

impl Op for OneHot {
    fn key(&self) -> OpKey {
        OpKey::of("one_hot", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let index = inputs[0];
        if index.dtype != DType::I32 || index.shape.rank() >= crate::tensor::MAX_RANK {
            return Err(Error::op("one_hot", format!("the operand must be i32, found {index}")));
        }
        let extents = [&*index.shape, &[self.classes]].concat();
        Shape::try_new(&extents).map(|s| vec![TensorType::f32(s)]).ok_or_else(|| Error::op("one_hot", "more than 8 axes"))
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = self.infer(&[inputs[0].ty()])?[0].shape;
        let mut y = filled(shape.elements(), 0.0);
        for (y, &i) in y.chunks_exact_mut(self.classes.max(1)).zip(indices(&inputs[0])?) {
            if let Some(hot) = usize::try_from(i).ok().and_then(|i| y.get_mut(i)) {
                *hot = 1.0;
            }
        }
        Ok(vec![HostTensor::f32(shape, y)?])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = cx.output_shape(0).elements();
        let (choice, unit) = flat_width(&[self.classes]);
        let kernel = cx.kernel(&ONE_HOT, &[choice]);
        let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0))];
        let [rows, cols] = flat_step(self.classes / unit);
        let params = Params::new().u32(n / unit).u32(self.classes / unit).u32(rows).u32(cols);
        cx.dispatch(kernel, bindings, params, flat_groups(n), 0.0)
    }
}

/// y_j := x_index(j), of so many rows.
fn take<T: Copy + Send + Sync>(y: &mut [T], x: &[T], index: &[i32], rows: usize) {
    let width = y.len() / index.len().max(1);
    parallel::rows(y, width, width, |j, y| y.copy_from_slice(&x[clamped(index[j], rows) * width..][..width]));
}

pub(super) fn indices(t: &HostTensor) -> Result<&[i32]> {
    t.as_i32().ok_or_else(|| Error::argument(format!("indices must be i32, found {}", t.ty())))
}

pub(super) fn clamped(index: i32, rows: usize) -> usize {
    (index.max(0) as usize).min(rows.saturating_sub(1))
}

/// # Rows by index
impl Tape {
    /// Rows of x `[rows, ..]` by i32 `index` `[n]`: `[n, ..]`. An index beyond the rows is clamped.
    ///
    /// # Errors
    /// Where `index` is not i32 of one axis, or there are no rows.
    pub fn gather_rows(&mut self, x: Var, index: Var) -> Result<Var> {
        self.record_one(GatherRows, &[x, index])
    }

    /// f32 rows of `classes` elements, 1 at each i32 index and 0 elsewhere.
    ///
    /// # Errors
    /// Where the operand is not i32.
    pub fn one_hot(&mut self, index: Var, classes: usize) -> Result<Var> {
        self.record_one(OneHot { classes }, &[index])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let rows = |n: usize| i32s([n], Draw::Index(9));
    let x = |n: usize, width: usize| vec![f32s([n, width], Draw::Normal), rows(65)];
    let mut cases = Vec::new();
    // Widths of one word and of four, and rows beyond a workgroup's words.
    for width in [1, 7, 8, 33, 260] {
        cases.push(Case::new("gather_rows", x(9, width), |t, x| Ok(vec![t.gather_rows(x[0], x[1])?])));
        cases.push(Case::new("one_hot", vec![rows(65)], move |t, x| Ok(vec![t.one_hot(x[0], width)?])).forward_only());
    }
    cases.push(Case::new("scatter_rows", x(65, 7), |t, x| Ok(vec![t.scatter_rows(x[0], x[1], 9)?])));
    cases
        .into_iter()
        .map(|case| {
            // Only sums of rows are inexact.
            let forward = if case.name.starts_with("scatter") { 1e-6 } else { 0.0 };
            case.within(forward, 1e-6)
        })
        .collect()
}

pub(super) fn works() -> Vec<Work> {
    // Rows, and their width.
    let sizes = [[16, 64], [256, 4096], [1024, 16_384]];
    let operands = |[rows, width]: [usize; 2]| vec![f32s([rows, width], Draw::Normal), i32s([rows], Draw::Index(rows as u32))];
    let gather = |s| Instance::new(operands(s), |t, x| Ok(vec![t.gather_rows(x[0], x[1])?]));
    let one_hot = |n: usize| Instance::new(vec![i32s([n], Draw::Index(256))], |t, x| Ok(vec![t.one_hot(x[0], 256)?]));
    vec![Work::new("gather_rows", sizes.map(gather)), Work::new("one_hot", [16, 4096, 65_536].map(one_hot)).forward_only()]
}
