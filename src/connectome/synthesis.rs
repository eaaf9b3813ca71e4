//! Series that keep what a null hypothesis says and nothing else.

use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

impl Tape {
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
