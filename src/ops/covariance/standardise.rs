//! Rows centred and scaled: the first half of a covariance, and the last of its reverse.

use super::super::case::{Case, Draw, f32s};
use super::super::line::{self, Lines};
use super::super::reduce::{largest_of, tree_sum, tree_sum_of};
use super::super::work::{Instance, Work};
use super::{FALSE_TRUE, Statistic, extents};
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Snippet, Source, common, kernel_source, snippet};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};
use std::borrow::Cow;

/// c of the rule for constant series.
pub(crate) const CONSTANT_SPACINGS: f32 = 8.0;

/// c · ε of it.
const CONSTANT: f32 = CONSTANT_SPACINGS * f32::EPSILON;

const WEIGHTED: Choice =
    Choice::Snippet(&[Snippet { name: "unweighted", ..snippet!("weighted_no") }, Snippet { name: "weighted", ..snippet!("weighted_yes") }]);

pub(in crate::ops) static STANDARDISE: Source = kernel_source!("covariance/standardise").with_variants(&line::VARIANTS).with_choices(&[
    common::ROW_WIDTH,
    Choice::Constant("CORRELATION", FALSE_TRUE),
    WEIGHTED,
    line::KEEP,
]);

pub(in crate::ops) static STANDARDISE_REVERSE: Source =
    kernel_source!("covariance/standardise_reverse").with_variants(&line::VARIANTS).with_choices(&[
        common::ROW_WIDTH,
        Choice::Constant("CORRELATION", FALSE_TRUE),
        Choice::Constant("WEIGHTED", FALSE_TRUE),
        line::KEEP_BOTH,
    ]);

/// The frames' weights, 1 where none are given, and their sums.
pub(super) struct Frames<'a, R: Real> {
    weights: Cow<'a, [R]>,
    totals: Vec<R>,
    /// Rows that share weights.
    rows: usize,
    time: usize,
}

impl<'a, R: Real> Frames<'a, R> {
    pub(super) fn new(w: Option<&'a [R]>, [batch, n, time]: [usize; 3]) -> Self {
        let (weights, rows) = match w {
            Some(w) => (Cow::Borrowed(w), n),
            None => (Cow::Owned(vec![R::one(); time]), batch * n),
        };
        Self { totals: weights.chunks_exact(time).map(tree_sum).collect(), weights, rows: rows.max(1), time }
    }

    /// Of a row: its weights, and Σw.
    pub(super) fn of(&self, row: usize) -> (&[R], R) {
        let batch = row / self.rows;
        (&self.weights[batch * self.time..][..self.time], self.totals[batch])
    }
}

/// u and s of the rows of x.
pub(super) fn standardise<R: Real>(kind: Statistic, x: &[R], frames: &Frames<'_, R>, time: usize) -> (Vec<R>, Vec<R>) {
    let mut u = buffer(x.len());
    let mut s = buffer(x.len() / time);
    parallel::rows_with(&mut u, time, &mut s, 8 * time, |row, u, s| {
        let (x, (w, total)) = (&x[row * time..][..time], frames.of(row));
        let mu = mean(x, w, total);
        u.iter_mut().zip(x).for_each(|(u, &x)| *u = x - mu);
        let power = if kind.correlation() {
            let most = largest_of([x, w], |[x, w]| if w > R::zero() { x.abs() } else { R::zero() });
            let floor = R::of(f64::from(CONSTANT)) * most;
            let power = tree_sum_of([&*u, w], |[u, w]| w * u * u);
            // A power that overflows is no power of 0, though the floor may overflow too.
            if power.is_finite() && power <= floor * floor * total { R::zero() } else { power }
        } else {
            total - R::of(kind.ddof()) * tree_sum_of([w], |[w]| w * w) / total.larger(R::of(1e-30))
        };
        *s = scale(power);
        u.iter_mut().for_each(|u| *u *= *s);
    });
    (u, s)
}

/// 1/√power; 0 where there is no power, and NaN where it is not finite.
fn scale<R: Real>(power: R) -> R {
    match () {
        () if !power.is_finite() => R::nan(),
        () if power > R::zero() => power.sqrt().recip(),
        () => R::zero(),
    }
}

/// Weighted mean about the first element, given Σw.
fn mean<R: Real>(x: &[R], w: &[R], total: R) -> R {
    let origin = x.first().copied().unwrap_or_else(R::zero);
    if total > R::zero() { origin + tree_sum_of([x, w], |[x, w]| w * (x - origin)) / total } else { origin }
}

/// Σwp and Σwpu.
pub(super) fn dots<R: Real>(p: &[R], u: &[R], w: &[R]) -> (R, R) {
    (tree_sum_of([p, w], |[p, w]| p * w), tree_sum_of([p, w, u], |[p, w, u]| p * w * u))
}

/// dx of the rows of u, in place of their cotangents p.
pub(super) fn reverse_rows<R: Real>(kind: Statistic, p: &mut [R], u: &[R], s: &[R], frames: &Frames<'_, R>, time: usize) {
    parallel::rows(p, time, 8 * time, |row, p| {
        let (u, (w, total)) = (&u[row * time..][..time], frames.of(row));
        let (sum, dot) = dots(p, u, w);
        let along = if kind.correlation() { dot } else { R::zero() };
        let of_u = tree_sum_of([u, w], |[u, w]| u * w);
        let mean = if total > R::zero() { (sum - along * of_u) / total } else { R::zero() };
        p.iter_mut().zip(u).zip(w).for_each(|((p, &u), &w)| *p = s[row] * w * (*p - along * u - mean));
    });
}

/// The dispatch that makes u and s of x, and v = w u where there are weights.
pub(super) fn lower_standardise(
    cx: &mut Lowering<'_>,
    kind: Statistic,
    (x, w): (Buffer, Option<Buffer>),
    (u, s, v): (Buffer, Buffer, Buffer),
) -> Result<()> {
    let [batch, n, time] = extents(cx.ty(x).shape);
    let mut rows = Lines::new(&STANDARDISE, cx, [batch * n, time, 1]);
    let keep = rows.keep(&line::KEPT);
    let kernel = rows.kernel(&[kind.correlation().into(), w.is_some().into(), keep]);
    let mut bindings = vec![Binding::read(x), Binding::read(w.unwrap_or(x)), Binding::write(u), Binding::write(s)];
    bindings.extend(w.map(|_| Binding::write(v)));
    let params = Params::new().u32(batch * n).u32(n).u32(rows.n).u32(rows.lines).f32(CONSTANT).f32(kind.ddof() as f32);
    // Of a batch: what the frames' weights share. Of a row: mean, centring, scaling; the power and the largest magnitude of a
    // correlation; and v.
    let [of_batch, of_row] = match (kind.correlation(), w.is_some()) {
        (true, false) => [0, 7 * time + 7],
        (true, true) => [time + 2, 11 * time + 7],
        (false, false) => [2, 3 * time + 1],
        (false, true) => [3 * time + 8, 5 * time + 1],
    };
    cx.dispatch(kernel, bindings, params, rows.groups(batch * n), (batch * of_batch) as f64 + (batch * n * of_row) as f64)
}

/// The dispatch that makes dx of the rows' cotangents p, and of each row Σwp and Σwpu.
pub(super) fn lower_reverse(
    cx: &mut Lowering<'_>,
    kind: Statistic,
    (p, u, s, w): (Buffer, Buffer, Buffer, Option<Buffer>),
    (dx, dots): (Buffer, Buffer),
) -> Result<()> {
    let [batch, n, time] = extents(cx.ty(u).shape);
    let mut rows = Lines::new(&STANDARDISE_REVERSE, cx, [batch * n, time, 1]);
    let keep = rows.keep(&line::KEPT_BOTH);
    let kernel = rows.kernel(&[kind.correlation().into(), w.is_some().into(), keep]);
    let bindings = [p, u, s, w.unwrap_or(u)].map(Binding::read).into_iter().chain([dx, dots].map(Binding::write)).collect();
    let [of_batch, of_row] = match (kind.correlation(), w.is_some()) {
        (true, false) => [0, 8 * time + 1],
        (true, true) => [time + 2, 11 * time + 1],
        (false, false) => [0, 6 * time + 1],
        (false, true) => [time + 2, 8 * time + 1],
    };
    let flops = (batch * of_batch) as f64 + (batch * n * of_row) as f64;
    let params = Params::new().u32(batch * n).u32(n).u32(rows.n).u32(rows.lines);
    cx.dispatch(kernel, bindings, params, rows.groups(batch * n), flops)
}

pub(super) const CORRELATION: Statistic = Statistic::Correlation { fisher_z: false };

/// x → u, its rows centred and of unit length, and s `[.., n]`, their scales.
#[derive(Debug, Clone, Copy)]
struct Standardise;

impl Op for Standardise {
    fn key(&self) -> OpKey {
        OpKey::new("standardise")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = series("standardise", inputs[0])?;
        Ok(vec![x, TensorType::f32(x.shape.without(x.shape.rank() - 1))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let x = &inputs[0];
        let [batch, n, time] = extents(x.shape());
        real_inputs!(inputs, R => {
            let (u, s) = standardise(CORRELATION, x.elements::<R>()?, &Frames::new(None, [batch, n, time]), time);
            Ok(vec![HostTensor::real(x.shape(), u)?, HostTensor::real(x.shape().without(x.shape().rank() - 1), s)?])
        })
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (u, s, g) = (cx.output(0), cx.output(1), cx.cotangent_or_zeros(0)?);
        if cx.cotangent(1).is_some() {
            return Err(Error::NotDifferentiable { op: "standardise".into(), why: "the scales have no reverse rule; use variance".into() });
        }
        Ok(vec![Some(cx.tape().record_one(StandardiseReverse, &[g, u, s])?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, u, s) = (cx.input(0), cx.output(0), cx.output(1));
        lower_standardise(cx, CORRELATION, (x, None), (u, s, u))
    }
}

/// (G, u, s) → dx.
#[derive(Debug, Clone, Copy)]
struct StandardiseReverse;

impl Op for StandardiseReverse {
    fn key(&self) -> OpKey {
        OpKey::new("standardise_reverse")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(vec![inputs[0]])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[0].shape();
        let [batch, n, time] = extents(shape);
        real_inputs!(inputs, R => {
            let (mut p, u, s) = (inputs[0].elements::<R>()?.to_vec(), inputs[1].elements::<R>()?, inputs[2].elements::<R>()?);
            reverse_rows(CORRELATION, &mut p, u, s, &Frames::new(None, [batch, n, time]), time);
            Ok(vec![HostTensor::real(shape, p)?])
        })
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let why = "its kernel is fused; for a second derivative compose mean, sub and div";
        Err(Error::NotDifferentiable { op: "standardise_reverse".into(), why: why.into() })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [batch, n, _] = extents(cx.input_shape(0));
        let dots = cx.scratch(TensorType::f32([batch, n, 2]));
        let (g, u, s) = (cx.input(0), cx.input(1), cx.input(2));
        let dx = cx.output(0);
        lower_reverse(cx, CORRELATION, (g, u, s, None), (dx, dots))
    }
}

/// Series `[.., variables, time]` of at least one frame.
pub(super) fn series(op: &str, x: TensorType) -> Result<TensorType> {
    let rank = x.shape.rank();
    if x.dtype != DType::F32 || rank < 2 {
        return Err(Error::op(op, format!("series must be f32 [.., variables, time], found {x}")));
    }
    if x.shape[rank - 1] == 0 {
        return Err(Error::op(op, format!("series {x} have no frames")));
    }
    Ok(x)
}

/// # Standardised series
impl Tape {
    /// The rows of x `[.., variables, time]` centred and of unit length, so that their products are correlations; a constant row is 0.
    /// And what each was multiplied by, `[.., variables]`: 0 for a constant row.
    ///
    /// # Errors
    /// Where x is not f32 of at least two axes, or has no frames.
    pub fn standardise(&mut self, x: Var) -> Result<(Var, Var)> {
        let made = self.record(std::sync::Arc::new(Standardise), &[self.less_means(x)])?;
        Ok((made[0], made[1]))
    }

    /// The mean correlation of each variable with all others, `[.., variables]`, of series `[.., variables, time]`, without their
    /// matrix: (u · Σu − u · u) / (n − 1), u the standardised rows (global brain connectivity, Cole et al. 2010). A constant series has 0.
    ///
    /// # Errors
    /// As [`Tape::standardise`], and where there is one variable alone.
    pub fn mean_connectivity(&mut self, x: Var) -> Result<Var> {
        let (u, _) = self.standardise(x)?;
        let shape = self.shape(u);
        let (rows, n) = (shape.rank() as isize - 2, shape[shape.rank() - 2]);
        if n < 2 {
            return Err(Error::op("mean_connectivity", format!("two variables at least expected, found {shape}")));
        }
        let total = self.sum(u, &[rows], true)?;
        let others = self.sub(total, u)?;
        let along = self.mul(u, others)?;
        let sum = self.sum(along, &[-1], false)?;
        self.scale(sum, 1.0 / (n - 1) as f32)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 2, 7], [2, 65, 63], [3, 3, 257], [2, 3, 260], [1, 2, 4100]] {
        let x = || vec![f32s(shape, Draw::Series)];
        cases.push(Case::new("standardise", x(), |t, x| Ok(vec![t.standardise(x[0])?.0])).within(1e-6, 5e-6));
        cases.push(Case::new("mean_connectivity", x(), |t, x| Ok(vec![t.mean_connectivity(x[0])?])).within(1e-6, 5e-6));
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let shapes = [[1, 32, 128], [4, 200, 600], [8, 3000, 1200]];
    let made = |s: [usize; 3]| Instance::new(vec![f32s(s, Draw::Series)], |t, x| Ok(vec![t.standardise(x[0])?.0]));
    let mean = |s: [usize; 2]| Instance::new(vec![f32s(s, Draw::Series)], |t, x| Ok(vec![t.mean_connectivity(x[0])?]));
    vec![Work::new("standardise", shapes.map(made)), Work::new("mean_connectivity", [[64, 128], [1024, 600], [20_484, 1200]].map(mean))]
}
