//! Schedules for learning rates and other numbers that follow the step counter.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A number as a function of the step s = 0, 1, 2, …, computed on the device.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// A constant.
    Constant(f32),
    /// The steps `start · factor^⌊s / every⌋`.
    Step {
        /// The first value.
        start: f32,
        /// The factor of each change.
        factor: f32,
        /// The number of steps between changes.
        every: u32,
    },
    /// Half a cosine from `start` at s = 0 to `end` at s = `steps` − 1, then `end`.
    Cosine {
        /// The first value.
        start: f32,
        /// The last value.
        end: f32,
        /// The number of steps from the first value to the last.
        steps: u32,
    },
    /// A line from `start` at s = 0 to `end` at s = `steps` − 1, then `end`.
    Linear {
        /// The first value.
        start: f32,
        /// The last value.
        end: f32,
        /// The number of steps from the first value to the last.
        steps: u32,
    },
    /// The schedule `then`, multiplied by (s + 1) / `steps` in the first `steps` steps.
    WarmUp {
        /// The number of steps until the full value.
        steps: u32,
        /// The schedule that is warmed up.
        then: Box<Schedule>,
    },
}

impl From<f32> for Schedule {
    fn from(value: f32) -> Self {
        Self::Constant(value)
    }
}

impl Schedule {
    /// Returns an error unless the schedule is a learning rate: finite and never negative.
    pub(super) fn check_rate(&self) -> Result<()> {
        let numbers = match self {
            Self::Constant(value) => vec![*value],
            Self::Step { start, factor, .. } => vec![*start, *factor],
            Self::Cosine { start, end, .. } | Self::Linear { start, end, .. } => vec![*start, *end],
            Self::WarmUp { then, .. } => return then.check_rate(),
        };
        match numbers.into_iter().find(|x| !(x.is_finite() && *x >= 0.0)) {
            Some(value) => Err(Error::argument(format!("a learning rate of {value}: a finite number of 0 or more expected"))),
            None => Ok(()),
        }
    }

    /// The schedule's value on the tape, f32 `[1]`.
    ///
    /// # Errors
    /// Returns an error where the name of the step counter is taken.
    pub fn on(&self, tape: &mut Tape) -> Result<Var> {
        match self {
            Self::Constant(value) => tape.full([1], *value),
            Self::Step { start, factor, every } => {
                let s = step(tape)?;
                // Half a step is added, so that rounding does not lose a multiple.
                let s = tape.offset(s, 0.5)?;
                let scaled = tape.scale(s, 1.0 / (*every).max(1) as f32)?;
                let whole = tape.floor(scaled)?;
                let factor = tape.scalar(*factor)?;
                let power = tape.power(factor, whole)?;
                tape.scale(power, *start)
            }
            Self::Cosine { start, end, steps } => {
                let t = progress(tape, *steps)?;
                let angle = tape.scale(t, std::f32::consts::PI)?;
                let cosine = tape.cos(angle)?;
                let half = tape.scale(cosine, (start - end) / 2.0)?;
                tape.offset(half, (start + end) / 2.0)
            }
            Self::Linear { start, end, steps } => {
                let t = progress(tape, *steps)?;
                let rise = tape.scale(t, end - start)?;
                tape.offset(rise, *start)
            }
            Self::WarmUp { steps, then } => {
                let value = then.on(tape)?;
                let s = step(tape)?;
                let s = tape.offset(s, 1.0)?;
                let part = tape.scale(s, 1.0 / (*steps).max(1) as f32)?;
                let part = tape.clamp(part, 0.0, 1.0)?;
                tape.mul(value, part)
            }
        }
    }
}

fn step(tape: &mut Tape) -> Result<Var> {
    let step = tape.step_counter()?;
    tape.cast(step)
}

/// The progress s / (steps − 1), at most 1.
fn progress(tape: &mut Tape, steps: u32) -> Result<Var> {
    let s = step(tape)?;
    let t = tape.scale(s, 1.0 / steps.saturating_sub(1).max(1) as f32)?;
    tape.clamp(t, 0.0, 1.0)
}
