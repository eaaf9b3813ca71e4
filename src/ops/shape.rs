//! Ops that move elements and change none: reshape, transpose, slice, pad, concatenate.

use super::Family;
use super::case::{Case, Draw, f32s};
use super::parts::{self, PARTS, Way};
use super::strided::{COPY, SET, TRANSPOSE};
use super::work::{Instance, Work};
use crate::kernel::common::{FLAT, flat_groups, flat_step};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result, Shape};

pub(crate) use super::strided::{Strided, copy, lower_copy, lower_set, strides};

pub(super) static FAMILY: Family = Family { sources: &[&COPY, &PARTS, &PLACE, &SET, &TRANSPOSE], cases, works };

pub(super) static PLACE: Source = kernel_source!("shape/place").with_choices(&[FLAT, Choice::Constant("STEPPED", &["false", "true"])]);

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
        let shape = self.output(x.shape());
        let mut y = match self {
            Self::Place { value, .. } => x.filled(shape, *value),
            Self::Transpose(_) | Self::Slice { .. } => x.blank(shape),
        };
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
        if let Self::Place { axis, start, step, value, .. } = *self {
            return lower_place(cx, axis, [start, step], value);
        }
        let (x, y) = (cx.input(0), cx.output(0));
        self.strided(cx.input_shape(0)).lower(cx, x, Binding::write(y))
    }
}

/// Elements of the operand along `axis` from `start` on, `step` apart, and `value` between and around them.
fn lower_place(cx: &mut Lowering<'_>, axis: usize, [start, step]: [usize; 2], value: f32) -> Result<()> {
    let (x, y) = (cx.input_shape(0), cx.output_shape(0));
    if x.elements() == 0 {
        return lower_set(cx, cx.output(0), value.to_bits());
    }
    let inner: usize = x[axis + 1..].iter().product();
    // Without a step, the axes within are part of this one.
    let stepped = step > 1;
    let [mut extent, mut start, mut count, mut within] = [y[axis], start, x[axis], inner];
    if !stepped {
        [extent, start, count, within] = [extent * inner, start * inner, count * inner, 1];
    }
    let even =
        |unit: usize| if stepped { within.is_multiple_of(unit) } else { [extent, start, count].iter().all(|n| n.is_multiple_of(unit)) };
    let (choice, unit) = [(0, 4), (2, 2)].into_iter().find(|(_, unit)| even(*unit)).unwrap_or((1, 1));
    if stepped {
        within /= unit;
    } else {
        [extent, start, count] = [extent, start, count].map(|n| n / unit);
    }
    let words = y.elements();
    let params = [words / unit, extent, within, start, step, count].into_iter().fold(Params::new(), Params::u32);
    let kernel = cx.kernel(&PLACE, &[choice, stepped.into()]);
    let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0))];
    let params = [value.to_bits() as usize].into_iter().chain(flat_step(extent)).fold(params, Params::u32);
    cx.dispatch(kernel, bindings, params, flat_groups(words), 0.0)
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
        let mut y = inputs[0].blank(self.infer(&types)?[0].shape);
        let shapes: Vec<_> = types.iter().map(|t| t.shape).collect();
        for (x, m) in inputs.iter().zip(self.moves(&shapes)) {
            m.apply_to(x, &mut y)?;
        }
        Ok(vec![y])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (inputs, g) = (cx.inputs().to_vec(), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let extents: Vec<usize> = inputs.iter().map(|&x| tape.shape(x)[self.axis]).collect();
        if extents.iter().all(|e| *e == extents[0]) {
            return Ok(tape.split(g, self.axis as isize, extents.len())?.into_iter().map(Some).collect());
        }
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
        let of_operand = |(i, s): (usize, &Shape)| (cx.input(i), s[self.axis..].iter().product());
        let parts: Vec<_> = shapes.iter().enumerate().map(of_operand).filter(|(_, words)| *words > 0).collect();
        let (y, rows) = (cx.output(0), shapes[0][..self.axis].iter().product());
        match parts[..] {
            [(x, words)] => lower_copy(cx, x, y, rows * words),
            _ => parts::lower(cx, Way::Join, y, &parts, rows),
        }
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
        Case::new("transpose", vec![x(&[33, 2, 70, 2])], |t, x| Ok(vec![t.transpose(x[0], &[2, 1, 0, 3])?])),
        Case::new("transpose", vec![x(&[3, 5, 40])], |t, x| Ok(vec![t.transpose(x[0], &[1, 0, 2])?])),
        Case::new("transpose", vec![x(&[2, 9, 3, 2, 11])], |t, x| Ok(vec![t.transpose(x[0], &[2, 4, 0, 3, 1])?])),
        Case::new("slice", vec![x(&[40, 64])], |t, x| Ok(vec![t.slice(x[0], 1, 8, 48, 1)?])),
        Case::new("slice", vec![x(&[40, 12])], |t, x| Ok(vec![t.slice(x[0], 0, 1, 38, 3)?])),
        Case::new("slice", vec![x(&[9, 2])], |t, x| Ok(vec![t.slice(x[0], 0, 4, 4, 1)?])),
        Case::new("pad", vec![x(&[7, 5])], |t, x| Ok(vec![t.pad(x[0], -1, 2, 3, 1.5)?])),
        Case::new("pad", vec![x(&[33, 64])], |t, x| Ok(vec![t.pad(x[0], -1, 8, 4, -2.0)?])),
        Case::new("pad", vec![x(&[3, 5, 6])], |t, x| Ok(vec![t.pad(x[0], 1, 1, 0, 0.5)?])),
        Case::new("concatenate", vec![x(&[2, 3]), x(&[2, 0]), x(&[2, 65])], |t, x| Ok(vec![t.concatenate(x, 1)?])),
        Case::new("concatenate", vec![x(&[2, 5, 4]), x(&[2, 3, 4]), x(&[2, 1, 4])], |t, x| Ok(vec![t.concatenate(x, 1)?])),
        Case::new("concatenate", vec![x(&[3, 0]), x(&[3, 7])], |t, x| Ok(vec![t.concatenate(x, 1)?])),
        Case::new("concatenate", vec![x(&[33, 2]); 11], |t, x| Ok(vec![t.concatenate(x, 1)?])),
        // Moves of single words and of pairs over many axes, whose lanes make several items, and so go on from one to the next.
        Case::new("transpose", vec![x(&[33, 3, 7, 2])], |t, x| Ok(vec![t.transpose(x[0], &[2, 1, 0, 3])?])),
        Case::new("transpose", vec![x(&[17, 7, 5, 9])], |t, x| Ok(vec![t.transpose(x[0], &[2, 0, 3, 1])?])),
        Case::new("transpose", vec![x(&[4, 3, 5, 6, 7])], |t, x| Ok(vec![t.transpose(x[0], &[4, 2, 0, 3, 1])?])),
        Case::new("pad", vec![x(&[129, 7])], |t, x| Ok(vec![t.pad(x[0], -1, 2, 3, 1.5)?])),
        Case::new("concatenate", vec![x(&[129, 7]), x(&[129, 4])], |t, x| Ok(vec![t.concatenate(x, 1)?])),
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
