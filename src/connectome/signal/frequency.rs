//! Series in the frequency domain: filters whose gains multiply the spectrum and may be learnt, and the analytic signal with the quantities
//! derived from it (Ciric et al. 2022, §"frequency"). The frequency bins of n frames are k / (n TR) hertz, also where n is odd.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// # Filters and phases by frequency
impl Tape {
    /// Series x `[.., n]` filtered in the frequency domain: irfft(gains · rfft(x)). Gains `[n / 2 + 1]` keep the shape of x. With several
    /// filters `[filters, n / 2 + 1]`, x `[.., regions, n]` gives `[.., filters, regions, n]`.
    ///
    /// # Errors
    /// Returns an error where x or the gains are not f32 of such shapes.
    pub fn product_filter(&mut self, x: Var, gains: Var) -> Result<Var> {
        self.expect_f32("product_filter", "the series", x)?;
        self.expect_f32("product_filter", "gains", gains)?;
        let (shape, filters) = (self.shape(x), self.shape(gains));
        let rank = shape.rank();
        let n = shape.last().copied().unwrap_or(0);
        let m = n / 2 + 1;
        let bad = || {
            let what = format!("gains [{m}], or [filters, {m}] for series [.., regions, {n}], expected; found {filters} for {shape}");
            Error::op("product_filter", what)
        };
        let spectrum = self.rfft(x)?;
        let (spectrum, gains) = match *filters {
            [k] if k == m => (spectrum, self.reshape(gains, [m, 1])?),
            [f, k] if k == m && rank >= 2 => {
                let extents = [&shape[..rank - 2], &[1, shape[rank - 2], m, 2]].concat();
                let spectrum = self.reshape(spectrum, Shape::try_new(&extents).ok_or_else(bad)?)?;
                (spectrum, self.reshape(gains, [f, 1, m, 1])?)
            }
            _ => return Err(bad()),
        };
        let filtered = self.mul(spectrum, gains)?;
        self.irfft(filtered, n)
    }

    /// [`Tape::product_filter`] applied forward and backward in time, which multiplies the spectrum by the squared magnitude of the gains
    /// and leaves the phase unchanged.
    pub fn zero_phase_filter(&mut self, x: Var, gains: Var) -> Result<Var> {
        let squared = self.square(gains)?;
        self.product_filter(x, squared)
    }

    /// The Hilbert transform of series `[.., n]`: the imaginary part of `scipy.signal.hilbert`.
    ///
    /// # Errors
    /// The same as those of [`Tape::rfft`].
    pub fn hilbert(&mut self, x: Var) -> Result<Var> {
        let spectrum = self.rfft(x)?;
        let n = self.shape(x).last().copied().unwrap_or(0);
        // The spectrum is multiplied by −i, and its entries that are their own conjugates are set to 0.
        let kept = (0..=n / 2).map(|k| f32::from(u8::from(k != 0 && 2 * k != n))).collect();
        let kept = self.constant(HostTensor::f32([n / 2 + 1, 1], kept)?)?;
        let spectrum = self.mul(spectrum, kept)?;
        let (re, im) = (self.slice(spectrum, -1, 0, 1, 1)?, self.slice(spectrum, -1, 1, 2, 1)?);
        let minus = self.neg(re)?;
        let turned = self.concatenate(&[im, minus], -1)?;
        self.irfft(turned, n)
    }

    /// The analytic signal of series `[.., n]`, x + i H(x): `[.., n, 2]`, as `scipy.signal.hilbert`.
    ///
    /// # Errors
    /// The same as those of [`Tape::rfft`].
    pub fn analytic_signal(&mut self, x: Var) -> Result<Var> {
        let h = self.hilbert(x)?;
        let extents = [&*self.shape(x), &[1]].concat();
        let shape = Shape::try_new(&extents).ok_or_else(|| Error::op("analytic_signal", "fewer than 8 axes expected"))?;
        let (x, h) = (self.reshape(x, shape)?, self.reshape(h, shape)?);
        self.concatenate(&[x, h], -1)
    }

    /// The envelope |x + i H(x)| of series `[.., n]`.
    ///
    /// # Errors
    /// The same as those of [`Tape::rfft`].
    pub fn envelope(&mut self, x: Var) -> Result<Var> {
        let z = self.analytic_signal(x)?;
        self.l2_norm(z, &[-1], false)
    }

    /// The phase of the analytic signal of series `[.., n]` in radians, unwrapped: `numpy.unwrap(numpy.angle(scipy.signal.hilbert(x)))`.
    ///
    /// # Errors
    /// The same as those of [`Tape::rfft`].
    pub fn instantaneous_phase(&mut self, x: Var) -> Result<Var> {
        let (h, n) = (self.hilbert(x)?, self.shape(x).last().copied().unwrap_or(0));
        let (x_0, h_0) = (self.slice(x, -1, 0, 1, 1)?, self.slice(h, -1, 0, 1, 1)?);
        let first = self.atan2(h_0, x_0)?;
        if n == 1 {
            return Ok(first);
        }
        let steps = self.phase_steps(x, h, n)?;
        let all = self.concatenate(&[first, steps], -1)?;
        self.cumulative_sum(all, -1)
    }

    /// The instantaneous frequency `[.., n − 1]` in hertz of series `[.., n]`, from one frame to the next, at a repetition time of `tr`
    /// seconds.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::rfft`], and where there are fewer than two frames or `tr` is not positive.
    pub fn instantaneous_frequency(&mut self, x: Var, tr: f64) -> Result<Var> {
        let n = self.shape(x).last().copied().unwrap_or(0);
        if n < 2 || !(tr > 0.0 && tr.is_finite()) {
            return Err(Error::op("instantaneous_frequency", format!("two frames and a positive TR expected, found {n} and {tr} s")));
        }
        let h = self.hilbert(x)?;
        let steps = self.phase_steps(x, h, n)?;
        self.scale(steps, (1.0 / (2.0 * std::f64::consts::PI * tr)) as f32)
    }

    /// The angle from each frame of z = x + i h to the next, within ±π: the angle of z_{t+1} z̄_t. There are no jumps to unwrap.
    fn phase_steps(&mut self, x: Var, h: Var, n: usize) -> Result<Var> {
        let (x_0, x_1) = (self.slice(x, -1, 0, n - 1, 1)?, self.slice(x, -1, 1, n, 1)?);
        let (h_0, h_1) = (self.slice(h, -1, 0, n - 1, 1)?, self.slice(h, -1, 1, n, 1)?);
        let (xx, hh) = (self.mul(x_1, x_0)?, self.mul(h_1, h_0)?);
        let (hx, xh) = (self.mul(h_1, x_0)?, self.mul(x_1, h_0)?);
        let (re, im) = (self.add(xx, hh)?, self.sub(hx, xh)?);
        self.atan2(im, re)
    }
}

/// Test cases of filters and analytic signals for odd and even lengths.
pub(super) fn cases() -> Vec<Case> {
    type Unary = fn(&mut Tape, Var) -> Result<Var>;
    let unary: [(&str, Unary); 5] = [
        ("hilbert", Tape::hilbert),
        ("analytic_signal", Tape::analytic_signal),
        ("envelope", Tape::envelope),
        ("instantaneous_phase", Tape::instantaneous_phase),
        ("instantaneous_frequency", |t, x| t.instantaneous_frequency(x, 2.0)),
    ];
    let mut cases = Vec::new();
    for n in [7, 66] {
        for (name, op) in unary {
            // An offset keeps envelopes away from 0, where angles change fast.
            let operands = vec![f32s([2, n], Draw::Uniform(2.0, 4.0))];
            cases.push(Case::new(name, operands, move |t, x| Ok(vec![op(t, x[0])?])).within(1e-5, 2e-5));
        }
        let m = n / 2 + 1;
        let one = vec![f32s([2, 3, n], Draw::Normal), f32s([m], Draw::Normal)];
        cases.push(Case::new("product_filter", one, |t, x| Ok(vec![t.product_filter(x[0], x[1])?])).within(5e-6, 1e-5));
        let several = vec![f32s([2, 3, n], Draw::Normal), f32s([4, m], Draw::Normal)];
        cases.push(Case::new("zero_phase_filter", several, |t, x| Ok(vec![t.zero_phase_filter(x[0], x[1])?])).within(5e-6, 2e-5));
    }
    cases
}
