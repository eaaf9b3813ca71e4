//! Confound models that are learnt: which regressors are made of the columns of a table (Ciric et al. 2022, §"denoising"; hypercoil's
//! `nn.confound`). Confounds are `[.., columns, time]`, standardised, and what comes out is `[.., regressors, time]`, for
//! [`Tape::confound_regression`]. The weights are shared by all subjects of a batch.
//!
//! A regression sees the span of its regressors alone: scales and mixtures of them are free. For the same reason elimination does nothing to
//! a regression without a ridge until a weight is 0.

use crate::connectome::signal::convolution::Padding;
use crate::connectome::weights::Domain;
use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result, Shape};

/// A confound model, and the sizes of its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ConfoundModel {
    /// Linear combinations of the columns (`LinearCombinationSelector`): [`Tape::confound_combinations`].
    Combination {
        /// Combinations.
        regressors: usize,
    },
    /// Linear combinations of the columns and of responses to them (`LinearRFNN`): [`Tape::confound_responses`].
    Responses {
        /// Combinations.
        regressors: usize,
        /// Response functions, each of which every column passes.
        responses: usize,
        /// Frames of a response function.
        duration: usize,
        /// The slope of what is below a response's threshold: 0.001 in hypercoil.
        leak: f32,
    },
    /// The columns themselves, each by a weight that may fall to 0: [`Tape::confound_elimination`].
    Elimination {
        /// The weight that a free parameter goes to at −∞; below 0, −1.5 in hypercoil.
        infimum: f32,
        /// The weight at +∞; 2.5 in hypercoil.
        supremum: f32,
    },
}

/// What a [`ConfoundModel`] recorded.
#[derive(Debug, Clone)]
pub struct ModelledConfounds {
    /// `[.., regressors, time]`.
    pub regressors: Var,
    /// The trained states, by the names given below the model's.
    pub parameters: Vec<Var>,
}

impl ConfoundModel {
    /// Regressors of confounds `[.., columns, time]`, with parameters `<name>.weights`, and `.kernels` and `.thresholds` of responses, which
    /// begin as hypercoil's: uniform within one by the root of what is summed, thresholds normal of deviation 0.05.
    ///
    /// # Errors
    /// Where a size is 0, the confounds are not f32 of these axes, or a name is taken.
    pub fn record(&self, tape: &mut Tape, name: &str, confounds: Var, seed: u64) -> Result<ModelledConfounds> {
        let columns = expect_confounds(tape, "confound model", confounds)?[0];
        let within = |summed: usize, stream: u32| {
            let bound = (summed.max(1) as f32).sqrt().recip();
            Init::Uniform { low: -bound, high: bound, seed, stream }
        };
        let (regressors, parameters) = match *self {
            Self::Combination { regressors } => {
                let weights = tape.parameter(&format!("{name}.weights"), [regressors, columns], within(columns, 0))?;
                (tape.confound_combinations(confounds, weights)?, vec![weights])
            }
            Self::Responses { regressors, responses, duration, leak } => {
                let all = columns * (1 + responses);
                let weights = tape.parameter(&format!("{name}.weights"), [regressors, all], within(all, 0))?;
                let kernels = tape.parameter(&format!("{name}.kernels"), [responses, duration], within(duration, 1))?;
                let start = Init::Normal { mean: 0.0, std: 0.05, seed, stream: 2 };
                let thresholds = tape.parameter(&format!("{name}.thresholds"), [responses], start)?;
                let all = tape.confound_responses(confounds, kernels, thresholds, leak)?;
                (tape.confound_combinations(all, weights)?, vec![weights, kernels, thresholds])
            }
            Self::Elimination { infimum, supremum } => {
                let start = Init::Uniform { low: 0.0, high: 1.0, seed, stream: 0 };
                let free = tape.parameter(&format!("{name}.weights"), [1, 1, columns], start)?;
                let weights = Domain::Between { low: infimum, high: supremum }.image(tape, free)?;
                (tape.confound_elimination(confounds, weights)?, vec![free])
            }
        };
        Ok(ModelledConfounds { regressors, parameters })
    }
}

/// # Learnt confound models
impl Tape {
    /// W C: combinations of confounds C `[.., columns, time]` by weights `[regressors, columns]`; `[.., regressors, time]`.
    ///
    /// # Errors
    /// Where the operands are not f32 of these shapes.
    pub fn confound_combinations(&mut self, confounds: Var, weights: Var) -> Result<Var> {
        let [columns, _] = expect_confounds(self, "confound_combinations", confounds)?;
        let shape = self.shape(weights);
        if shape.rank() != 2 || shape[1] != columns || shape[0] == 0 {
            return Err(Error::op("confound_combinations", format!("weights [regressors, {columns}] expected, found {shape}")));
        }
        self.matmul(weights, confounds)
    }

    /// Confounds C `[.., columns, time]` and, below them, what response functions make of each: with c the convolution of a column with
    /// `kernels` `[responses, R]`, as [`Tape::temporal_convolution`] with zeros around, and θ the response's threshold `[responses]`, that is
    /// c above θ and θ + leak (c − θ) below. `[.., columns (1 + responses), time]`, responses in order and columns within them.
    ///
    /// # Errors
    /// Where the operands are not f32 of these shapes, or there is no response.
    pub fn confound_responses(&mut self, confounds: Var, kernels: Var, thresholds: Var, leak: f32) -> Result<Var> {
        let op = "confound_responses";
        let [columns, time] = expect_confounds(self, op, confounds)?;
        let (shape, k, limits) = (self.shape(confounds), self.shape(kernels), self.shape(thresholds));
        let (&[responses, duration], &[of]) = (&*k, &*limits) else {
            return Err(Error::op(op, format!("kernels [responses, R] and thresholds [responses] expected, found {k} and {limits}")));
        };
        if responses == 0 || of != responses {
            return Err(Error::op(op, format!("kernels [responses, R] and as many thresholds expected, found {k} and {limits}")));
        }
        let front = &shape[..shape.rank() - 2];
        let reshaped = |last: &[usize]| {
            let fits = Shape::try_new(&[front, last].concat());
            fits.ok_or_else(|| Error::op(op, format!("confounds of at most 7 axes expected, found {shape}")))
        };
        let one_channel = self.reshape(confounds, reshaped(&[1, columns, time])?)?;
        let kernels = self.reshape(kernels, [responses, 1, duration])?;
        let convolved = self.temporal_convolution(one_channel, kernels, Padding::Same)?;
        let limits = self.reshape(thresholds, [responses, 1, 1])?;
        let above = self.sub(convolved, limits)?;
        let bent = self.leaky_relu(above, leak)?;
        let answers = self.add(bent, limits)?;
        let answers = self.reshape(answers, reshaped(&[responses * columns, time])?)?;
        self.concatenate(&[confounds, answers], -2)
    }

    /// Confounds `[.., columns, time]`, each by Π_and Σ_or max(w, 0) of weights w `[or, and, columns]`: a column goes where, of some `and`,
    /// every `or` has a weight not above 0. (hypercoil maps its free weights to −0.5 to 1.5 where it documents −1.5 to 2.5, and warns against
    /// the model: its choice of columns varies with the seed.)
    ///
    /// # Errors
    /// Where the operands are not f32 of these shapes.
    pub fn confound_elimination(&mut self, confounds: Var, weights: Var) -> Result<Var> {
        let op = "confound_elimination";
        let [columns, _] = expect_confounds(self, op, confounds)?;
        let shape = self.shape(weights);
        let &[_, and, of] = &*shape else {
            return Err(Error::op(op, format!("weights [or, and, {columns}] expected, found {shape}")));
        };
        if of != columns || shape.elements() == 0 {
            return Err(Error::op(op, format!("weights [or, and, {columns}] expected, found {shape}")));
        }
        let held = self.relu(weights)?;
        let any = self.sum(held, &[0], false)?;
        let mut gain = self.slice(any, 0, 0, 1, 1)?;
        for i in 1..and {
            let next = self.slice(any, 0, i, i + 1, 1)?;
            gain = self.mul(gain, next)?;
        }
        let gain = self.reshape(gain, [columns, 1])?;
        self.mul(confounds, gain)
    }
}

/// Columns and frames of confounds f32 `[.., columns, time]`.
fn expect_confounds(tape: &Tape, op: &str, confounds: Var) -> Result<[usize; 2]> {
    tape.expect_f32(op, "confounds", confounds)?;
    match *tape.shape(confounds) {
        [.., columns, time] if columns > 0 && time > 0 => Ok([columns, time]),
        _ => Err(Error::op(op, format!("confounds [.., columns, time] expected, found {}", tape.shape(confounds)))),
    }
}

/// Confound models, and a regression on what one makes.
pub(in crate::connectome) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [subjects, columns, time] in [[1, 1, 7], [3, 7, 33], [2, 5, 65]] {
        let confounds = || f32s([subjects, columns, time], Draw::Normal);
        let weights = f32s([4, columns], Draw::Normal);
        let build = |t: &mut Tape, x: &[Var]| Ok(vec![t.confound_combinations(x[0], x[1])?]);
        cases.push(Case::new("confound_combinations", vec![confounds(), weights], build).within(5e-6, 1e-5));
        let bank = vec![confounds(), f32s([3, 5], Draw::Normal), f32s([3], Draw::Normal)];
        let build = |t: &mut Tape, x: &[Var]| Ok(vec![t.confound_responses(x[0], x[1], x[2], 0.1)?]);
        cases.push(Case::new("confound_responses", bank, build).within(5e-6, 1e-5));
        let gains = vec![confounds(), f32s([2, 3, columns], Draw::Normal)];
        let build = |t: &mut Tape, x: &[Var]| Ok(vec![t.confound_elimination(x[0], x[1])?]);
        cases.push(Case::new("confound_elimination", gains, build).within(5e-6, 1e-5));
    }
    let operands = vec![f32s([2, 7, 65], Draw::Normal), f32s([2, 5, 65], Draw::Normal), f32s([3, 5], Draw::Normal)];
    let build = |t: &mut Tape, x: &[Var]| {
        let regressors = t.confound_combinations(x[1], x[2])?;
        Ok(vec![t.confound_regression(x[0], regressors, None, crate::ops::confounds::Regression::default())?])
    };
    cases.push(Case::new("confound_regression on combinations", operands, build).within(1e-5, 5e-5));
    cases
}
