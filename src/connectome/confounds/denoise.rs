//! Cleaning series of a run: what is regressed, filtered and censored, in which order.
//!
//! Without a filter, one regression of the kept frames on intercept, trend and confounds. With one: censored frames are interpolated,
//! series and confounds alike lose intercept and trend and pass the filter (Lindquist et al. 2019: else the regression brings back what the
//! filter took away), the censored frames go, and what is left is regressed on intercept and confounds. No censored frame, interpolated
//! or not, is in the result.
//!
//! All of it is linear in the series, so confounds are worked on here in f64, once, and series on the device in f32 by products.

use super::{Column, censor};
use crate::connectome::signal::butterworth::{Section, forward_backward};
use crate::ops::confounds::orthonormal_basis;
use crate::tape::Tape;
use crate::tensor::HostTensor;
use crate::{Device, Error, Result};

/// What a model of the noise holds, besides its intercept.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Of as many frames as the series, without missing values.
    pub confounds: Vec<Column>,
    /// Whether a linear trend goes.
    pub detrend: bool,
    /// A filter, run forward and backward; none where it is empty.
    pub filter: Vec<Section>,
    /// The frames kept; all where it is empty.
    pub kept: Vec<bool>,
}

/// Clean series.
#[derive(Debug, Clone)]
pub struct Denoised {
    /// f32 `[regions, kept frames]`, the residual.
    pub series: HostTensor,
    /// The columns that the regression held, intercept and trend among them, less those that others explain.
    pub rank: usize,
}

impl Model {
    /// Cleans series `[regions, time]`, of f32 or held in double precision; means go in f64.
    ///
    /// # Errors
    /// Where a confound or the frames kept are not of the series' length, no degree of freedom is left, or the filter wants more frames.
    pub fn clean(&self, device: &Device, series: &HostTensor) -> Result<Denoised> {
        let [regions, time] = *series.shape() else {
            return Err(Error::argument(format!("series [regions, time] expected, found {}", series.ty())));
        };
        self.check(time)?;
        let kept = if self.kept.is_empty() { vec![true; time] } else { self.kept.clone() };
        let frames: Vec<i32> = (0..time).filter(|&t| kept[t]).map(|t| t as i32).collect();
        let mut rows = self.given(time);
        let filtered = !self.filter.is_empty();
        let first = if filtered { self.prepare(&mut rows, &kept)? } else { Vec::new() };
        let of_kept: Vec<Vec<f64>> = rows.iter().map(|row| (0..time).filter(|&t| kept[t]).map(|t| row[t]).collect()).collect();
        let basis = orthonormal_basis(&of_kept, frames.len());
        let rank = basis.len() / frames.len().max(1);
        if rank >= frames.len() {
            return Err(Error::argument(format!("{} frames are kept for a model of {rank} columns: more frames are needed", frames.len())));
        }
        let centred = centred(series, time, &kept, filtered)?;

        let mut tape = Tape::new();
        let x = tape.input("series", centred.ty())?;
        let mut y = x;
        if filtered {
            y = tape.without(y, &first, time)?;
            y = tape.forward_backward_filter(y, &self.filter)?;
        }
        if frames.len() < time {
            let index = tape.constant(HostTensor::i32([frames.len()], frames.clone())?)?;
            let turned = tape.transpose(y, &[1, 0])?;
            let taken = tape.gather_rows(turned, index)?;
            y = tape.transpose(taken, &[1, 0])?;
        }
        y = tape.without(y, &basis, frames.len())?;
        let mut program = device.compile(&tape, &[y])?;
        let series = program.run(&[(x, &centred)])?.remove(0);
        debug_assert_eq!(*series.shape(), [regions, frames.len()]);
        Ok(Denoised { series, rank })
    }

    fn check(&self, time: usize) -> Result<()> {
        if let Some(c) = self.confounds.iter().find(|c| c.values.len() != time) {
            return Err(Error::argument(format!("the confounds have {} frames (`{}`), and the series {time}", c.values.len(), c.name)));
        }
        if !self.kept.is_empty() && self.kept.len() != time {
            return Err(Error::argument(format!("frames are censored of {}, and the series have {time}", self.kept.len())));
        }
        Ok(())
    }

    /// The rows of the model: intercept, trend, and confounds scaled to a largest value of 1.
    fn given(&self, time: usize) -> Vec<Vec<f64>> {
        let trend = (0..time).map(|t| t as f64 / time as f64 - 0.5).collect();
        let scaled = |c: &Column| {
            let most = c.values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            c.values.iter().map(|x| if most > 0.0 { x / most } else { 0.0 }).collect()
        };
        let fixed = [Some(vec![1.0; time]), self.detrend.then_some(trend)].into_iter().flatten();
        fixed.chain(self.confounds.iter().map(scaled)).collect()
    }

    /// Takes confounds through all that series go through before the regression. Leaves the intercept and them; what both lost is given
    /// back as a basis.
    fn prepare(&self, rows: &mut Vec<Vec<f64>>, kept: &[bool]) -> Result<Vec<f64>> {
        let confounds = rows.split_off(if self.detrend { 2 } else { 1 });
        let time = kept.len();
        let basis = orthonormal_basis(rows, time);
        *rows = vec![vec![1.0; time]];
        for mut row in confounds {
            censor::interpolate(&mut row, kept);
            for q in basis.chunks_exact(time) {
                let c: f64 = row.iter().zip(q).map(|(x, q)| x * q).sum();
                row.iter_mut().zip(q).for_each(|(x, q)| *x -= c * q);
            }
            rows.push(forward_backward(&self.filter, &row)?);
        }
        Ok(basis)
    }
}

/// Series less their means over the kept frames, taken in f64 so that f32 holds what varies; censored frames interpolated where a filter
/// would see them.
fn centred(series: &HostTensor, time: usize, kept: &[bool], interpolate: bool) -> Result<HostTensor> {
    let n = kept.iter().filter(|k| **k).count().max(1) as f64;
    let mut out = Vec::with_capacity(series.shape().elements());
    for row in series.to_f64_vec().chunks_exact_mut(time.max(1)) {
        let mean = row.iter().zip(kept).filter(|(_, k)| **k).map(|(x, _)| x).sum::<f64>() / n;
        if interpolate {
            censor::interpolate(row, kept);
        }
        out.extend(row.iter().map(|x| (x - mean) as f32));
    }
    HostTensor::f32(series.shape(), out)
}
