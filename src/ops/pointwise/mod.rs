//! Pointwise arithmetic with NumPy's broadcasting. Each function is a row of [`table`]: name, definition, WGSL, reverse rule.

pub(super) mod cases;
pub mod table;

use super::Family;
use crate::kernel::Lowering;
use crate::tape::{Op, OpKey, Pointwise, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};
use std::fmt;
use std::marker::PhantomData;

pub(super) static FAMILY: Family = Family { sources: &[], cases: cases::cases, works: cases::works };

/// A row of the table.
pub trait Function: Copy + fmt::Debug + Send + Sync + 'static {
    /// The op's name.
    const NAME: &'static str;
    /// The number of operands, 1 to 3.
    const ARITY: usize;
    /// The WGSL expression over `a`, `b`, `c`, `p`, `q`.
    const WGSL: &'static str;
    /// The definition over operands and attributes.
    fn define<R: Real>(x: [R; 3], p: [R; 2]) -> R;
    /// The operands' cotangents, given operands `x`, result `y`, attributes `p`, and the result's cotangent `g`; each of the
    /// result's shape, before broadcasting is undone.
    fn reverse(t: &mut Tape, x: &[Var], y: Var, p: [f32; 2], g: Var) -> Result<Vec<Option<Var>>>;
}

/// A pointwise op: a function and its attributes.
#[derive(Clone, Copy)]
pub(crate) struct Map<F> {
    attributes: [f32; 2],
    function: PhantomData<F>,
}

impl<F: Function> fmt::Debug for Map<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = (2 * usize::from(F::WGSL.contains('q'))) | usize::from(has_attribute(F::WGSL, 'p'));
        write!(f, "{} {:?}", F::NAME, &self.attributes[..used.min(2)])
    }
}

/// True where the one-letter identifier `name` occurs in a WGSL expression.
pub(crate) fn has_attribute(expression: &str, name: char) -> bool {
    expression.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word.len() == 1 && word.starts_with(name))
}

impl<F: Function> Map<F> {
    fn run<R: Real>(&self, inputs: &[HostTensor], shape: Shape) -> Result<HostTensor> {
        let mut out = buffer(shape.elements());
        let p = self.attributes.map(|p| R::of(f64::from(p)));
        // Integer operands are converted, as the kernel converts them.
        let converted: Vec<Option<Vec<R>>> =
            inputs.iter().map(|t| (t.dtype() != DType::F32).then(|| t.to_f64_vec().into_iter().map(R::of).collect())).collect();
        let data: Vec<&[R]> =
            inputs.iter().zip(&converted).map(|(t, c)| c.as_deref().map_or_else(|| t.elements::<R>(), Ok)).collect::<Result<_>>()?;
        let walk = Walk::new(&inputs.iter().map(HostTensor::shape).collect::<Vec<_>>(), shape);
        parallel::parts(&mut out, 1, |start, part| {
            walk.runs(start, part, |offsets, run| match (F::ARITY, walk.inner_strides()) {
                (1, [1, ..]) => run.iter_mut().zip(&data[0][offsets[0]..]).for_each(|(o, &a)| *o = F::define([a, a, a], p)),
                (2, [1, 1, ..]) => {
                    let (a, b) = (&data[0][offsets[0]..], &data[1][offsets[1]..]);
                    run.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| *o = F::define([a, b, a], p));
                }
                (2, [1, 0, ..]) => {
                    let b = data[1][offsets[1]];
                    run.iter_mut().zip(&data[0][offsets[0]..]).for_each(|(o, &a)| *o = F::define([a, b, a], p));
                }
                (2, [0, 1, ..]) => {
                    let a = data[0][offsets[0]];
                    run.iter_mut().zip(&data[1][offsets[1]..]).for_each(|(o, &b)| *o = F::define([a, b, a], p));
                }
                (_, strides) => {
                    let mut x = [[R::zero(); BLOCK]; 3];
                    for (i, out) in run.chunks_mut(BLOCK).enumerate() {
                        for ((x, d), (offset, stride)) in x.iter_mut().zip(&data).zip(offsets.into_iter().zip(strides)) {
                            load(&mut x[..out.len()], &d[offset + i * BLOCK * stride..], stride);
                        }
                        let [a, b, c] = &x;
                        out.iter_mut().zip(a).zip(b).zip(c).for_each(|(((o, &a), &b), &c)| *o = F::define([a, b, c], p));
                    }
                }
            });
        });
        HostTensor::real(shape, out)
    }
}

/// Operands that lie neither side by side nor still are gathered this many at a time.
const BLOCK: usize = 256;

fn load<R: Real>(to: &mut [R], from: &[R], stride: usize) {
    match stride {
        0 => to.fill(from[0]),
        1 => to.copy_from_slice(&from[..to.len()]),
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, &from)| *to = from),
    }
}

impl<F: Function> Op for Map<F> {
    fn key(&self) -> OpKey {
        OpKey::of(F::NAME, self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let shape = broadcast(F::NAME, inputs)?;
        Ok(vec![TensorType::f32(shape)])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let types: Vec<_> = inputs.iter().map(HostTensor::ty).collect();
        let shape = broadcast(F::NAME, &types)?;
        real_inputs!(inputs, R => self.run::<R>(inputs, shape)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (x, y, g) = (cx.inputs().to_vec(), cx.output(0), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let found = F::reverse(tape, &x, y, self.attributes, g)?;
        x.iter().zip(found).map(|(&x, c)| c.map(|c| tape.sum_to(c, tape.shape(x))).transpose()).collect()
    }

    fn lower(&self, _: &mut Lowering<'_>) -> Result<()> {
        Err(Error::op(F::NAME, "a pointwise op is lowered by the plan, as a chain"))
    }

    fn pointwise(&self) -> Option<Pointwise<'_>> {
        Some(Pointwise { expression: F::WGSL, attributes: &self.attributes })
    }
}

fn broadcast(op: &str, inputs: &[TensorType]) -> Result<Shape> {
    inputs.iter().try_fold(Shape::from([]), |shape, ty| {
        shape.broadcast(&ty.shape).ok_or_else(|| {
            let shapes: Vec<_> = inputs.iter().map(|t| t.shape.to_string()).collect();
            Error::op(op, format!("shapes {} do not broadcast", shapes.join(" and ")))
        })
    })
}

/// A walk over a broadcast iteration space in runs along its innermost axis, adjacent axes merged where every operand allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Merged extents, outermost first; at least one.
    pub(crate) extents: Vec<usize>,
    /// For each operand, its stride along each merged axis.
    pub(crate) strides: Vec<Vec<usize>>,
}

impl Walk {
    pub(crate) fn new(operands: &[Shape], space: Shape) -> Self {
        let full: Vec<Vec<usize>> = operands.iter().map(|s| s.broadcast_strides(&space)).collect();
        let mut extents: Vec<usize> = Vec::new();
        let mut strides: Vec<Vec<usize>> = vec![Vec::new(); operands.len()];
        for axis in 0..space.rank() {
            if space[axis] == 1 {
                continue;
            }
            let merges = !extents.is_empty() && (0..operands.len()).all(|k| strides[k].last() == Some(&(full[k][axis] * space[axis])));
            match extents.last_mut().filter(|_| merges) {
                Some(last) => *last *= space[axis],
                None => extents.push(space[axis]),
            }
            for (k, s) in strides.iter_mut().enumerate() {
                if merges {
                    s.pop();
                }
                s.push(full[k][axis]);
            }
        }
        if extents.is_empty() {
            extents.push(1);
            strides.iter_mut().for_each(|s| s.push(0));
        }
        Self { extents, strides }
    }

    fn inner_strides(&self) -> [usize; 3] {
        let mut inner = [0; 3];
        for (slot, s) in inner.iter_mut().zip(&self.strides) {
            *slot = s[s.len() - 1];
        }
        inner
    }

    /// The position in operand `k` of the value for the element `i` of the space.
    pub(crate) fn offset(&self, k: usize, i: usize) -> usize {
        let mut rest = i;
        let mut offset = 0;
        for (extent, stride) in self.extents.iter().zip(&self.strides[k]).rev() {
            offset += rest % extent * stride;
            rest /= extent;
        }
        offset
    }

    /// Calls `f(offsets, run)` for each run of `part`, which begins at the element `start` of the space.
    fn runs<R>(&self, start: usize, part: &mut [R], mut f: impl FnMut([usize; 3], &mut [R])) {
        let inner = self.extents[self.extents.len() - 1];
        let mut rest = part;
        let mut at = start;
        while !rest.is_empty() {
            let j = at % inner;
            let (run, tail) = rest.split_at_mut((inner - j).min(rest.len()));
            let mut offsets = [0; 3];
            for (k, slot) in offsets.iter_mut().enumerate().take(self.strides.len()) {
                *slot = self.offset(k, at);
            }
            at += run.len();
            f(offsets, run);
            rest = tail;
        }
    }
}

/// One value everywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    value: f32,
    shape: Shape,
}

impl Op for Fill {
    fn key(&self) -> OpKey {
        OpKey::of("fill", self)
    }

    fn infer(&self, _: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(vec![TensorType::f32(self.shape)])
    }

    fn evaluate(&self, _: &[HostTensor]) -> Result<Vec<HostTensor>> {
        Ok(vec![HostTensor::full(self.shape, self.value)])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![])
    }

    fn lower(&self, _: &mut Lowering<'_>) -> Result<()> {
        Err(Error::op("fill", "a pointwise op is lowered by the plan, as a chain"))
    }

    fn pointwise(&self) -> Option<Pointwise<'_>> {
        Some(Pointwise { expression: "p", attributes: std::slice::from_ref(&self.value) })
    }
}

/// # Constants and broadcasting
impl Tape {
    /// A tensor filled with one value.
    pub fn full(&mut self, shape: impl Into<Shape>, value: f32) -> Result<Var> {
        self.record_one(Fill { value, shape: shape.into() }, &[])
    }

    /// A scalar.
    pub fn scalar(&mut self, value: f32) -> Result<Var> {
        self.full([], value)
    }

    /// Sums `var` over the axes along which `shape` was broadcast to it.
    pub fn sum_to(&mut self, var: Var, shape: Shape) -> Result<Var> {
        let from = self.shape(var);
        if from == shape {
            return Ok(var);
        }
        let missing = from.rank() - shape.rank();
        let repeated: Vec<isize> =
            (0..from.rank()).filter(|&i| i < missing || (shape[i - missing] == 1 && from[i] != 1)).map(|i| i as isize).collect();
        let sum = self.sum(var, &repeated, true)?;
        self.reshape(sum, shape)
    }

    /// The value of a fill: of an op without operands whose expression is an attribute.
    pub(crate) fn filled(&self, var: Var) -> Option<f32> {
        match self.constant_expression(var)? {
            Pointwise { expression: "p", attributes } => attributes.first().copied(),
            _ => None,
        }
    }

    /// A pointwise op without operands: the same value everywhere, which costs no memory, for it is written into whatever chain reads it.
    pub(crate) fn constant_expression(&self, var: Var) -> Option<Pointwise<'_>> {
        let node = self.node_of(var);
        match &node.origin {
            crate::tape::Origin::Op(op) if node.inputs.is_empty() => op.pointwise(),
            _ => None,
        }
    }

    /// A row of the table whose operands nobody has counted yet.
    fn row<F: Function>(&mut self, operands: &[Var], attributes: [f32; 2]) -> Result<Var> {
        if operands.len() != F::ARITY {
            return Err(Error::op(F::NAME, format!("{} operands expected, {} found", F::ARITY, operands.len())));
        }
        self.map::<F>(operands, attributes)
    }

    fn map<F: Function>(&mut self, inputs: &[Var], attributes: [f32; 2]) -> Result<Var> {
        inputs.iter().try_for_each(|&v| self.check(v))?;
        // A function of fills is a fill.
        if let Some(values) = inputs.iter().map(|&v| self.filled(v)).collect::<Option<Vec<_>>>() {
            let shape = broadcast(F::NAME, &inputs.iter().map(|&v| self.ty(v)).collect::<Vec<_>>())?;
            let mut x = [0.0; 3];
            x.iter_mut().zip(&values).for_each(|(x, &v)| *x = f64::from(v));
            return self.full(shape, F::define(x, attributes.map(f64::from)) as f32);
        }
        self.record_one(Map::<F> { attributes, function: PhantomData }, inputs)
    }
}
