//! Interpolation of censored frames from those kept, for steps that need all frames, such as a filter. Connectivity is never computed from
//! interpolated frames: give it the mask as weights.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, Real};
use crate::{Error, Result};
use realfft::num_complex::Complex64;

/// The model of spectral interpolation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectral {
    /// The factor of oversampling: the frequencies are k / (oversampling · frames) cycles per frame, k = 1, 2, …, up to one half.
    pub oversampling: usize,
    /// Sines and cosines whose amplitude is at most this share of the largest of their kind are left out.
    pub threshold: f32,
}

impl Default for Spectral {
    /// An oversampling factor of eight and a threshold of 0.
    fn default() -> Self {
        Self { oversampling: 8, threshold: 0.0 }
    }
}

/// For each frame the index of the last kept frame up to it, that of the first kept frame from it on, and the weight of the second.
/// Censored frames are interpolated linearly between these, and take the nearest kept value beyond the ends (`numpy.interp`).
fn neighbours(kept: &[bool]) -> [Vec<usize>; 2] {
    let last = |found: &mut Option<usize>, t: usize| {
        *found = if kept[t] { Some(t) } else { *found };
        Some(*found)
    };
    let before: Vec<Option<usize>> = (0..kept.len()).scan(None, last).collect();
    let mut after: Vec<Option<usize>> = (0..kept.len()).rev().scan(None, last).collect();
    after.reverse();
    let either = |a: &Option<usize>, b: &Option<usize>| a.or(*b).unwrap_or(0);
    [before.iter().zip(&after).map(|(a, b)| either(a, b)).collect(), before.iter().zip(&after).map(|(a, b)| either(b, a)).collect()]
}

/// The power of each wave over the kept frames: Σ cos² and Σ sin² at frequencies k / n, k = 0 to n / 2, for n = oversampling · time frames.
/// They follow from the spectrum of the mask and cos² θ = (1 + cos 2θ) / 2.
fn powers(kept: &[bool], oversampling: usize) -> Result<Vec<[f64; 2]>> {
    let n = oversampling * kept.len();
    let mut marks: Vec<f64> = kept.iter().map(|&k| f64::from(u8::from(k))).collect();
    let count: f64 = marks.iter().sum();
    marks.resize(n, 0.0);
    let mut spectrum = vec![Complex64::default(); n / 2 + 1];
    let (forward, _) = f64::fourier(n);
    forward.process(&mut marks, &mut spectrum).map_err(|e| Error::op("interpolate_spectral", e.to_string()))?;
    // The spectrum of a real series mirrors about n / 2.
    let doubled = |k: usize| spectrum[(2 * k).min(n - 2 * k)].re;
    Ok((0..=n / 2).map(|k| [0.5 * (count + doubled(k)), 0.5 * (count - doubled(k))]).collect())
}

/// # Interpolation of missing frames
impl Tape {
    /// Series x `[.., regions, time]` with the frames that are not kept interpolated linearly between those that are.
    ///
    /// # Errors
    /// Returns an error where no frame is kept, or the number of marks differs from the number of frames.
    pub fn interpolate_linear(&mut self, x: Var, kept: &[bool]) -> Result<Var> {
        let time = self.expect_frames(x, kept)?;
        let [before, after] = neighbours(kept);
        let share = |t: usize| if before[t] < after[t] { (t - before[t]) as f32 / (after[t] - before[t]) as f32 } else { 0.0 };
        let share = self.constant(HostTensor::f32([time], (0..time).map(share).collect())?)?;
        let (before, after) = (self.taken_frames(x, &before)?, self.taken_frames(x, &after)?);
        let step = self.sub(after, before)?;
        let part = self.mul(step, share)?;
        self.add(before, part)
    }

    /// The frames of x `[.., regions, time]` at these indices, in this order.
    pub(super) fn taken_frames(&mut self, x: Var, index: &[usize]) -> Result<Var> {
        let rank = self.shape(x).rank();
        let index = self.constant(HostTensor::i32([index.len()], index.iter().map(|&t| t as i32).collect())?)?;
        let first: Vec<usize> = [rank - 1].into_iter().chain(0..rank - 1).collect();
        let turned = self.transpose(x, &first)?;
        let taken = self.gather_rows(turned, index)?;
        let last: Vec<usize> = (1..rank).chain([0]).collect();
        self.transpose(taken, &last)
    }

    /// Series x `[.., regions, time]` with the frames that are not kept interpolated by sines and cosines (Lomb–Scargle; Mathias et al.
    /// 2004, Power et al. 2014). The series are taken about the mean of the kept frames. Each wave is fitted separately to these frames
    /// with the amplitude ⟨wave, x⟩ / ⟨wave, wave⟩, and the sum of the waves is divided by ⟨sum, x⟩ / ⟨x, x⟩ over the kept frames.
    ///
    /// # Errors
    /// Returns an error where no frame is kept, the number of marks differs from the number of frames, or the oversampling is 0.
    pub fn interpolate_spectral(&mut self, x: Var, kept: &[bool], how: Spectral) -> Result<Var> {
        let time = self.expect_frames(x, kept)?;
        if how.oversampling == 0 || !(0.0..1.0).contains(&how.threshold) {
            let what = format!("oversampling above 0 and a threshold in [0, 1) expected, found {} and {}", how.oversampling, how.threshold);
            return Err(Error::op("interpolate_spectral", what));
        }
        let count = kept.iter().filter(|k| **k).count() as f32;
        let seen = self.constant(HostTensor::f32([time], kept.iter().map(|&k| f32::from(u8::from(k))).collect())?)?;
        let zero = self.scalar(0.0)?;
        // Series are taken about a kept frame, so that series far from 0 keep their digits. Values in the other frames are ignored.
        let first = kept.iter().position(|k| *k).unwrap_or(0);
        let origin = self.slice(x, -1, first, first + 1, 1)?;
        let about = self.sub(x, origin)?;
        let of_seen = self.select(seen, about, zero)?;
        let mean = self.sum(of_seen, &[-1], true)?;
        let mean = self.scale(mean, 1.0 / count)?;
        let centred = self.sub(about, mean)?;
        let y = self.select(seen, centred, zero)?;

        // The frequencies of the waves are those of n frames, of which all beyond the series are zeros. Two transforms therefore replace
        // products with 2 n waves.
        let n = how.oversampling * time;
        let (ends, powers) = (n / 2, powers(kept, how.oversampling)?);
        // A wave that is 0 on every frame has no amplitude, and the mean does not count as a wave.
        let held = |k: usize, power: f64| k > 0 && power > 1e-9 + 1e-12 * f64::from(count);
        let each = |k: usize| powers[k].map(|p| if held(k, p) { (1.0 / p) as f32 } else { 0.0 });
        let gains = self.constant(HostTensor::f32([ends + 1, 2], (0..=ends).flat_map(each).collect())?)?;
        let padded = self.pad(y, -1, 0, n - time, 0.0)?;
        let spectrum = self.rfft(padded)?;
        let amplitudes = self.mul(spectrum, gains)?;
        let amplitudes = if how.threshold > 0.0 { self.strongest(amplitudes, how.threshold)? } else { amplitudes };
        // An entry between the ends of a spectrum stands for two.
        let weights = (0..=ends).map(|k| if 2 * k == n { n as f32 } else { 0.5 * n as f32 }).collect();
        let weights = self.constant(HostTensor::f32([ends + 1, 1], weights)?)?;
        let weighted = self.mul(amplitudes, weights)?;
        let sum = self.irfft(weighted, n)?;
        let sum = self.slice(sum, -1, 0, time, 1)?;

        let (product, power) = (self.mul(sum, y)?, self.square(y)?);
        let (product, power) = (self.sum(product, &[-1], true)?, self.sum(power, &[-1], true)?);
        // A constant series has no waves, and stays constant.
        let one = self.scalar(1.0)?;
        let none = self.equal(product, zero)?;
        let product = self.select(none, one, product)?;
        let scale = self.div(power, product)?;
        let scaled = self.mul(sum, scale)?;
        let mean = self.add(mean, origin)?;
        let made = self.add(scaled, mean)?;
        self.select(seen, x, made)
    }

    /// [`Tape::interpolate_spectral`], with linear interpolation in gaps of at most `longest` frames.
    ///
    /// # Errors
    /// The same as those of [`Tape::interpolate_spectral`].
    pub fn interpolate_hybrid(&mut self, x: Var, kept: &[bool], longest: usize, how: Spectral) -> Result<Var> {
        let time = self.expect_frames(x, kept)?;
        let (linear, spectral) = (self.interpolate_linear(x, kept)?, self.interpolate_spectral(x, kept, how)?);
        let by_run = |run: &[bool]| vec![f32::from(u8::from(run[0] || run.len() <= longest)); run.len()];
        let short = kept.chunk_by(|a, b| a == b).flat_map(by_run).collect();
        let short = self.constant(HostTensor::f32([time], short)?)?;
        self.select(short, linear, spectral)
    }

    /// Amplitudes `[.., frequencies, 2]` of cosines and sines, set to 0 where they are at most this share of the largest of their kind.
    fn strongest(&mut self, amplitudes: Var, threshold: f32) -> Result<Var> {
        // The choice of the waves to keep is not differentiated.
        let size = self.detach(amplitudes)?;
        let size = self.abs(size)?;
        let most = self.max(size, &[-2], true)?;
        let least = self.scale(most, threshold)?;
        let above = self.greater(size, least)?;
        self.mul(amplitudes, above)
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

/// Test cases with gaps of one frame, of several frames, and at both ends.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for time in [7, 33] {
        let kept: Vec<bool> = (0..time).map(|t| t % 5 != 2 && !(10..15).contains(&t) && t != 0).collect();
        let build = move |t: &mut Tape, x: &[Var]| {
            let how = Spectral { threshold: 0.3, ..Spectral::default() };
            Ok(vec![t.interpolate_linear(x[0], &kept)?, t.interpolate_hybrid(x[0], &kept, 1, how)?])
        };
        // The results are sums of about 130 waves, which nearly cancel in the gaps.
        cases.push(Case::new("interpolate", vec![f32s([2, 3, time], Draw::Normal)], build).within(2e-5, 2e-5));
    }
    cases
}
