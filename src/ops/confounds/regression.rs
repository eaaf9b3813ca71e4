//! Confound regression: series less what a weighted least-squares fit of confounds explains of them.

use super::super::case::{Case, Draw, f32s};
use super::super::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The model by which confounds are regressed out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regression {
    /// True where the model also has an intercept: series and confounds then lose their weighted means, and no ridge holds it back.
    pub intercept: bool,
    /// λ ≥ 0 of the penalty λ |β|².
    pub ridge: f32,
}

impl Default for Regression {
    /// An intercept, and no ridge.
    fn default() -> Self {
        Self { intercept: true, ridge: 0.0 }
    }
}

/// # Confound regression
impl Tape {
    /// The residual Y − B X of series Y `[.., regions, time]` on confounds X `[.., k, time]`, B least Σ_t w_t |y_t − B x_t|² + ridge |B|².
    /// Frames' weights are `[.., time]` (0 for a censored frame: the fit does not see it, and its residual is of the fit to the others);
    /// 1 where there are none. Batches are those of the confounds, or of the series too. A confound that is a combination of those before
    /// it explains nothing more ([`Tape::orthonormalise`]). Differentiable in all three.
    ///
    /// ```
    /// use tapetum::ops::confounds::Regression;
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // A series that is the confound twice over, and three: nothing is left of it.
    /// let mut tape = Tape::new();
    /// let series = tape.input("series", TensorType::f32([1, 4]))?; // [regions, time]
    /// let confounds = tape.input("confounds", TensorType::f32([1, 4]))?; // [k, time]
    /// let clean = tape.confound_regression(series, confounds, None, Regression::default())?;
    /// let mut program = Device::cpu().compile(&tape, &[clean])?;
    /// let confound = HostTensor::f32([1, 4], vec![1.0, -2.0, 0.5, 4.0])?;
    /// let found = program.run(&[(series, &HostTensor::f32([1, 4], vec![5.0, -1.0, 4.0, 11.0])?), (confounds, &confound)])?;
    /// assert!(found[0].to_f64_vec().iter().all(|x| x.abs() < 1e-5));
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where an operand is not f32 of these shapes, or the ridge is negative.
    pub fn confound_regression(&mut self, series: Var, confounds: Var, weights: Option<Var>, how: Regression) -> Result<Var> {
        self.expect_f32("confound_regression", "the series", series)?;
        self.expect_f32("confound_regression", "confounds", confounds)?;
        let (y, x) = (self.shape(series), self.shape(confounds));
        if y.rank() < 2 || x.rank() < 2 || y.last() != x.last() {
            let what = format!("series [.., regions, time] and confounds [.., k, time] of as many frames expected, found {y} and {x}");
            return Err(Error::op("confound_regression", what));
        }
        let frames = x.without(x.rank() - 2);
        let w = match weights {
            Some(w) => self.broadcast_to(w, frames)?,
            None => self.full(frames, 1.0)?,
        };
        let wide = self.reshape(w, x.with(x.rank() - 2, 1))?;
        let (series, confounds) = match how.intercept {
            true => (self.centred_rows(self.less_means(series), wide)?, self.centred_rows(confounds, wide)?),
            false => (series, confounds),
        };
        let (q, _) = self.orthonormalise(confounds, w, how.ridge)?;
        let weighted = if weights.is_some() { self.mul(series, wide)? } else { series };
        let scores = self.matmul_with(weighted, q, false, true)?;
        let fitted = self.matmul(scores, q)?;
        self.sub(series, fitted)
    }

    /// x less its mean under weights `[.., 1, time]`.
    fn centred_rows(&mut self, x: Var, weights: Var) -> Result<Var> {
        // About the first frame, so that series far from 0 keep their digits.
        let origin = self.slice(x, -1, 0, 1, 1)?;
        let x = self.sub(x, origin)?;
        let weighted = self.mul(x, weights)?;
        let (sum, total) = (self.sum(weighted, &[-1], true)?, self.sum(weights, &[-1], true)?);
        let mean = self.div(sum, total)?;
        self.sub(x, mean)
    }
}

/// Regressions of series on confounds, weighted and not.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, regions, k, time] in [[1, 1, 1, 7], [2, 7, 3, 65], [1, 5, 12, 132]] {
        let operands = || vec![f32s([batch, regions, time], Draw::Series), f32s([batch, k, time], Draw::Normal)];
        for how in [Regression::default(), Regression { intercept: false, ridge: 3.0 }] {
            let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.confound_regression(x[0], x[1], x.get(2).copied(), how)?]);
            // Relative to series about 10, whose residuals are about 1.
            cases.push(Case::new("confound_regression", operands(), build).within(1e-5, 5e-5));
            let weighted = [operands(), vec![f32s([batch, time], Draw::Weights)]].concat();
            cases.push(Case::new("confound_regression weighted", weighted, build).within(1e-5, 5e-5));
        }
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    // Subjects, regions, confounds, frames.
    let shapes = [[1, 32, 8, 128], [16, 400, 24, 600], [16, 1000, 36, 1200]];
    let operands =
        |[batch, regions, k, time]: [usize; 4]| vec![f32s([batch, regions, time], Draw::Series), f32s([batch, k, time], Draw::Normal)];
    let build = |t: &mut Tape, x: &[Var]| Ok(vec![t.confound_regression(x[0], x[1], None, Regression::default())?]);
    vec![Work::new("confound_regression", shapes.map(|s| Instance::new(operands(s), build)))]
}
