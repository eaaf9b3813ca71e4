//! Confound models with learnt weights, which make regressors from the columns of a table (Ciric et al. 2022, §"denoising"; hypercoil's
//! `nn.confound`). The input is standardised confounds `[.., columns, time]`; the output is `[.., regressors, time]`, for
//! [`Tape::confound_regression`]. The weights are shared by all subjects of a batch.
//!
//! The residual of a regression depends only on the span of its regressors, so their scales and mixtures are free. For the same reason
//! elimination does not change a regression without a ridge until a weight is exactly 0.

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
        /// The number of combinations.
        regressors: usize,
    },
    /// Linear combinations of the columns and of responses to them (`LinearRFNN`): [`Tape::confound_responses`].
    Responses {
        /// The number of combinations.
        regressors: usize,
        /// The number of response functions. Every column is passed through each of them.
        responses: usize,
        /// The length of a response function in frames.
        duration: usize,
        /// The slope below the threshold of a response; 0.001 in hypercoil.
        leak: f32,
    },
    /// The columns themselves, each times a weight that may fall to 0: [`Tape::confound_elimination`].
    Elimination {
        /// The limit of a weight as its free parameter goes to −∞. It lies below 0; −1.5 in hypercoil.
        infimum: f32,
        /// The limit of a weight as its free parameter goes to +∞; 2.5 in hypercoil.
        supremum: f32,
    },
}

/// The regressors and parameters that a [`ConfoundModel`] recorded on a tape.
#[derive(Debug, Clone)]
pub struct ModelledConfounds {
    /// The regressors, `[.., regressors, time]`.
    pub regressors: Var,
    /// The trained states. Their names are those given below, after the name of the model.
    pub parameters: Vec<Var>,
}

impl ConfoundModel {
    /// Records the regressors of confounds `[.., columns, time]`. The parameters are `<name>.weights`, and for responses also `.kernels`
    /// and `.thresholds`. They are initialised as in hypercoil: uniform within ±1/√n with n the number of summed terms, and thresholds
    /// normal with standard deviation 0.05.
    ///
    /// # Errors
    /// Returns an error where a size is 0, the confounds are not f32 with these axes, or a name is taken.
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
    /// Linear combinations W C of confounds C `[.., columns, time]` with weights W `[regressors, columns]`; the result is `[.., regressors,
    /// time]`.
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of these shapes.
    pub fn confound_combinations(&mut self, confounds: Var, weights: Var) -> Result<Var> {
        let [columns, _] = expect_confounds(self, "confound_combinations", confounds)?;
        let shape = self.shape(weights);
        if shape.rank() != 2 || shape[1] != columns || shape[0] == 0 {
            return Err(Error::op("confound_combinations", format!("weights [regressors, {columns}] expected, found {shape}")));
        }
        self.matmul(weights, confounds)
    }

    /// Confounds C `[.., columns, time]` and, below them, the response of each column to each response function. With c the convolution of
    /// a column with one of the `kernels` `[responses, R]`, zero-padded as in [`Tape::temporal_convolution`], and θ the threshold of the
    /// response (`thresholds` is `[responses]`), the response is c above θ and θ + leak (c − θ) below. The result is `[.., columns (1 +
    /// responses), time]`, ordered by response and then by column.
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of these shapes, or there is no response.
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

    /// Confounds `[.., columns, time]`, each multiplied by Π_and Σ_or max(w, 0) with weights w `[or, and, columns]`. A column is eliminated
    /// where, for at least one index `and`, the weights of every `or` are at most 0. (hypercoil maps its free weights to −0.5 to 1.5 where
    /// it documents −1.5 to 2.5. It warns against this model, because the chosen columns vary with the seed.)
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of these shapes.
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

/// The extents [columns, frames] of confounds f32 `[.., columns, time]`.
fn expect_confounds(tape: &Tape, op: &str, confounds: Var) -> Result<[usize; 2]> {
    tape.expect_f32(op, "confounds", confounds)?;
    match *tape.shape(confounds) {
        [.., columns, time] if columns > 0 && time > 0 => Ok([columns, time]),
        _ => Err(Error::op(op, format!("confounds [.., columns, time] expected, found {}", tape.shape(confounds)))),
    }
}

/// Test cases of the confound models, and of a regression on the regressors of one.
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
