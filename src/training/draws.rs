//! The source of the inputs of a step.

use super::Batch;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The inputs that are not the same in all steps and parts.
pub(super) enum Draws<'a> {
    None,
    /// For each step.
    Steps(Box<dyn FnMut(u32) -> Result<Batch> + 'a>),
    /// For each step and part.
    StepsAndParts(Box<dyn FnMut(u32, usize) -> Result<Batch> + 'a>),
    /// For each part, the same at every step; kept once they are drawn.
    Parts(Box<dyn FnMut(usize) -> Result<Batch> + 'a>, BTreeMap<usize, Batch>),
}

impl Draws<'_> {
    /// The inputs of a part of a step. A step that is not divided is its part 0.
    pub(super) fn of(&mut self, step: u32, part: usize) -> Result<Batch> {
        match self {
            Self::None => Ok(Batch::new()),
            Self::Steps(draw) => draw(step),
            Self::StepsAndParts(draw) => draw(step, part),
            Self::Parts(draw, kept) => {
                if let Some(batch) = kept.get(&part) {
                    return Ok(batch.clone());
                }
                let batch = draw(part)?;
                kept.insert(part, batch.clone());
                Ok(batch)
            }
        }
    }

    /// True where a part has the same inputs at every step.
    pub(super) fn last(&self) -> bool {
        matches!(self, Self::None | Self::Parts(..))
    }

    /// Refuses a function of steps for a step that is divided: all its parts would have the same inputs.
    pub(super) fn check(&self, divided: bool) -> Result<()> {
        match (self, divided) {
            (Self::Steps(_), true) => {
                Err(Error::argument("a step in parts takes its inputs from `batches_in_parts`, and not from `batches`"))
            }
            _ => Ok(()),
        }
    }
}
