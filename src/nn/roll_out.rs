//! A model stepped forward from its own predictions.

use crate::optim::Schedule;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// When a step starts from the truth instead of from the model's own prediction.
#[derive(Debug, Clone, PartialEq)]
pub enum Forcing {
    /// Never but at the first.
    Never,
    /// At every so many-th step (Kipf et al. 2018).
    Every(usize),
    /// At random, sequence by sequence, with a probability that follows the step counter (scheduled sampling: Bengio et al. 2015).
    Scheduled {
        /// The probability, within [0, 1].
        probability: Schedule,
        /// Seed and stream of the draws.
        draws: (u64, u32),
    },
}

/// How a model is rolled out.
#[derive(Debug, Clone, PartialEq)]
pub struct RollOut {
    /// Steps.
    pub steps: usize,
    /// Where each starts.
    pub forcing: Forcing,
    /// Whether the reverse sweep computes each step once more, so that memory grows with the states alone.
    pub recompute: bool,
}

impl RollOut {
    /// So many steps from the model's own predictions, each recomputed in reverse.
    pub fn free(steps: usize) -> Self {
        Self { steps, forcing: Forcing::Never, recompute: true }
    }

    /// Predictions x₁ … x_steps from x₀ `[batch, ..]` by `step`, which is given a state and the number of the step. `truth` are the true x₁ … of
    /// the same shape, read where a step starts from them.
    ///
    /// # Errors
    /// Where the truth is shorter than the forcing reads, and as `step`.
    pub fn forward(
        &self,
        tape: &mut Tape,
        first: Var,
        truth: &[Var],
        mut step: impl FnMut(&mut Tape, Var, usize) -> Result<Var>,
    ) -> Result<Vec<Var>> {
        self.carried(tape, first, (), truth, |tape, state, (), t| Ok((step(tape, state, t)?, ()))).map(|(made, ())| made)
    }

    /// The same of a model that carries more from one step to the next than its prediction, a hidden state say: `step` is given that as
    /// well, and what the last step left is returned. The truth stands in for predictions alone.
    ///
    /// # Errors
    /// As [`RollOut::forward`].
    pub fn carried<C: Copy>(
        &self,
        tape: &mut Tape,
        first: Var,
        carry: C,
        truth: &[Var],
        mut step: impl FnMut(&mut Tape, Var, C, usize) -> Result<(Var, C)>,
    ) -> Result<(Vec<Var>, C)> {
        if self.forcing != Forcing::Never && truth.len() + 1 < self.steps {
            let what = format!("{} true states expected for {} steps, found {}", self.steps - 1, self.steps, truth.len());
            return Err(Error::op("roll_out", what));
        }
        let (mut state, mut carry, mut made) = (first, carry, Vec::with_capacity(self.steps));
        for t in 0..self.steps {
            if t > 0 {
                state = self.start(tape, state, truth.get(t - 1).copied(), t)?;
            }
            (state, carry) =
                if self.recompute { tape.checkpoint(|tape| step(tape, state, carry, t))? } else { step(tape, state, carry, t)? };
            made.push(state);
        }
        Ok((made, carry))
    }

    /// What step t starts from.
    fn start(&self, tape: &mut Tape, own: Var, truth: Option<Var>, t: usize) -> Result<Var> {
        match (&self.forcing, truth) {
            (Forcing::Every(n), Some(truth)) if *n > 0 && t.is_multiple_of(*n) => Ok(truth),
            (Forcing::Scheduled { probability, draws }, Some(truth)) => {
                let shape = tape.shape(own);
                let each = (1..shape.rank()).fold(shape, |s, axis| s.with(axis, 1));
                // A stream a step; streams of other layers are small numbers.
                let draw = tape.random_uniform(each, draws.0, draws.1 ^ ((t as u32) << 16))?;
                let p = probability.on(tape)?;
                let forced = tape.less(draw, p)?;
                tape.select(forced, truth, own)
            }
            _ => Ok(own),
        }
    }
}
