//! The parameters of a network.

use crate::optim::Optimiser;
use crate::tape::{Init, Tape, Var};
use crate::training::Descent;
use crate::{Result, Shape};

/// The parameters of a network during recording, in the order of its layers, and its mode: training or evaluation. In training dropout is
/// active and batch norm uses the statistics of its batch.
#[derive(Debug, Clone)]
pub struct Parameters {
    seed: u64,
    streams: u32,
    training: bool,
    all: Vec<Var>,
}

impl Parameters {
    /// Parameters of a network in training. `seed` determines their initial values and the dropout.
    pub fn new(seed: u64) -> Self {
        Self { seed, streams: 0, training: true, all: Vec::new() }
    }

    /// Parameters of a network in evaluation.
    pub fn evaluation() -> Self {
        Self { training: false, ..Self::new(0) }
    }

    /// True in training, false in evaluation.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// All parameters in the order of their addition.
    pub fn all(&self) -> &[Var] {
        &self.all
    }

    /// The seed and a stream for the random draws of a layer; every call returns another stream.
    pub fn draws(&mut self) -> (u64, u32) {
        self.streams += 1;
        (self.seed, self.streams)
    }

    /// Adds a parameter, initialised by `init`, which receives a seed and a stream.
    ///
    /// # Errors
    /// Returns an error where the name is taken by a state of another type.
    pub fn add(&mut self, tape: &mut Tape, name: &str, shape: impl Into<Shape>, init: impl FnOnce(u64, u32) -> Init) -> Result<Var> {
        let (seed, stream) = self.draws();
        let var = tape.parameter(name, shape, init(seed, stream))?;
        if !self.all.contains(&var) {
            self.all.push(var);
        }
        Ok(var)
    }

    /// Records a step of `optimiser` along the negative gradient of `loss`, clipped to a global norm where `clip` is given: PyTorch's
    /// `loss.backward()`, `clip_grad_norm_` and `optimizer.step()`.
    ///
    /// # Errors
    /// Returns an error where `loss` has more than one element, an op in between has no gradient, or a setting is out of its range.
    pub fn descend(&self, tape: &mut Tape, loss: Var, optimiser: impl Into<Optimiser>, clip: Option<f32>) -> Result<()> {
        Descent { clip, ..Descent::new(optimiser) }.update(tape, loss, &self.all)
    }
}

/// Uniform values within ±1/√inputs, PyTorch's initialisation of a linear layer and its bias.
pub(super) fn within_fan_in(inputs: usize) -> impl Fn(u64, u32) -> Init {
    let bound = 1.0 / (inputs.max(1) as f32).sqrt();
    move |seed, stream| Init::Uniform { low: -bound, high: bound, seed, stream }
}
