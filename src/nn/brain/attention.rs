//! Graph attention with the message types that BrainGB compares.

use super::convolution::{ends, weighed};
use super::{columns, diagonal, zeros};
use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::nn::graph::{edges, nodes};
use crate::nn::{Linear, Parameters, StaticGraphAttention};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The message m_ij that node j sends to i along an edge of weight w = |a_ij| with attention α, where h = W x. L and b are a linear layer
/// of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrainAttentionMessage {
    /// The message α h_j, which gives graph attention.
    Attention,
    /// The message α w h_j.
    AttentionTimesEdge,
    /// The message (α + w) h_j.
    AttentionPlusEdge,
    /// The message L [h_i; α h_j; w] + b.
    EdgeAndNodes,
    /// The message L [h_i; α h_j] + b.
    Nodes,
}

/// The layer c + Σ_j m_ij for each head, summed over the edges of a node and a self-loop, whose weight is the mean of the node's other
/// edges. The outputs of the heads are concatenated.
#[derive(Debug, Clone)]
pub struct BrainAttention {
    /// The message type.
    pub message: BrainAttentionMessage,
    /// For each head its W and its attention parameters.
    pub attention: StaticGraphAttention,
    /// L and b, shared by all heads; only for the last two message types.
    pub edge: Option<Linear>,
    /// The bias c, `[heads × features]`.
    pub bias: Var,
}

impl BrainAttention {
    /// A layer with `[inputs, features]` for each head. The parameters are those of a [`StaticGraphAttention`], `<name>.bias` and, where
    /// the message has a linear layer, `<name>.edge.…`.
    ///
    /// # Errors
    /// Returns an error where there are no heads, or a name is taken by a state of another type.
    pub fn new(
        tape: &mut Tape,
        parameters: &mut Parameters,
        name: &str,
        extents: [usize; 2],
        heads: usize,
        message: BrainAttentionMessage,
    ) -> Result<Self> {
        if heads == 0 {
            return Err(Error::op("brain_attention", "one head or more expected, found 0"));
        }
        let attention = StaticGraphAttention::new(tape, parameters, name, extents, heads)?;
        let width = match message {
            BrainAttentionMessage::EdgeAndNodes => Some(2 * extents[1] + 1),
            BrainAttentionMessage::Nodes => Some(2 * extents[1]),
            _ => None,
        };
        let edge = width.map(|w| Linear::new(tape, parameters, &format!("{name}.edge"), [w, extents[1]])).transpose()?;
        let bias = zeros(tape, parameters, &format!("{name}.bias"), heads * extents[1])?;
        Ok(Self { message, attention, edge, bias })
    }

    /// The output `[batch, n, heads × features]` for the graph `[batch, n, n]` and x `[batch, n, inputs]`.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "brain_attention", graph, x)?;
        let (weight, there) = closed(tape, graph)?;
        let heads = self.attention.attention(tape, there, x)?;
        let made = heads.into_iter().map(|head| self.sent(tape, head, weight, there)).collect::<Result<Vec<_>>>()?;
        let all = tape.concatenate(&made, -1)?;
        tape.add(all, self.bias)
    }

    /// The summed messages of one head, from its α and h.
    fn sent(&self, tape: &mut Tape, (attention, h): (Var, Var), weight: Var, there: Var) -> Result<Var> {
        let shares = match self.message {
            BrainAttentionMessage::AttentionTimesEdge => tape.mul(attention, weight)?,
            BrainAttentionMessage::AttentionPlusEdge => tape.add(attention, weight)?,
            _ => attention,
        };
        let heard = tape.matmul(shares, h)?;
        let Some(layer) = self.edge else { return Ok(heard) };
        let (features, count) = (tape.shape(h)[2], tape.sum(there, &[-1], true)?);
        let sum = if self.message == BrainAttentionMessage::EdgeAndNodes {
            let [receiver, sender, edge] = columns(tape, layer, [features, features, 1])?;
            let sum = ends(tape, [receiver, sender], [h, heard], count)?;
            weighed(tape, sum, weight, edge)?
        } else {
            let parts = columns(tape, layer, [features; 2])?;
            ends(tape, parts, [h, heard], count)?
        };
        let Some(bias) = layer.bias else { return Ok(sum) };
        let all = tape.mul(count, bias)?;
        tape.add(sum, all)
    }
}

/// The weights |a_ij| with self-loops, whose weight is the mean of the node's other edges or 0 where it has none; and a mask with 1 for
/// every edge.
fn closed(tape: &mut Tape, graph: Var) -> Result<(Var, Var)> {
    let own = diagonal(tape, tape.shape(graph)[1])?;
    let size = tape.abs(graph)?;
    let others = tape.without_diagonal(size)?;
    let there = edges(tape, others)?;
    let (sum, count) = (tape.sum(others, &[-1], true)?, tape.sum(there, &[-1], true)?);
    let count = tape.clamp(count, 1.0, f32::MAX)?;
    let mean = tape.div(sum, count)?;
    let mean = tape.mul(own, mean)?;
    Ok((tape.add(others, mean)?, tape.add(there, own)?))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let messages = [
        BrainAttentionMessage::Attention,
        BrainAttentionMessage::AttentionTimesEdge,
        BrainAttentionMessage::AttentionPlusEdge,
        BrainAttentionMessage::EdgeAndNodes,
        BrainAttentionMessage::Nodes,
    ];
    for (message, [batch, n, inputs, features]) in messages.into_iter().flat_map(|m| [(m, [1, 1, 1, 1]), (m, [2, 7, 3, 4])]) {
        let operands = vec![weights(batch, n), normal([batch, n, inputs])];
        cases.push(one(&format!("brain_attention {message:?}"), operands, move |t, x| {
            let graph = fixed_edges(t, x[0])?;
            BrainAttention::new(t, &mut Parameters::new(14), "layer", [inputs, features], 2, message)?.forward(t, graph, x[1])
        }));
    }
    cases
}
