//! Reductions over any set of axes, argmax, and cumulative sums.

mod argmax;
mod cumulative;

use argmax::ARGMAX;
use cumulative::CUMULATIVE_SUM;

use super::Family;
use super::case::{Case, Draw, f32s};
use super::line::{self, Lines};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[&ARGMAX, &CUMULATIVE_SUM, &REDUCE], cases, works };

pub(super) static REDUCE: Source = kernel_source!("reduce/reduce")
    .with_variants(&line::VARIANTS)
    .with_choices(&[common::LINE_WIDTH, Choice::Constant("OP", &["0", "1", "2"])]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReduceOp {
    Sum,
    Max,
    Min,
}

/// A reduction over the adjacent axes `first..last`, which vanish.
#[derive(Debug, Clone, Copy)]
struct Reduce {
    kind: ReduceOp,
    first: usize,
    last: usize,
}

impl Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            ReduceOp::Sum => "sum",
            ReduceOp::Max => "max",
            ReduceOp::Min => "min",
        }
    }

    fn around(&self, shape: &[usize]) -> [usize; 3] {
        [shape[..self.first].iter().product(), shape[self.first..self.last].iter().product(), shape[self.last..].iter().product()]
    }

    fn run<R: Real>(&self, x: &HostTensor, shape: Shape) -> Result<HostTensor> {
        let [_, n, inner] = self.around(&x.shape());
        let x = x.elements::<R>()?;
        let mut y = buffer(shape.elements());
        let combine = match self.kind {
            ReduceOp::Sum => |p: R, q: R| p + q,
            ReduceOp::Max => R::larger,
            ReduceOp::Min => R::smaller,
        };
        if inner == 1 {
            parallel::rows(&mut y, 1, n, |row, y| {
                let x = &x[row * n..(row + 1) * n];
                y[0] = match self.kind {
                    ReduceOp::Sum => tree_sum(x),
                    _ => x.iter().copied().reduce(combine).unwrap_or_else(R::zero),
                };
            });
        } else {
            parallel::rows(&mut y, inner, n * inner, |outer, y| {
                let x = &x[outer * n * inner..(outer + 1) * n * inner];
                match self.kind {
                    ReduceOp::Sum => tree_sum_rows(x, inner, y),
                    _ => {
                        y.copy_from_slice(&x[..inner]);
                        x.chunks_exact(inner).skip(1).for_each(|x| y.iter_mut().zip(x).for_each(|(y, &x)| *y = combine(*y, x)));
                    }
                }
            });
        }
        HostTensor::real(shape, y)
    }
}

/// Σx by halves, in runs of 64 with eight partial sums: fast, and as accurate as a tree.
pub(crate) fn tree_sum<R: Real>(x: &[R]) -> R {
    tree_sum_of([x], |[x]| x)
}

/// Σ f over the elements of K slices of one length, as [`tree_sum`].
pub(crate) fn tree_sum_of<R: Real, const K: usize>(x: [&[R]; K], f: impl Fn([R; K]) -> R + Copy) -> R {
    let n = x[0].len();
    if n > 64 {
        let half = (n / 2).next_multiple_of(64);
        return tree_sum_of(x.map(|x| &x[..half]), f) + tree_sum_of(x.map(|x| &x[half..n]), f);
    }
    let mut lanes = [R::zero(); 8];
    let split = x.map(|x| x[..n].as_chunks::<8>());
    for chunk in 0..n / 8 {
        let x = split.map(|(whole, _)| whole[chunk]);
        lanes.iter_mut().enumerate().for_each(|(l, lane)| *lane += f(x.map(|x| x[l])));
    }
    lanes.iter_mut().enumerate().take(n % 8).for_each(|(l, lane)| *lane += f(split.map(|(_, rest)| rest[l])));
    lanes.iter().copied().sum()
}

/// The largest f over the elements of K slices of one length, −∞ where there are none. NaN is passed over: for callers whose sums over the
/// same elements hand it on.
pub(crate) fn largest_of<R: Real, const K: usize>(x: [&[R]; K], f: impl Fn([R; K]) -> R) -> R {
    let larger = |most: R, x: R| if x > most { x } else { most };
    let mut lanes = [R::neg_infinity(); 8];
    let split = x.map(|y| y[..x[0].len()].as_chunks::<8>());
    for chunk in 0..x[0].len() / 8 {
        let x = split.map(|(whole, _)| whole[chunk]);
        lanes.iter_mut().enumerate().for_each(|(l, most)| *most = larger(*most, f(x.map(|x| x[l]))));
    }
    lanes.iter_mut().enumerate().take(x[0].len() % 8).for_each(|(l, most)| *most = larger(*most, f(split.map(|(_, rest)| rest[l]))));
    lanes.into_iter().fold(R::neg_infinity(), larger)
}

/// `y` = the sum of the rows of x, each `width` long, by halves.
fn tree_sum_rows<R: Real>(x: &[R], width: usize, y: &mut [R]) {
    let rows = x.len() / width;
    if rows > 64 {
        let half = rows / 2;
        tree_sum_rows(&x[..half * width], width, y);
        let mut rest = vec![R::zero(); width];
        tree_sum_rows(&x[half * width..], width, &mut rest);
        y.iter_mut().zip(rest).for_each(|(y, r)| *y += r);
        return;
    }
    y.fill(R::zero());
    x.chunks_exact(width).for_each(|x| y.iter_mut().zip(x).for_each(|(y, &x)| *y += x));
}

impl Op for Reduce {
    fn key(&self) -> OpKey {
        OpKey::of(self.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = inputs[0];
        if x.dtype != DType::F32 {
            return Err(Error::op(self.name(), format!("the operand must be f32, found {x}; cast it")));
        }
        let [outer, n, inner] = self.around(&x.shape);
        if n == 0 && self.kind != ReduceOp::Sum && outer * inner > 0 {
            return Err(Error::op(self.name(), format!("no elements along the reduced axes of {x}")));
        }
        let mut shape = x.shape;
        for _ in self.first..self.last {
            shape = shape.without(self.first);
        }
        Ok(vec![TensorType::f32(shape)])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = self.infer(&[inputs[0].ty()])?[0].shape;
        real_inputs!(inputs, R => self.run::<R>(&inputs[0], shape)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (x, y, g) = (cx.input(0), cx.output(0), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let shape = tape.shape(x);
        let mut kept = shape;
        for axis in self.first..self.last {
            kept = kept.with(axis, 1);
        }
        let g = tape.reshape(g, kept)?;
        if self.kind == ReduceOp::Sum {
            return Ok(vec![Some(tape.broadcast_to(g, shape)?)]);
        }
        // Shared evenly among the extremes, as PyTorch's amax and amin share it.
        let y = tape.reshape(y, kept)?;
        let extreme = tape.equal(x, y)?;
        let axes: Vec<isize> = (self.first..self.last).map(|a| a as isize).collect();
        let count = tape.sum(extreme, &axes, true)?;
        let share = tape.div(g, count)?;
        Ok(vec![Some(tape.mul(extreme, share)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [outer, n, inner] = self.around(&cx.input_shape(0));
        let (from, to) = (cx.input(0), cx.output(0));
        self.stages(cx, from, to, [outer, n, inner])
    }
}

impl Reduce {
    /// Long lines, few of them: chunks first, then the chunks' results.
    fn stages(&self, cx: &mut Lowering<'_>, from: Buffer, to: Buffer, [outer, n, inner]: [usize; 3]) -> Result<()> {
        if n == 0 {
            return super::shape::lower_set(cx, to, 0);
        }
        let mut lines = Lines::new(&REDUCE, cx, [outer, n, inner]);
        let chunk = lines.chunk();
        let chunks = lines.n.div_ceil(chunk);
        if chunks == 1 {
            return self.stage(cx, (from, to), lines, chunk);
        }
        let partial = cx.scratch(TensorType::f32([outer, chunks, inner]));
        self.stage(cx, (from, partial), lines, chunk)?;
        let mut lines = Lines::new(&REDUCE, cx, [outer, chunks, inner]);
        lines.spread();
        self.stage(cx, (partial, to), lines, lines.n)
    }

    fn stage(&self, cx: &mut Lowering<'_>, (from, to): (Buffer, Buffer), lines: Lines, chunk: usize) -> Result<()> {
        let chunks = lines.n.div_ceil(chunk);
        let count = lines.count * chunks;
        let params = Params::new().u32(count).u32(lines.n).u32(lines.inner).u32(chunks).u32(chunk).u32(lines.lines);
        let elements = cx.ty(from).shape.elements();
        let kernel = lines.kernel(&[self.kind as usize]);
        cx.dispatch(kernel, vec![Binding::read(from), Binding::write(to)], params, lines.groups(count), elements as f64)
    }
}

/// The sums of `[outer, n, inner]` over its middle axis, for ops that contain them.
pub(super) fn lower_sums(cx: &mut Lowering<'_>, from: Buffer, to: Buffer, extents: [usize; 3]) -> Result<()> {
    Reduce { kind: ReduceOp::Sum, first: 1, last: 2 }.stages(cx, from, to, extents)
}

/// # Reductions along axes
impl Tape {
    /// Sum over `axes` (all where empty), which stay with extent 1 where `keep`.
    ///
    /// # Errors
    /// Where an axis does not exist or the operand is not f32; so for every reduction.
    pub fn sum(&mut self, x: Var, axes: &[isize], keep: bool) -> Result<Var> {
        self.reduce(ReduceOp::Sum, x, axes, keep)
    }

    /// Maximum over `axes` (all where empty), NaN where an element is; the gradient is shared evenly among ties, and is NaN with the
    /// maximum.
    pub fn max(&mut self, x: Var, axes: &[isize], keep: bool) -> Result<Var> {
        self.reduce(ReduceOp::Max, x, axes, keep)
    }

    /// Minimum over `axes` (all where empty), NaN where an element is; the gradient is shared evenly among ties, and is NaN with the
    /// minimum.
    pub fn min(&mut self, x: Var, axes: &[isize], keep: bool) -> Result<Var> {
        self.reduce(ReduceOp::Min, x, axes, keep)
    }

    /// Mean over `axes` (all where empty).
    pub fn mean(&mut self, x: Var, axes: &[isize], keep: bool) -> Result<Var> {
        let sum = self.sum(x, axes, keep)?;
        let n = self.shape(x).elements() / self.shape(sum).elements().max(1);
        self.scale(sum, 1.0 / n as f32)
    }

    /// Variance over `axes` (all where empty), Σ(x − μ)² / (n − ddof): centred before squaring.
    pub fn variance(&mut self, x: Var, axes: &[isize], ddof: usize, keep: bool) -> Result<Var> {
        let mean = self.mean(x, axes, true)?;
        let centred = self.sub(x, mean)?;
        let square = self.square(centred)?;
        let sum = self.sum(square, axes, keep)?;
        let n = self.shape(x).elements() / self.shape(sum).elements().max(1);
        if n <= ddof {
            return Err(Error::op("variance", format!("{n} elements leave no degree of freedom at ddof {ddof}")));
        }
        self.scale(sum, 1.0 / (n - ddof) as f32)
    }

    /// Standard deviation over `axes` (all where empty), the root of [`Tape::variance`]; its gradient is 0 where it is 0.
    pub fn standard_deviation(&mut self, x: Var, axes: &[isize], ddof: usize, keep: bool) -> Result<Var> {
        let variance = self.variance(x, axes, ddof, keep)?;
        self.root(variance)
    }

    /// √Σx² over `axes` (all where empty); its gradient is 0 where it is 0.
    pub fn l2_norm(&mut self, x: Var, axes: &[isize], keep: bool) -> Result<Var> {
        let square = self.square(x)?;
        let sum = self.sum(square, axes, keep)?;
        self.root(sum)
    }

    /// √x for x ≥ 0, its slope 0 at 0: a norm is convex, and 0 its subgradient of least norm, as in PyTorch.
    pub(crate) fn root(&mut self, x: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(x, zero)?;
        let safe = self.select(none, one, x)?;
        let root = self.sqrt(safe)?;
        self.select(none, zero, root)
    }

    /// The axis that `axis` names on `x`, counting from the end where negative, or an error of `op`.
    pub fn axis(&self, op: &str, x: Var, axis: isize) -> Result<usize> {
        self.check(x)?;
        let shape = self.shape(x);
        shape.axis(axis).ok_or_else(|| Error::op(op, format!("axis {axis} of a tensor of shape {shape}")))
    }

    fn reduce(&mut self, kind: ReduceOp, x: Var, axes: &[isize], keep: bool) -> Result<Var> {
        let shape = self.shape(x);
        let mut reduced = vec![axes.is_empty(); shape.rank()];
        for &axis in axes {
            reduced[self.axis("reduction", x, axis)?] = true;
        }
        // Adjacent axes go at once, the last first, so that the places of the others stay.
        let mut y = x;
        let mut last = shape.rank();
        while last > 0 {
            let Some(end) = (0..last).rev().find(|&i| reduced[i]).map(|i| i + 1) else { break };
            let first = (0..end).rev().find(|&i| !reduced[i]).map_or(0, |i| i + 1);
            y = self.record_one(Reduce { kind, first, last: end }, &[y])?;
            last = first;
        }
        if !keep {
            return Ok(y);
        }
        let kept = (0..shape.rank()).filter(|&i| reduced[i]).fold(shape, |s, i| s.with(i, 1));
        self.reshape(y, kept)
    }
}

pub(super) fn cases() -> Vec<Case> {
    type Reduction = fn(&mut Tape, Var, &[isize], bool) -> Result<Var>;
    let ops: [(&str, Reduction); 6] = [
        ("sum", Tape::sum),
        ("mean", Tape::mean),
        ("max", Tape::max),
        ("min", Tape::min),
        ("variance", |t, x, axes, keep| t.variance(x, axes, 0, keep)),
        ("l2_norm", Tape::l2_norm),
    ];
    let shapes: [(&[usize], &'static [isize]); 13] = [
        (&[1], &[]),
        (&[7, 63], &[1]),
        (&[65, 7], &[0]),
        (&[3, 257, 5], &[1]),
        (&[2, 3, 4, 5], &[0, 2]),
        (&[1, 4099], &[]),
        (&[5, 65, 33], &[0]),
        // Four elements at once, along and across; then lines long enough to be split.
        (&[5, 260], &[1]),
        (&[2, 7, 12], &[1]),
        (&[1, 33_028], &[]),
        (&[2, 1, 8209], &[2]),
        (&[1030, 36], &[0]),
        (&[300, 33], &[0]),
    ];
    let mut cases = Vec::new();
    for (name, op) in ops {
        for (shape, axes) in shapes {
            let Some(shape) = Shape::try_new(shape) else { continue };
            // Whole numbers, so that extremes tie; variances and norms away from 0.
            let draw = if matches!(name, "max" | "min") { Draw::Whole(9) } else { Draw::Uniform(0.5, 2.0) };
            let case = Case::new(name, vec![f32s(shape, draw)], move |t, x| Ok(vec![op(t, x[0], axes, false)?])).within(2e-6, 1e-5);
            let smooth = !(matches!(name, "max" | "min") || name == "variance" && shape.elements() == 1);
            cases.push(if smooth { case } else { case.forward_only() });
        }
    }
    // Chains before and after a sum: of calls, read elsewhere, broadcast, and of one element for each four that are added.
    for (shape, axes) in
        [([1, 1], &[0isize] as &[_]), ([7, 65], &[1]), ([65, 7], &[0]), ([5, 260], &[1]), ([260, 12], &[0]), ([3, 8209], &[0, 1])]
    {
        let operands = vec![f32s(shape, Draw::Normal), f32s([shape[1]], Draw::Uniform(0.5, 1.0)), f32s([], Draw::Normal)];
        let chained = move |t: &mut Tape, x: &[Var]| {
            let bounded = t.tanh(x[0])?;
            let scaled = t.mul(bounded, x[1])?;
            let sum = t.sum(scaled, axes, false)?;
            let small = t.scale(sum, 0.125)?;
            let moved = t.add(small, x[2])?;
            Ok(vec![scaled, sum, t.tanh(moved)?])
        };
        cases.push(Case::new("sum", operands, chained).within(1e-5, 1e-5));
    }
    // Four at once along and across; lines long enough for several blocks, and for two stages.
    for shape in [[1, 7], [65, 3], [3, 257], [7, 260], [1030, 36], [257, 33], [3, 2052], [2, 33_028]] {
        for axis in [0, 1] {
            let operands = vec![f32s(shape, Draw::Whole(9))];
            cases.push(Case::new("argmax", operands, move |t, x| Ok(vec![t.argmax(x[0], axis)?])).within(0.0, 0.0).forward_only());
            let operands = vec![f32s(shape, Draw::Normal)];
            cases.push(Case::new("cumulative_sum", operands, move |t, x| Ok(vec![t.cumulative_sum(x[0], axis)?])).within(2e-6, 2e-6));
        }
    }
    cases.push(Case::new("sum", vec![f32s([0, 3], Draw::Normal)], |t, x| Ok(vec![t.sum(x[0], &[0], false)?])));
    cases
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [[64, 64], [1024, 1024], [4096, 4096]];
    let work = |name, draw, op: fn(&mut Tape, Var) -> Result<Var>| {
        Work::new(name, sizes.map(|s| Instance::new(vec![f32s(s, draw)], move |t, x| Ok(vec![op(t, x[0])?]))))
    };
    let sum = |s: Shape, axis: isize| Instance::new(vec![f32s(s, Draw::Normal)], move |t, x| Ok(vec![t.sum(x[0], &[axis], false)?]));
    vec![
        work("sum rows", Draw::Normal, |t, x| t.sum(x, &[1], false)),
        work("sum columns", Draw::Normal, |t, x| t.sum(x, &[0], false)),
        work("sum all", Draw::Normal, |t, x| t.sum(x, &[], false)),
        work("max rows", Draw::Normal, |t, x| t.max(x, &[1], false)),
        work("argmax rows", Draw::Normal, |t, x| t.argmax(x, 1)).forward_only(),
        work("argmax columns", Draw::Normal, |t, x| t.argmax(x, 0)).forward_only(),
        work("cumulative_sum rows", Draw::Normal, |t, x| t.cumulative_sum(x, 1)),
        work("cumulative_sum columns", Draw::Normal, |t, x| t.cumulative_sum(x, 0)),
        // Subjects, regions and time; and few long rows.
        Work::new("sum middle", [[4, 16, 16], [16, 100, 300], [64, 400, 1200]].map(|s| sum(s.into(), 1))),
        Work::new("sum few rows", [[2, 4096], [8, 65_536], [16, 1_048_576]].map(|s| sum(s.into(), 1))),
    ]
}
