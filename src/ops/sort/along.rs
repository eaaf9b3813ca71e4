//! Elements of rows by index: taken, and put where they belong.

use super::rows_of;
use crate::kernel::common::flat_groups;
use crate::kernel::{Binding, Lowering, Params, Source, kernel_source};
use crate::ops::shape::lower_set;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};

pub(in crate::ops) static TAKE: Source = kernel_source!("sort/take");
pub(in crate::ops) static PUT: Source = kernel_source!("sort/put");

/// (x `[.., m]`, index `[.., k]`) → y `[.., k]`.
#[derive(Debug, Clone, Copy)]
struct Take {
    /// True where every row of the index is a permutation.
    permutes: bool,
}

/// (x `[.., k]`, index `[.., k]`) → y `[.., extent]`, 0 where nothing is put.
#[derive(Debug, Clone, Copy)]
struct Put {
    extent: usize,
    /// True where every row of the index is a permutation, so that nothing is left at 0.
    permutes: bool,
}

/// x and its index: f32 or integers, and i32 with the same leading axes.
fn operands(op: &str, x: TensorType, index: TensorType) -> Result<()> {
    let rank = x.shape.rank();
    if x.dtype == DType::F16 || rank == 0 {
        return Err(Error::op(op, format!("`x` must be rows of f32, i32 or u32, found {x}")));
    }
    if index.dtype != DType::I32 || index.shape.rank() != rank || index.shape[..rank - 1] != x.shape[..rank - 1] {
        let rows = x.shape.with(rank - 1, 0);
        return Err(Error::op(op, format!("`index` must be i32 with the leading axes of {rows}, found {index}")));
    }
    Ok(())
}

fn last(shape: Shape, extent: usize) -> Shape {
    shape.with(shape.rank() - 1, extent)
}

/// The place that an index means in a row.
fn clamped(index: i32, m: usize) -> usize {
    (index.max(0) as usize).min(m.saturating_sub(1))
}

fn taken<T: Copy + Send + Sync>(y: &mut [T], x: &[T], index: &[i32], [k, m]: [usize; 2]) {
    parallel::rows(y, k, 2 * k, |row, y| {
        let (x, index) = (&x[row * m..][..m], &index[row * k..][..k]);
        y.iter_mut().zip(index).for_each(|(y, &i)| *y = x[clamped(i, m)]);
    });
}

fn put<T: Copy + Send + Sync + Default>(y: &mut [T], x: &[T], index: &[i32], [k, m]: [usize; 2]) {
    parallel::rows(y, m, m + 2 * k, |row, y| {
        y.fill(T::default());
        x[row * k..][..k].iter().zip(&index[row * k..][..k]).for_each(|(&x, &i)| y[clamped(i, m)] = x);
    });
}

/// The result of either op on elements of one type: by `real` where they are f32, else by `word`.
fn moved<R: Real>(x: &HostTensor, shape: Shape, real: impl Fn(&mut [R], &[R]), word: impl Fn(&mut [u32], &[u32])) -> Result<HostTensor> {
    if x.dtype() == DType::F32 {
        let mut y = buffer(shape.elements());
        real(&mut y, x.elements::<R>()?);
        return HostTensor::real(shape, y);
    }
    // Integers are words alike.
    let mut y = vec![0; shape.elements()];
    word(&mut y, x.bytes().map(bytemuck::cast_slice).unwrap_or_default());
    HostTensor::from_bytes(TensorType::new(x.dtype(), shape), bytemuck::cast_slice(&y))
}

fn indices(t: &HostTensor) -> Result<&[i32]> {
    t.as_i32().ok_or_else(|| Error::argument(format!("indices must be i32, found {}", t.ty())))
}

impl Op for Take {
    fn key(&self) -> OpKey {
        OpKey::of("take_along", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, index) = (inputs[0], inputs[1]);
        operands("take_along", x, index)?;
        if rows_of(x.shape)[1] == 0 && index.shape.elements() > 0 {
            return Err(Error::op("take_along", format!("the rows of `x` are empty: {x}")));
        }
        Ok(vec![TensorType::new(x.dtype, index.shape)])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let (x, index, shape) = (&inputs[0], indices(&inputs[1])?, inputs[1].shape());
        let extents = [rows_of(shape)[1], rows_of(x.shape())[1]];
        real_inputs!(inputs, R => moved::<R>(x, shape, |y, x| taken(y, x, index, extents), |y, x| taken(y, x, index, extents)))
            .map(|y| vec![y])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (x, index, g) = (cx.input(0), cx.input(1), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let extent = rows_of(tape.shape(x))[1];
        Ok(vec![Some(tape.record_one(Put { extent, permutes: self.permutes }, &[g, index])?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (elements, k, m) = (cx.output_shape(0).elements(), rows_of(cx.output_shape(0))[1], rows_of(cx.input_shape(0))[1]);
        let kernel = cx.kernel(&TAKE, &[]);
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        cx.dispatch(kernel, bindings, Params::new().u32(elements).u32(k).u32(m), flat_groups(elements), 0.0)
    }
}

impl Op for Put {
    fn key(&self) -> OpKey {
        OpKey::of("put_along", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, index) = (inputs[0], inputs[1]);
        operands("put_along", x, index)?;
        if x.shape != index.shape {
            return Err(Error::op("put_along", format!("an index for each element of {x} expected, found {index}")));
        }
        if self.extent == 0 && x.shape.elements() > 0 {
            return Err(Error::op("put_along", "rows without elements have no place for any"));
        }
        Ok(vec![TensorType::new(x.dtype, last(x.shape, self.extent))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let (x, index) = (&inputs[0], indices(&inputs[1])?);
        let extents = [rows_of(x.shape())[1], self.extent];
        let shape = last(x.shape(), self.extent);
        real_inputs!(inputs, R => moved::<R>(x, shape, |y, x| put(y, x, index, extents), |y, x| put(y, x, index, extents))).map(|y| vec![y])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (index, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        Ok(vec![Some(cx.tape().record_one(Take { permutes: self.permutes }, &[g, index])?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, index, y) = (cx.input(0), cx.input(1), cx.output(0));
        let to = if self.permutes { Binding::write(y) } else { Binding::continued(y) };
        if !self.permutes {
            lower_set(cx, y, 0)?;
        }
        let (elements, k) = (cx.input_shape(0).elements(), rows_of(cx.input_shape(0))[1]);
        let kernel = cx.kernel(&PUT, &[]);
        let bindings = vec![Binding::read(x), Binding::read(index), to];
        cx.dispatch(kernel, bindings, Params::new().u32(elements).u32(k).u32(self.extent), flat_groups(elements), 0.0)
    }
}

/// # Elements by index
impl Tape {
    /// Elements of the rows of x `[.., m]` by i32 `index` `[.., k]`: `[.., k]`, y[.., j] = x[.., index[.., j]]. An index beyond a row is
    /// clamped. In reverse an element that is taken twice has the cotangent of one of the two: [`Tape::gather_rows`] sums them.
    ///
    /// # Errors
    /// Where x is f16, the leading axes differ, or there is nothing to take from.
    pub fn take_along(&mut self, x: Var, index: Var) -> Result<Var> {
        self.record_one(Take { permutes: false }, &[x, index])
    }

    /// The same by an index whose rows are permutations, as an order is: in reverse every element has one cotangent.
    pub(super) fn take_permuted(&mut self, x: Var, index: Var) -> Result<Var> {
        self.record_one(Take { permutes: true }, &[x, index])
    }

    /// Rows of `extent` elements, those of x `[.., k]` where i32 `index` `[.., k]` says and 0 elsewhere: what undoes
    /// [`Tape::take_along`]. No index may occur twice in a row; one beyond it is clamped.
    ///
    /// # Errors
    /// Where x is f16, or there is not an index for each element.
    pub fn put_along(&mut self, x: Var, index: Var, extent: usize) -> Result<Var> {
        self.record_one(Put { extent, permutes: false }, &[x, index])
    }
}
