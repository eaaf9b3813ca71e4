//! Multi-step predictions, in which a model continues from its own predictions.

use crate::optim::Schedule;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The rule by which a step starts from the true state instead of the model's own prediction (teacher forcing).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Forcing {
    /// Only the first step starts from a true state.
    Never,
    /// Every step whose number is a multiple of this starts from the true state (Kipf et al. 2018).
    Every(usize),
    /// Steps start from the true state at random, separately for each sequence, with a probability that follows the step counter (scheduled
    /// sampling: Bengio et al. 2015).
    Scheduled {
        /// The probability, within [0, 1].
        probability: Schedule,
        /// The seed and stream of the draws.
        draws: (u64, u32),
    },
}

/// The settings of a roll-out.
#[derive(Debug, Clone, PartialEq)]
pub struct RollOut {
    /// The number of steps.
    pub steps: usize,
    /// The rule for the starting state of each step.
    pub forcing: Forcing,
    /// True to recompute each step once in the gradient, so that memory grows only with the number of states.
    pub recompute: bool,
}

impl RollOut {
    /// A roll-out of this number of steps from the model's own predictions, with recomputation in the gradient.
    pub fn free(steps: usize) -> Self {
        Self { steps, forcing: Forcing::Never, recompute: true }
    }

    /// The predictions x₁ … x_steps from x₀ `[batch, ..]`. `step` receives a state and the number of the step. `truth` holds the true
    /// states x₁ … in the same shape, and is read where a step starts from them.
    ///
    /// # Errors
    /// Returns an error where the truth is shorter than the forcing requires, and in the cases of `step`.
    pub fn forward(
        &self,
        tape: &mut Tape,
        first: Var,
        truth: &[Var],
        mut step: impl FnMut(&mut Tape, Var, usize) -> Result<Var>,
    ) -> Result<Vec<Var>> {
        self.carried(tape, first, (), truth, |tape, state, (), t| Ok((step(tape, state, t)?, ()))).map(|(made, ())| made)
    }

    /// The same for a model that carries further values, such as a hidden state, from one step to the next: `step` receives them too, and
    /// those after the last step are returned. The truth replaces only predictions, not the carried values.
    ///
    /// # Errors
    /// The same as those of [`RollOut::forward`].
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

    /// The state from which step t starts.
    fn start(&self, tape: &mut Tape, own: Var, truth: Option<Var>, t: usize) -> Result<Var> {
        match (&self.forcing, truth) {
            (Forcing::Every(n), Some(truth)) if *n > 0 && t.is_multiple_of(*n) => Ok(truth),
            (Forcing::Scheduled { probability, draws }, Some(truth)) => {
                let shape = tape.shape(own);
                let each = (1..shape.rank()).fold(shape, |s, axis| s.with(axis, 1));
                // Each step has its own stream. Streams of other layers are small numbers.
                let draw = tape.random_uniform(each, draws.0, draws.1 ^ ((t as u32) << 16))?;
                let p = probability.on(tape)?;
                let forced = tape.less(draw, p)?;
                tape.select(forced, truth, own)
            }
            _ => Ok(own),
        }
    }
}
