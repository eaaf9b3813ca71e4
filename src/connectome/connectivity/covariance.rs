//! What follows from covariances: precision, partial and conditional covariance, and covariance between two sets of variables.
//!
//! Definitions as in hypercoil's `cov` (Ciric et al. 2022) but for what is wrong there: paired correlation is normalised under the same
//! weights as its covariance. Constant variables, and those that are combinations of the ones before them, are left out of inverses (see
//! [`crate::ops::spd`]): they have rows and columns of 0, never NaN.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// A variance not above this share of the largest square of its variable is constant, as in [`Tape::correlation`].
const CONSTANT: f32 = 8.0 * f32::EPSILON;

/// Series centred, and what they are weighted by.
struct Centred {
    /// x − μ.
    series: Var,
    /// w (x − μ).
    weighted: Var,
}

impl Tape {
    /// Σ⁻¹ of covariances `[.., n, n]`.
    ///
    /// # Errors
    /// Where they are not f32 `[.., n, n]`.
    pub fn precision(&mut self, covariance: Var) -> Result<Var> {
        self.inverse_spd(covariance)
    }

    /// The precision of series x `[.., variables, time]`: the inverse of their covariance, divided by T − `ddof`. What f32 loses is the
    /// root of the condition, where [`Tape::precision`] of a covariance loses the condition.
    ///
    /// # Errors
    /// As [`Tape::covariance`].
    pub fn series_precision(&mut self, x: Var, ddof: usize) -> Result<Var> {
        Ok(self.covariance_and_inverse(x, ddof)?[1])
    }

    /// The covariance of series, divided by T − `ddof`, and its inverse as [`Tape::series_precision`] has it.
    pub(super) fn covariance_and_inverse(&mut self, x: Var, ddof: usize) -> Result<[Var; 2]> {
        let covariance = self.covariance(x, None, ddof)?;
        let time = self.series_shape("series_precision", x)?.last().copied().unwrap_or(1);
        let centred = self.about_mean(x)?;
        let rows = self.scale(centred, (((time - ddof) as f32).sqrt()).recip())?;
        Ok([covariance, self.inverse_gram(covariance, rows)?])
    }

    /// The correlation of series, and its inverse, as exact as [`Tape::series_precision`].
    pub(super) fn correlation_and_inverse(&mut self, x: Var) -> Result<[Var; 2]> {
        let correlation = self.correlation(x, None, false)?;
        let rows = self.standardise(x)?.0;
        Ok([correlation, self.inverse_gram(correlation, rows)?])
    }

    /// Partial correlation of series x `[.., variables, time]`: the correlation of two variables given all others, 1 on the diagonal; as
    /// exact as [`Tape::series_precision`]. Of a covariance: [`Tape::partial_correlation_of`].
    ///
    /// # Errors
    /// As [`Tape::correlation`].
    pub fn partial_correlation(&mut self, x: Var) -> Result<Var> {
        let [_, precision] = self.correlation_and_inverse(x)?;
        self.partial_of_precision(precision)
    }

    /// −Ωᵢⱼ/√(ΩᵢᵢΩⱼⱼ) of precisions Ω `[.., n, n]`, 1 on the diagonal.
    pub(super) fn partial_of_precision(&mut self, precision: Var) -> Result<Var> {
        let partial = self.negated_beside_diagonal(precision)?;
        self.normalised(partial)
    }

    /// Partial covariance of covariances `[.., n, n]`: their precision, its entries off the diagonal negated. Errors as
    /// [`Tape::precision`].
    pub fn partial_covariance(&mut self, covariance: Var) -> Result<Var> {
        let precision = self.precision(covariance)?;
        self.negated_beside_diagonal(precision)
    }

    fn negated_beside_diagonal(&mut self, precision: Var) -> Result<Var> {
        let shape = self.shape(precision);
        let n = shape[shape.rank() - 1];
        let signs = (0..n * n).map(|at| if at.is_multiple_of(n + 1) { 1.0 } else { -1.0 }).collect();
        let signs = self.constant(HostTensor::f32([n, n], signs)?)?;
        self.mul(precision, signs)
    }

    /// Partial correlation of covariances `[.., n, n]`, from the precision Ω: −Ωᵢⱼ/√(ΩᵢᵢΩⱼⱼ), 1 on the diagonal; the correlation of two
    /// variables given all others. Errors as [`Tape::precision`].
    pub fn partial_correlation_of(&mut self, covariance: Var) -> Result<Var> {
        let precision = self.precision(covariance)?;
        self.partial_of_precision(precision)
    }

    /// The condition of symmetric positive-definite matrices `[.., n, n]` whose variables are scaled to variance 1, by the 1-norm, given
    /// their inverses: ‖R‖₁ ‖R⁻¹‖₁ `[..]`, over the variables that are not left out.
    pub(super) fn condition(&mut self, x: Var, inverse: Var) -> Result<Var> {
        let variances = self.diagonal(x)?;
        let roots = self.sqrt(variances)?;
        let (columns, rows) = self.by_columns_and_rows(roots)?;
        let of_inverse = self.mul(inverse, rows)?;
        let of_inverse = self.mul(of_inverse, columns)?;
        let correlation = self.normalised(x)?;
        let mut norms = Vec::with_capacity(2);
        for matrix in [correlation, of_inverse] {
            let sizes = self.abs(matrix)?;
            let sums = self.sum(sizes, &[-1], false)?;
            norms.push(self.max(sums, &[-1], false)?);
        }
        self.mul(norms[0], norms[1])
    }

    /// Matrices `[.., n, n]` divided by the roots of their diagonal both ways: covariance as correlation. What has no variance has 0.
    ///
    /// # Errors
    /// Where they are not f32 `[.., n, n]`.
    pub fn normalised(&mut self, x: Var) -> Result<Var> {
        let variances = self.diagonal(x)?;
        let scales = self.inverse_roots(variances)?;
        let (columns, rows) = self.by_columns_and_rows(scales)?;
        let scaled = self.mul(x, rows)?;
        self.mul(scaled, columns)
    }

    /// Covariance between two sets of series, x `[.., m, time]` and y `[.., n, time]`: `[.., m, n]`, divided by T − `ddof`, or by
    /// Σw − ddof Σw²/Σw with weights of the frames `[.., time]`.
    ///
    /// # Errors
    /// Where x or y is not f32 `[.., variables, time]`, their frames or the weights do not fit, or no degree of freedom is left.
    pub fn paired_covariance(&mut self, x: Var, y: Var, weights: Option<Var>, ddof: usize) -> Result<Var> {
        let time = self.paired_frames("paired_covariance", x, y)?;
        if weights.is_none() && time <= ddof {
            return Err(Error::op("paired_covariance", format!("{time} frames leave no degree of freedom at ddof {ddof}")));
        }
        let weights = self.frame_weights(weights)?;
        let (x, y) = (self.centred(x, weights)?, self.centred(y, weights)?);
        let sums = self.matmul_with(x.weighted, y.series, false, true)?;
        let Some(w) = weights else { return self.scale(sums, 1.0 / (time - ddof) as f32) };
        let total = self.sum(w, &[-1], true)?;
        let squares = self.square(w)?;
        let squares = self.sum(squares, &[-1], true)?;
        let lost = self.div(squares, total)?;
        let lost = self.scale(lost, ddof as f32)?;
        let freedom = self.sub(total, lost)?;
        self.div(sums, freedom)
    }

    /// Correlation between two sets of series, x `[.., m, time]` and y `[.., n, time]`: `[.., m, n]`; with weights of the frames
    /// `[.., time]`, the weighted covariance over the weighted deviations. A constant series has 0.
    ///
    /// # Errors
    /// As [`Tape::paired_covariance`].
    pub fn paired_correlation(&mut self, x: Var, y: Var, weights: Option<Var>) -> Result<Var> {
        self.paired_frames("paired_correlation", x, y)?;
        if weights.is_none() {
            let (u, v) = (self.standardise(x)?.0, self.standardise(y)?.0);
            return self.matmul_with(u, v, false, true);
        }
        let weights = self.frame_weights(weights)?;
        let (cx, cy) = (self.centred(x, weights)?, self.centred(y, weights)?);
        let sums = self.matmul_with(cx.weighted, cy.series, false, true)?;
        let (rows, columns) = (self.deviations(x, &cx, weights)?, self.deviations(y, &cy, weights)?);
        let columns = self.transpose_matrices(columns)?;
        let scaled = self.mul(sums, rows)?;
        self.mul(scaled, columns)
    }

    /// Covariance of x `[.., m, time]` given y `[.., n, time]`: Σxx − Σxy Σyy⁻¹ Σyx `[.., m, m]`, which is the covariance of what a
    /// regression on y and an intercept leaves of x. `weights` and `ddof` as [`Tape::paired_covariance`]; the regressors cost no
    /// degree of freedom. Errors as there.
    pub fn conditional_covariance(&mut self, x: Var, y: Var, weights: Option<Var>, ddof: usize) -> Result<Var> {
        let between = self.paired_covariance(y, x, weights, ddof)?;
        let (of_x, of_y) = (self.covariance(x, weights, ddof)?, self.covariance(y, weights, ddof)?);
        let factor = self.cholesky(of_y)?;
        let explained = self.triangular_solve(factor, between, false)?;
        let explained = self.matmul_with(explained, explained, true, false)?;
        self.sub(of_x, explained)
    }

    /// Correlation of x given y, as [`Tape::conditional_covariance`]: `[.., m, m]`. A variable of which y leaves no more than 8 ε has 0.
    /// Errors as there.
    pub fn conditional_correlation(&mut self, x: Var, y: Var, weights: Option<Var>) -> Result<Var> {
        let left = self.conditional_covariance(x, y, weights, 0)?;
        let whole = self.covariance(x, weights, 0)?;
        let (left_of, whole_of) = (self.diagonal(left)?, self.diagonal(whole)?);
        let least = self.scale(whole_of, CONSTANT)?;
        let none = self.less_equal(left_of, least)?;
        let zero = self.scalar(0.0)?;
        let held = self.select(none, zero, left_of)?;
        let scales = self.inverse_roots(held)?;
        let (columns, rows) = self.by_columns_and_rows(scales)?;
        let scaled = self.mul(left, rows)?;
        self.mul(scaled, columns)
    }

    /// 1/√x, and 0 where x is 0 or less; NaN stays NaN.
    fn inverse_roots(&mut self, x: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.less_equal(x, zero)?;
        let safe = self.select(none, one, x)?;
        let root = self.sqrt(safe)?;
        let inverse = self.reciprocal(root)?;
        self.select(none, zero, inverse)
    }

    /// 1/√Σw(x − μ)² `[.., variables, 1]`, 0 where that is constant.
    fn deviations(&mut self, x: Var, centred: &Centred, weights: Option<Var>) -> Result<Var> {
        let powers = self.mul(centred.weighted, centred.series)?;
        let power = self.sum(powers, &[-1], true)?;
        let size = self.abs(self.less_means(x))?;
        let most = self.max(size, &[-1], true)?;
        let floor = self.scale(most, CONSTANT)?;
        let floor = self.square(floor)?;
        let floor = match weights {
            Some(w) => {
                let total = self.sum(w, &[-1], true)?;
                self.mul(floor, total)?
            }
            None => floor,
        };
        let constant = self.less_equal(power, floor)?;
        let zero = self.scalar(0.0)?;
        let power = self.select(constant, zero, power)?;
        self.inverse_roots(power)
    }

    /// Weights `[.., time]` as `[.., 1, time]`.
    fn frame_weights(&mut self, weights: Option<Var>) -> Result<Option<Var>> {
        let Some(w) = weights else { return Ok(None) };
        self.expect_f32("paired_covariance", "weights", w)?;
        let time =
            self.shape(w).last().copied().ok_or_else(|| Error::op("paired_covariance", "weights [.., time] expected, found a scalar"))?;
        self.reshape_last(w, &[1, time]).map(Some)
    }

    /// x about its mean over frames, weighted where there are weights `[.., 1, time]`. The first frame is taken away before, so that a
    /// constant series becomes exactly 0.
    fn centred(&mut self, x: Var, weights: Option<Var>) -> Result<Centred> {
        let x = self.less_means(x);
        let first = self.slice(x, -1, 0, 1, 1)?;
        let moved = self.sub(x, first)?;
        let Some(w) = weights else {
            let mean = self.mean(moved, &[-1], true)?;
            let series = self.sub(moved, mean)?;
            return Ok(Centred { series, weighted: series });
        };
        let weighted = self.mul(moved, w)?;
        let sum = self.sum(weighted, &[-1], true)?;
        let total = self.sum(w, &[-1], true)?;
        let mean = self.div(sum, total)?;
        let series = self.sub(moved, mean)?;
        Ok(Centred { series, weighted: self.mul(series, w)? })
    }

    /// x about its mean over frames; a constant series is exactly 0.
    pub(in crate::connectome) fn about_mean(&mut self, x: Var) -> Result<Var> {
        self.centred(x, None).map(|c| c.series)
    }

    /// The shape of series `[.., variables, time]` of at least one frame.
    pub(in crate::connectome) fn series_shape(&self, op: &str, x: Var) -> Result<Shape> {
        self.expect_f32(op, "series", x)?;
        let shape = self.shape(x);
        if shape.rank() < 2 || shape[shape.rank() - 1] == 0 {
            return Err(Error::op(op, format!("series [.., variables, time] of at least one frame expected, found {shape}")));
        }
        Ok(shape)
    }

    /// The frames that x and y share.
    fn paired_frames(&self, op: &str, x: Var, y: Var) -> Result<usize> {
        let (a, b) = (self.series_shape(op, x)?, self.series_shape(op, y)?);
        match (a.last(), b.last()) {
            (Some(&time), Some(other)) if time == *other => Ok(time),
            _ => Err(Error::op(op, format!("series of as many frames expected, found {a} and {b}"))),
        }
    }
}

/// What these are held to.
pub(super) fn cases() -> Vec<Case> {
    type Paired = fn(&mut Tape, &[Var], Option<Var>) -> Result<Var>;
    let mut cases = Vec::new();
    // As many frames as make conditions of about 20, which f32 loses once forward and twice in reverse; a third of the series constant,
    // which does not hold of covariances when they are moved a little, but of correlations.
    for shape in [[1, 1, 9], [2, 7, 65], [1, 33, 99]] {
        for (name, op) in [
            ("partial_covariance", Tape::partial_covariance as fn(&mut Tape, Var) -> Result<Var>),
            ("partial_correlation", Tape::partial_correlation),
        ] {
            let build = move |t: &mut Tape, x: &[Var]| {
                let correlation = t.correlation(x[0], None, false)?;
                Ok(vec![op(t, correlation)?])
            };
            cases.push(Case::new(name, vec![f32s(shape, Draw::Series)], build).within(1e-5, 1e-4));
        }
    }
    for shape in [[1, 1, 9], [2, 7, 65], [1, 33, 99]] {
        let build = |t: &mut Tape, x: &[Var]| Ok(vec![t.partial_correlation(x[0])?]);
        cases.push(Case::new("partial_correlation", vec![f32s(shape, Draw::Series)], build).within(1e-5, 1e-4));
        let build = |t: &mut Tape, x: &[Var]| Ok(vec![t.series_precision(x[0], 1)?]);
        cases.push(Case::new("series_precision", vec![f32s(shape, Draw::Normal)], build).within(1e-5, 1e-4));
    }
    let pairs: [(&str, Draw, Paired); 4] = [
        ("paired_covariance", Draw::Series, |t, x, w| t.paired_covariance(x[0], x[1], w, 1)),
        ("paired_correlation", Draw::Series, |t, x, w| t.paired_correlation(x[0], x[1], w)),
        ("conditional_covariance", Draw::Series, |t, x, w| t.conditional_covariance(x[0], x[1], w, 1)),
        ("conditional_correlation", Draw::Normal, |t, x, w| t.conditional_correlation(x[0], x[1], w)),
    ];
    for (name, draw, op) in pairs {
        for [batch, m, n, time] in [[1, 1, 1, 9], [2, 7, 5, 65], [1, 33, 12, 99]] {
            let operands = vec![f32s([batch, m, time], draw), f32s([batch, n, time], Draw::Normal), f32s([time], Draw::Uniform(0.25, 1.0))];
            let build = move |t: &mut Tape, x: &[Var]| Ok(vec![op(t, x, None)?, op(t, x, Some(x[2]))?]);
            cases.push(Case::new(name, operands, build).within(5e-6, 5e-5));
        }
    }
    cases
}
