//! Training: a step on a tape (the gradient of a loss, its clipping, the update, and the buffers that keep the losses), and the loop that
//! runs such steps.
//!
//! [`Descent`] records a step, and [`Training`] runs it. Workflows, learnt parcels, confound models and networks are all trained by these
//! two.
//!
//! A batch may be computed in parts ([`Descent::divide`], [`Training::divided`]): the loss of the step is the mean of those of its parts,
//! and so is the gradient. A batch then needs the memory of one part, and the ranks of a [`Communicator`](crate::communicator::Communicator)
//! share the parts. Their gradients are added in an order that does not depend on the number of ranks, so that the parameters have the same
//! bits on one rank and on many.
//!
//! ```
//! use tapetum::training::{Descent, Training};
//! use tapetum::{Device, HostTensor, Init, State, Tape, TensorType, optim::Adam};
//! # fn main() -> tapetum::Result<()> {
//! let mut tape = Tape::new();
//! let x = tape.input("x", TensorType::f32([4]))?;
//! let slope = tape.parameter("slope", [1], Init::Zeros)?;
//! let made = tape.mul(x, slope)?;
//! let apart = tape.sub(made, x)?;
//! let square = tape.square(apart)?;
//! let loss = tape.mean(square, &[], false)?;
//! Descent::new(Adam::new(0.1)).record(&mut tape, (loss, &[]), &[slope], 100)?;
//!
//! let state = State::new(&Device::cpu());
//! let x_is = HostTensor::f32([4], vec![1.0, 2.0, 3.0, 4.0])?;
//! let mut training = Training::new(&Device::cpu(), &tape, &state, 100)?.inputs(vec![(x, x_is)]);
//! training.run(|step, loss| println!("step {step}: loss {loss}"))?;
//! assert!((state.read("slope")?.to_f64_vec()[0] - 1.0).abs() < 0.05);
//! # Ok(())
//! # }
//! ```

mod cause;
mod divided;
mod draws;
mod parts;
mod run;

pub use divided::Divided;
pub use parts::Spread;
pub use run::Training;

/// The return of a function that is told of progress: nothing, or a result whose error ends the run.
pub trait Reported {
    /// The error that ends the run, if there is one.
    ///
    /// # Errors
    /// That error.
    fn reported(self) -> Result<()>;
}

impl Reported for () {
    fn reported(self) -> Result<()> {
        Ok(())
    }
}

impl Reported for Result<()> {
    fn reported(self) -> Result<()> {
        self
    }
}

/// The inputs of a step and their values.
pub type Batch = Vec<(crate::Var, crate::HostTensor)>;

use crate::Result;
use crate::optim::{Optimiser, clip_by_global_norm};
use crate::tape::{Tape, Var};

/// The state that keeps the loss of each step, f32 `[steps]`. A named term of the loss is kept in `loss.<term>`.
pub const LOSS: &str = "loss";

/// The settings by which parameters descend the gradient of a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Descent {
    /// The rule by which a gradient changes its parameter.
    pub optimiser: Optimiser,
    /// The gradients are scaled so that their common Euclidean norm is at most this; `None` leaves them as they are.
    pub clip: Option<f32>,
}

impl Descent {
    /// Descent by this optimiser, without clipping.
    pub fn new(optimiser: impl Into<Optimiser>) -> Self {
        Self { optimiser: optimiser.into(), clip: None }
    }

    /// Records the gradient of `loss`, its clipping and the update of `parameters`.
    ///
    /// # Errors
    /// Returns an error where `loss` has more than one element, an op in between has no gradient, a parameter is not a state, or a setting
    /// of the optimiser is out of its range.
    pub fn update(&self, tape: &mut Tape, loss: Var, parameters: &[Var]) -> Result<()> {
        let gradients = tape.gradient(loss, parameters)?;
        self.descend(tape, parameters.iter().copied().zip(gradients).collect())
    }

    /// Records the clipping of the gradients of (parameter, gradient) pairs and the update.
    fn descend(&self, tape: &mut Tape, mut pairs: Vec<(Var, Var)>) -> Result<()> {
        if let Some(limit) = self.clip {
            let gradients: Vec<Var> = pairs.iter().map(|(_, gradient)| *gradient).collect();
            let clipped = clip_by_global_norm(tape, &gradients, limit)?.0;
            pairs.iter_mut().zip(clipped).for_each(|(pair, clipped)| pair.1 = clipped);
        }
        self.optimiser.apply(tape, &pairs)
    }

    /// Records a whole training step: [`update`](Self::update), and the buffers that keep the loss and its named terms over `steps` steps,
    /// which [`Training`] reads.
    ///
    /// # Errors
    /// Returns an error in the cases of [`update`](Self::update), and where there are no steps or a value to keep has more than one
    /// element.
    pub fn record(&self, tape: &mut Tape, (loss, terms): (Var, &[(String, Var)]), parameters: &[Var], steps: u32) -> Result<()> {
        self.update(tape, loss, parameters)?;
        keep(tape, (loss, terms), steps)
    }
}

/// Keeps the loss and its terms over `steps` steps.
fn keep(tape: &mut Tape, (loss, terms): (Var, &[(String, Var)]), steps: u32) -> Result<()> {
    tape.keep_last(LOSS, loss, steps as usize)?;
    for (name, term) in terms {
        tape.keep_last(&ring_of(name), *term, steps as usize)?;
    }
    Ok(())
}

/// The state that keeps a term of the loss.
pub(crate) fn ring_of(term: &str) -> String {
    format!("{LOSS}.{term}")
}
