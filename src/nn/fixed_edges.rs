//! The graph that the test cases of graph layers share.

use crate::ops::case::{Draw, f32s};
use crate::tape::{Tape, Var};
use crate::{HostTensor, Result, TensorType};

/// A graph with fixed edges and learnable weights: node i receives from every node j where i + 2 j is not a multiple of 3, and node 1 from
/// none.
pub(super) fn fixed_edges(tape: &mut Tape, weights: Var) -> Result<Var> {
    let n = tape.shape(weights)[1];
    let there = |at: usize| if at / n != 1 && !(at / n + 2 * (at % n)).is_multiple_of(3) { 1.0 } else { 0.0 };
    let mask = tape.constant(HostTensor::f32([n, n], (0..n * n).map(there).collect())?)?;
    tape.mul(weights, mask)
}

/// The weights of [`fixed_edges`].
pub(super) fn weights(batch: usize, n: usize) -> (TensorType, Draw) {
    f32s([batch, n, n], Draw::Uniform(0.25, 1.25))
}
