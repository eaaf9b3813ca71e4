//! BrainGB's node features and messages for connectomes (Cui et al. 2022, IEEE TMI 42, arXiv 2204.07054; formulas where paper and code
//! differ are those of github.com/HennyJie/BrainGB).
//!
//! Its messages are linear, so what a node hears is a sum of products over the graph, and nothing of size pairs × features is made. Weights
//! count by their magnitude, as there.

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

/// A layer's parts by what its inputs are: the columns of its weight `[outputs, Σ widths]`.
fn columns<const N: usize>(tape: &mut Tape, linear: Linear, widths: [usize; N]) -> Result<[Var; N]> {
    let (mut parts, mut first) = ([linear.weight; N], 0);
    for (part, width) in parts.iter_mut().zip(widths) {
        *part = tape.slice(linear.weight, 1, first, first + width, 1)?;
        first += width;
    }
    Ok(parts)
}

/// x times the columns of a layer's weight.
fn by(tape: &mut Tape, x: Var, weight: Var) -> Result<Var> {
    Linear { weight, bias: None }.forward(tape, x)
}

/// 1 on the diagonal.
fn diagonal(tape: &mut Tape, n: usize) -> Result<Var> {
    tape.constant(identity(n)?)
}

/// The bias of a layer's sums, 0 at first.
fn zeros(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Var> {
    parameters.add(tape, name, [features], |_, _| crate::Init::Zeros)
}
