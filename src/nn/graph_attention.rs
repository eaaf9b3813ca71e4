//! Attention of the nodes of a graph to the nodes that send to them.

use super::graph::{edges, nodes};
use super::{Linear, Parameters};
use crate::Result;
use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::ops::message::PairActivation;
use crate::tape::{Init, Tape, Var};

/// The logit of pairs without an edge.
const NO_EDGE: f32 = -1e9;
/// The slope of LeakyReLU below 0, as in the papers.
const SLOPE: f32 = 0.2;

/// # Masked softmax
impl Tape {
    /// Softmax along the last axis over the elements of x where `mask` is not 0. The other elements are 0, as is a row without any.
    ///
    /// # Errors
    /// Returns an error where the operands do not broadcast.
    pub fn softmax_where(&mut self, x: Var, mask: Var) -> Result<Var> {
        let there = edges(self, mask)?;
        let none = self.scalar(NO_EDGE)?;
        let x = self.select(there, x, none)?;
        let shares = self.softmax(x, -1)?;
        self.mul(shares, there)
    }
}

/// Multi-head attention of a node to its senders, α_ij = softmax_j a·LeakyReLU(U x_i + V x_j) over edges, applied to V x_j (GATv2: Brody,
/// Alon & Yahav 2022). The outputs of the heads are concatenated.
#[derive(Debug, Clone)]
pub struct GraphAttention {
    /// For each head U, V, and a `[1, features]`.
    pub heads: Vec<(Linear, Linear, Var)>,
}

impl GraphAttention {
    /// A layer with `[inputs, features]` for each head and parameters `<name>.<head>.receiver.…`, `.sender.…` and `.attention`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type; this holds for both attention layers.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, features]: [usize; 2], heads: usize) -> Result<Self> {
        let head = |h: usize| {
            let receiver = Linear::new(tape, parameters, &format!("{name}.{h}.receiver"), [inputs, features])?;
            let sender = Linear::new(tape, parameters, &format!("{name}.{h}.sender"), [inputs, features])?;
            Ok((receiver, sender, scores(tape, parameters, &format!("{name}.{h}.attention"), features)?))
        };
        Ok(Self { heads: (0..heads).map(head).collect::<Result<_>>()? })
    }

    /// The output `[batch, n, heads × features]`, with operands like those of
    /// [`GraphConvolution::forward`](super::GraphConvolution::forward). Only the presence of an edge counts, which is any weight except 0.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit; this holds for both attention layers.
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        let n = nodes(tape, "graph_attention", graph, x)?;
        let mut made = Vec::with_capacity(self.heads.len());
        for &(receiver, sender, weights) in &self.heads {
            let (u, v) = (receiver.forward(tape, x)?, sender.forward(tape, x)?);
            let scores = tape.pairwise_dot(u, v, weights, PairActivation::LeakyRelu(SLOPE))?;
            let scores = tape.reshape(scores, [tape.shape(x)[0], n, n])?;
            let attention = tape.softmax_where(scores, graph)?;
            made.push(tape.matmul(attention, v)?);
        }
        tape.concatenate(&made, -1)
    }
}

/// Graph attention as first published, α_ij = softmax_j LeakyReLU(a₁·W x_i + a₂·W x_j), applied to W x_j (GAT: Veličković et al. 2018). All
/// receivers rank the senders in the same order, so Brody et al. call it static.
#[derive(Debug, Clone)]
pub struct StaticGraphAttention {
    /// For each head W, a₁ and a₂, the latter both `[1, features]`.
    pub heads: Vec<(Linear, Var, Var)>,
}

impl StaticGraphAttention {
    /// A layer with `[inputs, features]` for each head and parameters `<name>.<head>.weight`, `.receiver` and `.sender`.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2], heads: usize) -> Result<Self> {
        let head = |h: usize| {
            let linear = Linear::unbiased(tape, parameters, &format!("{name}.{h}"), extents)?;
            let receiver = scores(tape, parameters, &format!("{name}.{h}.receiver"), extents[1])?;
            Ok((linear, receiver, scores(tape, parameters, &format!("{name}.{h}.sender"), extents[1])?))
        };
        Ok(Self { heads: (0..heads).map(head).collect::<Result<_>>()? })
    }

    /// The output, with the shapes and errors of [`GraphAttention::forward`].
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "static_graph_attention", graph, x)?;
        let heads = self.attention(tape, graph, x)?;
        let made = heads.into_iter().map(|(attention, h)| tape.matmul(attention, h)).collect::<Result<Vec<_>>>()?;
        tape.concatenate(&made, -1)
    }

    /// For each head α `[batch, n, n]` and W x `[batch, n, features]`.
    pub(super) fn attention(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Vec<(Var, Var)>> {
        let [batch, n] = [0, 1].map(|i| tape.shape(x)[i]);
        let head = |&(linear, receiver, sender): &(Linear, Var, Var)| {
            let h = linear.forward(tape, x)?;
            let (asks, answers) = (tape.matmul_with(h, receiver, false, true)?, tape.matmul_with(h, sender, false, true)?);
            let answers = tape.reshape(answers, [batch, 1, n])?;
            let scores = tape.add(asks, answers)?;
            let scores = tape.leaky_relu(scores, SLOPE)?;
            Ok((tape.softmax_where(scores, graph)?, h))
        };
        self.heads.iter().map(head).collect()
    }
}

/// The weights `[1, features]` of the attention scores.
fn scores(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Var> {
    parameters.add(tape, name, [1, features], |seed, stream| Init::glorot(features, 1, seed, stream))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, n, inputs, features] in [[1, 1, 1, 1], [2, 7, 3, 4], [1, 65, 2, 3]] {
        let operands = || vec![weights(batch, n), normal([batch, n, inputs])];
        cases.push(one("softmax_where", vec![weights(batch, n), normal([batch, n, n])], |t, x| {
            let graph = fixed_edges(t, x[0])?;
            t.softmax_where(x[1], graph)
        }));
        cases.push(one("graph_attention", operands(), move |t, x| {
            let graph = fixed_edges(t, x[0])?;
            GraphAttention::new(t, &mut Parameters::new(5), "layer", [inputs, features], 2)?.forward(t, graph, x[1])
        }));
        cases.push(one("static_graph_attention", operands(), move |t, x| {
            let graph = fixed_edges(t, x[0])?;
            StaticGraphAttention::new(t, &mut Parameters::new(6), "layer", [inputs, features], 2)?.forward(t, graph, x[1])
        }));
    }
    cases
}
