//! Covariance and correlation of `[.., variables, time]`, with optional weights of the frames: standardise, then a symmetric product
//! that computes half the blocks; in reverse, one product and one kernel over rows.
//!
//! Weights mean `numpy.cov(aweights=…)`: μ = Σwx/Σw, Σ = Σ w (x − μ)(x − μ)ᵀ / f, f = Σw − ddof Σw²/Σw (reference: NumPy; Ciric et al.
//! 2022, §"covariance"). A *constant* series, Σw(x − μ)² ≤ (c ε max|x|)² Σw with c = 8 and ε of f32, has correlation 0 with all, itself
//! included, and gradient 0.

use super::case::{Case, Draw, f32s};
use super::matmul::Product;
use super::reduce::{largest_of, tree_sum, tree_sum_of};
use super::row::{self, Rows};
use super::tile::{self, Operand, Tiling};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Choice, Lowering, Params, Snippet, Source, Variant, common, wgsl};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Layout, Real, TensorType, buffer, parallel, product, real_inputs, symmetric_product};
use crate::{Error, Result, Shape};
use std::borrow::Cow;

/// c · ε of the rule for constant series.
const CONSTANT: f32 = 8.0 * f32::EPSILON;

/// The largest |r| that goes into Fisher's z.
const LARGEST: f64 = 0.999_999;

const FALSE_TRUE: &[&str] = &["false", "true"];
const WEIGHTED: Choice = Choice::Snippet(&[
    Snippet { name: "unweighted", text: wgsl!("common/weighted_no") },
    Snippet { name: "weighted", text: wgsl!("common/weighted_yes") },
]);

pub(super) static STANDARDISE: Source = Source {
    name: "covariance/standardise",
    text: wgsl!("covariance/standardise"),
    snippets: &[common::GRID],
    variants: &row::VARIANTS,
    choices: &[Choice::Constant("CORRELATION", FALSE_TRUE), WEIGHTED],
};

pub(super) static SYMMETRIC_PRODUCT: Source = Source {
    name: "covariance/symmetric_product",
    text: wgsl!("covariance/symmetric_product"),
    snippets: &[common::GRID, common::MATH, common::BLOCKS, common::BLOCK_A, common::BLOCK_B, TRANSPOSED_B],
    variants: &tile::VARIANTS,
    choices: &[Choice::Constant("CORRELATION", FALSE_TRUE), Choice::Constant("FISHER", FALSE_TRUE), common::OPERANDS, common::RESULT],
};

const TRANSPOSED_B: Snippet = Snippet { name: "a_times_b_transposed", text: "const TRANSPOSE_A = false;\nconst TRANSPOSE_B = true;\n" };

pub(super) static SYMMETRISE: Source = super::shape::plain("covariance/symmetrise", wgsl!("covariance/symmetrise"));

pub(super) static STANDARDISE_REVERSE: Source = Source {
    name: "covariance/standardise_reverse",
    text: wgsl!("covariance/standardise_reverse"),
    snippets: &[common::GRID],
    variants: &row::VARIANTS,
    choices: &[Choice::Constant("CORRELATION", FALSE_TRUE), Choice::Constant("WEIGHTED", FALSE_TRUE)],
};

pub(super) static WEIGHTS_REVERSE: Source = Source {
    name: "covariance/weights_reverse",
    text: wgsl!("covariance/weights_reverse"),
    snippets: &[common::GRID],
    variants: &Variant::PLAIN,
    choices: &[Choice::Constant("CORRELATION", FALSE_TRUE)],
};

/// What is computed of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Covariance { ddof: usize },
    Correlation { fisher_z: bool },
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Covariance { .. } => "covariance",
            Self::Correlation { .. } => "correlation",
        }
    }

    fn correlation(self) -> bool {
        matches!(self, Self::Correlation { .. })
    }

    fn ddof(self) -> f64 {
        if let Self::Covariance { ddof } = self { ddof as f64 } else { 0.0 }
    }
}

/// The extents of `[.., n, time]`.
fn extents(x: Shape) -> [usize; 3] {
    let rank = x.rank();
    [x[..rank - 2].iter().product(), x[rank - 2], x[rank - 1]]
}

/// (x, w?) → R `[.., n, n]`, u `[.., n, time]` standardised rows, s `[.., n]` their scales.
#[derive(Debug, Clone, Copy)]
struct Covariance {
    kind: Kind,
}

/// The frames' weights, 1 where none are given, and their sums.
struct Frames<'a, R: Real> {
    weights: Cow<'a, [R]>,
    totals: Vec<R>,
    /// Rows that share weights.
    rows: usize,
    time: usize,
}

impl<'a, R: Real> Frames<'a, R> {
    fn new(w: Option<&'a [R]>, [batch, n, time]: [usize; 3]) -> Self {
        let (weights, rows) = match w {
            Some(w) => (Cow::Borrowed(w), n),
            None => (Cow::Owned(vec![R::one(); time]), batch * n),
        };
        Self { totals: weights.chunks_exact(time).map(tree_sum).collect(), weights, rows: rows.max(1), time }
    }

    /// Of a row: its weights, and Σw.
    fn of(&self, row: usize) -> (&[R], R) {
        let batch = row / self.rows;
        (&self.weights[batch * self.time..][..self.time], self.totals[batch])
    }
}

impl Covariance {
    /// u and s of the rows of x.
    fn standardise<R: Real>(&self, x: &[R], frames: &Frames<'_, R>, time: usize) -> (Vec<R>, Vec<R>) {
        let mut u = buffer(x.len());
        let mut s = vec![R::zero(); x.len() / time];
        parallel::rows_with(&mut u, time, &mut s, 8 * time, |row, u, s| {
            let (x, (w, total)) = (&x[row * time..][..time], frames.of(row));
            let mu = mean(x, w, total);
            u.iter_mut().zip(x).for_each(|(u, &x)| *u = x - mu);
            let power = if self.kind.correlation() {
                let most = largest_of([x, w], |[x, w]| if w > R::zero() { x.abs() } else { R::zero() });
                let floor = R::of(f64::from(CONSTANT)) * most;
                let power = tree_sum_of([&*u, w], |[u, w]| w * u * u);
                if power > floor * floor * total { power } else { R::zero() }
            } else {
                total - R::of(self.kind.ddof()) * tree_sum_of([w], |[w]| w * w) / total.max(R::of(1e-30))
            };
            *s = if power > R::zero() { power.sqrt().recip() } else { R::zero() };
            u.iter_mut().for_each(|u| *u *= *s);
        });
        (u, s)
    }

    fn run<R: Real>(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[0].shape();
        let [batch, n, time] = extents(shape);
        let w = inputs.get(1).map(HostTensor::elements::<R>).transpose()?;
        let frames = Frames::new(w, [batch, n, time]);
        let (u, s) = self.standardise(inputs[0].elements::<R>()?, &frames, time);
        let v = w.map(|_| {
            let mut v = buffer(u.len());
            parallel::rows(&mut v, time, time, |row, v| {
                v.iter_mut().zip(&u[row * time..]).zip(frames.of(row).0).for_each(|((v, &u), &w)| *v = u * w);
            });
            v
        });
        let v = v.as_deref().unwrap_or(&u);
        let mut r = buffer(batch * n * n);
        parallel::rows(&mut r, n * n, n * n * time, |i, r| {
            let matrix = i * n * time..(i + 1) * n * time;
            symmetric_product(r, [n, time], &u[matrix.clone()], &v[matrix]);
        });
        if let Kind::Correlation { fisher_z } = self.kind {
            parallel::rows(&mut r, n, 16 * n, |row, r| {
                for (j, r) in r.iter_mut().enumerate() {
                    *r = finish(*r, j == row % n, fisher_z);
                }
            });
        }
        let rank = shape.rank();
        Ok(vec![HostTensor::real(shape.with(rank - 1, n), r)?, HostTensor::real(shape, u)?, HostTensor::real(shape.without(rank - 1), s)?])
    }
}

/// An entry of a correlation matrix: held within [−1, 1], its diagonal made exact; or its Fisher z.
fn finish<R: Real>(r: R, diagonal: bool, fisher_z: bool) -> R {
    let one = R::one();
    match (fisher_z, diagonal) {
        (true, true) => R::zero(),
        (true, false) => r.max(R::of(-LARGEST)).min(R::of(LARGEST)).atanh(),
        (false, true) => {
            if r > R::of(0.5) {
                one
            } else {
                R::zero()
            }
        }
        (false, false) => r.max(-one).min(one),
    }
}

/// Weighted mean about the first element, given Σw.
fn mean<R: Real>(x: &[R], w: &[R], total: R) -> R {
    let origin = x.first().copied().unwrap_or_else(R::zero);
    if total > R::zero() { origin + tree_sum_of([x, w], |[x, w]| w * (x - origin)) / total } else { origin }
}

impl Op for Covariance {
    fn key(&self) -> OpKey {
        OpKey::of(self.kind.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (op, x) = (self.kind.name(), inputs[0]);
        let rank = x.shape.rank();
        if x.dtype != DType::F32 || rank < 2 {
            return Err(Error::op(op, format!("series must be f32 [.., variables, time], found {x}")));
        }
        if x.shape[rank - 1] == 0 {
            return Err(Error::op(op, format!("series {x} have no frames")));
        }
        if let Some(&w) = inputs.get(1)
            && w != TensorType::f32(x.shape.without(rank - 2))
        {
            return Err(Error::op(op, format!("weights must be {}, found {w}", TensorType::f32(x.shape.without(rank - 2)))));
        }
        Ok(vec![TensorType::f32(x.shape.with(rank - 1, x.shape[rank - 2])), x, TensorType::f32(x.shape.without(rank - 1))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs))
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let mut g = cx.cotangent_or_zeros(0)?;
        let (r, u, s) = (cx.output(0), cx.output(1), cx.output(2));
        let weights = cx.inputs().get(1).copied();
        let tape = cx.tape();
        if self.kind == (Kind::Correlation { fisher_z: true }) {
            // dz/dr = 1 / (1 − r²) = cosh² z, which keeps its digits near ±1; where r was held, the slope is 0.
            let magnitude = tape.abs(r)?;
            let grown = tape.exp(magnitude)?;
            let shrunk = tape.reciprocal(grown)?;
            let both = tape.add(grown, shrunk)?;
            let cosh = tape.scale(both, 0.5)?;
            let slope = tape.square(cosh)?;
            let slope = tape.mul(g, slope)?;
            let zero = tape.scalar(0.0)?;
            let limit = tape.scalar(LARGEST.atanh() as f32 - 1e-3)?;
            let free = tape.less(magnitude, limit)?;
            g = tape.select(free, slope, zero)?;
        }
        let inputs: Vec<Var> = [g, u, s].into_iter().chain(weights).collect();
        let found = tape.record(std::sync::Arc::new(CovarianceReverse { kind: self.kind }), &inputs)?;
        Ok(found.into_iter().map(Some).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [batch, n, time] = extents(cx.input_shape(0));
        let (x, r, u, s) = (cx.input(0), cx.output(0), cx.output(1), cx.output(2));
        let weighted = cx.inputs() == 2;
        let v = if weighted { cx.scratch(cx.ty(u)) } else { u };
        let rows = Rows::new(&STANDARDISE, cx, [batch * n, time, 1]);
        let kernel = rows.kernel(&[self.kind.correlation().into(), weighted.into()]);
        let mut bindings =
            vec![Binding::read(x), Binding::read(if weighted { cx.input(1) } else { x }), Binding::write(u), Binding::write(s)];
        bindings.extend(weighted.then(|| Binding::write(v)));
        let params = Params::new().u32(batch * n).u32(n).u32(time).f32(CONSTANT).f32(self.kind.ddof() as f32);
        // Of a batch: what the frames' weights share. Of a row: mean, centring, scaling; the power and the largest magnitude of a
        // correlation; and v.
        let [of_batch, of_row] = match (self.kind.correlation(), weighted) {
            (true, false) => [0, 7 * time + 7],
            (true, true) => [time + 2, 11 * time + 7],
            (false, false) => [2, 3 * time + 1],
            (false, true) => [3 * time + 8, 5 * time + 1],
        };
        cx.dispatch(kernel, bindings, params, rows.groups, (batch * of_batch) as f64 + (batch * n * of_row) as f64)?;

        let u = Operand::new(cx, u, [batch * n, time], n)?;
        let v = if weighted { Operand::new(cx, v, [batch * n, time], n)? } else { u };
        let tiling = Tiling::new(&SYMMETRIC_PRODUCT, cx, batch * n * n / 2);
        let pairs = batch * tiling.units(n) * (tiling.units(n) + 1) / 2;
        let fisher = self.kind == (Kind::Correlation { fisher_z: true });
        let chosen = [self.kind.correlation().into(), fisher.into(), tile::operands(u, v), tile::result(n)];
        let bindings = vec![Binding::read(u.buffer), Binding::read(v.buffer), Binding::write(r)];
        let params = Params::new().u32(n).u32(time).u32(tiling.units(n)).u32(batch).u32(u.stride);
        // Half the entries, and what `finish` does to each.
        let finished = match self.kind {
            Kind::Covariance { .. } => 0,
            Kind::Correlation { fisher_z: false } => n * n,
            Kind::Correlation { fisher_z: true } => 3 * n * n.saturating_sub(1) / 2,
        };
        let flops = (batch * n * (n + 1)) as f64 * time as f64 + (batch * finished) as f64;
        cx.dispatch(tiling.kernel(&chosen), bindings, params, tiling.groups(pairs), flops)
    }
}

/// (G, u, s, w?) → dx, and dw where there are weights.
#[derive(Debug, Clone, Copy)]
struct CovarianceReverse {
    kind: Kind,
}

impl CovarianceReverse {
    fn run<R: Real>(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[1].shape();
        let [batch, n, time] = extents(shape);
        let (g, u, s) = (inputs[0].elements::<R>()?, inputs[1].elements::<R>()?, inputs[2].elements::<R>()?);
        let w = inputs.get(3).map(HostTensor::elements::<R>).transpose()?;
        let frames = Frames::new(w, [batch, n, time]);
        let mut sums = buffer(g.len());
        parallel::rows(&mut sums, n, n, |row, out| {
            let (matrix, i) = (&g[row / n * n * n..][..n * n], row % n);
            out.iter_mut().enumerate().for_each(|(j, out)| *out = matrix[i * n + j] + matrix[j * n + i]);
        });
        let mut p = buffer(u.len());
        for (i, p) in p.chunks_mut((n * time).max(1)).enumerate().take(batch) {
            let (lg, lu) = (Layout::new(i * n * n, [n, n], false), Layout::new(i * n * time, [n, time], false));
            product(p, [n, n, time], &sums, lg, u, lu);
        }
        let weighted = w.map(|w| self.weights_cotangent(&p, u, w, &frames, [batch, n, time]));
        let correlation = self.kind.correlation();
        // dx takes the place of p.
        parallel::rows(&mut p, time, 8 * time, |row, p| {
            let (u, (w, total)) = (&u[row * time..][..time], frames.of(row));
            let (sum, dot) = dots(p, u, w);
            let along = if correlation { dot } else { R::zero() };
            let of_u = tree_sum_of([u, w], |[u, w]| u * w);
            let mean = if total > R::zero() { (sum - along * of_u) / total } else { R::zero() };
            p.iter_mut().zip(u).zip(w).for_each(|((p, &u), &w)| *p = s[row] * w * (*p - along * u - mean));
        });
        let mut found = vec![HostTensor::real(shape, p)?];
        if let Some(dw) = weighted {
            found.push(HostTensor::real(inputs[3].shape(), dw)?);
        }
        Ok(found)
    }

    fn weights_cotangent<R: Real>(&self, p: &[R], u: &[R], w: &[R], frames: &Frames<'_, R>, [batch, n, time]: [usize; 3]) -> Vec<R> {
        let mut along = vec![(R::zero(), R::zero()); batch * n];
        parallel::rows(&mut along, 1, 4 * time, |row, along| {
            let span = row * time..(row + 1) * time;
            along[0] = dots(&p[span.clone()], &u[span], frames.of(row).0);
        });
        let mut dw = vec![R::zero(); batch * time];
        parallel::rows(&mut dw, time, 8 * n * time, |b, dw| {
            let w = &w[b * time..][..time];
            let total = tree_sum(w);
            let squares = w.iter().map(|&w| w * w).sum::<R>();
            let inverse = if total > R::zero() { total.recip() } else { R::zero() };
            let ddof = R::of(self.kind.ddof());
            let f = (total - ddof * squares * inverse).max(R::of(1e-30));
            let half = R::of(0.5);
            for (t, dw) in dw.iter_mut().enumerate() {
                let slope = (R::one() - ddof * inverse * (w[t] + w[t] - squares * inverse)) / f;
                *dw = (b * n..(b + 1) * n).fold(R::zero(), |sum, row| {
                    let (u, p, (a, b)) = (u[row * time + t], p[row * time + t], along[row]);
                    sum + half * u * p - a * u * inverse - half * b * if self.kind.correlation() { u * u } else { slope }
                });
            }
        });
        dw
    }
}

/// Σwp and Σwpu.
fn dots<R: Real>(p: &[R], u: &[R], w: &[R]) -> (R, R) {
    (tree_sum_of([p, w], |[p, w]| p * w), tree_sum_of([p, w, u], |[p, w, u]| p * w * u))
}

impl Op for CovarianceReverse {
    fn key(&self) -> OpKey {
        OpKey::of(if self.kind.correlation() { "correlation_reverse" } else { "covariance_reverse" }, self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok([inputs[1]].into_iter().chain(inputs.get(3).copied()).collect())
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable {
            op: self.key().name.into(),
            why: "its reverse kernels are fused; for a second derivative compose the correlation of tape ops".into(),
        })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [batch, n, time] = extents(cx.input_shape(1));
        let (g, u, s) = (cx.input(0), cx.input(1), cx.input(2));
        let weighted = cx.inputs() == 4;
        let w = if weighted { cx.input(3) } else { u };
        let correlation = usize::from(self.kind.correlation());
        let sums = cx.scratch(cx.ty(g));
        let elements = batch * n * n;
        let bindings = vec![Binding::read(g), Binding::write(sums)];
        let kernel = cx.kernel(&SYMMETRISE, &[]);
        // The sum is symmetric: half of its entries are computed.
        let flops = (batch * n * (n + 1) / 2) as f64;
        cx.dispatch(kernel, bindings, Params::new().u32(elements).u32(n), elements.div_ceil(64), flops)?;
        let p = cx.scratch(cx.ty(u));
        Product::new([n, n, time], [false; 2], batch).lower(cx, sums, u, p)?;

        let dots = cx.scratch(TensorType::f32([batch, n, 2]));
        let rows = Rows::new(&STANDARDISE_REVERSE, cx, [batch * n, time, 1]);
        let kernel = rows.kernel(&[correlation, weighted.into()]);
        let bindings = [p, u, s, w].map(Binding::read).into_iter().chain([cx.output(0), dots].map(Binding::write)).collect();
        let [of_batch, of_row] = match (self.kind.correlation(), weighted) {
            (true, false) => [0, 8 * time + 1],
            (true, true) => [time + 2, 11 * time + 1],
            (false, false) => [0, 6 * time + 1],
            (false, true) => [time + 2, 8 * time + 1],
        };
        let flops = (batch * of_batch) as f64 + (batch * n * of_row) as f64;
        cx.dispatch(kernel, bindings, Params::new().u32(batch * n).u32(n).u32(time), rows.groups, flops)?;
        if !weighted {
            return Ok(());
        }
        let kernel = cx.kernel(&WEIGHTS_REVERSE, &[correlation]);
        let bindings = [p, u, dots, w].map(Binding::read).into_iter().chain([Binding::write(cx.output(1))]).collect();
        let params = Params::new().u32(batch * time).u32(n).u32(time).f32(self.kind.ddof() as f32);
        // A correlation's frames share W alone; a covariance's Σw² and f too, and each frame has a slope of f.
        let [of_batch, of_entry] = if self.kind.correlation() { [time + 2, 10] } else { [8 * time + 7, 9] };
        let flops = (batch * of_batch) as f64 + (of_entry * batch * n * time) as f64;
        cx.dispatch(kernel, bindings, params, (batch * time).div_ceil(64), flops)
    }
}

impl Tape {
    /// Pearson correlation of the rows of x `[.., variables, time]`: `[.., variables, variables]`, with optional weights of the frames
    /// `[.., time]` (broadcast over batches). With `fisher_z`, atanh of it, |r| held to 1 − 10⁻⁶ and the diagonal 0.
    ///
    /// # Errors
    /// Where x is not f32 of at least two axes, has no frames, or the weights do not fit.
    pub fn correlation(&mut self, x: Var, weights: Option<Var>, fisher_z: bool) -> Result<Var> {
        self.second_moments(Kind::Correlation { fisher_z }, x, weights)
    }

    /// Covariance of the rows of x `[.., variables, time]`, divided by T − `ddof`, or by Σw − ddof Σw²/Σw with weights `[.., time]`.
    ///
    /// # Errors
    /// As [`Tape::correlation`], and where the frames leave no degree of freedom.
    pub fn covariance(&mut self, x: Var, weights: Option<Var>, ddof: usize) -> Result<Var> {
        self.check(x)?;
        let time = self.shape(x).last().copied().unwrap_or(0);
        if weights.is_none() && time <= ddof {
            return Err(Error::op("covariance", format!("{time} frames leave no degree of freedom at ddof {ddof}")));
        }
        self.second_moments(Kind::Covariance { ddof }, x, weights)
    }

    fn second_moments(&mut self, kind: Kind, x: Var, weights: Option<Var>) -> Result<Var> {
        self.check(x)?;
        let shape = self.shape(x);
        let mut inputs = vec![x];
        if let Some(w) = weights {
            self.expect_f32(kind.name(), "weights", w)?;
            let wanted = if shape.rank() < 2 { shape } else { shape.without(shape.rank() - 2) };
            if self.shape(w).broadcast(&wanted) != Some(wanted) {
                let what = format!("weights of shape {} do not fit the frames {wanted} of series {shape}", self.shape(w));
                return Err(Error::op(kind.name(), what));
            }
            inputs.push(self.broadcast_to(w, wanted)?);
        }
        Ok(self.record(std::sync::Arc::new(Covariance { kind }), &inputs)?[0])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 1, 7], [1, 7, 65], [2, 65, 63], [1, 68, 132], [3, 3, 257], [1, 2, 1200]] {
        let weights = || f32s([shape[0], shape[2]], Draw::Weights);
        let series = || f32s(shape, Draw::Series);
        cases.push(Case::new("correlation", vec![series()], |t, x| Ok(vec![t.correlation(x[0], None, false)?])).within(1e-6, 5e-6));
        cases.push(Case::new("correlation fisher_z", vec![series()], |t, x| Ok(vec![t.correlation(x[0], None, true)?])).within(5e-6, 2e-5));
        cases.push(
            Case::new("correlation weighted", vec![series(), weights()], |t, x| Ok(vec![t.correlation(x[0], Some(x[1]), false)?]))
                .within(1e-6, 1e-5),
        );
        cases.push(
            Case::new("covariance", vec![f32s(shape, Draw::Normal)], |t, x| Ok(vec![t.covariance(x[0], None, 1)?])).within(2e-6, 5e-6),
        );
        cases.push(
            Case::new("covariance weighted", vec![f32s(shape, Draw::Normal), weights()], |t, x| {
                Ok(vec![t.covariance(x[0], Some(x[1]), 1)?])
            })
            .within(2e-6, 1e-5),
        );
    }
    let shared = vec![f32s([2, 5, 33], Draw::Normal), f32s([33], Draw::Weights)];
    cases
        .push(Case::new("correlation weights shared", shared, |t, x| Ok(vec![t.correlation(x[0], Some(x[1]), false)?])).within(1e-6, 1e-5));
    cases
}

pub(super) fn works() -> Vec<Work> {
    let shapes = [[1, 32, 128], [4, 200, 600], [16, 400, 1200]];
    let weighted = |[batch, n, time]: [usize; 3]| vec![f32s([batch, n, time], Draw::Series), f32s([batch, time], Draw::Weights)];
    vec![
        Work::new(
            "correlation",
            // The last has more vertices than is usual: its matrix takes 64 MiB.
            [[1, 32, 128], [16, 400, 1200], [1, 4096, 1200]]
                .map(|s| Instance::new(vec![f32s(s, Draw::Series)], |t, x| Ok(vec![t.correlation(x[0], None, false)?]))),
        ),
        Work::new(
            "correlation fisher_z",
            shapes.map(|s| Instance::new(vec![f32s(s, Draw::Series)], |t, x| Ok(vec![t.correlation(x[0], None, true)?]))),
        ),
        Work::new(
            "correlation weighted",
            shapes.map(|s| Instance::new(weighted(s), |t, x| Ok(vec![t.correlation(x[0], Some(x[1]), false)?]))),
        ),
        Work::new("covariance", shapes.map(|s| Instance::new(vec![f32s(s, Draw::Normal)], |t, x| Ok(vec![t.covariance(x[0], None, 1)?])))),
    ]
}
