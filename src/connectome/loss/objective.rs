//! A loss that is the weighted sum of several terms.

use super::Scalarise;
use crate::optim::Schedule;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// Named and weighted terms of a loss, and their sum.
///
/// ```
/// # use tapetum::{Tape, TensorType};
/// # use tapetum::connectome::loss::{Objective, Reduction};
/// # fn main() -> tapetum::Result<()> {
/// let mut tape = Tape::new();
/// let logits = tape.input("logits", TensorType::f32([7, 30]))?;
/// let entropy = tape.entropy_of_logits(logits, 0, 1.0)?;
/// let mut objective = Objective::new();
/// objective.term(&mut tape, "entropy", 0.1, entropy, Reduction::Mean)?;
/// let loss = objective.total(&mut tape)?;
/// # assert_eq!(tape.shape(loss).elements(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Objective {
    terms: Vec<(String, Var)>,
}

impl Objective {
    /// An objective without terms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the term weight · scalarise(score) and returns it, f32 `[]`. The weight is a number or follows the step counter.
    ///
    /// # Errors
    /// Returns an error where the name is taken, and in the cases of [`Scalarise::apply`].
    pub fn term(
        &mut self,
        tape: &mut Tape,
        name: &str,
        weight: impl Into<Schedule>,
        score: Var,
        scalarise: impl Into<Scalarise>,
    ) -> Result<Var> {
        if self.terms.iter().any(|(n, _)| n == name) {
            return Err(Error::tensor(name, "the objective has a term of that name"));
        }
        let value = scalarise.into().apply(tape, score)?;
        let weighted = match weight.into() {
            Schedule::Constant(weight) => tape.scale(value, weight)?,
            schedule => {
                let weight = schedule.on(tape)?;
                let weight = tape.reshape(weight, [])?;
                tape.mul(value, weight)?
            }
        };
        self.terms.push((name.to_owned(), weighted));
        Ok(weighted)
    }

    /// The names and weighted values of the terms, f32 `[]`, in the order of their addition.
    pub fn terms(&self) -> &[(String, Var)] {
        &self.terms
    }

    /// The sum of the terms, f32 `[]`.
    ///
    /// # Errors
    /// Returns an error where there are no terms.
    pub fn total(&self, tape: &mut Tape) -> Result<Var> {
        let Some((&(_, first), rest)) = self.terms.split_first() else {
            return Err(Error::argument("an objective without terms"));
        };
        rest.iter().try_fold(first, |sum, (_, term)| tape.add(sum, *term))
    }
}
