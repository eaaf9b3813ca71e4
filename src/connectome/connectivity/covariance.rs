//! Statistics derived from covariances: precision, partial and conditional covariance, and covariance between two sets of variables.
//!
//! The definitions are those of hypercoil's `cov` (Ciric et al. 2022), except where that is wrong: here a paired correlation is normalised
//! under the same weights as its covariance. Constant variables, and variables that are linear combinations of those before them, are left
//! out of inverses (see [`crate::ops::spd`]): they have rows and columns of 0, never NaN.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// A variable counts as constant where its variance is at most this share of its largest square, as in [`Tape::correlation`].
const CONSTANT: f32 = 8.0 * f32::EPSILON;

/// Centred series, with and without their weights.
struct Centred {
    /// The centred series x − μ.
    series: Var,
    /// The centred series times the frame weights, w (x − μ).
    weighted: Var,
}

/// Centred series, divided by their largest magnitudes.
struct UnitSize {
    series: Var,
    weighted: Var,
    /// The divisors `[.., variables, 1]`.
    size: Var,
}

/// # Precision, partial and conditional correlation
impl Tape {
    /// The precision Σ⁻¹ of covariances Σ `[.., n, n]`.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let covariance = tape.input("covariance", TensorType::f32([2, 2]))?;
    /// let precision = tape.precision(covariance)?;
    /// let mut program = Device::cpu().compile(&tape, &[precision])?;
    /// let found = program.run(&[(covariance, &HostTensor::f32([2, 2], vec![2.0, 1.0, 1.0, 1.0])?)])?;
    /// assert!(found[0].to_f64_vec().iter().zip([1.0, -1.0, -1.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-5));
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error where the covariances are not f32 `[.., n, n]`.
    pub fn precision(&mut self, covariance: Var) -> Result<Var> {
        self.inverse_spd(covariance)
    }

    /// The precision of series x `[.., variables, time]`: the inverse of their covariance, which is divided by T − `ddof`. The relative
    /// error in f32 grows with the square root of the condition number, where that of [`Tape::precision`] grows with the condition number
    /// itself.
    ///
    /// # Errors
    /// The same as those of [`Tape::covariance`].
    pub fn series_precision(&mut self, x: Var, ddof: usize) -> Result<Var> {
        Ok(self.covariance_and_inverse(x, ddof)?[1])
    }

    /// The covariance of series, divided by T − `ddof`, and its inverse, computed as in [`Tape::series_precision`].
    pub(super) fn covariance_and_inverse(&mut self, x: Var, ddof: usize) -> Result<[Var; 2]> {
        let covariance = self.covariance(x, None, ddof)?;
        let time = self.series_shape("series_precision", x)?.last().copied().unwrap_or(1);
        let centred = self.about_mean(x)?;
        let rows = self.scale(centred, (((time - ddof) as f32).sqrt()).recip())?;
        Ok([covariance, self.inverse_gram(covariance, rows)?])
    }

    /// The correlation of series and its inverse, as exact as [`Tape::series_precision`].
    pub(super) fn correlation_and_inverse(&mut self, x: Var) -> Result<[Var; 2]> {
        let correlation = self.correlation(x, None, false)?;
        let rows = self.standardise(x)?.0;
        Ok([correlation, self.inverse_gram(correlation, rows)?])
    }

    /// Partial correlation of series x `[.., variables, time]`: the correlation of two variables given all others, with 1 on the diagonal.
    /// It is as exact as [`Tape::series_precision`]. To start from a covariance, see [`Tape::partial_correlation_of`].
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // Two regions have no others between them: their partial correlation is their correlation.
    /// let mut tape = Tape::new();
    /// let x = tape.input("series", TensorType::f32([2, 4]))?; // [regions, time]
    /// let partial = tape.partial_correlation(x)?;
    /// let series = HostTensor::f32([2, 4], vec![1.0, 2.0, 3.0, 4.0, 2.0, 1.0, 4.0, 3.0])?;
    /// let found = Device::cpu().compile(&tape, &[partial])?.run(&[(x, &series)])?;
    /// assert!((found[0].to_f64_vec()[1] - 0.6).abs() < 1e-4);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same as those of [`Tape::correlation`].
    pub fn partial_correlation(&mut self, x: Var) -> Result<Var> {
        let [_, precision] = self.correlation_and_inverse(x)?;
        self.partial_of_precision(precision)
    }

    /// The partial correlation −Ωᵢⱼ/√(ΩᵢᵢΩⱼⱼ) of precisions Ω `[.., n, n]`, with 1 on the diagonal.
    pub(super) fn partial_of_precision(&mut self, precision: Var) -> Result<Var> {
        let partial = self.negated_beside_diagonal(precision)?;
        self.normalised(partial)
    }

    /// Partial covariance of covariances `[.., n, n]`: the precision with its off-diagonal entries negated. Errors are those of
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

    /// Partial correlation of covariances `[.., n, n]`: −Ωᵢⱼ/√(ΩᵢᵢΩⱼⱼ) from the precision Ω, with 1 on the diagonal. It is the correlation
    /// of two variables given all others. Errors are those of [`Tape::precision`].
    pub fn partial_correlation_of(&mut self, covariance: Var) -> Result<Var> {
        let precision = self.precision(covariance)?;
        self.partial_of_precision(precision)
    }

    /// Matrices `[.., n, n]` divided by the square roots of their diagonal, by row and by column, which turns a covariance into a
    /// correlation. Variables without variance get 0.
    ///
    /// # Errors
    /// Returns an error where the matrices are not f32 `[.., n, n]`.
    pub fn normalised(&mut self, x: Var) -> Result<Var> {
        let variances = self.diagonal(x)?;
        let scales = self.inverse_roots(variances)?;
        let (columns, rows) = self.by_columns_and_rows(scales)?;
        let scaled = self.mul(x, rows)?;
        self.mul(scaled, columns)
    }

    /// Covariance `[.., m, n]` between two sets of series, x `[.., m, time]` and y `[.., n, time]`. It is divided by T − `ddof`, or with
    /// frame weights w `[.., time]` by Σw − ddof Σw²/Σw.
    ///
    /// # Errors
    /// Returns an error where x or y is not f32 `[.., variables, time]`, their frames differ, the weights do not fit, or no degree of
    /// freedom is left.
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

    /// Correlation `[.., m, n]` between two sets of series, x `[.., m, time]` and y `[.., n, time]`. With frame weights `[.., time]` it is
    /// the weighted covariance divided by the weighted standard deviations. A constant series gets 0.
    ///
    /// # Errors
    /// The same as those of [`Tape::paired_covariance`].
    pub fn paired_correlation(&mut self, x: Var, y: Var, weights: Option<Var>) -> Result<Var> {
        self.paired_frames("paired_correlation", x, y)?;
        if weights.is_none() {
            let (u, v) = (self.standardise(x)?.0, self.standardise(y)?.0);
            return self.matmul_with(u, v, false, true);
        }
        let weights = self.frame_weights(weights)?;
        let (cx, cy) = (self.centred(x, weights)?, self.centred(y, weights)?);
        let (cx, cy) = (self.at_unit_size(&cx)?, self.at_unit_size(&cy)?);
        let sums = self.matmul_with(cx.weighted, cy.series, false, true)?;
        let (rows, columns) = (self.deviations(x, &cx, weights)?, self.deviations(y, &cy, weights)?);
        let columns = self.transpose_matrices(columns)?;
        let scaled = self.mul(sums, rows)?;
        self.mul(scaled, columns)
    }

    /// Covariance of x `[.., m, time]` given y `[.., n, time]`: Σxx − Σxy Σyy⁻¹ Σyx `[.., m, m]`. This is the covariance of the residual of
    /// x after regression on y and an intercept. `weights` and `ddof` are those of [`Tape::paired_covariance`]; the regressors do not
    /// reduce the degrees of freedom. Errors are those of [`Tape::paired_covariance`].
    pub fn conditional_covariance(&mut self, x: Var, y: Var, weights: Option<Var>, ddof: usize) -> Result<Var> {
        let between = self.paired_covariance(y, x, weights, ddof)?;
        let (of_x, of_y) = (self.covariance(x, weights, ddof)?, self.covariance(y, weights, ddof)?);
        let factor = self.cholesky(of_y)?;
        let explained = self.triangular_solve(factor, between, false)?;
        let explained = self.matmul_with(explained, explained, true, false)?;
        self.sub(of_x, explained)
    }

    /// Correlation `[.., m, m]` of x given y, from [`Tape::conditional_covariance`]. A variable gets 0 where y leaves at most 8 ε of its
    /// variance. Errors are those of [`Tape::conditional_covariance`].
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

    /// The inverse square root 1/√x; 0 where x is 0 or less. NaN stays NaN.
    fn inverse_roots(&mut self, x: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.less_equal(x, zero)?;
        let safe = self.select(none, one, x)?;
        let root = self.sqrt(safe)?;
        let inverse = self.reciprocal(root)?;
        self.select(none, zero, inverse)
    }

    /// Centred series divided by the largest magnitude of each, so that squares neither overflow nor vanish. Results that do not depend on
    /// the unit of a series do not depend on that divisor, which takes no gradient.
    fn at_unit_size(&mut self, centred: &Centred) -> Result<UnitSize> {
        let size = self.abs(centred.series)?;
        let most = self.max(size, &[-1], true)?;
        let one = self.scalar(1.0)?;
        let most = self.select(most, most, one)?;
        let most = self.detach(most)?;
        Ok(UnitSize { series: self.div(centred.series, most)?, weighted: self.div(centred.weighted, most)?, size: most })
    }

    /// The inverse deviations 1/√Σw(x − μ)² `[.., variables, 1]` of series at unit size; 0 where a variable x is constant.
    fn deviations(&mut self, x: Var, centred: &UnitSize, weights: Option<Var>) -> Result<Var> {
        let powers = self.mul(centred.weighted, centred.series)?;
        let power = self.sum(powers, &[-1], true)?;
        let size = self.abs(self.less_means(x))?;
        let most = self.max(size, &[-1], true)?;
        let most = self.div(most, centred.size)?;
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

    /// x minus its mean over frames, which is weighted where there are weights `[.., 1, time]`. The first frame is subtracted beforehand,
    /// so that a constant series becomes exactly 0.
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

    /// x minus its mean over frames; a constant series becomes exactly 0.
    pub(in crate::connectome) fn about_mean(&mut self, x: Var) -> Result<Var> {
        self.centred(x, None).map(|c| c.series)
    }

    /// The shape of series `[.., variables, time]` with at least one frame.
    pub(in crate::connectome) fn series_shape(&self, op: &str, x: Var) -> Result<Shape> {
        self.expect_f32(op, "series", x)?;
        let shape = self.shape(x);
        if shape.rank() < 2 || shape[shape.rank() - 1] == 0 {
            return Err(Error::op(op, format!("series [.., variables, time] of at least one frame expected, found {shape}")));
        }
        Ok(shape)
    }

    /// The number of frames, which must be the same for x and y.
    fn paired_frames(&self, op: &str, x: Var, y: Var) -> Result<usize> {
        let (a, b) = (self.series_shape(op, x)?, self.series_shape(op, y)?);
        match (a.last(), b.last()) {
            (Some(&time), Some(other)) if time == *other => Ok(time),
            _ => Err(Error::op(op, format!("series of as many frames expected, found {a} and {b}"))),
        }
    }
}

/// The test cases of this file.
pub(super) fn cases() -> Vec<Case> {
    type Paired = fn(&mut Tape, &[Var], Option<Var>) -> Result<Var>;
    let mut cases = Vec::new();
    // There are enough frames for condition numbers of about 20, a factor that f32 loses once forward and twice in the gradient. A third of
    // the series are constant; a covariance loses that property when it is perturbed, but a correlation keeps it.
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
