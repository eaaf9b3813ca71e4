//! Windows of series, and series that keep what a null hypothesis says and nothing else.

use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

impl Tape {
    /// Windows of `length` frames of series x `[.., regions, time]`, one every `step` frames as long as a whole one fits:
    /// `[.., windows, regions, length]`.
    ///
    /// # Errors
    /// Where x has fewer than two axes or eight, the length or step is 0, or no window fits.
    pub fn windows(&mut self, x: Var, length: usize, step: usize) -> Result<Var> {
        self.check(x)?;
        let shape = self.shape(x);
        let rank = shape.rank();
        let time = shape.last().copied().unwrap_or(0);
        let bad = || {
            let what = format!(
                "series [.., regions, time] and windows of 1 to {time} frames, a step above 0, expected; found {shape}, {length}, {step}"
            );
            Error::op("windows", what)
        };
        if rank < 2 || length == 0 || step == 0 || length > time {
            return Err(bad());
        }
        let one = Shape::try_new(&[&shape[..rank - 2], &[1, shape[rank - 2], length]].concat()).ok_or_else(bad)?;
        let mut windows = Vec::new();
        for first in (0..=time - length).step_by(step) {
            let window = self.slice(x, -1, first, first + length, 1)?;
            windows.push(self.reshape(window, one)?);
        }
        self.concatenate(&windows, rank as isize - 2)
    }

    /// Phase-randomised series of x `[.., regions, time]`, drawn anew at every step: the phase of each frequency is turned by an angle
    /// uniform on the circle, the same for all regions of a batch entry, so that spectra and (static) covariance stay and all else goes
    /// (Theiler et al. 1992; Prichard & Theiler 1994).
    ///
    /// # Errors
    /// Where x is not f32 of these axes.
    pub fn phase_randomised(&mut self, x: Var, seed: u64, stream: u32) -> Result<Var> {
        self.expect_f32("phase_randomised", "the series", x)?;
        let shape = self.shape(x);
        let rank = shape.rank();
        if rank < 2 {
            return Err(Error::op("phase_randomised", format!("series [.., regions, time] expected, found {shape}")));
        }
        let n = shape[rank - 1];
        let m = n / 2 + 1;
        let spectrum = self.rfft(x)?;
        // The ends of a spectrum are real, and stay.
        let turns = (0..m).map(|k| if k == 0 || 2 * k == n { 0.0 } else { 2.0 * std::f32::consts::PI }).collect();
        let turns = self.constant(HostTensor::f32([m, 1], turns)?)?;
        let each = Shape::try_new(&[&shape[..rank - 2], &[1, m, 1]].concat());
        let each = each.ok_or_else(|| Error::op("phase_randomised", "fewer than 8 axes expected"))?;
        let draws = self.random_uniform(each, seed, stream)?;
        let angles = self.mul(draws, turns)?;
        let (cos, sin) = (self.cos(angles)?, self.sin(angles)?);
        let (re, im) = (self.slice(spectrum, -1, 0, 1, 1)?, self.slice(spectrum, -1, 1, 2, 1)?);
        let (re_cos, im_sin) = (self.mul(re, cos)?, self.mul(im, sin)?);
        let (re_sin, im_cos) = (self.mul(re, sin)?, self.mul(im, cos)?);
        let (re, im) = (self.sub(re_cos, im_sin)?, self.add(re_sin, im_cos)?);
        let turned = self.concatenate(&[re, im], -1)?;
        self.irfft(turned, n)
    }
}
