//! Surrogate series, which keep only the properties that a null hypothesis states.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// # Surrogate series
impl Tape {
    /// Phase-randomised surrogates of x `[.., regions, time]`, drawn anew at every step. The phase of each frequency is shifted by an angle
    /// uniform on the circle, the same for all regions of a batch entry, which keeps spectra and (static) covariance and destroys all else
    /// (Theiler et al. 1992; Prichard & Theiler 1994).
    ///
    /// # Errors
    /// Returns an error where x is not f32 with these axes.
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
        // The two ends of a spectrum are real and stay unchanged.
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

    /// Filters x `[.., channels, time]` by the amplitude spectra of a reference of the same shape, and scales each series to the mean
    /// amplitude of its reference. White noise so becomes series whose expected spectra are those of the reference. Where `mean`, all
    /// channels use the mean amplitudes over the channels of the reference. (hypercoil's `match_spectra` scales all channels together, and
    /// loses a frame where their number is odd.)
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of one shape with at least two axes.
    pub fn match_spectra(&mut self, x: Var, reference: Var, mean: bool) -> Result<Var> {
        let shape = self.series_shape("match_spectra", x)?;
        if self.series_shape("match_spectra", reference)? != shape {
            return Err(Error::op("match_spectra", format!("a reference {shape} expected, found {}", self.shape(reference))));
        }
        let (spectrum, model) = (self.rfft(x)?, self.rfft(reference)?);
        let mut gains = self.l2_norm(model, &[-1], true)?;
        if mean {
            gains = self.mean(gains, &[-3], true)?;
        }
        let shaped = self.mul(spectrum, gains)?;
        let found = self.l2_norm(shaped, &[-1], true)?;
        let (found, wanted) = (self.mean(found, &[-2], true)?, self.mean(gains, &[-2], true)?);
        let ratio = self.div_or_zero(wanted, found)?;
        let scaled = self.mul(shaped, ratio)?;
        self.irfft(scaled, shape[shape.rank() - 1])
    }

    /// Mixes x `[.., channels, time]` to Q √Λ x, where Q Λ Qᵀ is the eigendecomposition of the covariance `[.., channels, channels]`.
    /// Independent channels of unit variance so become series with this covariance in expectation (Laumann et al. 2017). Negative
    /// eigenvalues, which come from rounding, count as 0.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn match_covariance(&mut self, x: Var, covariance: Var) -> Result<Var> {
        let n = self.expect_square("match_covariance", covariance)?;
        let (values, vectors) = self.eigh(covariance)?;
        let held = self.relu(values)?;
        let roots = self.root(held)?;
        let roots = self.reshape_last(roots, &[n, 1])?;
        let scaled = self.mul(x, roots)?;
        self.matmul(vectors, scaled)
    }

    /// Null series of x `[.., regions, time]`, drawn anew at every step: normal noise with the mean amplitude spectrum of x, scaled to unit
    /// variance, and with the covariance of x. They are stationary and Gaussian, so any change of their connectivity in time is due to
    /// chance (Laumann et al. 2017, Cerebral Cortex 27). Spectrum and covariance are those of x in expectation; for surrogates that have
    /// them exactly see [`Tape::phase_randomised`].
    ///
    /// # Errors
    /// Returns an error where x is not f32 with these axes.
    pub fn laumann_null(&mut self, x: Var, seed: u64, stream: u32) -> Result<Var> {
        let shape = self.series_shape("laumann_null", x)?;
        let noise = self.random_normal(shape, seed, stream)?;
        let shaped = self.match_spectra(noise, x, true)?;
        let centred = self.about_mean(shaped)?;
        let deviation = self.standard_deviation(centred, &[-1], 0, true)?;
        let one = self.scalar(1.0)?;
        let unit = self.div_or_zero(one, deviation)?;
        let unit = self.mul(centred, unit)?;
        let covariance = self.covariance(x, None, 1)?;
        self.match_covariance(unit, covariance)
    }

    /// The quotient a / b; 0 where b is 0.
    fn div_or_zero(&mut self, a: Var, b: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(b, zero)?;
        let safe = self.select(none, one, b)?;
        let ratio = self.div(a, safe)?;
        self.select(none, zero, ratio)
    }
}

/// Test cases of null series, whose draws are the same in every run of a case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 3, 33], [2, 4, 34]] {
        let x = || f32s(shape, Draw::Normal);
        cases.push(Case::new("phase_randomised", vec![x()], |t, x| Ok(vec![t.phase_randomised(x[0], 3, 1)?])).within(5e-6, 1e-5));
        cases.push(Case::new("match_spectra", vec![x(), x()], |t, x| Ok(vec![t.match_spectra(x[0], x[1], false)?])).within(5e-6, 2e-5));
        cases.push(Case::new("match_spectra mean", vec![x(), x()], |t, x| Ok(vec![t.match_spectra(x[0], x[1], true)?])).within(5e-6, 2e-5));
        // The signs and gaps of eigenvectors must be those of the reference, so the covariances are those of few series with condition
        // numbers of about 5.
        let build = |t: &mut Tape, x: &[Var]| {
            let covariance = t.covariance(x[1], None, 1)?;
            Ok(vec![t.match_covariance(x[0], covariance)?])
        };
        cases.push(Case::new("match_covariance", vec![x(), x()], build).within(5e-5, 5e-4));
        cases.push(Case::new("laumann_null", vec![x()], |t, x| Ok(vec![t.laumann_null(x[0], 5, 2)?])).within(5e-5, 5e-4));
    }
    cases
}
