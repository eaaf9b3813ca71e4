//! BrainGB's node features and messages for connectomes (Cui et al. 2022, IEEE TMI 42, arXiv 2204.07054). Where paper and code differ, the
//! formulas are those of the code at github.com/HennyJie/BrainGB.
//!
//! The messages are linear, so their sum over neighbours is a sum of matrix products with the graph, and no array of size pairs × features
//! is built. As in BrainGB, weights enter by their magnitude.

mod attention;
mod convolution;
mod features;

pub use attention::{BrainAttention, BrainAttentionMessage};
pub use convolution::{BrainConvolution, BrainMessage};
pub use features::NodeFeatures;

use super::graph::identity;
use super::{Linear, Parameters};
use crate::Result;
use crate::ops::case::Case;
use crate::tape::{Tape, Var};

pub(super) fn cases() -> Vec<Case> {
    [features::cases(), convolution::cases(), attention::cases()].concat()
}

/// The columns of a layer's weight `[outputs, Σ widths]`, split into consecutive blocks of these widths, one for each part of the input.
fn columns<const N: usize>(tape: &mut Tape, linear: Linear, widths: [usize; N]) -> Result<[Var; N]> {
    let (mut parts, mut first) = ([linear.weight; N], 0);
    for (part, width) in parts.iter_mut().zip(widths) {
        *part = tape.slice(linear.weight, 1, first, first + width, 1)?;
        first += width;
    }
    Ok(parts)
}

/// The product of x with a block of columns of a layer's weight.
fn by(tape: &mut Tape, x: Var, weight: Var) -> Result<Var> {
    Linear { weight, bias: None }.forward(tape, x)
}

/// A matrix with 1 on the diagonal.
fn diagonal(tape: &mut Tape, n: usize) -> Result<Var> {
    tape.constant(identity(n)?)
}

/// The bias of a layer's output, initialised to 0.
fn zeros(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Var> {
    parameters.add(tape, name, [features], |_, _| crate::Init::Zeros)
}
