//! Dense message passing between all pairs of nodes, without a tensor of pairs × features, forward or in reverse.
//!
//! The first layer of an edge network is linear in its two ends, W [x_i; x_j] + b = u_i + v_j, so a pair's hidden state is act(u_i + v_j)
//! of two tensors over nodes. Every use of it reduces it at once: to a pair's logits by weights over features ([`pairwise_dot`]; NRI's edge
//! types, GATv2's scores), or to a receiver's message by weights over senders ([`pairwise_sum`]), or to a message of what a second layer
//! makes of it ([`pairwise_mlp`]). The reverse makes each hidden state anew from u and v (as FlashAttention does: Dao et al. 2022) in two
//! passes, over receivers and over senders, so that no sum is written by two at once. The same split of a concatenation is in DGL's guide,
//! 2.2; the fusion in one pass is FusedMM's (Rahman, Sujon & Azad 2021).
//!
//! [`pairwise_dot`]: crate::Tape::pairwise_dot
//! [`pairwise_mlp`]: crate::Tape::pairwise_mlp
//! [`pairwise_sum`]: crate::Tape::pairwise_sum

mod activation;
mod cases;
mod dot;
mod mlp;
mod sum;

pub use activation::PairActivation;
pub(super) use cases::{cases, works};
pub(super) use dot::{DOT, PAIR_DOT, PAIR_DOT_TILE};
pub(super) use mlp::{PAIR_MLP, PAIR_MLP_NODES, PAIR_MLP_SLOPES, PAIR_MLP_SUMS};
pub(super) use sum::PAIR_SUM;

use super::Family;
use crate::kernel::{Adapters, Choice, Lowering, Source, Variant, snippet};
use crate::tensor::{DType, TensorType};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family =
    Family { sources: &[&PAIR_DOT, &PAIR_DOT_TILE, &PAIR_MLP, &PAIR_MLP_NODES, &PAIR_MLP_SLOPES, &PAIR_MLP_SUMS, &PAIR_SUM], cases, works };

const FALSE_TRUE: &[&str] = &["false", "true"];

/// Features four at a time, or one by one where their number is no multiple of four.
pub(super) const FEATURES: Choice = Choice::Snippet(&[snippet!("features_vector"), snippet!("features_scalar")]);

const ACTIVATION: Choice = Choice::Constant("ACTIVATION", &["0", "1", "2", "3"]);

/// By the edge of what an invocation makes: four nodes that share what it loads, or one where there are few and a GPU has room.
const VARIANTS: [Variant; 2] = [
    Variant { name: "four", adapters: Adapters::Any, classes: &["many"], constants: &[("EDGE", "4u")], snippets: &[] },
    Variant { name: "one", adapters: Adapters::Any, classes: &["few"], constants: &[("EDGE", "1u")], snippets: &[] },
];

/// A variant of `source` for so many results, of which `four` gives an invocation so many.
fn variant(source: &'static Source, cx: &Lowering<'_>, results: usize, together: usize) -> (&'static Variant, &'static str) {
    // 16,384 invocations are what keeps a GPU of middling size busy; loads are what a software adapter pays for.
    let class = if cx.target().software || results / together >= 1 << 14 { "many" } else { "few" };
    (source.variant(cx.target(), class), class)
}

/// The index in [`FEATURES`] of the snippet that reads `n` features, and the number that it takes at a time.
pub(super) fn features(n: usize) -> (usize, usize) {
    if n.is_multiple_of(4) { (0, 4) } else { (1, 1) }
}

/// Batch, nodes and features of `[batch, nodes, features]`.
fn nodes(op: &str, what: &str, ty: TensorType) -> Result<[usize; 3]> {
    match *ty.shape {
        [batch, nodes, features] if ty.dtype == DType::F32 => Ok([batch, nodes, features]),
        _ => Err(Error::op(op, format!("{what} must be f32 [batch, nodes, features], found {ty}"))),
    }
}

/// An error of `op` unless `ty` is f32 of this shape.
fn expect(op: &str, what: &str, ty: TensorType, shape: impl Into<Shape>) -> Result<()> {
    let wanted = TensorType::f32(shape);
    if ty == wanted { Ok(()) } else { Err(Error::op(op, format!("{what} must be {wanted}, found {ty}"))) }
}

/// Batch, receivers, senders, and features, of what receivers and senders contribute.
fn pairs(op: &str, u: TensorType, v: TensorType) -> Result<[usize; 4]> {
    let ([batch, n, f], [other, m, g]) = (nodes(op, "the receivers", u)?, nodes(op, "the senders", v)?);
    if (batch, f) != (other, g) {
        return Err(Error::op(op, format!("receivers {u} and senders {v} differ in batch or features")));
    }
    Ok([batch, n, m, f])
}
