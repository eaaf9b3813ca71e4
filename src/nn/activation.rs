//! Activation functions between layers.

use crate::Result;
use crate::ops::message::PairActivation;
use crate::tape::{Tape, Var};

/// A pointwise non-linearity.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// The identity x.
    Identity,
    /// The rectifier max(x, 0).
    #[default]
    Relu,
    /// x where x > 0, else the given slope times x.
    LeakyRelu(f32),
    /// x where x > 0, else eˣ − 1.
    Elu,
    /// The hyperbolic tangent tanh x.
    Tanh,
    /// The logistic function 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// The Gaussian error linear unit x Φ(x), computed with erf.
    Gelu,
    /// The sigmoid linear unit x / (1 + e⁻ˣ).
    Silu,
    /// The softplus function ln(1 + eˣ).
    Softplus,
}

impl Activation {
    /// The corresponding activation of pairwise ops; `None` where there is none.
    pub(super) fn of_pairs(self) -> Option<PairActivation> {
        match self {
            Self::Relu => Some(PairActivation::Relu),
            Self::LeakyRelu(slope) => Some(PairActivation::LeakyRelu(slope)),
            Self::Elu => Some(PairActivation::Elu),
            Self::Tanh => Some(PairActivation::Tanh),
            _ => None,
        }
    }

    /// The activation of x, element by element.
    ///
    /// # Errors
    /// Returns an error where x belongs to another tape.
    pub fn forward(self, tape: &mut Tape, x: Var) -> Result<Var> {
        match self {
            Self::Identity => Ok(x),
            Self::Relu => tape.relu(x),
            Self::LeakyRelu(slope) => tape.leaky_relu(x, slope),
            Self::Elu => tape.elu(x, 1.0),
            Self::Tanh => tape.tanh(x),
            Self::Sigmoid => tape.sigmoid(x),
            Self::Gelu => tape.gelu(x),
            Self::Silu => {
                let gate = tape.sigmoid(x)?;
                tape.mul(x, gate)
            }
            Self::Softplus => tape.softplus(x),
        }
    }
}
