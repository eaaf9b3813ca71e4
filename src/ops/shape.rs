//! Ops that move elements and change none: reshape, transpose, slice, pad, concatenate.

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Buffer, Kernel, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[&COPY, &SET], cases, works };

pub(super) static COPY: Source = kernel_source!("shape/copy");
pub(super) static SET: Source = kernel_source!("shape/set");

/// The kernel of strided copies, for copies that no op states.
pub(crate) fn copy_kernel() -> Kernel {
    COPY.kernel(&COPY.variants[0], &[])
}

/// Fills a buffer with one word.
pub(crate) fn lower_set(cx: &mut Lowering<'_>, buffer: Buffer, word: u32) -> Result<()> {
    let n = cx.ty(buffer).shape.elements();
    let kernel = cx.kernel(&SET, &[]);
    cx.dispatch(kernel, vec![Binding::write(buffer)], Params::new().u32(n).u32(word as usize), n.div_ceil(64), 0.0)
}

/// Where elements go: y[y_base + i · y_strides] = x[x_base + i · x_strides] for i in `extents`.
#[derive(Debug, Clone)]
pub(crate) struct Strided {
    pub(crate) extents: Vec<usize>,
    pub(crate) x: (usize, Vec<usize>),
    pub(crate) y: (usize, Vec<usize>),
}

/// Row-major strides.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect()
}

impl Strided {
    fn elements(&self) -> usize {
        self.extents.iter().product()
    }

    fn apply<T: Copy>(&self, x: &[T], y: &mut [T]) {
        if self.elements() == 0 {
            return;
        }
        let rank = self.extents.len();
        let (inner, sx, sy) = match rank {
            0 => (1, 0, 0),
            _ => (self.extents[rank - 1], self.x.1[rank - 1], self.y.1[rank - 1]),
        };
        let mut index = vec![0; rank.saturating_sub(1)];
        loop {
            let from = self.x.0 + index.iter().zip(&self.x.1).map(|(i, s)| i * s).sum::<usize>();
            let to = self.y.0 + index.iter().zip(&self.y.1).map(|(i, s)| i * s).sum::<usize>();
            if sx == 1 && sy == 1 {
                y[to..to + inner].copy_from_slice(&x[from..from + inner]);
            } else {
                (0..inner).for_each(|j| y[to + j * sy] = x[from + j * sx]);
            }
            let Some(axis) = (0..index.len()).rev().find(|&a| index[a] + 1 < self.extents[a]) else { return };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// Moves elements of `x` into `y`, both of one type.
    pub(super) fn apply_to(&self, x: &HostTensor, y: &mut HostTensor) -> Result<()> {
        y.zip_mut(x, |y, x| self.apply(x, y), |y, x| self.apply(x, y), |y, x| self.apply(x, y), |y, x| self.apply(x, y))
    }

    pub(crate) fn lower(&self, cx: &mut Lowering<'_>, x: Buffer, y: Binding) -> Result<()> {
        let kernel = cx.kernel(&COPY, &[]);
        cx.dispatch(kernel, vec![Binding::read(x), y], self.params(), self.elements().div_ceil(64), 0.0)
    }

    /// So many words, one after the other.
    pub(crate) fn contiguous(words: usize) -> Self {
        Self { extents: vec![words], x: (0, vec![1]), y: (0, vec![1]) }
    }

    /// The uniform words of `shape/copy`.
    pub(crate) fn params(&self) -> Params {
        let pad = |v: &[usize], fill: usize| {
            let mut out = [fill; 8];
            out[8 - v.len()..].copy_from_slice(v);
            out
        };
        let words = [pad(&self.extents, 1), pad(&self.x.1, 0), pad(&self.y.1, 0)];
        let params = words.as_flattened().iter().fold(Params::new(), |p, &w| p.u32(w));
        params.u32(self.elements()).u32(self.x.0).u32(self.y.0)
    }
}

/// The ops that are the same memory under another type.
#[derive(Debug, Clone, Copy)]
enum Same {
    Reshape(Shape),
    Detach,
}

impl Op for Same {
    fn key(&self) -> OpKey {
        match self {
            Self::Reshape(_) => OpKey::of("reshape", self),
            Self::Detach => OpKey::new("detach"),
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = inputs[0];
        match self {
            Self::Reshape(shape) if shape.elements() != x.shape.elements() => {
                Err(Error::op("reshape", format!("{} has {} elements, {shape} has {}", x.shape, x.shape.elements(), shape.elements())))
            }
            Self::Reshape(shape) => Ok(vec![TensorType::new(x.dtype, *shape)]),
            Self::Detach => Ok(vec![x]),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        match self {
            Self::Reshape(shape) => Ok(vec![inputs[0].reshaped(*shape)?]),
            Self::Detach => Ok(inputs.to_vec()),
        }
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        if matches!(self, Self::Detach) {
            return Ok(vec![None]);
        }
        let (x, g) = (cx.input(0), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        Ok(vec![Some(tape.reshape(g, tape.shape(x))?)])
    }

    fn lower(&self, _: &mut Lowering<'_>) -> Result<()> {
        Err(Error::op(self.key().name, "the plan gives a view its operand's memory"))
    }

    fn view(&self) -> bool {
        true
    }
}

/// The ops that are strided copies of one operand.
#[derive(Debug, Clone)]
enum Move {
    Transpose(Vec<usize>),
    Slice {
        axis: usize,
        start: usize,
        stop: usize,
        step: usize,
    },
    /// The reverse of a slice: its elements in place within zeros (or another value) of `extent`.
    Place {
        axis: usize,
        start: usize,
        step: usize,
        extent: usize,
        value: f32,
    },
}

impl Move {
    fn name(&self) -> &'static str {
        match self {
            Self::Transpose(_) => "transpose",
            Self::Slice { .. } => "slice",
            Self::Place { .. } => "pad",
        }
    }

    fn output(&self, x: Shape) -> Shape {
        match self {
            Self::Transpose(axes) => axes.iter().enumerate().fold(x, |s, (to, &from)| s.with(to, x[from])),
            Self::Slice { axis, start, stop, step } => x.with(*axis, (stop - start).div_ceil(*step)),
            Self::Place { axis, extent, .. } => x.with(*axis, *extent),
        }
    }

    fn strided(&self, x: Shape) -> Strided {
        let out = self.output(x);
        let (from, to) = (strides(&x), strides(&out));
        match self {
            Self::Transpose(axes) => Strided { extents: out.to_vec(), x: (0, axes.iter().map(|&a| from[a]).collect()), y: (0, to) },
            Self::Slice { axis, start, step, .. } => {
                let mut stepped = from.clone();
                stepped[*axis] *= step;
                Strided { extents: out.to_vec(), x: (start * from[*axis], stepped), y: (0, to) }
            }
            Self::Place { axis, start, step, .. } => {
                let mut stepped = to.clone();
                stepped[*axis] *= step;
                Strided { extents: x.to_vec(), x: (0, from), y: (start * to[*axis], stepped) }
            }
        }
    }
}

impl Op for Move {
    fn key(&self) -> OpKey {
        OpKey::of(self.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = words(self.name(), inputs[0])?;
        Ok(vec![TensorType::new(x.dtype, self.output(x.shape))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let x = &inputs[0];
        let out = TensorType::new(x.dtype(), self.output(x.shape()));
        let mut y = match self {
            Self::Place { value, .. } if x.dtype() == DType::F32 => HostTensor::full(out.shape, *value),
            _ => HostTensor::zeros(out),
        };
        if x.is_f64() {
            y = y.to_real::<f64>();
        }
        self.strided(x.shape()).apply_to(x, &mut y)?;
        Ok(vec![y])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (x, g) = (cx.input(0), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let shape = tape.shape(x);
        let op = match self {
            Self::Transpose(axes) => {
                let mut inverse = vec![0; axes.len()];
                axes.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
                Self::Transpose(inverse)
            }
            Self::Slice { axis, start, step, .. } => {
                Self::Place { axis: *axis, start: *start, step: *step, extent: shape[*axis], value: 0.0 }
            }
            Self::Place { axis, start, step, .. } => {
                let stop = start + (shape[*axis] * step + 1).saturating_sub(*step).min(shape[*axis] * step);
                Self::Slice { axis: *axis, start: *start, stop, step: *step }
            }
        };
        Ok(vec![Some(tape.record_one(op, &[g])?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, y) = (cx.input(0), cx.output(0));
        let strided = self.strided(cx.input_shape(0));
        if let Self::Place { value, .. } = self {
            lower_set(cx, y, value.to_bits())?;
            return strided.lower(cx, x, Binding::continued(y));
        }
        strided.lower(cx, x, Binding::write(y))
    }
}

/// Operands one after the other along an axis.
#[derive(Debug, Clone, Copy)]
struct Concatenate {
    axis: usize,
}

impl Concatenate {
    /// The strided move of each operand, given the operands' shapes.
    fn moves(&self, shapes: &[Shape]) -> Vec<Strided> {
        let total = shapes.iter().map(|s| s[self.axis]).sum();
        let out = strides(&shapes[0].with(self.axis, total));
        let mut start = 0;
        let place = |s: &Shape| {
            let at = start * out[self.axis];
            start += s[self.axis];
            Strided { extents: s.to_vec(), x: (0, strides(s)), y: (at, out.clone()) }
        };
        shapes.iter().map(place).collect()
    }
}

impl Op for Concatenate {
    fn key(&self) -> OpKey {
        OpKey::of("concatenate", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let Some(&first) = inputs.first() else { return Err(Error::op("concatenate", "no operands")) };
        words("concatenate", first)?;
        for ty in inputs {
            let fits = ty.dtype == first.dtype
                && ty.shape.rank() == first.shape.rank()
                && ty.shape.with(self.axis, 0) == first.shape.with(self.axis, 0);
            if !fits {
                return Err(Error::op("concatenate", format!("{ty} does not go with {first} along axis {}", self.axis)));
            }
        }
        let total = inputs.iter().map(|t| t.shape[self.axis]).sum();
        Ok(vec![TensorType::new(first.dtype, first.shape.with(self.axis, total))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let types: Vec<_> = inputs.iter().map(HostTensor::ty).collect();
        let mut y = HostTensor::zeros(self.infer(&types)?[0]);
        if inputs[0].is_f64() {
            y = y.to_real::<f64>();
        }
        let shapes: Vec<_> = types.iter().map(|t| t.shape).collect();
        for (x, m) in inputs.iter().zip(self.moves(&shapes)) {
            m.apply_to(x, &mut y)?;
        }
        Ok(vec![y])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (inputs, g) = (cx.inputs().to_vec(), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let mut start = 0;
        let mut found = Vec::new();
        for x in inputs {
            let stop = start + tape.shape(x)[self.axis];
            found.push(Some(tape.slice(g, self.axis as isize, start, stop, 1)?));
            start = stop;
        }
        Ok(found)
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let shapes: Vec<_> = (0..cx.inputs()).map(|i| cx.input_shape(i)).collect();
        let mut begun = false;
        for (i, m) in self.moves(&shapes).into_iter().enumerate().filter(|(_, m)| m.elements() > 0) {
            let y = cx.output(0);
            let binding = if begun { Binding::continued(y) } else { Binding::write(y) };
            m.lower(cx, cx.input(i), binding)?;
            begun = true;
        }
        Ok(())
    }
}

pub(super) fn words(op: &str, ty: TensorType) -> Result<TensorType> {
    if ty.dtype == DType::F16 {
        return Err(Error::op(op, format!("f16 is for storage: cast {ty} first")));
    }
    Ok(ty)
}

/// # Shapes
impl Tape {
    /// The same elements under another shape.
    ///
    /// # Errors
    /// Where the numbers of elements differ.
    pub fn reshape(&mut self, x: Var, shape: impl Into<Shape>) -> Result<Var> {
        let shape = shape.into();
        self.check(x)?;
        if self.shape(x) == shape {
            return Ok(x);
        }
        if let Some(value) = self.filled(x).filter(|_| self.shape(x).elements() == shape.elements()) {
            return self.full(shape, value);
        }
        self.record_one(Same::Reshape(shape), &[x])
    }

    /// The same value, at which gradients end.
    pub fn detach(&mut self, x: Var) -> Result<Var> {
        self.record_one(Same::Detach, &[x])
    }

    /// x repeated to `shape` by NumPy's rules.
    ///
    /// # Errors
    /// Where it does not broadcast to that.
    pub fn broadcast_to(&mut self, x: Var, shape: impl Into<Shape>) -> Result<Var> {
        let shape = shape.into();
        self.check(x)?;
        let from = self.shape(x);
        if from == shape {
            return Ok(x);
        }
        if from.broadcast(&shape) != Some(shape) {
            return Err(Error::op("broadcast_to", format!("{from} does not broadcast to {shape}")));
        }
        if let Some(value) = self.filled(x) {
            return self.full(shape, value);
        }
        let zeros = self.full(shape, 0.0)?;
        self.add(x, zeros)
    }

    /// Axes in another order: axis `i` of the result is axis `axes[i]` of x.
    ///
    /// # Errors
    /// Where `axes` is not a permutation.
    pub fn transpose(&mut self, x: Var, axes: &[usize]) -> Result<Var> {
        self.check(x)?;
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..self.shape(x).rank()) {
            return Err(Error::op("transpose", format!("{axes:?} is not a permutation of the axes of {}", self.shape(x))));
        }
        if sorted == axes {
            return Ok(x);
        }
        self.record_one(Move::Transpose(axes.to_vec()), &[x])
    }

    /// Every `step`-th element from `start` up to `stop` along `axis`.
    ///
    /// # Errors
    /// Where the range leaves the axis or the step is 0.
    pub fn slice(&mut self, x: Var, axis: isize, start: usize, stop: usize, step: usize) -> Result<Var> {
        let axis = self.axis("slice", x, axis)?;
        let extent = self.shape(x)[axis];
        if start > stop || stop > extent || step == 0 {
            return Err(Error::op("slice", format!("{start}..{stop} by {step} of an axis of extent {extent}")));
        }
        self.record_one(Move::Slice { axis, start, stop, step }, &[x])
    }

    /// x with `before` and `after` elements of `value` around it along `axis`; zeros where x is of integers.
    ///
    /// # Errors
    /// Where the axis does not exist.
    pub fn pad(&mut self, x: Var, axis: isize, before: usize, after: usize, value: f32) -> Result<Var> {
        let axis = self.axis("pad", x, axis)?;
        let value = if self.ty(x).dtype == DType::F32 { value } else { 0.0 };
        let extent = before + self.shape(x)[axis] + after;
        self.record_one(Move::Place { axis, start: before, step: 1, extent, value }, &[x])
    }

    /// Operands one after the other along `axis`.
    ///
    /// # Errors
    /// Where there are none, or their other extents differ.
    pub fn concatenate(&mut self, xs: &[Var], axis: isize) -> Result<Var> {
        let Some(&first) = xs.first() else { return Err(Error::op("concatenate", "no operands")) };
        let axis = self.axis("concatenate", first, axis)?;
        self.record_one(Concatenate { axis }, xs)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let x = |shape: &[usize]| f32s(Shape::try_new(shape).unwrap_or(Shape::from([])), Draw::Normal);
    vec![
        Case::new("reshape", vec![x(&[4, 6])], |t, x| Ok(vec![t.reshape(x[0], [3, 8])?])),
        Case::new("transpose", vec![x(&[7, 65])], |t, x| Ok(vec![t.transpose(x[0], &[1, 0])?])),
        Case::new("transpose", vec![x(&[2, 3, 4, 5])], |t, x| Ok(vec![t.transpose(x[0], &[2, 0, 3, 1])?])),
        Case::new("slice", vec![x(&[7, 65])], |t, x| Ok(vec![t.slice(x[0], 1, 3, 60, 4)?])),
        Case::new("slice", vec![x(&[9, 2])], |t, x| Ok(vec![t.slice(x[0], 0, 4, 4, 1)?])),
        Case::new("pad", vec![x(&[7, 5])], |t, x| Ok(vec![t.pad(x[0], -1, 2, 3, 1.5)?])),
        Case::new("concatenate", vec![x(&[2, 3]), x(&[2, 0]), x(&[2, 65])], |t, x| Ok(vec![t.concatenate(x, 1)?])),
        Case::new("broadcast_to", vec![x(&[7, 1])], |t, x| Ok(vec![t.broadcast_to(x[0], [3, 7, 5])?])),
    ]
    .into_iter()
    .map(|case| case.within(0.0, 1e-6))
    .collect()
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [[64, 64], [1024, 1024], [4096, 4096]];
    let work = |name, op: fn(&mut Tape, Var) -> Result<Var>| {
        Work::new(name, sizes.map(|s| Instance::new(vec![f32s(s, Draw::Normal)], move |t, x| Ok(vec![op(t, x[0])?]))))
    };
    let pair = |[rows, cols]: [usize; 2]| vec![f32s([rows, cols / 2], Draw::Normal), f32s([rows, cols / 2], Draw::Normal)];
    vec![
        work("transpose", |t, x| t.transpose(x, &[1, 0])),
        work("slice", |t, x| {
            let extent = t.shape(x)[1];
            t.slice(x, 1, extent / 4, 3 * extent / 4, 1)
        }),
        work("pad", |t, x| t.pad(x, 1, 8, 8, 0.0)),
        Work::new("concatenate", sizes.map(|s| Instance::new(pair(s), |t, x| Ok(vec![t.concatenate(x, 1)?])))),
    ]
}
