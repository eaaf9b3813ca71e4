//! Frames that were censored, filled in from those kept, for what needs all of them (a filter). Connectivity is never computed from them:
//! give it the mask as weights.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result};
use std::f64::consts::PI;

/// How spectral interpolation models series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectral {
    /// Frequencies k / (oversampling · frames), k = 1, 2, …, to half a cycle a frame.
    pub oversampling: usize,
    /// Sines and cosines whose amplitude is not above this share of the largest sine's or cosine's are left out.
    pub threshold: f32,
}

impl Default for Spectral {
    /// Oversampled eightfold, nothing left out.
    fn default() -> Self {
        Self { oversampling: 8, threshold: 0.0 }
    }
}

/// The matrix `[time, time]` by which series `[.., time]` are multiplied to be interpolated linearly: censored frames come to lie on the
/// line between their neighbours kept, beyond the first and the last at these (`numpy.interp`).
pub fn linear_interpolation_matrix(kept: &[bool]) -> Vec<f32> {
    let time = kept.len();
    let mut matrix = vec![0.0; time * time];
    for t in 0..time {
        let (before, after) = ((0..=t).rev().find(|&i| kept[i]), (t..time).find(|&i| kept[i]));
        match (before, after) {
            (Some(a), Some(b)) if a < b => {
                let share = (t - a) as f32 / (b - a) as f32;
                matrix[a * time + t] = 1.0 - share;
                matrix[b * time + t] = share;
            }
            (Some(only), _) | (_, Some(only)) => matrix[only * time + t] = 1.0,
            (None, None) => {}
        }
    }
    matrix
}

/// Sines, then cosines, of all frequencies at all frames, `[2 k, time]`.
fn waves(time: usize, oversampling: usize) -> Vec<f64> {
    let frequencies = oversampling * time / 2;
    let angle = |k: usize, t: usize| 2.0 * PI * k as f64 * t as f64 / (oversampling * time) as f64;
    let of = |f: fn(f64) -> f64| (1..=frequencies).flat_map(move |k| (0..time).map(move |t| f(angle(k, t))));
    of(f64::sin).chain(of(f64::cos)).collect()
}

/// # Interpolation of missing frames
impl Tape {
    /// Series x `[.., regions, time]` with the frames that are not kept on lines between those that are.
    ///
    /// # Errors
    /// Where there is no frame kept, or not a mark for each frame.
    pub fn interpolate_linear(&mut self, x: Var, kept: &[bool]) -> Result<Var> {
        let time = self.expect_frames(x, kept)?;
        let matrix = self.constant(HostTensor::f32([time, time], linear_interpolation_matrix(kept))?)?;
        self.matmul(x, matrix)
    }

    /// Series x `[.., regions, time]` with the frames that are not kept as sines and cosines say that are fitted, one by one, to those that
    /// are (Lomb–Scargle; Mathias et al. 2004, Power et al. 2014): about the mean of the kept frames, each amplitude
    /// ⟨wave, x⟩ / ⟨wave, wave⟩ over these; then their sum, over ⟨sum, x⟩ / ⟨x, x⟩ there.
    ///
    /// # Errors
    /// Where there is no frame kept, not a mark for each frame, or the oversampling is 0.
    pub fn interpolate_spectral(&mut self, x: Var, kept: &[bool], how: Spectral) -> Result<Var> {
        let time = self.expect_frames(x, kept)?;
        if how.oversampling == 0 || !(0.0..1.0).contains(&how.threshold) {
            let what = format!("oversampling above 0 and a threshold in [0, 1) expected, found {} and {}", how.oversampling, how.threshold);
            return Err(Error::op("interpolate_spectral", what));
        }
        let seen: Vec<f32> = kept.iter().map(|&k| f32::from(u8::from(k))).collect();
        let count: f32 = seen.iter().sum();
        let seen = self.constant(HostTensor::f32([time], seen)?)?;
        let of_seen = self.mul(x, seen)?;
        let mean = self.sum(of_seen, &[-1], true)?;
        let mean = self.scale(mean, 1.0 / count)?;
        let centred = self.sub(x, mean)?;
        let y = self.mul(centred, seen)?;

        let waves = waves(time, how.oversampling);
        let rows = waves.len() / time;
        let fitted = waves.chunks_exact(time).flat_map(|wave| {
            let power: f64 = wave.iter().zip(kept).filter(|(_, k)| **k).map(|(w, _)| w * w).sum();
            // A sine that is 0 on every frame has no amplitude.
            let scale = if power > 1e-9 { 1.0 / power } else { 0.0 };
            wave.iter().map(move |w| (w * scale) as f32)
        });
        let fitted = self.constant(HostTensor::f32([rows, time], fitted.collect())?)?;
        let waves = self.constant(HostTensor::f32([rows, time], waves.iter().map(|&w| w as f32).collect())?)?;
        let amplitudes = self.matmul_with(y, fitted, false, true)?;
        let amplitudes = if how.threshold > 0.0 { self.strongest(amplitudes, rows / 2, how.threshold)? } else { amplitudes };
        let sum = self.matmul(amplitudes, waves)?;

        let (product, power) = (self.mul(sum, y)?, self.square(y)?);
        let (product, power) = (self.sum(product, &[-1], true)?, self.sum(power, &[-1], true)?);
        // A constant series has no waves, and stays constant.
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(product, zero)?;
        let product = self.select(none, one, product)?;
        let scale = self.div(power, product)?;
        let scaled = self.mul(sum, scale)?;
        let made = self.add(scaled, mean)?;
        self.select(seen, x, made)
    }

    /// [`Tape::interpolate_spectral`], but linear in gaps of at most `longest` frames.
    ///
    /// # Errors
    /// As there.
    pub fn interpolate_hybrid(&mut self, x: Var, kept: &[bool], longest: usize, how: Spectral) -> Result<Var> {
        let time = self.expect_frames(x, kept)?;
        let (linear, spectral) = (self.interpolate_linear(x, kept)?, self.interpolate_spectral(x, kept, how)?);
        let by_run = |run: &[bool]| vec![f32::from(u8::from(run[0] || run.len() <= longest)); run.len()];
        let short = kept.chunk_by(|a, b| a == b).flat_map(by_run).collect();
        let short = self.constant(HostTensor::f32([time], short)?)?;
        self.select(short, linear, spectral)
    }

    /// Sines' amplitudes, then cosines', without those that are not above a share of the largest of their kind.
    fn strongest(&mut self, amplitudes: Var, half: usize, threshold: f32) -> Result<Var> {
        let mut parts = Vec::new();
        for first in [0, half] {
            let part = self.slice(amplitudes, -1, first, first + half, 1)?;
            // Which ones are left is chosen, not differentiated.
            let size = self.detach(part)?;
            let size = self.abs(size)?;
            let most = self.max(size, &[-1], true)?;
            let least = self.scale(most, threshold)?;
            let above = self.greater(size, least)?;
            parts.push(self.mul(part, above)?);
        }
        self.concatenate(&parts, -1)
    }

    fn expect_frames(&self, x: Var, kept: &[bool]) -> Result<usize> {
        self.expect_f32("interpolate", "the series", x)?;
        let shape = self.shape(x);
        if shape.rank() < 2 || shape.last() != Some(&kept.len()) || !kept.contains(&true) {
            let what = format!(
                "series [.., regions, time] and a mark for each frame, one kept at least, expected; found {shape}, {} marks",
                kept.len()
            );
            return Err(Error::op("interpolate", what));
        }
        Ok(kept.len())
    }
}

/// Gaps of one frame and of several, and at both ends.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for time in [7, 33] {
        let kept: Vec<bool> = (0..time).map(|t| t % 5 != 2 && !(10..15).contains(&t) && t != 0).collect();
        let build = move |t: &mut Tape, x: &[Var]| {
            let how = Spectral { threshold: 0.3, ..Spectral::default() };
            Ok(vec![t.interpolate_linear(x[0], &kept)?, t.interpolate_hybrid(x[0], &kept, 1, how)?])
        };
        // Sums of some 130 waves, which nearly cancel in the gaps.
        cases.push(Case::new("interpolate", vec![f32s([2, 3, time], Draw::Normal)], build).within(2e-5, 2e-5));
    }
    cases
}
