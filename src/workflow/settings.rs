//! How a workflow is trained.

use super::place::Place;
use super::terms::schedule;
use crate::Result;
use crate::optim::{Adam, Optimiser, Sgd};
use crate::training::Descent;

/// Steps, batches, optimiser, checkpoints.
#[derive(Debug, Clone)]
pub(super) struct Train {
    pub(super) steps: u32,
    /// Subjects of a batch; `None` for all that are learnt from.
    pub(super) batch: Option<usize>,
    pub(super) descent: Descent,
    /// Steps from one checkpoint to the next.
    pub(super) checkpoint: u32,
}

impl Default for Train {
    /// No step at all: for workflows that learn nothing.
    fn default() -> Self {
        Self { steps: 0, batch: None, descent: Descent::new(Adam::new(1e-3)), checkpoint: 100 }
    }
}

impl Train {
    pub(super) fn parse(place: &Place<'_>) -> Result<Self> {
        place.only(&["steps", "batch", "optimiser", "rate", "decay", "momentum", "beta1", "beta2", "clip", "checkpoint"])?;
        let steps = place.get("steps")?.whole(1)? as u32;
        let rate = schedule(&place.get("rate")?, steps)?;
        let single = |key: &str, default: f32| place.find(key).map_or(Ok(default), |p| p.single_precision());
        let optimiser = match place.find("optimiser").map_or(Ok("adam"), |p| p.choice(&["adam", "adamw", "sgd"]))? {
            "sgd" => Optimiser::Sgd(Sgd { momentum: single("momentum", 0.0)?, decay: single("decay", 0.0)?, ..Sgd::new(rate) }),
            kind => {
                let plain = if kind == "adamw" { Adam::decoupled(rate) } else { Adam::new(rate) };
                Optimiser::Adam(Adam {
                    decay: single("decay", plain.decay)?,
                    beta1: single("beta1", plain.beta1)?,
                    beta2: single("beta2", plain.beta2)?,
                    ..plain
                })
            }
        };
        optimiser.check().map_err(place.wrap())?;
        let clip = place.find("clip").map(|p| p.positive()).transpose()?.map(|x| x as f32);
        Ok(Self {
            steps,
            batch: place.find("batch").map(|p| p.whole(1)).transpose()?,
            descent: Descent { optimiser, clip },
            checkpoint: place.find("checkpoint").map_or(Ok(100), |p| p.whole(1))? as u32,
        })
    }
}
