//! Message passing along a learnt graph that adapts to each sample.

use super::{Linear, Parameters};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::ops::message::PairActivation;
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

/// The way in which a node combines its own features with the messages from other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdaptiveMessage {
    /// The sum of the messages, Σ_j A_ij x_j.
    Additive,
    /// The product with the node's own features, x_i ⊙ Σ_j A_ij x_j.
    Multiplicative,
}

/// AMAG's message passing (Li, Scholl, Le, Rajeswaran, Orsborn & Shlizerman 2023) along A_ij = A⁰_ij σ(w·act(U x_i + V x_j + b) + c): a
/// learnt adjacency that all samples share, times a gate for each sample. The gate's network ends in a linear layer, so no array of size
/// pairs × features is built.
#[derive(Debug, Clone, Copy)]
pub struct AdaptiveGraph {
    /// The shared adjacency A⁰, `[nodes, nodes]`.
    pub adjacency: Var,
    /// The layer of the receiver: U and b.
    pub receiver: Linear,
    /// The layer of the sender: V.
    pub sender: Linear,
    /// The weights w of the gate's second layer, `[1, hidden]`.
    pub weights: Var,
    /// The bias c of the gate's second layer, `[1]`.
    pub offset: Var,
    /// The activation between the gate's two layers.
    pub activation: PairActivation,
}

impl AdaptiveGraph {
    /// A graph with extents `[nodes, inputs, hidden]`. A⁰ is initialised to the given values, for example the correlations of the training
    /// series. The parameters are `<name>.adjacency`, `<name>.receiver.…`, `<name>.sender.weight`, `<name>.weights` and `<name>.offset`.
    ///
    /// # Errors
    /// Returns an error where A⁰ is not `[nodes, nodes]`, or a name is taken by a state of another type.
    pub fn new(
        tape: &mut Tape,
        parameters: &mut Parameters,
        name: &str,
        [nodes, inputs, hidden]: [usize; 3],
        adjacency: Init,
    ) -> Result<Self> {
        Ok(Self {
            adjacency: parameters.add(tape, &format!("{name}.adjacency"), [nodes; 2], |_, _| adjacency)?,
            receiver: Linear::new(tape, parameters, &format!("{name}.receiver"), [inputs, hidden])?,
            sender: Linear::unbiased(tape, parameters, &format!("{name}.sender"), [inputs, hidden])?,
            weights: parameters.add(tape, &format!("{name}.weights"), [1, hidden], |seed, stream| Init::glorot(hidden, 1, seed, stream))?,
            offset: parameters.add(tape, &format!("{name}.offset"), [1], |_, _| Init::Zeros)?,
            activation: PairActivation::Relu,
        })
    }

    /// The adjacency A `[batch, receivers, senders]` for x `[batch, nodes, inputs]`.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape.
    pub fn graph(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.check(x)?;
        let (n, inputs) = (tape.shape(self.adjacency)[0], tape.shape(self.receiver.weight)[1]);
        let batch = match *tape.shape(x) {
            [batch, nodes, features] if nodes == n && features == inputs => batch,
            _ => return Err(Error::op("adaptive_graph", format!("x of [batch, {n}, {inputs}] expected, found {}", tape.shape(x)))),
        };
        let (u, v) = (self.receiver.forward(tape, x)?, self.sender.forward(tape, x)?);
        let logits = tape.pairwise_dot(u, v, self.weights, self.activation)?;
        let logits = tape.reshape(logits, [batch, n, n])?;
        let logits = tape.add(logits, self.offset)?;
        let gate = tape.sigmoid(logits)?;
        tape.mul(gate, self.adjacency)
    }

    /// The messages that the nodes of x `[batch, nodes, inputs]` receive, in the same shape.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape.
    pub fn forward(&self, tape: &mut Tape, x: Var, message: AdaptiveMessage) -> Result<Var> {
        let graph = self.graph(tape, x)?;
        let heard = tape.matmul(graph, x)?;
        match message {
            AdaptiveMessage::Additive => Ok(heard),
            AdaptiveMessage::Multiplicative => tape.mul(x, heard),
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, n, inputs, hidden] in [[1, 1, 1, 1], [2, 7, 3, 5], [1, 65, 2, 4]] {
        for message in [AdaptiveMessage::Additive, AdaptiveMessage::Multiplicative] {
            let mut operands = vec![normal([batch, n, inputs]), normal([n, n]), normal([hidden, inputs]), normal([hidden])];
            operands.extend([normal([hidden, inputs]), normal([1, hidden]), normal([1])]);
            cases.push(one(&format!("adaptive_graph {message:?}"), operands, move |t, x| {
                let (receiver, sender) = (Linear { weight: x[2], bias: Some(x[3]) }, Linear { weight: x[4], bias: None });
                let (adjacency, activation) = (x[1], PairActivation::Tanh);
                AdaptiveGraph { adjacency, receiver, sender, weights: x[5], offset: x[6], activation }.forward(t, x[0], message)
            }));
        }
    }
    cases
}
