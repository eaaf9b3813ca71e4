//! Training: steps, batches, optimiser, checkpoints.

use super::form::{Form, not_negative, positive, whole};
use super::object::{Field, Row, object, row, tagged};
use super::schedule::{Course, course};
use crate::optim::{Adam, Optimiser, Schedule, Sgd};
use crate::training::Descent;

/// Steps, batches, optimiser, checkpoints.
#[derive(Debug, Clone)]
pub(super) struct Train {
    pub(super) steps: u32,
    /// Subjects of a batch; `None` for all of the training subjects.
    pub(super) batch: Option<usize>,
    /// Parts of a batch that are computed one after the other, or by different ranks.
    pub(super) microbatches: usize,
    pub(super) descent: Descent,
    /// Steps from one checkpoint to the next.
    pub(super) checkpoint: u32,
}

impl Train {
    /// The settings of workflows that learn nothing: no step at all.
    pub(super) fn none() -> Self {
        Self { steps: 0, batch: None, microbatches: 1, descent: Descent::new(Adam::new(0.0)), checkpoint: 1 }
    }
}

/// The form of `train`.
pub(super) fn train() -> Form<Train> {
    let (rate, clip) = rate_and_clip();
    let common = (
        whole(1).field("steps", "steps of each fold"),
        rate,
        whole(1).maybe("batch", "subjects of a step; all where it is not given"),
        whole(1).or(
            "microbatches",
            1,
            "equal parts of a batch, computed one after the other or by several processes; loss and gradients are the means of theirs",
        ),
        clip,
        whole(1).or("checkpoint", 100, "steps from one checkpoint to the next"),
    );
    let common = object("", common, Ok);
    tagged("optimiser", Some("adam"), common, optimisers()).then(|((steps, rate, batch, microbatches, clip, checkpoint), optimiser)| {
        let (steps, checkpoint) = (steps as u32, checkpoint as u32);
        let optimiser = optimiser(rate.over(steps));
        optimiser.check()?;
        Ok(Train { steps, batch, microbatches, descent: Descent { optimiser, clip }, checkpoint })
    })
}

fn rate_and_clip() -> (Field<Course>, Field<Option<f32>>) {
    let clip = positive().map(|x| x as f32);
    (
        course().field("rate", "the learning rate"),
        clip.maybe("clip", "the greatest common norm of the gradients: longer ones are scaled to it"),
    )
}

/// The form of a descent, and of the number of its steps.
pub(super) fn descent() -> Form<(Descent, u32)> {
    let (rate, clip) = rate_and_clip();
    let steps = whole(1).field("steps", "the steps of the training, over which schedules run and losses are kept");
    let common = object("", (steps, rate, clip), Ok);
    tagged("optimiser", Some("adam"), common, optimisers()).then(|((steps, rate, clip), optimiser)| {
        let optimiser = optimiser(rate.over(steps as u32));
        optimiser.check()?;
        Ok((Descent { optimiser, clip }, steps as u32))
    })
}

/// A function that makes an optimiser from a learning rate.
type OfRate = Box<dyn Fn(Schedule) -> Optimiser>;

fn optimisers() -> Vec<Row<OfRate>> {
    vec![
        row("adam", "Adam; its decay is added to the gradients", adam(0.0), |settings| Ok(adam_of(Adam::new, settings))),
        row("adamw", "AdamW, Adam whose decay is decoupled", adam(0.01), |settings| Ok(adam_of(Adam::decoupled, settings))),
        row(
            "sgd",
            "stochastic gradient descent",
            (not_negative().or("momentum", 0, "the momentum"), not_negative().or("decay", 0, "the weight decay, added to the gradients")),
            |(momentum, decay)| {
                let made: OfRate =
                    Box::new(move |rate| Optimiser::Sgd(Sgd { momentum: momentum as f32, decay: decay as f32, ..Sgd::new(rate) }));
                Ok(made)
            },
        ),
    ]
}

fn adam(decay: f64) -> (Field<f64>, Field<f64>, Field<f64>) {
    (
        not_negative().or("decay", decay, "the weight decay"),
        not_negative().or("beta1", 0.9, "how much of the mean of the gradients stays at a step"),
        not_negative().or("beta2", 0.999, "how much of the mean of their squares stays at a step"),
    )
}

fn adam_of(plain: fn(Schedule) -> Adam, (decay, beta1, beta2): (f64, f64, f64)) -> OfRate {
    Box::new(move |rate| Optimiser::Adam(Adam { decay: decay as f32, beta1: beta1 as f32, beta2: beta2 as f32, ..plain(rate) }))
}
