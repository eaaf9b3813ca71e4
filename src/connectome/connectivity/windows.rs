//! Time-resolved connectivity: windows as a batch, and products at a lag.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// # Windows and lags
impl Tape {
    /// Windows `[.., windows, variables, length]` of series x `[.., variables, time]`: one starts every `step` frames, and only whole
    /// windows count.
    ///
    /// # Errors
    /// Returns an error where x is not f32 `[.., variables, time]` with at most 7 axes, the length or the step is 0, or no window fits.
    pub fn windows(&mut self, x: Var, length: usize, step: usize) -> Result<Var> {
        let shape = self.series_shape("windows", x)?;
        let (rank, time) = (shape.rank(), shape[shape.rank() - 1]);
        if length == 0 || step == 0 || length > time {
            return Err(Error::op(
                "windows",
                format!("windows of 1 to {time} frames, a step of at least 1 expected, found {length}, {step}"),
            ));
        }
        let windows = (time - length) / step + 1;
        let index = (0..windows * length).map(|at| (at / length * step + at % length) as i32).collect();
        let index = self.constant(HostTensor::i32([windows * length], index)?)?;
        // The time axis comes first, so that frames are rows. The order is then windows, frames of one window, batches, variables.
        let front: Vec<usize> = [rank - 1].into_iter().chain(0..rank - 1).collect();
        let frames = self.transpose(x, &front)?;
        let taken = self.gather_rows(frames, index)?;
        let extents = [&[windows, length], &shape[..rank - 1]].concat();
        let unfit = || Error::op("windows", format!("series of at most 7 axes expected, found {shape}"));
        let taken = self.reshape(taken, Shape::try_new(&extents).ok_or_else(unfit)?)?;
        let back: Vec<usize> = (2..rank).chain([0, rank, 1]).collect();
        self.transpose(taken, &back)
    }

    /// A window `[.., variables, length]` of x `[.., variables, time]` at a random place, drawn anew at every step and separately for each
    /// batch entry. Such crops augment a cohort (hypercoil's `WindowAmplifier`). The series is shifted by each binary digit of the first
    /// frame in turn, the highest first, which costs O(time log time) for each variable.
    ///
    /// # Errors
    /// Returns an error where x is not f32 `[.., variables, time]`, or the length is not between 1 and the number of frames.
    pub fn random_window(&mut self, x: Var, length: usize, seed: u64, stream: u32) -> Result<Var> {
        let shape = self.series_shape("random_window", x)?;
        let (rank, time) = (shape.rank(), shape[shape.rank() - 1]);
        if length == 0 || length > time {
            return Err(Error::op("random_window", format!("a window of 1 to {time} frames expected, found {length}")));
        }
        let draws = self.random_uniform(shape.with(rank - 1, 1).with(rank - 2, 1), seed, stream)?;
        let starts = self.scale(draws, (time - length + 1) as f32)?;
        let starts = self.floor(starts)?;
        let latest = time - length;
        let digits = if latest == 0 { 0 } else { latest.ilog2() + 1 };
        let mut window = x;
        for digit in (0..digits).rev() {
            window = self.shifted_by_digit(window, starts, digit, length)?;
        }
        Ok(window)
    }

    /// x `[.., n]` without its first 2ᵈ frames where the binary digit d of `starts` is 1, cut to the frames that a window of `length` may
    /// still reach by the digits below d.
    fn shifted_by_digit(&mut self, x: Var, starts: Var, digit: u32, length: usize) -> Result<Var> {
        let n = self.shape(x).last().copied().unwrap_or(0);
        let shift = 1 << digit;
        let reach = (length + shift - 1).min(n);
        let higher = self.scale(starts, (shift as f32).recip())?;
        let higher = self.floor(higher)?;
        let half = self.scale(higher, 0.5)?;
        let even = self.floor(half)?;
        let even = self.scale(even, 2.0)?;
        let is_set = self.sub(higher, even)?;
        // A window that is shifted so far ends within the frames that are there.
        let late = self.slice(x, -1, shift, (shift + reach).min(n), 1)?;
        let late = self.pad(late, -1, 0, (shift + reach).saturating_sub(n), 0.0)?;
        let early = self.slice(x, -1, 0, reach, 1)?;
        self.select(is_set, late, early)
    }

    /// Correlation within each window (see [`Tape::windows`]), `[.., windows, variables, variables]`. The frames of a window are weighted
    /// by `taper` `[length]` where there is one.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::windows`], and where the taper does not fit.
    pub fn windowed_correlation(&mut self, x: Var, length: usize, step: usize, taper: Option<Var>) -> Result<Var> {
        let windows = self.windows(self.less_means(x), length, step)?;
        self.correlation(windows, taper, false)
    }

    /// Covariance within each window, like [`Tape::windowed_correlation`], with `ddof` as in [`Tape::covariance`].
    ///
    /// # Errors
    /// The same as those of [`Tape::windowed_correlation`].
    pub fn windowed_covariance(&mut self, x: Var, length: usize, step: usize, taper: Option<Var>, ddof: usize) -> Result<Var> {
        let windows = self.windows(self.less_means(x), length, step)?;
        self.covariance(windows, taper, ddof)
    }

    /// Covariance of each variable with each other at a lag: Σₜ (xᵢ(t) − μᵢ)(xⱼ(t + lag) − μⱼ) / (T − lag − ddof), with t from 0 to T − lag
    /// and μ the means over all T frames. The result `[.., variables, variables]` is not symmetric. It is one product of the overlapping
    /// frames.
    ///
    /// # Errors
    /// Returns an error where x is not f32 `[.., variables, time]`, or the lag leaves no degree of freedom.
    pub fn lagged_covariance(&mut self, x: Var, lag: usize, ddof: usize) -> Result<Var> {
        let shape = self.series_shape("lagged_covariance", x)?;
        let time = shape[shape.rank() - 1];
        if lag + ddof >= time {
            return Err(Error::op("lagged_covariance", format!("{time} frames leave no degree of freedom at lag {lag} and ddof {ddof}")));
        }
        let centred = self.about_mean(x)?;
        let early = self.slice(centred, -1, 0, time - lag, 1)?;
        let late = self.slice(centred, -1, lag, time, 1)?;
        let sums = self.matmul_with(early, late, false, true)?;
        self.scale(sums, 1.0 / (time - lag - ddof) as f32)
    }

    /// The weighted sum Σₖ wₖ Cₖ of the covariances Cₖ at lag k (see [`Tape::lagged_covariance`]), with weights `[lags]` for the lags 0, 1,
    /// …. This is a covariance whose frames are weighted by a Toeplitz matrix. That matrix is never built: the series are filtered and
    /// multiplied once.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::lagged_covariance`], and where the weights are not f32 `[lags]`.
    pub fn toeplitz_covariance(&mut self, x: Var, weights: Var, ddof: usize) -> Result<Var> {
        let shape = self.series_shape("toeplitz_covariance", x)?;
        self.expect_f32("toeplitz_covariance", "weights", weights)?;
        let (time, of_weights) = (shape[shape.rank() - 1], self.shape(weights));
        let lags = match of_weights[..] {
            [lags] if lags > 0 && lags + ddof <= time => lags,
            _ => {
                return Err(Error::op(
                    "toeplitz_covariance",
                    format!("weights [lags] of 1 to {time} - {ddof} lags expected, found {of_weights}"),
                ));
            }
        };
        let centred = self.about_mean(x)?;
        let mut filtered = None;
        for lag in 0..lags {
            let weight = self.slice(weights, 0, lag, lag + 1, 1)?;
            let weight = self.scale(weight, 1.0 / (time - lag - ddof) as f32)?;
            let late = self.slice(centred, -1, lag, time, 1)?;
            let late = self.pad(late, -1, 0, lag, 0.0)?;
            let term = self.mul(late, weight)?;
            filtered = Some(filtered.map_or(Ok(term), |sum| self.add(sum, term))?);
        }
        // There is at least one lag.
        self.matmul_with(centred, filtered.unwrap_or(centred), false, true)
    }
}

/// The test cases of windows and lags.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, length, step) in [([1, 1, 7], 7, 1), ([2, 3, 65], 20, 9), ([1, 5, 33], 8, 3)] {
        let x = || f32s(shape, Draw::Normal);
        cases.push(Case::new("windows", vec![x()], move |t, x| Ok(vec![t.windows(x[0], length, step)?])).within(0.0, 1e-6));
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.random_window(x[0], length, 3, 1)?]);
        cases.push(Case::new("random_window", vec![x()], build).within(1e-6, 1e-6));
        let tapered = vec![x(), f32s([length], Draw::Uniform(0.5, 1.0))];
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.windowed_correlation(x[0], length, step, Some(x[1]))?]);
        cases.push(Case::new("windowed_correlation", tapered, build).within(2e-6, 2e-5));
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.windowed_covariance(x[0], length, step, None, 1)?]);
        cases.push(Case::new("windowed_covariance", vec![x()], build).within(2e-6, 1e-5));
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.lagged_covariance(x[0], 3, 1)?]);
        cases.push(Case::new("lagged_covariance", vec![x()], build).within(2e-6, 1e-5));
        let weighted = vec![x(), f32s([4], Draw::Normal)];
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.toeplitz_covariance(x[0], x[1], 1)?]);
        cases.push(Case::new("toeplitz_covariance", weighted, build).within(2e-6, 1e-5));
    }
    cases
}
