//! Several aggregates over a node's neighbours at once.

use super::graph::{edges, nodes};
use super::{Linear, Parameters};
use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, HostTensor, Result, Shape};

/// Principal neighbourhood aggregation (Corso, Cavalleri, Beaini, Liò & Veličković 2020): U [x_i; a; s₁ a; s₂ a] + c, where a are the mean,
/// maximum, minimum and standard deviation (ddof 0) of the messages M [x_i; x_j] + b from a node's neighbours. They enter unscaled,
/// amplified by s₁ = ln(d + 1) / δ and attenuated by s₂ = δ / ln(d + 1), with d the number of neighbours.
#[derive(Debug, Clone, Copy)]
pub struct PrincipalAggregation {
    /// The part of M for the receiver, and b.
    pub receiver: Linear,
    /// The part of M for the sender.
    pub sender: Linear,
    /// U `[outputs, 13 × inputs]` and c.
    pub out: Linear,
    /// The mean δ of ln(d + 1) over the nodes of the training graphs ([`PrincipalAggregation::delta_of`]).
    pub delta: f32,
    /// The number of receivers processed at a time, which takes `together` × n × inputs numbers for each graph. The gradient recomputes
    /// each group once.
    pub together: usize,
}

impl PrincipalAggregation {
    /// A layer with extents `[inputs, outputs]` for graphs with this δ and 64 receivers at a time, with parameters `<name>.receiver.…`,
    /// `<name>.sender.…` and `<name>.out.…`.
    ///
    /// # Errors
    /// Returns an error where δ is not above 0, or a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2], delta: f32) -> Result<Self> {
        if delta.is_nan() || delta <= 0.0 {
            return Err(Error::op("principal_aggregation", format!("a mean of ln(degree + 1) above 0 expected, found {delta}")));
        }
        let receiver = Linear::new(tape, parameters, &format!("{name}.receiver"), [inputs; 2])?;
        let sender = Linear::unbiased(tape, parameters, &format!("{name}.sender"), [inputs; 2])?;
        let out = Linear::new(tape, parameters, &format!("{name}.out"), [13 * inputs, outputs])?;
        Ok(Self { receiver, sender, out, delta, together: 64 })
    }

    /// The value of δ for training graphs `[.., n, n]`.
    ///
    /// # Errors
    /// Returns an error where the graphs do not have this shape, or have no nodes.
    pub fn delta_of(graphs: &HostTensor) -> Result<f32> {
        let shape = graphs.shape();
        let [.., n, m] = *shape else { return Err(not_graphs(shape)) };
        if n != m || shape.elements() == 0 {
            return Err(not_graphs(shape));
        }
        let log = |row: &[f64]| (row.iter().filter(|w| **w != 0.0).count() as f64).ln_1p();
        let logs: Vec<f64> = graphs.to_f64_vec().chunks(n).map(log).collect();
        Ok((logs.iter().sum::<f64>() / logs.len() as f64) as f32)
    }

    /// The output `[batch, n, outputs]`, with operands like those of [`GraphConvolution::forward`](super::GraphConvolution::forward). Only
    /// the presence of an edge counts, which is any weight except 0.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit, or `together` is 0.
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        let n = nodes(tape, "principal_aggregation", graph, x)?;
        if self.together == 0 {
            return Err(Error::op("principal_aggregation", "1 receiver or more at a time expected, found 0"));
        }
        let (u, v) = (self.receiver.forward(tape, x)?, self.sender.forward(tape, x)?);
        let edge = edges(tape, graph)?;
        let mut lots = Vec::with_capacity(n.div_ceil(self.together));
        for first in (0..n).step_by(self.together) {
            let last = n.min(first + self.together);
            lots.push(tape.checkpoint(|tape| {
                let (edge, u) = (tape.slice(edge, 1, first, last, 1)?, tape.slice(u, 1, first, last, 1)?);
                let [mean, most, least, spread] = aggregates(tape, edge, v)?;
                // The receiver's part is the same for all its messages, so it is added after aggregation.
                let (mean, most, least) = (tape.add(mean, u)?, tape.add(most, u)?, tape.add(least, u)?);
                tape.concatenate(&[mean, most, least, spread], -1)
            })?);
        }
        let all = tape.concatenate(&lots, 1)?;
        let count = tape.sum(edge, &[-1], true)?;
        let log = tape.offset(count, 1.0)?;
        let log = tape.log(log)?;
        // A node without neighbours has aggregates of 0: the logarithm that scales them is 0.
        let linked = edges(tape, count)?;
        let all = tape.mul(all, linked)?;
        let more = tape.scale(log, 1.0 / self.delta)?;
        let held = tape.clamp(log, std::f32::consts::LN_2, f32::MAX)?;
        let less = tape.reciprocal(held)?;
        let less = tape.scale(less, self.delta)?;
        let (amplified, attenuated) = (tape.mul(all, more)?, tape.mul(all, less)?);
        let both = tape.concatenate(&[x, all, amplified, attenuated], -1)?;
        self.out.forward(tape, both)
    }
}

fn not_graphs(shape: Shape) -> Error {
    Error::op("principal_aggregation", format!("graphs [.., n, n] of one node or more expected, found {shape}"))
}

/// The mean, maximum, minimum and standard deviation (ddof 0) of v `[batch, n, features]` over the senders of each receiver, where `edge`
/// `[batch, receivers, n]` is a mask of zeros and ones. Each is `[batch, receivers, features]`, and 0 where there are no senders.
pub(super) fn aggregates(tape: &mut Tape, edge: Var, v: Var) -> Result<[Var; 4]> {
    let ([batch, receivers, n], features) = ([0, 1, 2].map(|i| tape.shape(edge)[i]), tape.shape(v)[2]);
    let count = tape.sum(edge, &[-1], true)?;
    let linked = edges(tape, count)?;
    let count = tape.clamp(count, 1.0, f32::MAX)?;
    let sum = tape.matmul(edge, v)?;
    let mean = tape.div(sum, count)?;
    let pair = tape.reshape(edge, [batch, receivers, n, 1])?;
    let senders = tape.reshape(v, [batch, 1, n, features])?;
    let (zero, low, high) = (tape.scalar(0.0)?, tape.scalar(f32::MIN)?, tape.scalar(f32::MAX)?);
    let most = tape.select(pair, senders, low)?;
    let most = tape.max(most, &[2], false)?;
    let most = tape.select(linked, most, zero)?;
    let least = tape.select(pair, senders, high)?;
    let least = tape.min(least, &[2], false)?;
    let least = tape.select(linked, least, zero)?;
    let centre = tape.reshape(mean, [batch, receivers, 1, features])?;
    let apart = tape.sub(senders, centre)?;
    let square = tape.square(apart)?;
    let square = tape.mul(square, pair)?;
    let sum = tape.sum(square, &[2], false)?;
    let variance = tape.div(sum, count)?;
    Ok([mean, most, least, tape.root(variance)?])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for ([batch, n, inputs], together) in [([1, 1, 1], 1), ([2, 7, 3], 3), ([1, 65, 2], 64)] {
        let operands = vec![weights(batch, n), normal([batch, n, inputs])];
        cases.push(one("principal_aggregation", operands, move |t, x| {
            let graph = fixed_edges(t, x[0])?;
            let mut layer = PrincipalAggregation::new(t, &mut Parameters::new(7), "layer", [inputs, 2], 1.5)?;
            layer.together = together;
            layer.forward(t, graph, x[1])
        }));
    }
    cases
}
