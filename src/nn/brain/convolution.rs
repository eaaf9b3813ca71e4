//! Graph convolution with the message types that BrainGB compares.

use super::{by, columns, diagonal, zeros};
use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::nn::graph::{edges, inverse_root_degrees, nodes};
use crate::nn::{Embedding, Linear, Parameters};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The message m_ij that node j sends to i along an edge of weight w = |a_ij| / √(d_i d_j), where h = W x. L and b are a linear layer of
/// the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrainMessage {
    /// The message w h_j, which gives graph convolution.
    WeightedSum,
    /// The message L [h_j; t_k] + b, where t_k are learnt features of the bin k = ⌊½ (w + 1) bins⌋ of w in [−1, 1], or of the last bin
    /// where w is 1. (BrainGB's code has no row for w = 1.)
    Bins {
        /// The number of bins over [−1, 1].
        bins: usize,
        /// The number of features of a bin.
        features: usize,
    },
    /// The message L [h_j; w; …; w] + b, with the weight repeated.
    EdgeWeight {
        /// The number of repetitions.
        times: usize,
    },
    /// The message L [h_i; h_j; w] + b.
    EdgeAndNodes,
    /// The message L [h_i; h_j] + b.
    Nodes,
}

/// The layer c + Σ_j m_ij, summed over the edges of a node and a self-loop, whose weight is the diagonal entry of the graph, or 1 where
/// that is 0.
#[derive(Debug, Clone, Copy)]
pub struct BrainConvolution {
    /// The message type.
    pub message: BrainMessage,
    /// The layer of W, without a bias.
    pub linear: Linear,
    /// L and b; for all message types except the weighted sum.
    pub edge: Option<Linear>,
    /// The table t of bin features; only for [`BrainMessage::Bins`].
    pub bins: Option<Embedding>,
    /// The bias c, `[features]`.
    pub bias: Var,
}

impl BrainMessage {
    /// The number of input columns of L, where h has this number of features.
    fn width(self, features: usize) -> Option<usize> {
        match self {
            Self::WeightedSum => None,
            Self::Bins { features: more, .. } | Self::EdgeWeight { times: more } => Some(features + more),
            Self::EdgeAndNodes => Some(2 * features + 1),
            Self::Nodes => Some(2 * features),
        }
    }
}

impl BrainConvolution {
    /// A layer with extents `[inputs, features]` and parameters `<name>.weight`, `<name>.bias` and, where the message has them,
    /// `<name>.edge.…` and `<name>.bins.table`.
    ///
    /// # Errors
    /// Returns an error where there are no bins, or a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2], message: BrainMessage) -> Result<Self> {
        let linear = Linear::unbiased(tape, parameters, name, extents)?;
        let width = message.width(extents[1]);
        let edge = width.map(|w| Linear::new(tape, parameters, &format!("{name}.edge"), [w, extents[1]])).transpose()?;
        let bins = match message {
            BrainMessage::Bins { bins: 0, .. } => return Err(Error::op("brain_convolution", "one bin or more expected, found 0")),
            BrainMessage::Bins { bins, features } => Some(Embedding::new(tape, parameters, &format!("{name}.bins"), [bins, features])?),
            _ => None,
        };
        let bias = zeros(tape, parameters, &format!("{name}.bias"), extents[1])?;
        Ok(Self { message, linear, edge, bins, bias })
    }

    /// The output `[batch, n, features]` for the graph `[batch, n, n]` and x `[batch, n, inputs]`.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "brain_convolution", graph, x)?;
        let h = self.linear.forward(tape, x)?;
        let weight = normalised(tape, graph)?;
        let sum = match self.edge {
            None => tape.matmul(weight, h)?,
            Some(edge) => self.linear_messages(tape, edge, weight, h)?,
        };
        tape.add(sum, self.bias)
    }

    /// The sum Σ_j L [..] + b. The columns of L for the sender are summed along edges, and the others are multiplied by the number of
    /// edges.
    fn linear_messages(&self, tape: &mut Tape, layer: Linear, weight: Var, h: Var) -> Result<Var> {
        let there = edges(tape, weight)?;
        let count = tape.sum(there, &[-1], true)?;
        let heard = tape.matmul(there, h)?;
        let features = tape.shape(h)[2];
        let mut sum = match self.message {
            BrainMessage::WeightedSum => return tape.matmul(weight, h),
            BrainMessage::Bins { bins, features: more } => {
                let [sender, code] = columns(tape, layer, [features, more])?;
                let sum = by(tape, heard, sender)?;
                let counts = counted(tape, weight, there, bins)?;
                let table = self.bins.ok_or_else(|| Error::op("brain_convolution", "bins without a table of their features"))?.table;
                let table = by(tape, table, code)?;
                let binned = tape.matmul(counts, table)?;
                tape.add(sum, binned)?
            }
            BrainMessage::EdgeWeight { times } => {
                let [sender, edge] = columns(tape, layer, [features, times])?;
                let edge = tape.sum(edge, &[1], true)?;
                let sum = by(tape, heard, sender)?;
                weighed(tape, sum, weight, edge)?
            }
            BrainMessage::EdgeAndNodes => {
                let [receiver, sender, edge] = columns(tape, layer, [features, features, 1])?;
                let sum = ends(tape, [receiver, sender], [h, heard], count)?;
                weighed(tape, sum, weight, edge)?
            }
            BrainMessage::Nodes => {
                let parts = columns(tape, layer, [features; 2])?;
                ends(tape, parts, [h, heard], count)?
            }
        };
        if let Some(bias) = layer.bias {
            let all = tape.mul(count, bias)?;
            sum = tape.add(sum, all)?;
        }
        Ok(sum)
    }
}

/// The sum d_i P h_i + Q Σ_j h_j.
pub(super) fn ends(tape: &mut Tape, [receiver, sender]: [Var; 2], [h, heard]: [Var; 2], count: Var) -> Result<Var> {
    let (own, heard) = (by(tape, h, receiver)?, by(tape, heard, sender)?);
    let own = tape.mul(own, count)?;
    tape.add(own, heard)
}

/// `sum` plus Σ_j w_ij times the column `edge` `[features, 1]`.
pub(super) fn weighed(tape: &mut Tape, sum: Var, weight: Var, edge: Var) -> Result<Var> {
    let total = tape.sum(weight, &[-1], true)?;
    let part = by(tape, total, edge)?;
    tape.add(sum, part)
}

/// The normalised weights |a_ij| / √(d_i d_j), with self-loops.
fn normalised(tape: &mut Tape, graph: Var) -> Result<Var> {
    let n = tape.shape(graph)[1];
    let size = tape.abs(graph)?;
    let own = diagonal(tape, n)?;
    let there = edges(tape, size)?;
    let missing = tape.greater(own, there)?;
    let closed = tape.add(size, missing)?;
    let scale = inverse_root_degrees(tape, closed)?;
    let across = tape.reshape(scale, [tape.shape(graph)[0], 1, n])?;
    let scaled = tape.mul(closed, scale)?;
    tape.mul(scaled, across)
}

/// The number of a node's edges whose weight falls in each bin, `[batch, n, bins]`. A weight of NaN falls in no bin, and makes the node's
/// counts NaN.
fn counted(tape: &mut Tape, weight: Var, there: Var, bins: usize) -> Result<Var> {
    let place = tape.offset(weight, 1.0)?;
    let place = tape.scale(place, 0.5 * bins as f32)?;
    let unknown = tape.not_equal(place, place)?;
    // Edges at or above the lower end of each bin are counted; those at or above the next bin's are subtracted.
    let mut above = Vec::with_capacity(bins);
    for bin in 0..bins {
        let low = tape.scalar(bin as f32)?;
        let within = tape.greater_equal(place, low)?;
        let within = tape.mul(within, there)?;
        let within = tape.select(unknown, place, within)?;
        above.push(tape.sum(within, &[-1], true)?);
    }
    let mut counts = Vec::with_capacity(bins);
    for pair in above.windows(2) {
        counts.push(tape.sub(pair[0], pair[1])?);
    }
    counts.extend(above.last().copied());
    tape.concatenate(&counts, -1)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let messages = [
        BrainMessage::WeightedSum,
        BrainMessage::Bins { bins: 9, features: 2 },
        BrainMessage::EdgeWeight { times: 3 },
        BrainMessage::EdgeAndNodes,
        BrainMessage::Nodes,
    ];
    for (message, [batch, n, inputs, features]) in messages.into_iter().flat_map(|m| [(m, [1, 1, 1, 1]), (m, [2, 7, 3, 4])]) {
        let operands = vec![weights(batch, n), normal([batch, n, inputs])];
        cases.push(one(&format!("brain_convolution {message:?}"), operands, move |t, x| {
            let graph = fixed_edges(t, x[0])?;
            BrainConvolution::new(t, &mut Parameters::new(13), "layer", [inputs, features], message)?.forward(t, graph, x[1])
        }));
    }
    cases
}
