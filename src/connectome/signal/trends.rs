//! Slow trends of series, and their removal.

use crate::ops::case::{Case, Draw, f32s};
use crate::ops::confounds::orthonormal_basis;
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result};
use std::f64::consts::PI;

/// The polynomials 1, t, t², …, t^`degree` over `time` frames with t from −1 to 1: `[degree + 1][time]`.
pub fn polynomial_trends(time: usize, degree: usize) -> Vec<Vec<f64>> {
    let t = |i: usize| if time > 1 { 2.0 * i as f64 / (time - 1) as f64 - 1.0 } else { 0.0 };
    (0..=degree).map(|p| (0..time).map(|i| t(i).powi(p as i32)).collect()).collect()
}

/// The constant 1 and the cosines cos(πk (i + ½) / time), k = 1, 2, …, with frequencies up to `high_pass` hertz at a repetition time of
/// `tr` seconds: the drifts of SPM and of nilearn's `create_cosine_drift`.
///
/// # Errors
/// Returns an error where `tr` is not positive, or `high_pass` does not lie between 0 and the Nyquist frequency.
pub fn cosine_trends(time: usize, tr: f64, high_pass: f64) -> Result<Vec<Vec<f64>>> {
    let fastest = fastest_cosine(time, tr, high_pass)?;
    let cosine = |k: usize| (0..time).map(|i| (PI * k as f64 * (i as f64 + 0.5) / time as f64).cos()).collect();
    Ok((0..=fastest).map(cosine).collect())
}

/// The index k of the fastest cosine whose frequency is at most `high_pass`.
fn fastest_cosine(time: usize, tr: f64, high_pass: f64) -> Result<usize> {
    if !(tr > 0.0 && high_pass > 0.0 && high_pass * tr < 0.5) {
        return Err(Error::argument(format!(
            "cosines to {high_pass} Hz at a TR of {tr} s: a frequency above 0 and below {} Hz expected",
            0.5 / tr
        )));
    }
    Ok(((2.0 * time as f64 * high_pass * tr).floor() as usize).min(time.saturating_sub(1)))
}

/// The largest number of cosines that [`Tape::cosine_detrend`] removes by a matrix product.
const BY_PRODUCT: usize = 64;

/// # Trends
impl Tape {
    /// The residual of series x `[.., regions, time]` after least-squares regression on fixed trends `[k][time]`. It is zero where only
    /// rounding is left.
    ///
    /// ```
    /// use tapetum::connectome::signal::trends::polynomial_trends;
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // A straight line is all trend.
    /// let mut tape = Tape::new();
    /// let x = tape.input("series", TensorType::f32([1, 5]))?;
    /// let flat = tape.detrend(x, &polynomial_trends(5, 1))?;
    /// let found = Device::cpu().compile(&tape, &[flat])?.run(&[(x, &HostTensor::f32([1, 5], vec![1.0, 3.0, 5.0, 7.0, 9.0])?)])?;
    /// assert!(found[0].to_f64_vec().iter().all(|v| v.abs() < 1e-5));
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error where x is not f32 with such axes, or a trend has another length.
    pub fn detrend(&mut self, x: Var, trends: &[Vec<f64>]) -> Result<Var> {
        self.expect_f32("detrend", "the series", x)?;
        let shape = self.shape(x);
        let time = shape.last().copied().unwrap_or(0);
        if shape.rank() < 2 || trends.iter().any(|t| t.len() != time) {
            return Err(Error::op("detrend", format!("series [.., regions, time] and trends of {time} frames expected, found {shape}")));
        }
        let basis = orthonormal_basis(trends, time);
        // Where the trends include a constant, the first frame is subtracted first, so that series far from 0 keep their digits.
        let constant = time > 0 && trends.iter().any(|t| t[0] != 0.0 && t.iter().all(|&x| x == t[0]));
        let x = if constant { self.about_first_frame(self.less_means(x))? } else { x };
        let rest = self.without(x, &basis, time)?;
        self.nothing_but_rounding_is_zero(rest, x)
    }

    /// The residual of series x `[.., regions, time]` after least-squares regression on [`cosine_trends`]. Their number grows with the
    /// frames. Many cosines are removed in the frequency domain: they are the first entries of the spectrum of the series followed by its
    /// mirror image.
    ///
    /// # Errors
    /// Returns an error in the cases of [`cosine_trends`], and where x is not f32 with such axes.
    pub fn cosine_detrend(&mut self, x: Var, tr: f64, high_pass: f64) -> Result<Var> {
        let shape = self.series_shape("cosine_detrend", x)?;
        let time = shape[shape.rank() - 1];
        let fastest = fastest_cosine(time, tr, high_pass)?;
        if fastest <= BY_PRODUCT {
            return self.detrend(x, &cosine_trends(time, tr, high_pass)?);
        }
        let x = self.about_first_frame(self.less_means(x))?;
        let there_and_back: Vec<usize> = (0..time).chain((0..time).rev()).collect();
        let mirrored = self.taken_frames(x, &there_and_back)?;
        let spectrum = self.rfft(mirrored)?;
        let stays = (0..=time).map(|k| f32::from(u8::from(k > fastest))).collect();
        let stays = self.constant(HostTensor::f32([time + 1, 1], stays)?)?;
        let left = self.mul(spectrum, stays)?;
        let left = self.irfft(left, 2 * time)?;
        let rest = self.slice(left, -1, 0, time, 1)?;
        self.nothing_but_rounding_is_zero(rest, x)
    }

    /// The residual of series x, set to zeros where it is less than 32 ε of x. Otherwise the rounding error of a confound that was pure
    /// trend would be scaled up to a regressor.
    fn nothing_but_rounding_is_zero(&mut self, rest: Var, x: Var) -> Result<Var> {
        let size = |t: &mut Self, x: Var| {
            let square = t.square(x)?;
            t.sum(square, &[-1], true)
        };
        let (left, whole) = (size(self, rest)?, size(self, x)?);
        let least = self.scale(whole, (32.0 * f32::EPSILON).powi(2))?;
        // A series that is 0 throughout stays unchanged, gradient included. NaN stays too, because every comparison with NaN is false and 0
        // times NaN is NaN.
        let stays = self.greater_equal(left, least)?;
        self.mul(rest, stays)
    }

    /// Series minus the value of their first frame.
    fn about_first_frame(&mut self, x: Var) -> Result<Var> {
        let origin = self.slice(x, -1, 0, 1, 1)?;
        self.sub(x, origin)
    }

    /// x minus its projection on the orthonormal rows of `basis` `[k, time]`.
    pub(in crate::connectome) fn without(&mut self, x: Var, basis: &[f64], time: usize) -> Result<Var> {
        let rows = basis.len() / time.max(1);
        if rows == 0 {
            return Ok(x);
        }
        let q = self.constant(HostTensor::f32([rows, time], basis.iter().map(|&x| x as f32).collect())?)?;
        let scores = self.matmul_with(x, q, false, true)?;
        let fitted = self.matmul(scores, q)?;
        self.sub(x, fitted)
    }
}

/// Test cases of trends removed from series far from 0.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 1, 7], [2, 3, 65]] {
        let build = move |t: &mut Tape, x: &[Var]| {
            let cosines = cosine_trends(shape[2], 2.0, 0.1)?;
            Ok(vec![t.detrend(x[0], &polynomial_trends(shape[2], 2))?, t.detrend(x[0], &cosines)?])
        };
        // The error is relative to residuals of about 1 in series of about 10.
        let many = move |t: &mut Tape, x: &[Var]| Ok(vec![t.cosine_detrend(x[0], 2.0, 0.2)?]);
        cases.push(Case::new("cosine_detrend", vec![f32s([1, 3, 3 * shape[2]], Draw::Series)], many).within(2e-5, 1e-5));
        cases.push(Case::new("detrend", vec![f32s(shape, Draw::Series)], build).within(2e-5, 1e-5));
    }
    cases
}
