//! The parameters of a network.

use crate::optim::Optimiser;
use crate::tape::{Init, Tape, Var};
use crate::training::Descent;
use crate::{Result, Shape};

/// The parameters of a network being recorded, in the order its layers were made, and whether it trains: whether dropout drops, and
/// whether batch norm takes the statistics of its batch.
#[derive(Debug, Clone)]
pub struct Parameters {
    seed: u64,
    streams: u32,
    training: bool,
    all: Vec<Var>,
}

impl Parameters {
    /// Of a network that trains; `seed` draws its parameters and what it drops.
    pub fn new(seed: u64) -> Self {
        Self { seed, streams: 0, training: true, all: Vec::new() }
    }

    /// Of a network that is only applied.
    pub fn evaluation() -> Self {
        Self { training: false, ..Self::new(0) }
    }

    /// Whether the network trains.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// All of them.
    pub fn all(&self) -> &[Var] {
        &self.all
    }

    /// Seed and stream for draws of a layer's own; every call gives another stream.
    pub fn draws(&mut self) -> (u64, u32) {
        self.streams += 1;
        (self.seed, self.streams)
    }

    /// A parameter, drawn by `init` of a seed and a stream.
    ///
    /// # Errors
    /// Where the name is taken by a state of another type.
    pub fn add(&mut self, tape: &mut Tape, name: &str, shape: impl Into<Shape>, init: impl FnOnce(u64, u32) -> Init) -> Result<Var> {
        let (seed, stream) = self.draws();
        let var = tape.parameter(name, shape, init(seed, stream))?;
        if !self.all.contains(&var) {
            self.all.push(var);
        }
        Ok(var)
    }

    /// Records a step of `optimiser` down the gradient of `loss`, clipped to a global norm where one is given: PyTorch's `loss.backward()`,
    /// `clip_grad_norm_` and `optimizer.step()`.
    ///
    /// # Errors
    /// Where `loss` has more than one element, an op in between has no reverse rule, or a setting is out of its range.
    pub fn descend(&self, tape: &mut Tape, loss: Var, optimiser: impl Into<Optimiser>, clip: Option<f32>) -> Result<()> {
        Descent { clip, ..Descent::new(optimiser) }.update(tape, loss, &self.all)
    }
}

/// Uniform within ±1/√inputs: PyTorch's start of a layer and of its bias.
pub(super) fn within_fan_in(inputs: usize) -> impl Fn(u64, u32) -> Init {
    let bound = 1.0 / (inputs.max(1) as f32).sqrt();
    move |seed, stream| Init::Uniform { low: -bound, high: bound, seed, stream }
}
