//! Butterworth filters as second-order sections, designed in f64: their gains, and forward–backward filtering as in SciPy's `sosfiltfilt`,
//! on the host in f64 ([`forward_backward`]) and on the tape ([`Tape::forward_backward_filter`]). The cost of both grows linearly with the
//! number of frames.

use crate::ops::case::{Case, Draw, f32s};
pub use crate::ops::filter::Section;
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result};
use realfft::num_complex::Complex64;
use std::f64::consts::PI;

/// The pass band of a filter, in hertz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Band {
    /// A low-pass filter with this cutoff.
    Low(f64),
    /// A high-pass filter with this cutoff.
    High(f64),
    /// A band-pass filter from the first frequency to the second.
    Pass(f64, f64),
}

impl Band {
    /// The band itself, after a check that its edges are in order between 0 and the Nyquist frequency at a repetition time of `tr` seconds.
    ///
    /// # Errors
    /// Returns an error where they are not, or where `tr` is not a positive number.
    pub fn checked(self, tr: f64) -> Result<Self> {
        if !(tr > 0.0 && tr.is_finite()) {
            return Err(Error::argument(format!("a TR of {tr} s: a positive number of seconds is expected")));
        }
        let nyquist = 0.5 / tr;
        let held = match self {
            Self::Low(f) | Self::High(f) => f > 0.0 && f < nyquist,
            Self::Pass(low, high) => 0.0 < low && low < high && high < nyquist,
        };
        let what = || format!("{self}: above 0, below the Nyquist frequency {nyquist} Hz of a TR of {tr} s, and in order is expected");
        if held { Ok(self) } else { Err(Error::argument(what())) }
    }

    /// True where a frequency passes an ideal filter. The edges pass.
    fn holds(self, f: f64) -> bool {
        match self {
            Self::Low(high) => f <= high,
            Self::High(low) => f >= low,
            Self::Pass(low, high) => (low..=high).contains(&f),
        }
    }
}

impl std::fmt::Display for Band {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Low(high) => write!(f, "a band below {high} Hz"),
            Self::High(low) => write!(f, "a band above {low} Hz"),
            Self::Pass(low, high) => write!(f, "a band of {low} to {high} Hz"),
        }
    }
}

/// The gains of an ideal filter over the spectrum of n frames, `[n / 2 + 1]`: 1 where the frequency k / (n TR) lies in the band, else 0.
///
/// # Errors
/// The same as those of [`Band::checked`].
pub fn ideal_gains(n: usize, band: Band, tr: f64) -> Result<Vec<f32>> {
    let band = band.checked(tr)?;
    Ok((0..=n / 2).map(|k| f32::from(u8::from(band.holds(k as f64 / (n as f64 * tr))))).collect())
}

/// The gains |H| of a digital Butterworth filter over the spectrum of n frames, `[n / 2 + 1]`.
///
/// # Errors
/// The same as those of [`butterworth`].
pub fn butterworth_gains(n: usize, order: usize, band: Band, tr: f64) -> Result<Vec<f32>> {
    let sections = butterworth(order, band, tr)?;
    let gain = |k: usize| {
        // A power of z⁻¹ on the unit circle.
        let z = Complex64::from_polar(1.0, -2.0 * PI * k as f64 / n as f64);
        let of = |s: &Section| ((s.b[2] * z + s.b[1]) * z + s.b[0]) / ((s.a[1] * z + s.a[0]) * z + 1.0);
        sections.iter().map(of).product::<Complex64>().norm() as f32
    };
    Ok((0..=n / 2).map(gain).collect())
}

/// A digital Butterworth filter: `scipy.signal.butter(order, …, fs=1/tr, output='sos')`, except for the order of its sections.
///
/// # Errors
/// Returns an error in the cases of [`Band::checked`], and where the order is 0 or above 24.
pub fn butterworth(order: usize, band: Band, tr: f64) -> Result<Vec<Section>> {
    let band = band.checked(tr)?;
    if !(1..=24).contains(&order) {
        return Err(Error::argument(format!("a Butterworth filter of order {order}: 1 to 24 is expected")));
    }
    // The bilinear transform is z = (2 + s) / (2 − s). The edges are prewarped, so that they come out at the requested frequencies.
    let warped = |f: f64| 2.0 * (PI * f * tr).tan();
    let digital = |s: Complex64| (2.0 + s) / (2.0 - s);
    let mut poles = Vec::new();
    for k in 0..order {
        let prototype = -Complex64::from_polar(1.0, PI * (2.0 * k as f64 + 1.0 - order as f64) / (2 * order) as f64);
        match band {
            Band::Low(f) => poles.push(digital(prototype * warped(f))),
            Band::High(f) => poles.push(digital(warped(f) / prototype)),
            Band::Pass(low, high) => {
                let (low, high) = (warped(low), warped(high));
                let half = prototype * 0.5 * (high - low);
                let apart = (half * half - low * high).sqrt();
                poles.extend([digital(half + apart), digital(half - apart)]);
            }
        }
    }
    let mut sections = paired(&poles, band);
    let at = match band {
        Band::Low(_) => 0.0,
        Band::High(_) => 0.5 / tr,
        // The frequency to which the middle of the analogue band is mapped.
        Band::Pass(low, high) => (0.5 * (warped(low) * warped(high)).sqrt()).atan() / (PI * tr),
    };
    let z = Complex64::from_polar(1.0, -2.0 * PI * at * tr);
    for s in &mut sections {
        let gain = ((s.b[2] * z + s.b[1]) * z + s.b[0]) / ((s.a[1] * z + s.a[0]) * z + 1.0);
        s.b = s.b.map(|b| b / gain.norm());
    }
    Ok(sections)
}

/// One section for each pair of conjugate or of real poles, and a first-order section for a real pole that is left over.
fn paired(poles: &[Complex64], band: Band) -> Vec<Section> {
    // Rounding leaves real poles with an imaginary part far below this limit.
    let real = |p: &&Complex64| p.im.abs() <= 1e-12;
    let (second, first) = match band {
        Band::Low(_) => ([1.0, 2.0, 1.0], [1.0, 1.0, 0.0]),
        Band::High(_) => ([1.0, -2.0, 1.0], [1.0, -1.0, 0.0]),
        // A band-pass filter has an even number of poles.
        Band::Pass(..) => ([1.0, 0.0, -1.0], [1.0, 0.0, 0.0]),
    };
    let conjugate = poles.iter().filter(|p| !real(p) && p.im > 0.0).map(|p| Section { b: second, a: [-2.0 * p.re, p.norm_sqr()] });
    let alone: Vec<f64> = poles.iter().filter(real).map(|p| p.re).collect();
    let of_reals = alone.chunks(2).map(|p| match *p {
        [p, q] => Section { b: second, a: [-p - q, p * q] },
        _ => Section { b: first, a: [-p[0], 0.0] },
    });
    conjugate.chain(of_reals).collect()
}

/// The number of frames by which [`forward_backward`] extends a series at either end, as in SciPy. A series must be longer than this.
pub fn padding(sections: &[Section]) -> usize {
    let none = |f: fn(&&Section) -> bool| sections.iter().filter(f).count();
    3 * (2 * sections.len() + 1 - none(|s| s.b[2] == 0.0).min(none(|s| s.a[1] == 0.0)))
}

/// Filters x forward and then backward, so that the phase is unchanged: `scipy.signal.sosfiltfilt(sos, x)` with its defaults (odd extension
/// at both ends, and a steady-state start).
///
/// # Errors
/// Returns an error where x is not longer than [`padding`].
pub fn forward_backward(sections: &[Section], x: &[f64]) -> Result<Vec<f64>> {
    let (n, edge) = (x.len(), longer(sections, x.len())?);
    let before = (1..=edge).rev().map(|i| 2.0 * x[0] - x[i]);
    let after = (1..=edge).map(|i| 2.0 * x[n - 1] - x[n - 1 - i]);
    let mut y: Vec<f64> = before.chain(x.iter().copied()).chain(after).collect();
    for _ in 0..2 {
        from_steady_state(sections, &mut y);
        y.reverse();
    }
    y.truncate(edge + n);
    y.drain(..edge);
    Ok(y)
}

/// The [`padding`] of the sections, after a check that n frames are more than that.
fn longer(sections: &[Section], n: usize) -> Result<usize> {
    let edge = padding(sections);
    if n > edge {
        return Ok(edge);
    }
    Err(Error::argument(format!("{n} frames to filter: more than the {edge} by which either end is extended are needed")))
}

/// Runs the cascade in place, from the steady state for a constant input equal to the first value.
fn from_steady_state(sections: &[Section], y: &mut [f64]) {
    let mut held = y[0];
    for s in sections {
        let gain = s.steady_gain();
        let last = s.b[2] - s.a[1] * gain;
        s.run(y, [(s.b[1] - s.a[0] * gain + last) * held, last * held]);
        held *= gain;
    }
}

/// # Butterworth filters
impl Tape {
    /// Series x `[.., n]` filtered forward and backward by fixed sections, as in `scipy.signal.sosfiltfilt` ([`forward_backward`]).
    /// Differentiable in x.
    ///
    /// # Errors
    /// Returns an error where x is not f32, n is at most [`padding`], or a section is unstable.
    pub fn forward_backward_filter(&mut self, x: Var, sections: &[Section]) -> Result<Var> {
        self.expect_f32("forward_backward_filter", "the series", x)?;
        let n = self.shape(x).last().copied().unwrap_or(0);
        let edge = longer(sections, n)?;
        let gain: f64 = sections.iter().map(Section::steady_gain).product();
        // A constant is only multiplied by the gain in both passes. It is added last, so that series far from 0 keep their digits.
        let origin = self.slice(x, -1, 0, 1, 1)?;
        let about = self.sub(x, origin)?;
        let extended = self.extended(about, edge, n)?;
        let forward = self.filter_from_steady_state(extended, sections, gain, false)?;
        let both = self.filter_from_steady_state(forward, sections, gain, true)?;
        let kept = self.slice(both, -1, edge, edge + n, 1)?;
        self.add_scaled(kept, origin, gain * gain)
    }

    /// Series of n frames with `edge` more frames at either end, which are the neighbours of the end reflected about its value (odd
    /// extension). The first value is 0.
    fn extended(&mut self, x: Var, edge: usize, n: usize) -> Result<Var> {
        let mut turn = vec![0.0; edge * edge];
        (0..edge).for_each(|i| turn[i * edge + edge - 1 - i] = 1.0);
        let turn = self.constant(HostTensor::f32([edge, edge], turn)?)?;
        let (first, end) = (self.slice(x, -1, 1, edge + 1, 1)?, self.slice(x, -1, n - 1 - edge, n - 1, 1)?);
        let (before, after) = (self.matmul(first, turn)?, self.matmul(end, turn)?);
        let before = self.neg(before)?;
        let last = self.slice(x, -1, n - 1, n, 1)?;
        let twice = self.scale(last, 2.0)?;
        let after = self.sub(twice, after)?;
        self.concatenate(&[before, x, after], -1)
    }

    /// Runs the sections once over the series, from the steady state for a constant input equal to the first value, or to the last where
    /// `reversed`.
    fn filter_from_steady_state(&mut self, x: Var, sections: &[Section], gain: f64, reversed: bool) -> Result<Var> {
        let n = self.shape(x).last().copied().unwrap_or(0);
        let at = if reversed { n - 1 } else { 0 };
        let start = self.slice(x, -1, at, at + 1, 1)?;
        let about = self.sub(x, start)?;
        let y = self.section_filter(about, sections, reversed)?;
        self.add_scaled(y, start, gain)
    }

    /// The sum x + gain c; x itself where the gain is 0.
    fn add_scaled(&mut self, x: Var, c: Var, gain: f64) -> Result<Var> {
        if gain == 0.0 {
            return Ok(x);
        }
        let c = self.scale(c, gain as f32)?;
        self.add(x, c)
    }
}

/// Test cases: a low-pass filter and a band-pass filter.
pub(super) fn cases() -> Vec<Case> {
    let case = |(band, order, time): (Band, usize, usize)| {
        let build = move |t: &mut Tape, x: &[Var]| {
            let sections = butterworth(order, band, 2.0)?;
            Ok(vec![t.forward_backward_filter(x[0], &sections)?])
        };
        Case::new(&format!("forward_backward_filter {band}"), vec![f32s([2, 3, time], Draw::Normal)], build).within(5e-6, 1e-5)
    };
    [(Band::Low(0.1), 1, 7), (Band::Pass(0.02, 0.2), 2, 65), (Band::Pass(0.005, 0.02), 5, 700)].map(case).to_vec()
}
