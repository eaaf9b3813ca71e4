//! The second moments themselves.

use super::super::tile::{self, Extents, Operand, Terms, Tiling};
use super::reverse::CovarianceReverse;
use super::standardise::{CORRELATION, Frames, lower_standardise, series, standardise};
use super::{FALSE_TRUE, LARGEST, Statistic, extents};
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, buffer, parallel, real_inputs, symmetric_product};
use crate::{Error, Result};

pub(in crate::ops) static SYMMETRIC_PRODUCT: Source =
    kernel_source!("covariance/symmetric_product").with_variants(&tile::VARIANTS).with_choices(&[
        Choice::Constant("CORRELATION", FALSE_TRUE),
        Choice::Constant("FISHER", FALSE_TRUE),
        common::OPERANDS,
        common::RESULT,
        common::BEST,
    ]);

/// The entries that a product keeps of each row: those of the greatest magnitude off the diagonal, one for each of `slots` parts of its
/// columns.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Best {
    /// The bits of |r| with bit 31 set, 0 where there is none: u32 `[.., n, slots]`.
    pub(in crate::ops) key: Buffer,
    /// The column of each.
    pub(in crate::ops) col: Buffer,
    pub(in crate::ops) slots: usize,
}

/// The dispatch of R = u vᵀ, of standardised rows `[.., n, time]`; and what it keeps of each row, where that is asked for.
fn lower_product(cx: &mut Lowering<'_>, kind: Statistic, (u, v, r): (Buffer, Buffer, Buffer), best: bool) -> Result<Option<Best>> {
    let [batch, n, time] = extents(cx.ty(u).shape);
    let weighted = v != u;
    let u = Operand::new(cx, u, [batch * n, time], n)?;
    let v = if weighted { Operand::new(cx, v, [batch * n, time], n)? } else { u };
    let tiling = Tiling::symmetric(&SYMMETRIC_PRODUCT, cx, Extents { batches: batch, rows: n, cols: n, terms: time })?;
    let pairs = batch * tiling.units(n) * (tiling.units(n) + 1) / 2;
    let slots = tiling.slots(n);
    let kept = best.then(|| [(); 2].map(|()| cx.scratch(TensorType::u32([batch, n, slots]))));
    let fisher = kind == (Statistic::Correlation { fisher_z: true });
    let chosen = [kind.correlation().into(), fisher.into(), tile::operands(u, v), tile::result(n), best.into()];
    // Standardised rows are of norm 1, unless weights scale them.
    let within_one = kind.correlation() && !weighted;
    let terms = if within_one { Terms::WithinOne } else { Terms::Row };
    let magnitudes = tiling.magnitudes(cx, [(u, terms), (v, terms)])?;
    let writes = [r].into_iter().chain(kept.into_iter().flatten()).map(Binding::write);
    let bindings = [u.buffer, v.buffer].map(Binding::read).into_iter().chain(writes).chain(magnitudes).collect();
    let params = Params::new().u32(n).u32(time).u32(tiling.units(n)).u32(batch).u32(u.stride).u32(slots).u32(within_one.into());
    // Half the entries, and what `finish` does to each. Magnitudes are compared as whole numbers.
    let finished = match kind {
        Statistic::Covariance { .. } => 0,
        Statistic::Correlation { fisher_z: false } => n * n,
        Statistic::Correlation { fisher_z: true } => 3 * n * n.saturating_sub(1) / 2,
    };
    let flops = (batch * n * (n + 1)) as f64 * time as f64 + (batch * finished) as f64;
    cx.dispatch(tiling.kernel(&chosen), bindings, params, tiling.groups(pairs), flops)?;
    Ok(kept.map(|[key, col]| Best { key, col, slots }))
}

/// The dispatches of the correlation r of series x, by its standardised rows u and their scales s; and what is kept of each row.
pub(in crate::ops) fn lower_correlation(cx: &mut Lowering<'_>, x: Buffer, made: [Buffer; 3], best: bool) -> Result<Option<Best>> {
    let [r, u, s] = made;
    lower_standardise(cx, CORRELATION, (x, None), (u, s, u))?;
    lower_product(cx, CORRELATION, (u, u, r), best)
}

/// The types of r, u and s of series x.
pub(in crate::ops) fn infer_correlation(x: TensorType) -> Result<Vec<TensorType>> {
    Covariance { kind: CORRELATION }.infer(&[x])
}

/// r, u and s of series x on the host.
pub(in crate::ops) fn correlated(x: &HostTensor) -> Result<Vec<HostTensor>> {
    Covariance { kind: CORRELATION }.evaluate(std::slice::from_ref(x))
}

/// The cotangent of series given that of their correlation.
pub(in crate::ops) fn correlation_cotangent(tape: &mut Tape, g: Var, u: Var, s: Var) -> Result<Var> {
    tape.record_one(CovarianceReverse { kind: CORRELATION }, &[g, u, s])
}

/// (x, w?) → R `[.., n, n]`, u `[.., n, time]` standardised rows, s `[.., n]` their scales.
#[derive(Debug, Clone, Copy)]
struct Covariance {
    kind: Statistic,
}

impl Covariance {
    fn run<R: Real>(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[0].shape();
        let [batch, n, time] = extents(shape);
        let w = inputs.get(1).map(HostTensor::elements::<R>).transpose()?;
        let frames = Frames::new(w, [batch, n, time]);
        let (u, s) = standardise(self.kind, inputs[0].elements::<R>()?, &frames, time);
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
        if let Statistic::Correlation { fisher_z } = self.kind {
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

/// An entry of a correlation matrix: held within [−1, 1], its diagonal made exact; or its Fisher z. NaN stays NaN.
pub(super) fn finish<R: Real>(r: R, diagonal: bool, fisher_z: bool) -> R {
    let (one, within) = (R::one(), |most: R| r.larger(-most).smaller(most));
    match (fisher_z, diagonal) {
        _ if r.is_nan() => r,
        (true, true) => R::zero(),
        (true, false) => within(R::of(LARGEST)).atanh(),
        (false, true) if r > R::of(0.5) => one,
        (false, true) => R::zero(),
        (false, false) => within(one),
    }
}

impl Op for Covariance {
    fn key(&self) -> OpKey {
        OpKey::of(self.kind.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (op, x) = (self.kind.name(), series(self.kind.name(), inputs[0])?);
        let rank = x.shape.rank();
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
        if self.kind == (Statistic::Correlation { fisher_z: true }) {
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
            let held = tape.greater_equal(magnitude, limit)?;
            g = tape.select(held, zero, slope)?;
        }
        let inputs: Vec<Var> = [g, u, s].into_iter().chain(weights).collect();
        let found = tape.record(std::sync::Arc::new(CovarianceReverse { kind: self.kind }), &inputs)?;
        Ok(found.into_iter().map(Some).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, r, u, s) = (cx.input(0), cx.output(0), cx.output(1), cx.output(2));
        let weighted = cx.inputs() == 2;
        let v = if weighted { cx.scratch(cx.ty(u)) } else { u };
        let w = weighted.then(|| cx.input(1));
        lower_standardise(cx, self.kind, (x, w), (u, s, v))?;

        lower_product(cx, self.kind, (u, v, r), false).map(|_| ())
    }
}

/// # Covariance and correlation
impl Tape {
    /// Pearson correlation of the rows of x `[.., variables, time]`: `[.., variables, variables]`, with optional weights of the frames
    /// `[.., time]` (broadcast over batches). With `fisher_z`, atanh of it, |r| held to 1 − 10⁻⁶ and the diagonal 0. A row with a NaN or an
    /// infinity has NaN with every other and on its diagonal.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let x = tape.input("series", TensorType::f32([2, 3]))?; // [regions, time]
    /// let r = tape.correlation(x, None, false)?;
    /// let found = Device::cpu().compile(&tape, &[r])?.run(&[(x, &HostTensor::f32([2, 3], vec![1.0, 2.0, 3.0, 6.0, 4.0, 2.0])?)])?;
    /// let r = found[0].to_f64_vec();
    /// assert!((r[0] - 1.0).abs() < 1e-6 && (r[1] + 1.0).abs() < 1e-6);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where x is not f32 of at least two axes, has no frames, or the weights do not fit.
    pub fn correlation(&mut self, x: Var, weights: Option<Var>, fisher_z: bool) -> Result<Var> {
        self.second_moments(Statistic::Correlation { fisher_z }, x, weights)
    }

    /// Covariance of the rows of x `[.., variables, time]`, divided by T − `ddof`, or by Σw − ddof Σw²/Σw with weights `[.., time]`.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let x = tape.input("series", TensorType::f32([2, 3]))?;
    /// let unbiased = tape.covariance(x, None, 1)?;
    /// let found = Device::cpu().compile(&tape, &[unbiased])?.run(&[(x, &HostTensor::f32([2, 3], vec![1.0, 2.0, 3.0, 2.0, 4.0, 6.0])?)])?;
    /// let close = |(a, b): (f64, f64)| (a - b).abs() < 1e-6;
    /// assert!(found[0].to_f64_vec().into_iter().zip([1.0, 2.0, 2.0, 4.0]).all(close));
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tape::correlation`], and where the frames leave no degree of freedom.
    pub fn covariance(&mut self, x: Var, weights: Option<Var>, ddof: usize) -> Result<Var> {
        self.check(x)?;
        let time = self.shape(x).last().copied().unwrap_or(0);
        if weights.is_none() && time <= ddof {
            return Err(Error::op("covariance", format!("{time} frames leave no degree of freedom at ddof {ddof}")));
        }
        self.second_moments(Statistic::Covariance { ddof }, x, weights)
    }

    fn second_moments(&mut self, kind: Statistic, x: Var, weights: Option<Var>) -> Result<Var> {
        self.check(x)?;
        let shape = self.shape(x);
        let mut inputs = vec![self.less_means(x)];
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
