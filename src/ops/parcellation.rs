//! Soft parcellation: memberships are a softmax over parcels, a parcel's series is the membership-weighted mean of its vertices'
//! (Ciric et al. 2022; hypercoil's `AtlasLinear` with a simplex domain and normalisation `mean`).

use super::Family;
use super::case::{Case, Draw, f32s};
use super::line::{self, Lines};
use super::matmul::Product;
use super::reduce::{tree_sum, tree_sum_of};
use super::tile::{self, Extents, Operand, Terms, Tiling};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, MatrixLayout, Real, TensorType, buffer, parallel, product, real_inputs};
use crate::{Error, Result};
use std::sync::Arc;

pub(super) static FAMILY: Family = Family { sources: &[&MEMBERSHIPS_REVERSE, &PARCEL_SERIES, &ROW_DOT], cases, works };

/// A parcel lighter than this has no series and no gradient.
const LIGHTEST: f64 = 1e-30;

pub(super) static PARCEL_SERIES: Source =
    kernel_source!("parcellation/parcel_series").with_variants(&tile::VARIANTS).with_choices(&[common::OPERANDS, common::RESULT]);

pub(super) static MEMBERSHIPS_REVERSE: Source = kernel_source!("parcellation/memberships_reverse")
    .with_variants(&tile::VARIANTS)
    .with_choices(&[Choice::Constant("DIRECT", &["false", "true"]), common::OPERANDS, common::RESULT]);

pub(super) static ROW_DOT: Source =
    kernel_source!("parcellation/row_dot").with_variants(&line::VARIANTS).with_choices(&[common::ROW_WIDTH]);

/// The results of [`Tape::soft_parcellation`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SoftParcellation {
    /// `[parcels, time]`: membership-weighted means.
    pub series: Var,
    /// `[parcels, vertices]`: softmax of the logits over parcels.
    pub memberships: Var,
    /// `[parcels]`: each parcel's summed memberships.
    pub mass: Var,
}

/// (memberships, x) → series, mass.
#[derive(Debug, Clone, Copy)]
struct ParcelSeries;

fn reciprocal<R: Real>(mass: R) -> R {
    if mass < R::of(LIGHTEST) { R::zero() } else { mass.recip() }
}

impl ParcelSeries {
    fn run<R: Real>(a: &HostTensor, x: &HostTensor) -> Result<Vec<HostTensor>> {
        let ([p, v], t) = ([a.shape()[0], a.shape()[1]], x.shape()[1]);
        let (a, x) = (a.elements::<R>()?, x.elements::<R>()?);
        let mut mass = buffer(p);
        parallel::rows(&mut mass, 1, v, |i, m| m[0] = tree_sum(&a[i * v..(i + 1) * v]));
        let mut s = buffer(p * t);
        product(&mut s, [p, v, t], a, MatrixLayout::new(0, [p, v], false), x, MatrixLayout::new(0, [v, t], false));
        parallel::rows(&mut s, t, t, |i, s| {
            let scale = reciprocal(mass[i]);
            s.iter_mut().for_each(|s| *s *= scale);
        });
        Ok(vec![HostTensor::real([p, t], s)?, HostTensor::real([p], mass)?])
    }
}

impl Op for ParcelSeries {
    fn key(&self) -> OpKey {
        OpKey::new("parcel_series")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (a, x) = (inputs[0], inputs[1]);
        if a.dtype != DType::F32 || a.shape.rank() != 2 {
            return Err(Error::op("soft_parcellation", format!("logits must be f32 [parcels, vertices], found {a}")));
        }
        if x.dtype != DType::F32 || x.shape.rank() != 2 || x.shape[0] != a.shape[1] {
            return Err(Error::op("soft_parcellation", format!("series must be f32 [{}, time], found {x}", a.shape[1])));
        }
        Ok(vec![TensorType::f32([a.shape[0], x.shape[1]]), TensorType::f32([a.shape[0]])])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => Self::run::<R>(&inputs[0], &inputs[1]))
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (a, x) = (cx.input(0), cx.input(1));
        let (series, mass) = (cx.output(0), cx.output(1));
        let (g, g_mass) = (cx.cotangent_or_zeros(0)?, cx.cotangent(1));
        let (want_a, want_x) = (cx.wanted(0), cx.wanted(1));
        let tape = cx.tape();
        let da = if want_a {
            let direct = match g_mass {
                Some(h) => {
                    let (column, shape) = ([tape.shape(h)[0], 1], tape.shape(a));
                    let h = tape.reshape(h, column)?;
                    Some(tape.broadcast_to(h, shape)?)
                }
                None => None,
            };
            let inputs: Vec<Var> = [a, mass, series, x, g].into_iter().chain(direct).collect();
            Some(tape.record_one(MembershipsReverse { of_logits: false }, &inputs)?)
        } else {
            None
        };
        let dx = if want_x { Some(x_cotangent(tape, a, mass, g)?) } else { None };
        Ok(vec![da, dx])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let ([p, v], t) = ([cx.input_shape(0)[0], cx.input_shape(0)[1]], cx.input_shape(1)[1]);
        lower_series(cx, cx.input(0), cx.input(1), cx.output(0), cx.output(1), [p, v, t])
    }
}

/// Aᵀ (G / m).
fn x_cotangent(tape: &mut Tape, a: Var, mass: Var, g: Var) -> Result<Var> {
    let (lightest, one, zero) = (tape.scalar(LIGHTEST as f32)?, tape.scalar(1.0)?, tape.scalar(0.0)?);
    let light = tape.less(mass, lightest)?;
    let safe = tape.select(light, one, mass)?;
    let scale = tape.reciprocal(safe)?;
    let scale = tape.select(light, zero, scale)?;
    let column = [tape.shape(mass)[0], 1];
    let scale = tape.reshape(scale, column)?;
    let scaled = tape.mul(g, scale)?;
    tape.matmul_with(a, scaled, true, false)
}

fn lower_series(
    cx: &mut Lowering<'_>,
    a: crate::kernel::Buffer,
    x: crate::kernel::Buffer,
    series: crate::kernel::Buffer,
    mass: crate::kernel::Buffer,
    [p, v, t]: [usize; 3],
) -> Result<()> {
    super::reduce::lower_sums(cx, a, mass, [p, v, 1])?;
    let product = Product::new([p, v, t], [false; 2], 1);
    if let Some(parts) = product.narrow_parts(cx, a, x)? {
        return parts.add(cx, series, Some(mass));
    }
    let tiling = Tiling::sliced(&PARCEL_SERIES, cx, Extents { batches: 1, rows: p, cols: t, terms: v })?;
    if tiling.slices > 1 {
        let parts = product.lower_parts(cx, a, x, tiling.slices)?;
        return parts.add(cx, series, Some(mass));
    }
    let a = Operand::new(cx, a, [p, v], t)?;
    let x = Operand::new(cx, x, [v, t], p)?;
    let [row_units, col_units] = tiling.units_of(p, t);
    let units = row_units * col_units;
    let kernel = tiling.kernel(&[tile::operands(a, x), tile::result(t)]);
    let params = Params::new().u32(p).u32(v).u32(t).u32(col_units).u32(units).u32(a.stride).u32(x.stride);
    let magnitudes = tiling.magnitudes(cx, [(a, Terms::Row), (x, Terms::of(false, 1))])?;
    let bindings = [Binding::read(a.buffer), Binding::read(x.buffer), Binding::write(series), Binding::read(mass)];
    let bindings = bindings.into_iter().chain(magnitudes).collect();
    let flops = 2.0 * (p * v) as f64 * t as f64 + (p * t + 2 * p) as f64;
    cx.dispatch(kernel, bindings, params, tiling.groups(units), flops)
}

/// (memberships, mass, series, x, G, H?) → the cotangent of the memberships, or of the logits they are a softmax of.
#[derive(Debug, Clone, Copy)]
struct MembershipsReverse {
    of_logits: bool,
}

impl MembershipsReverse {
    fn run<R: Real>(&self, inputs: &[HostTensor]) -> Result<HostTensor> {
        let shape = inputs[0].shape();
        let ([p, v], t) = ([shape[0], shape[1]], inputs[3].shape()[1]);
        let [a, mass, s, x, g] = [0, 1, 2, 3, 4].map(|i| inputs[i].elements::<R>());
        let (a, mass, s, x, g) = (a?, mass?, s?, x?, g?);
        let h = inputs.get(5).map(HostTensor::elements::<R>).transpose()?;
        let mut d = buffer(p * v);
        product(&mut d, [p, t, v], g, MatrixLayout::new(0, [p, t], false), x, MatrixLayout::new(0, [t, v], true));
        let mut means = vec![(R::zero(), R::zero()); p];
        parallel::rows(&mut means, 1, 2 * t, |i, mean| {
            mean[0] = (tree_sum_of([&g[i * t..(i + 1) * t], &s[i * t..(i + 1) * t]], |[g, s]| g * s), reciprocal(mass[i]));
        });
        parallel::columns(&mut d, v, 256, 8 * p, |first, d| {
            for (i, (d, &(mean, scale))) in d.iter_mut().zip(&means).enumerate() {
                d.iter_mut().for_each(|d| *d = (*d - mean) * scale);
                if let Some(h) = h {
                    d.iter_mut().zip(&h[i * v + first..]).for_each(|(d, &h)| *d += h);
                }
            }
            if self.of_logits {
                through_softmax(&a[first..], v, d);
            }
        });
        HostTensor::real(shape, d)
    }
}

/// d := a (d − Σ_p a d) over columns: `d` a slice of each row, `a` where the same rows begin, `stride` apart. The sum goes a slab of
/// rows at a time, as a tree would.
fn through_softmax<R: Real>(a: &[R], stride: usize, d: &mut [&mut [R]]) {
    let width = d.first().map_or(0, |d| d.len());
    let mut sums = vec![R::zero(); width];
    for (slab, d) in d.chunks(64).enumerate() {
        let mut part = vec![R::zero(); width];
        for (i, d) in d.iter().enumerate() {
            part.iter_mut().zip(&a[(64 * slab + i) * stride..]).zip(&**d).for_each(|((s, &a), &d)| *s += a * d);
        }
        sums.iter_mut().zip(part).for_each(|(s, p)| *s += p);
    }
    for (i, d) in d.iter_mut().enumerate() {
        d.iter_mut().zip(&a[i * stride..]).zip(&sums).for_each(|((d, &a), &s)| *d = a * (*d - s));
    }
}

impl Op for MembershipsReverse {
    fn key(&self) -> OpKey {
        OpKey::of("memberships_reverse", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(vec![inputs[0]])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable {
            op: "memberships_reverse".into(),
            why: "its kernels are fused; for a second derivative compose softmax, matmul and sum".into(),
        })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let shape = cx.input_shape(0);
        let ([p, v], t) = ([shape[0], shape[1]], cx.input_shape(3)[1]);
        let [a, mass, s, x, g] = [0, 1, 2, 3, 4].map(|i| cx.input(i));
        let (direct, d) = (cx.inputs() == 6, cx.output(0));
        let c = cx.scratch(TensorType::f32([p]));
        let mut rows = Lines::new(&ROW_DOT, cx, [p, t, 1]);
        rows.whole();
        let bindings = vec![Binding::read(g), Binding::read(s), Binding::write(c)];
        let params = Params::new().u32(p).u32(rows.n).u32(rows.lines);
        cx.dispatch(rows.kernel(&[]), bindings, params, rows.groups(p), 2.0 * (p * t) as f64)?;

        let along_g = Operand::new(cx, g, [p, t], v)?;
        let along_x = Operand::new(cx, x, [v, t], p)?;
        let tiling = Tiling::new(&MEMBERSHIPS_REVERSE, cx, Extents { batches: 1, rows: p, cols: v, terms: t })?;
        let [row_units, col_units] = tiling.units_of(p, v);
        let units = row_units * col_units;
        let kernel = tiling.kernel(&[direct.into(), tile::operands(along_g, along_x), tile::result(v)]);
        let h = if direct { cx.input(5) } else { mass };
        let magnitudes = tiling.magnitudes(cx, [(along_g, Terms::Row), (along_x, Terms::Row)])?;
        let [g, x] = [along_g, along_x].map(|o| Binding::read(o.buffer));
        let bindings = [g, x, Binding::write(d)].into_iter().chain([mass, c, h].map(Binding::read)).chain(magnitudes).collect();
        let params = Params::new().u32(p).u32(v).u32(t).u32(col_units).u32(units).u32(along_g.stride).u32(along_x.stride);
        let flops = 2.0 * (p * v) as f64 * t as f64 + ((2 + usize::from(direct)) * p * v + 2 * p) as f64;
        cx.dispatch(kernel, bindings, params, tiling.groups(units), flops)?;
        if !self.of_logits {
            return Ok(());
        }
        super::softmax::lower_columns_reverse(cx, [p, v], [a, d])
    }
}

/// (logits, x) → series, memberships, mass: [`ParcelSeries`] after a softmax over parcels, with one fused reverse.
#[derive(Debug, Clone, Copy)]
struct SoftAtlas;

impl Op for SoftAtlas {
    fn key(&self) -> OpKey {
        OpKey::new("soft_parcellation")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let out = ParcelSeries.infer(inputs)?;
        Ok(vec![out[0], inputs[0], out[1]])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let memberships = super::softmax::evaluate(&inputs[0], 0)?;
        let [series, mass] = <[HostTensor; 2]>::try_from(ParcelSeries.evaluate(&[memberships.clone(), inputs[1].clone()])?)
            .map_err(|_| Error::op("soft_parcellation", "two values expected"))?;
        Ok(vec![series, memberships, mass])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let x = cx.input(1);
        let (series, a, mass) = (cx.output(0), cx.output(1), cx.output(2));
        let (g, mut direct, g_mass) = (cx.cotangent_or_zeros(0)?, cx.cotangent(1), cx.cotangent(2));
        let (want_logits, want_x) = (cx.wanted(0), cx.wanted(1));
        let tape = cx.tape();
        if let Some(h) = g_mass {
            // The mass is the memberships' sum over vertices: its cotangent adds to each.
            let (column, shape) = ([tape.shape(h)[0], 1], tape.shape(a));
            let h = tape.reshape(h, column)?;
            direct = Some(match direct {
                Some(d) => tape.add(d, h)?,
                None => tape.broadcast_to(h, shape)?,
            });
        }
        let dl = if want_logits {
            let inputs: Vec<Var> = [a, mass, series, x, g].into_iter().chain(direct).collect();
            Some(tape.record_one(MembershipsReverse { of_logits: true }, &inputs)?)
        } else {
            None
        };
        let dx = if want_x { Some(x_cotangent(tape, a, mass, g)?) } else { None };
        Ok(vec![dl, dx])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let ([p, v], t) = ([cx.input_shape(0)[0], cx.input_shape(0)[1]], cx.input_shape(1)[1]);
        let memberships = cx.output(1);
        super::softmax::lower_columns(cx, [p, v], [cx.input(0), memberships])?;
        lower_series(cx, memberships, cx.input(1), cx.output(0), cx.output(2), [p, v, t])
    }
}

/// # Soft parcellation
impl Tape {
    /// Soft parcellation of `series` `[vertices, time]` by `logits` `[parcels, vertices]`: memberships A = softmax over parcels,
    /// masses m = Σ_v A, parcel series S = A X / m. Subjects `[subjects, vertices, time]` share the memberships, and their parcels' series
    /// are `[subjects, parcels, time]`: one product for all, at the price of a copy of their series.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // Two vertices in the first parcel, one in the second.
    /// let mut tape = Tape::new();
    /// let series = tape.input("series", TensorType::f32([3, 2]))?; // [vertices, time]
    /// let logits = tape.constant(HostTensor::f32([2, 3], vec![30.0, 30.0, -30.0, -30.0, -30.0, 30.0])?)?; // [parcels, vertices]
    /// let parcels = tape.soft_parcellation(logits, series)?;
    /// let mut program = Device::cpu().compile(&tape, &[parcels.series])?;
    /// let found = program.run(&[(series, &HostTensor::f32([3, 2], vec![1.0, 2.0, 3.0, 4.0, 7.0, 8.0])?)])?;
    /// assert_eq!(found[0].to_f64_vec(), [2.0, 3.0, 7.0, 8.0]); // the mean of a parcel's vertices
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the operands are not f32 of these shapes.
    pub fn soft_parcellation(&mut self, logits: Var, series: Var) -> Result<SoftParcellation> {
        let (flat, subjects) = self.subjects_aside(series)?;
        let made = self.record(Arc::new(SoftAtlas), &[logits, flat])?;
        let series = self.subjects_back(made[0], subjects)?;
        Ok(SoftParcellation { series, memberships: made[1], mass: made[2] })
    }

    /// Parcel series `[parcels, time]` of given memberships `[parcels, vertices]` (a soft or hard atlas, any weights), and their masses
    /// `[parcels]`: S = A X / m; of subjects as [`Tape::soft_parcellation`].
    ///
    /// # Errors
    /// As [`Tape::soft_parcellation`].
    pub fn parcel_series(&mut self, memberships: Var, series: Var) -> Result<(Var, Var)> {
        let (flat, subjects) = self.subjects_aside(series)?;
        let made = self.record(Arc::new(ParcelSeries), &[memberships, flat])?;
        Ok((self.subjects_back(made[0], subjects)?, made[1]))
    }

    /// Series of subjects `[subjects, vertices, time]` side by side, `[vertices, subjects · time]`, and how many subjects.
    fn subjects_aside(&mut self, series: Var) -> Result<(Var, Option<usize>)> {
        self.check(series)?;
        let shape = self.shape(series);
        if shape.rank() != 3 {
            return Ok((series, None));
        }
        let turned = self.transpose(series, &[1, 0, 2])?;
        Ok((self.reshape(turned, [shape[1], shape[0] * shape[2]])?, Some(shape[0])))
    }

    fn subjects_back(&mut self, series: Var, subjects: Option<usize>) -> Result<Var> {
        let Some(subjects) = subjects else { return Ok(series) };
        let [parcels, frames] = [self.shape(series)[0], self.shape(series)[1]];
        let apart = self.reshape(series, [parcels, subjects, frames / subjects.max(1)])?;
        self.transpose(apart, &[1, 0, 2])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [p, v, t] in [[1, 1, 1], [7, 65, 63], [5, 257, 7], [68, 132, 36], [65, 7, 33]] {
        let operands = || vec![f32s([p, v], Draw::Normal), f32s([v, t], Draw::Normal)];
        let all = |t: &mut Tape, x: &[Var]| {
            let made = t.soft_parcellation(x[0], x[1])?;
            Ok(vec![made.series, made.memberships, made.mass])
        };
        cases.push(Case::new("soft_parcellation", operands(), all).within(2e-6, 5e-6));
        let series = |t: &mut Tape, x: &[Var]| Ok(vec![t.soft_parcellation(x[0], x[1])?.series]);
        cases.push(Case::new("soft_parcellation series", operands(), series).within(2e-6, 5e-6));
        let weights = vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), f32s([v, t], Draw::Normal)];
        cases.push(Case::new("parcel_series", weights, |t, x| t.parcel_series(x[0], x[1]).map(|(s, m)| vec![s, m])).within(2e-6, 5e-6));
    }
    // Sums so long that they are made in slices, and few frames.
    for [p, v, t] in [[9, 1031, 11], [12, 1028, 12], [9, 1031, 3]] {
        let weights = vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), f32s([v, t], Draw::Normal)];
        let series = |t: &mut Tape, x: &[Var]| t.parcel_series(x[0], x[1]).map(|(s, m)| vec![s, m]);
        cases.push(Case::new("parcel_series of slices", weights, series).within(2e-6, 5e-6));
    }
    for [subjects, p, v, t] in [[1, 3, 7, 5], [3, 7, 65, 9]] {
        let operands = vec![f32s([p, v], Draw::Normal), f32s([subjects, v, t], Draw::Normal)];
        let series = |t: &mut Tape, x: &[Var]| Ok(vec![t.soft_parcellation(x[0], x[1])?.series]);
        cases.push(Case::new("soft_parcellation of subjects", operands, series).within(2e-6, 5e-6));
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    // Parcels, vertices, frames.
    let sizes = [[16, 256, 64], [100, 2562, 652], [400, 20_484, 1200]];
    let operands = |[p, v, t]: [usize; 3], draw| vec![f32s([p, v], draw), f32s([v, t], Draw::Normal)];
    vec![
        Work::new(
            "soft_parcellation",
            sizes.map(|s| Instance::new(operands(s, Draw::Normal), |t, x| Ok(vec![t.soft_parcellation(x[0], x[1])?.series]))),
        ),
        Work::new(
            "parcel_series",
            sizes.map(|s| Instance::new(operands(s, Draw::Uniform(0.1, 1.0)), |t, x| Ok(vec![t.parcel_series(x[0], x[1])?.0]))),
        ),
    ]
}
