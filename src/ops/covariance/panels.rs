//! Correlations of more variables than a binding can hold the matrix of: rows of it, and what is kept of each row, by panels of rows or
//! straight from the product's tiles. The whole matrix never exists.

use super::super::case::{Case, Draw, f32s};
use super::super::shape::lower_set;
use super::super::tile::{self, Extents, Operand, Terms, Tiling};
use super::super::work::{Instance, Work};
use super::neighbours;
use super::product::finish;
use crate::kernel::{Binding, Buffer, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, MatrixLayout, Real, TensorType, buffer, parallel, product, real_inputs};
use crate::{Error, Result};
use std::ops::Range;

pub(in crate::ops) static CORRELATION_ROWS: Source =
    kernel_source!("covariance/correlation_rows").with_variants(&tile::VARIANTS).with_choices(&[common::OPERANDS, common::RESULT]);

pub(in crate::ops) static DEGREE: Source =
    kernel_source!("covariance/degree").with_variants(&tile::VARIANTS).with_choices(&[common::OPERANDS]);
pub(in crate::ops) static COUNTED: Source = kernel_source!("covariance/counted");

/// The most units of a product that counts in one dispatch, so that none keeps a GPU so long that its watchdog bites.
pub(super) const UNITS: usize = 8192;

/// The result kept from the rows of a correlation matrix.
#[derive(Debug, Clone, PartialEq)]
enum Kept {
    /// These rows.
    Rows(Range<usize>),
    /// The number of others that correlate above a threshold.
    Degree { threshold: f32 },
    /// The k others that correlate most, the highest first: correlations, and which they are.
    TopK { k: usize },
}

/// u `[n, time]`, standardised rows → what is kept of the rows of u uᵀ.
#[derive(Debug, Clone)]
pub(super) struct Panels {
    kept: Kept,
}

impl Panels {
    fn name(&self) -> &'static str {
        match self.kept {
            Kept::Rows(_) => "correlation_rows",
            Kept::Degree { .. } => "degree",
            Kept::TopK { .. } => "top_k",
        }
    }

    /// Rows of u uᵀ.
    fn rows<R: Real>(u: &[R], [n, time]: [usize; 2], rows: Range<usize>) -> Vec<R> {
        let mut r = buffer(rows.len() * n);
        let (a, b) = (MatrixLayout::new(rows.start * time, [rows.len(), time], false), MatrixLayout::new(0, [time, n], true));
        product(&mut r, [rows.len(), time, n], u, a, u, b);
        parallel::rows(&mut r, n, 4 * n, |row, r| {
            r.iter_mut().enumerate().for_each(|(j, r)| *r = finish(*r, j == rows.start + row, false));
        });
        r
    }

    fn run<R: Real>(&self, u: &HostTensor) -> Result<Vec<HostTensor>> {
        let [n, time] = [u.shape()[0], u.shape()[1]];
        let u = u.elements::<R>()?;
        let panels = |most: usize| (0..n).step_by(most).map(move |first| first..n.min(first + most));
        match &self.kept {
            Kept::Rows(rows) => Ok(vec![HostTensor::real([rows.len(), n], Self::rows(u, [n, time], rows.clone()))?]),
            Kept::Degree { threshold } => {
                let threshold = R::of(f64::from(*threshold));
                let counted = |r: R| if r.is_nan() { r } else { R::of(f64::from(u8::from(r > threshold))) };
                let of_row = |(i, r): (usize, &[R])| r.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, &r)| counted(r)).sum::<R>();
                let of_panel = |p: Range<usize>| {
                    let r = Self::rows(u, [n, time], p.clone());
                    p.zip(r.chunks_exact(n)).map(of_row).collect::<Vec<_>>()
                };
                Ok(vec![HostTensor::real([n], panels(256).flat_map(of_panel).collect())?])
            }
            &Kept::TopK { k } => {
                let (mut values, mut indices) = (Vec::with_capacity(n * k), Vec::with_capacity(n * k));
                for p in panels(256) {
                    let r = Self::rows(u, [n, time], p.clone());
                    for (i, r) in p.zip(r.chunks_exact(n)) {
                        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
                        // A stable sort: of equals, the first. NaN counts for the largest, as in PyTorch.
                        let rank = |j: usize| if r[j].is_nan() { f64::INFINITY } else { r[j].double() + 0.0 };
                        others.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)));
                        values.extend(others[..k].iter().map(|&j| r[j]));
                        indices.extend(others[..k].iter().map(|&j| j as i32));
                    }
                }
                Ok(vec![HostTensor::real([n, k], values)?, HostTensor::i32([n, k], indices)?])
            }
        }
    }

    /// The rows `rows` of u uᵀ into `panel`.
    pub(super) fn lower_rows(cx: &mut Lowering<'_>, u: Operand, [n, time]: [usize; 2], rows: Range<usize>, panel: Buffer) -> Result<()> {
        let m = rows.len();
        let tiling = Tiling::new(&CORRELATION_ROWS, cx, Extents { batches: 1, rows: m, cols: n, terms: time })?;
        let [row_units, col_units] = tiling.units_of(m, n);
        let units = row_units * col_units;
        let kernel = tiling.kernel(&[tile::operands(u, u), tile::result(n)]);
        let magnitudes = tiling.magnitudes(cx, [(u, Terms::WithinOne); 2])?;
        let bindings = [Binding::read(u.buffer), Binding::read(u.buffer), Binding::write(panel)].into_iter().chain(magnitudes).collect();
        let params = Params::new().u32(rows.start).u32(m).u32(n).u32(time).u32(col_units).u32(units).u32(u.stride);
        // Each entry is held within [−1, 1], or made exact on the diagonal.
        let flops = 2.0 * (m * n) as f64 * time as f64 + (2 * m * n - m) as f64;
        cx.dispatch(kernel, bindings, params, tiling.groups(units), flops)
    }
}

impl Op for Panels {
    fn key(&self) -> OpKey {
        OpKey::of(self.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let u = inputs[0];
        let fail = |what: String| Err(Error::op(self.name(), what));
        if u.dtype != DType::F32 || u.shape.rank() != 2 || u.shape[1] == 0 {
            return fail(format!("series must be f32 [variables, time] with a frame at least, found {u}"));
        }
        let n = u.shape[0];
        match &self.kept {
            Kept::Rows(rows) if rows.start > rows.end || rows.end > n => {
                fail(format!("rows {} .. {} are not among the {n} of {u}", rows.start, rows.end))
            }
            Kept::Rows(rows) => Ok(vec![TensorType::f32([rows.len(), n])]),
            Kept::Degree { threshold } if threshold.is_nan() => fail("the threshold is not a number".into()),
            Kept::Degree { .. } => Ok(vec![TensorType::f32([n])]),
            Kept::TopK { k } if *k >= n.max(1) => fail(format!("{k} neighbours are more than each of {n} variables has")),
            Kept::TopK { k } => Ok(vec![TensorType::f32([n, *k]), TensorType::i32([n, *k])]),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0]))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let why = "what is kept of a matrix that never exists has no reverse rule; use `correlation`, or `mean_connectivity`";
        Err(Error::NotDifferentiable { op: self.name().into(), why: why.into() })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [n, time] = [cx.input_shape(0)[0], cx.input_shape(0)[1]];
        let u = Operand::new(cx, cx.input(0), [n, time], n)?;
        if let Kept::Rows(rows) = &self.kept {
            let panel = cx.output(0);
            return Self::lower_rows(cx, u, [n, time], rows.clone(), panel);
        }
        match self.kept {
            Kept::Degree { threshold } => lower_degree(cx, u, [n, time], threshold),
            Kept::TopK { k: 0 } | Kept::Rows(_) => Ok(()),
            Kept::TopK { k } => neighbours::lower(cx, u, [n, time], k),
        }
    }
}

/// The dispatches that count straight from the tiles of the symmetric product.
fn lower_degree(cx: &mut Lowering<'_>, u: Operand, [n, time]: [usize; 2], threshold: f32) -> Result<()> {
    let counts = cx.scratch(TensorType::u32([n]));
    lower_set(cx, counts, 0)?;
    let tiling = Tiling::symmetric(&DEGREE, cx, Extents { batches: 1, rows: n, cols: n, terms: time })?;
    let pairs = tiling.units(n) * (tiling.units(n) + 1) / 2;
    // Half the entries, each held within [−1, 1], or made exact on the diagonal; a comparison and an addition for each other variable.
    let flops = (n * (n + 1)) as f64 * time as f64 + (n * n + 2 * n * n.saturating_sub(1)) as f64;
    let magnitudes = tiling.magnitudes(cx, [(u, Terms::WithinOne); 2])?;
    for first in (0..pairs).step_by(UNITS) {
        let share = UNITS.min(pairs - first);
        let own = [Binding::read(u.buffer), Binding::read(u.buffer), Binding::continued(counts)];
        let bindings = own.into_iter().chain(magnitudes.iter().copied()).collect();
        let params = Params::new().u32(n).u32(time).u32(first).u32(first + share).u32(u.stride).f32(threshold);
        let kernel = tiling.kernel(&[tile::operands(u, u)]);
        cx.dispatch(kernel, bindings, params, tiling.groups(share), flops * (share as f64 / pairs as f64))?;
    }
    let kernel = cx.kernel(&COUNTED, &[]);
    let bindings = vec![Binding::read(counts), Binding::write(cx.output(0))];
    cx.dispatch(kernel, bindings, Params::new().u32(n), n.div_ceil(256), 0.0)
}

/// # Correlation in panels of rows
impl Tape {
    /// Rows of the correlation matrix of series `[variables, time]`: `[rows, variables]`. Where the matrix is larger than a device
    /// binds, a program for each panel of rows streams it to the caller; the series may be a state that they share.
    ///
    /// # Errors
    /// Where x is not f32 of two axes with a frame at least, or has not these rows.
    pub fn correlation_rows(&mut self, x: Var, rows: Range<usize>) -> Result<Var> {
        self.panels(x, Kept::Rows(rows)).map(|made| made[0])
    }

    /// The number of others with which each variable of series `[variables, time]` correlates above `threshold`: `[variables]`, counts as
    /// f32. No entry of the matrix is stored (degree centrality; Buckner et al. 2009). Where a correlation with
    /// another is NaN, so is the degree.
    ///
    /// # Errors
    /// Where x is not f32 of two axes with a frame at least, or the threshold is not a number.
    pub fn degree(&mut self, x: Var, threshold: f32) -> Result<Var> {
        self.panels(x, Kept::Degree { threshold }).map(|made| made[0])
    }

    /// The k others that each variable of series `[variables, time]` correlates with most, the highest first, of equals the first:
    /// correlations `[variables, k]`, and indices, i32 of that shape. NaN counts for the highest, as in PyTorch. No more than 64 MiB of
    /// correlations are held at a time: for up to 32 neighbours on a GPU, the best of each row in each tile of the product; else panels of
    /// rows.
    ///
    /// # Errors
    /// Where x is not f32 of two axes with a frame at least, or a variable has not so many others.
    pub fn top_k_neighbours(&mut self, x: Var, k: usize) -> Result<(Var, Var)> {
        self.panels(x, Kept::TopK { k }).map(|made| (made[0], made[1]))
    }

    fn panels(&mut self, x: Var, kept: Kept) -> Result<Vec<Var>> {
        let op = Panels { kept };
        self.check(x)?;
        op.infer(&[self.ty(x)])?;
        let (u, _) = self.standardise(x)?;
        self.record(std::sync::Arc::new(op), &[u])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[2, 7], [7, 65], [65, 63], [68, 132], [257, 33], [300, 40]] {
        let x = || vec![f32s(shape, Draw::Series)];
        let rows = shape[0] / 3..shape[0] - 1;
        let part = move |t: &mut Tape, x: &[Var]| Ok(vec![t.correlation_rows(x[0], rows.clone())?]);
        cases.push(Case::new("correlation_rows", x(), part).within(1e-6, 0.0).forward_only());
        // No pair of these series comes within rounding of the threshold: a count is exact.
        cases.push(Case::new("degree", x(), |t, x| Ok(vec![t.degree(x[0], 2.0 / 3.0)?])).within(0.0, 0.0).forward_only());
        for k in [1, (shape[0] - 1).min(5), (shape[0] - 1).min(32)] {
            let top = move |t: &mut Tape, x: &[Var]| Ok(vec![t.top_k_neighbours(x[0], k)?.0]);
            cases.push(Case::new("top_k_neighbours", x(), top).within(1e-6, 0.0).forward_only());
        }
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let shapes = [[64, 128], [1024, 600], [20_484, 1200]];
    let made = |s: [usize; 2]| vec![f32s(s, Draw::Series)];
    vec![
        Work::new("degree", shapes.map(|s| Instance::new(made(s), |t, x| Ok(vec![t.degree(x[0], 0.3)?])))).forward_only(),
        Work::new("top_k_neighbours", shapes.map(|s| Instance::new(made(s), |t, x| Ok(vec![t.top_k_neighbours(x[0], 10)?.0]))))
            .forward_only(),
    ]
}
