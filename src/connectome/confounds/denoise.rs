//! Denoising of the series of a run: regression, filtering and censoring, and their order.
//!
//! [`Denoise`] describes the denoising in terms of a confound table, and its [`Denoise::run`] does all that the command `tapetum denoise`
//! does. It makes a [`Model`] from the columns of the table, and the model cleans series in three steps:
//!
//! 1. The frames at the beginning that are not in the steady state are removed, as if the scanner had started after them.
//! 2. Where there is a filter, censored frames are interpolated, intercept and trend are removed from series and confounds alike, and both
//!    are filtered (Lindquist et al. 2019: otherwise the regression brings back frequencies that the filter removed). Then the censored
//!    frames are removed.
//! 3. The remaining series are regressed on intercept, trend (unless it was removed before the filter) and confounds. The result holds no
//!    censored frame, interpolated or not.
//!
//! A confound is dropped where detrending and filtering leave less than a millionth of it. Such a remainder is rounding error, of the
//! arithmetic or of the digits in the table, and would be scaled up.
//!
//! All of this is linear in the series. Confounds are processed once on the host in f64, and series on the device in f32.

use super::{Column, Confounds, Selection, censor};
use crate::blocking::block_on;
use crate::connectome::signal::butterworth::{Band, Section, butterworth, forward_backward};
use crate::ops::confounds::orthonormal_basis;
use crate::tape::Tape;
use crate::tensor::{HostTensor, parallel};
use crate::{Device, Error, Result, State};

/// The order of the Butterworth filter of a [`Denoise`]; the same as in nilearn.
pub const ORDER: usize = 5;

/// The remainder of a confound after detrending and filtering counts as rounding below this share of its deviation from its mean.
const NOTHING: f64 = 1e-6;

/// The description of a denoising, applied to the series of a run by [`Denoise::run`].
///
/// ```
/// use tapetum::connectome::confounds::denoise::Denoise;
/// use tapetum::connectome::confounds::{Column, Confounds, Selection};
/// use tapetum::{Device, HostTensor};
///
/// let motion = Column { name: "trans_x".into(), values: vec![0.0, 0.1, 0.3, 0.2, 0.0, 0.1] };
/// let table = Confounds { columns: vec![motion], ..Confounds::default() };
/// let series = HostTensor::f32([1, 6], vec![1.0, 2.0, 4.0, 3.0, 1.0, 2.0])?;
/// let denoise = Denoise { confounds: Selection::Columns(vec!["trans_x".into()]), ..Denoise::default() };
/// let clean = denoise.run(&Device::cpu(), &series, &table)?;
/// assert!(clean.series.to_f64_vec().iter().all(|x| x.abs() < 1e-6));
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Denoise {
    /// The confounds that are regressed out, besides an intercept.
    pub confounds: Selection,
    /// True to remove a linear trend.
    pub detrend: bool,
    /// The pass band, and the repetition time in seconds. The filter is a Butterworth filter of order [`ORDER`], run forward and backward.
    pub band: Option<(Band, f64)>,
    /// Frames with a framewise displacement above this limit, in millimetres, are censored.
    pub censor_fd: Option<f64>,
    /// True to keep the volumes that the table marks as not in the steady state (`non_steady_state_outlier…`). Otherwise they are removed,
    /// whatever the confounds are.
    pub keep_non_steady_state: bool,
    /// True to add the mean of each region over the kept frames back to its residual.
    pub keep_mean: bool,
}

impl Denoise {
    /// Cleans series f32 `[regions, time]` of a run with the confounds of `table`. A table without columns fits any run.
    ///
    /// # Errors
    /// The same as those of [`Denoise::model`] and [`Model::clean`].
    pub fn run(&self, device: &Device, series: &HostTensor, table: &Confounds) -> Result<Denoised> {
        block_on(self.run_async(device, series, table))?
    }

    /// The asynchronous form of [`Denoise::run`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Denoise::run`].
    pub async fn run_async(&self, device: &Device, series: &HostTensor, table: &Confounds) -> Result<Denoised> {
        let time = series.shape().last().copied().unwrap_or(0);
        self.model(table, time)?.clean_async(device, series).await
    }

    /// Makes the noise model for series of `time` frames from their confound table.
    ///
    /// # Errors
    /// Returns an error where the table has another number of frames, lacks a selected column, or misses a value where a number is needed;
    /// where the displacement limit is not positive, the band does not suit the frame rate, or no frame is kept.
    pub fn model(&self, table: &Confounds, time: usize) -> Result<Model> {
        if !table.columns.is_empty() && table.frames() != time {
            let what = format!("{} frames, and the run has {time}: a row for each frame is expected", table.frames());
            return Err(Error::argument(what));
        }
        if let Some(limit) = self.censor_fd.filter(|limit| limit.is_nan() || *limit <= 0.0) {
            return Err(Error::argument(format!("frames above {limit} mm are to be censored: a positive number is expected")));
        }
        let filter = self.band.map_or(Ok(Vec::new()), |(band, tr)| butterworth(ORDER, band, tr))?;
        let mut kept = vec![true; time];
        let mut censor = |other: Vec<bool>| kept.iter_mut().zip(other).for_each(|(kept, other)| *kept &= other);
        let mut first = 0;
        if !self.keep_non_steady_state {
            let steady = censor::steady_state(table)?;
            first = steady.iter().take_while(|s| !**s).count();
            censor(steady);
        }
        if self.confounds == Selection::Strategy(super::Strategy::Scrubbing) {
            censor(censor::motionless(table)?);
        }
        if let Some(limit) = self.censor_fd {
            censor(censor::kept_below(table, limit)?);
        }
        if !kept.contains(&true) {
            return Err(Error::argument("all frames are censored: one at least must be kept"));
        }
        Ok(Model {
            confounds: self.confounds.of(table)?,
            detrend: self.detrend,
            filter,
            kept,
            first,
            keep_mean: self.keep_mean,
            keep_offset: false,
        })
    }
}

/// A model of the noise. An intercept is always part of it.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The confounds, one value for each frame of the series and none missing.
    pub confounds: Vec<Column>,
    /// True to remove a linear trend.
    pub detrend: bool,
    /// The sections of a filter, run forward and backward; empty for no filter.
    pub filter: Vec<Section>,
    /// For each frame, true where it is kept. Empty where all frames are kept.
    pub kept: Vec<bool>,
    /// The number of frames at the beginning, before the steady state, that are removed before all other steps. None of them may be kept.
    pub first: usize,
    /// True to add the mean of each region over the kept frames back to its residual.
    pub keep_mean: bool,
    /// True to leave the intercept out of the regression after a filter, as nilearn's `signal.clean` does: the residual then keeps the mean
    /// of the filtered series, and confounds are centred. Without a filter it changes nothing.
    pub keep_offset: bool,
}

/// Clean series.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Denoised {
    /// The residual, f32 `[regions, kept frames]`.
    pub series: HostTensor,
    /// The rank of the regression: its linearly independent columns, including intercept and trend.
    pub rank: usize,
    /// The names of the confounds.
    pub columns: Vec<String>,
    /// For each frame of the input series, true where it was kept.
    pub kept: Vec<bool>,
}

impl Model {
    /// Cleans series `[regions, time]`, in f32 or held in double precision. Means are computed and subtracted in f64.
    ///
    /// # Errors
    /// Returns an error where the length of a confound or of `kept` differs from that of the series, no degree of freedom is left, the
    /// series are too short for the filter, or the residual does not fit into f32.
    pub fn clean(&self, device: &Device, series: &HostTensor) -> Result<Denoised> {
        block_on(self.clean_async(device, series))?
    }

    /// The asynchronous form of [`Model::clean`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Model::clean`].
    pub async fn clean_async(&self, device: &Device, series: &HostTensor) -> Result<Denoised> {
        let [_, time] = *series.shape() else {
            return Err(Error::argument(format!("series [regions, time] expected, found {}", series.ty())));
        };
        let kept = self.checked(time)?;
        let steady = &kept[self.first..];
        let frames = steady.iter().filter(|k| **k).count();
        let (before, basis) = self.regressors(steady)?;
        let rank = basis.len() / frames.max(1);
        if rank >= frames {
            return Err(Error::argument(format!("{frames} frames are kept for a model of {rank} columns: more frames are needed")));
        }
        let means = Self::means(series, &kept);
        let centred = self.centred(series, &means, steady)?;
        let mut residual = self.on_device(device, &centred, [&before, &basis], steady).await?;
        if self.keep_mean {
            residual = added(&residual, &means, frames)?;
        }
        if residual.elements::<f32>()?.iter().any(|x| !x.is_finite()) {
            return Err(Error::argument("values too large for f32: other units are expected"));
        }
        Ok(Denoised { series: residual, rank, columns: self.confounds.iter().map(|c| c.name.clone()).collect(), kept })
    }

    /// For each frame, true where it is kept, after checks of the extents.
    fn checked(&self, time: usize) -> Result<Vec<bool>> {
        if let Some(c) = self.confounds.iter().find(|c| c.values.len() != time) {
            return Err(Error::argument(format!("the confounds have {} frames (`{}`), and the series {time}", c.values.len(), c.name)));
        }
        let kept = if self.kept.is_empty() { vec![true; time] } else { self.kept.clone() };
        if kept.len() != time {
            return Err(Error::argument(format!("frames are censored of {}, and the series have {time}", kept.len())));
        }
        if self.first > time || kept[..self.first].contains(&true) {
            return Err(Error::argument(format!("the first {} of {time} frames are to go, and one of them is kept", self.first)));
        }
        Ok(kept)
    }

    /// Two orthonormal bases. The first spans what is removed before the filter, over all frames after `first`; it is empty without a
    /// filter. The second spans the regressors, over the kept frames.
    fn regressors(&self, kept: &[bool]) -> Result<(Vec<f64>, Vec<f64>)> {
        let time = kept.len();
        let filtered = !self.filter.is_empty();
        let trend = |t: usize| t as f64 / time as f64 - 0.5;
        let fixed = [Some(vec![1.0; time]), self.detrend.then(|| (0..time).map(trend).collect())];
        let mut fixed: Vec<Vec<f64>> = fixed.into_iter().flatten().collect();
        if !filtered {
            fixed.iter_mut().for_each(|row| keep(row, kept));
        }
        let length = fixed[0].len();
        let basis = orthonormal_basis(&fixed, length);
        let mut rows = Vec::with_capacity(self.confounds.len() + 2);
        let frames = kept.iter().filter(|k| **k).count();
        match (filtered, self.keep_offset) {
            (true, true) => {}
            (true, false) => rows.push(vec![1.0; frames]),
            (false, _) => rows.extend(fixed),
        }
        for column in &self.confounds {
            let mut row = scaled(&column.values[self.first..]);
            if filtered {
                censor::interpolate(&mut row, kept);
            } else {
                keep(&mut row, kept);
            }
            let whole = about_mean(&row);
            without(&mut row, &basis);
            if filtered {
                row = forward_backward(&self.filter, &row)?;
                keep(&mut row, kept);
                if self.keep_offset {
                    centre(&mut row);
                }
            }
            if size(&row) > NOTHING * whole {
                rows.push(row);
            }
        }
        let taken = orthonormal_basis(&rows, frames);
        Ok((if filtered { basis } else { Vec::new() }, taken))
    }

    /// The mean of each region over the kept frames.
    fn means(series: &HostTensor, kept: &[bool]) -> Vec<f64> {
        let (regions, time) = (series.shape()[0], kept.len());
        let n = kept.iter().filter(|k| **k).count().max(1) as f64;
        let mut means = vec![0.0; regions];
        parallel::rows(&mut means, 1, time, |i, mean| {
            let row = series.doubles(i * time..(i + 1) * time);
            mean[0] = row.iter().zip(kept).filter(|(_, k)| **k).map(|(x, _)| x).sum::<f64>() / n;
        });
        means
    }

    /// The series after `first` with their means subtracted in f64, so that f32 holds the variation. Censored frames are interpolated where
    /// there is a filter.
    fn centred(&self, series: &HostTensor, means: &[f64], kept: &[bool]) -> Result<HostTensor> {
        let (first, time) = (self.first, self.first + kept.len());
        let mut out = vec![0.0; means.len() * kept.len()];
        parallel::rows(&mut out, kept.len(), 4 * time, |i, out| {
            let mut row = series.doubles(i * time + first..(i + 1) * time);
            row.iter_mut().for_each(|x| *x -= means[i]);
            if !self.filter.is_empty() {
                censor::interpolate(&mut row, kept);
            }
            out.iter_mut().zip(row).for_each(|(out, x)| *out = x as f32);
        });
        HostTensor::f32([means.len(), kept.len()], out)
    }

    /// Removes the first basis from the series, filters them, takes the kept frames, and removes the second basis.
    async fn on_device(&self, device: &Device, series: &HostTensor, [before, basis]: [&[f64]; 2], kept: &[bool]) -> Result<HostTensor> {
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let mut y = x;
        if !self.filter.is_empty() {
            y = tape.without(y, before, kept.len())?;
            y = tape.forward_backward_filter(y, &self.filter)?;
        }
        let frames: Vec<i32> = (0..kept.len()).filter(|&t| kept[t]).map(|t| t as i32).collect();
        let count = frames.len();
        if count < kept.len() {
            let index = tape.constant(HostTensor::i32([count], frames)?)?;
            let turned = tape.transpose(y, &[1, 0])?;
            let taken = tape.gather_rows(turned, index)?;
            y = tape.transpose(taken, &[1, 0])?;
        }
        y = tape.without(y, basis, count)?;
        let mut program = device.compile_async(&tape, &[y], &State::new(device)).await?;
        Ok(program.run_async(&[(x, series)]).await?.remove(0))
    }
}

/// The column divided by its largest absolute value. NaN stays NaN, in a column of nothing else too.
fn scaled(values: &[f64]) -> Vec<f64> {
    let most = values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let by = if most > 0.0 { most } else { 1.0 };
    values.iter().map(|x| x / by).collect()
}

/// Keeps the values of the kept frames.
fn keep(row: &mut Vec<f64>, kept: &[bool]) {
    let mut marks = kept.iter();
    row.retain(|_| marks.next().copied().unwrap_or(false));
}

/// The Euclidean norm |x|.
fn size(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Subtracts the mean.
fn centre(row: &mut [f64]) {
    let mean = row.iter().sum::<f64>() / row.len().max(1) as f64;
    row.iter_mut().for_each(|x| *x -= mean);
}

/// The Euclidean norm of the deviation from the mean, |x − mean x|.
fn about_mean(x: &[f64]) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len().max(1) as f64;
    x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>().sqrt()
}

/// Removes from x its projection on orthonormal rows.
fn without(x: &mut [f64], basis: &[f64]) {
    for q in basis.chunks_exact(x.len().max(1)) {
        let c: f64 = x.iter().zip(q).map(|(x, q)| x * q).sum();
        x.iter_mut().zip(q).for_each(|(x, q)| *x -= c * q);
    }
}

/// Series `[regions, frames]`, with the mean of each added.
fn added(series: &HostTensor, means: &[f64], frames: usize) -> Result<HostTensor> {
    let rows = series.elements::<f32>()?.chunks_exact(frames.max(1)).zip(means);
    HostTensor::f32(series.shape(), rows.flat_map(|(row, mean)| row.iter().map(move |&x| (f64::from(x) + mean) as f32)).collect())
}
