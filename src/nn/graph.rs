//! Layers over weighted graphs given as matrices `[batch, receivers, senders]`: a_ij weighs what j sends to i, and 0 is no edge. A node
//! without edges receives 0.

use super::{Linear, Mlp, Parameters};
use crate::ops::message::PairActivation;
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

/// A degree below this is no degree.
const LEAST_DEGREE: f32 = 1e-12;
/// Added to the logits of pairs that have no edge.
const NO_EDGE: f32 = -1e9;

/// D^−½ (A + I) D^−½ X Wᵀ + b (Kipf & Welling 2017), differentiable in A as well.
#[derive(Debug, Clone, Copy)]
pub struct GraphConvolution {
    /// W and b.
    pub linear: Linear,
}

impl GraphConvolution {
    /// A layer of `[inputs, outputs]`, with parameters `<name>.weight` and `<name>.bias`.
    ///
    /// # Errors
    /// Where a name is taken by a state of another type; so for every layer.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        Ok(Self { linear: Linear::new(tape, parameters, name, extents)? })
    }

    /// Of the graph `[batch, n, n]`, its weights not below 0, and x `[batch, n, inputs]`: `[batch, n, outputs]`.
    ///
    /// # Errors
    /// Where shapes do not fit; so for every layer.
    pub fn apply(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        let n = nodes(tape, "graph_convolution", graph, x)?;
        let own = tape.constant(identity(n)?)?;
        let graph = tape.add(graph, own)?;
        let degree = tape.sum(graph, &[-1], true)?;
        let degree = tape.clamp(degree, LEAST_DEGREE, f32::MAX)?;
        let scale = tape.powf(degree, -0.5)?;
        let linear = Linear { bias: None, ..self.linear };
        let y = linear.apply(tape, x)?;
        let y = tape.mul(y, scale)?;
        let y = tape.matmul(graph, y)?;
        let y = tape.mul(y, scale)?;
        match self.linear.bias {
            Some(bias) => tape.add(y, bias),
            None => Ok(y),
        }
    }
}

/// W₁ x_i + W₂ Σ_j a_ij x_j / Σ_j a_ij + b (GraphSAGE: Hamilton, Ying & Leskovec 2017).
#[derive(Debug, Clone, Copy)]
pub struct GraphSage {
    /// W₁ and b.
    pub own: Linear,
    /// W₂.
    pub others: Linear,
}

impl GraphSage {
    /// A layer of `[inputs, outputs]`, with parameters `<name>.own.…` and `<name>.others.…`.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        let own = Linear::new(tape, parameters, &format!("{name}.own"), extents)?;
        Ok(Self { own, others: Linear::unbiased(tape, parameters, &format!("{name}.others"), extents)? })
    }

    /// As [`GraphConvolution::apply`].
    pub fn apply(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "graph_sage", graph, x)?;
        let degree = tape.sum(graph, &[-1], true)?;
        // Where there are no edges the sum is 0, so what it is divided by does not matter.
        let degree = tape.clamp(degree, LEAST_DEGREE, f32::MAX)?;
        let sum = tape.matmul(graph, x)?;
        let mean = tape.div(sum, degree)?;
        let (own, others) = (self.own.apply(tape, x)?, self.others.apply(tape, mean)?);
        tape.add(own, others)
    }
}

/// MLP((1 + ε) x_i + Σ_j a_ij x_j) with a learnt ε (Xu, Hu, Leskovec & Jegelka 2019).
#[derive(Debug, Clone)]
pub struct GraphIsomorphism {
    /// ε, `[1]`.
    pub epsilon: Var,
    /// The stack.
    pub mlp: Mlp,
}

impl GraphIsomorphism {
    /// A layer around a stack, with the parameter `<name>.epsilon`, which begins at 0.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, mlp: Mlp) -> Result<Self> {
        Ok(Self { epsilon: parameters.add(tape, &format!("{name}.epsilon"), [1], |_, _| Init::Zeros)?, mlp })
    }

    /// As [`GraphConvolution::apply`].
    pub fn apply(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "graph_isomorphism", graph, x)?;
        let scale = tape.offset(self.epsilon, 1.0)?;
        let (own, others) = (tape.mul(x, scale)?, tape.matmul(graph, x)?);
        let sum = tape.add(own, others)?;
        self.mlp.apply(tape, sum)
    }
}

/// Attention of every head over a node's senders, α_ij = softmax_j a·LeakyReLU(U x_i + V x_j) where there is an edge, applied to V x_j (GATv2:
/// Brody, Alon & Yahav 2022); heads side by side.
#[derive(Debug, Clone)]
pub struct GraphAttention {
    /// Of each head: U, V, and a `[1, features]`.
    pub heads: Vec<(Linear, Linear, Var)>,
}

impl GraphAttention {
    /// A layer of `[inputs, features]` a head, with parameters `<name>.<head>.receiver.…`, `.sender.…` and `.attention`.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, features]: [usize; 2], heads: usize) -> Result<Self> {
        let head = |h: usize| {
            let receiver = Linear::new(tape, parameters, &format!("{name}.{h}.receiver"), [inputs, features])?;
            let sender = Linear::new(tape, parameters, &format!("{name}.{h}.sender"), [inputs, features])?;
            let draw = |seed, stream| Init::glorot(features, 1, seed, stream);
            Ok((receiver, sender, parameters.add(tape, &format!("{name}.{h}.attention"), [1, features], draw)?))
        };
        Ok(Self { heads: (0..heads).map(head).collect::<Result<_>>()? })
    }

    /// As [`GraphConvolution::apply`], of edges that are there or not (any weight but 0): `[batch, n, heads × features]`.
    pub fn apply(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        let n = nodes(tape, "graph_attention", graph, x)?;
        let zero = tape.scalar(0.0)?;
        let edge = tape.not_equal(graph, zero)?;
        let none = tape.offset(edge, -1.0)?;
        let none = tape.scale(none, -NO_EDGE)?;
        let mut made = Vec::with_capacity(self.heads.len());
        for &(receiver, sender, weights) in &self.heads {
            let (u, v) = (receiver.apply(tape, x)?, sender.apply(tape, x)?);
            let scores = tape.pairwise_dot(u, v, weights, PairActivation::LeakyRelu(0.2))?;
            let scores = tape.reshape(scores, [tape.shape(x)[0], n, n])?;
            let scores = tape.add(scores, none)?;
            let attention = tape.softmax(scores, -1)?;
            // A node without edges attends to nobody.
            let attention = tape.mul(attention, edge)?;
            made.push(tape.matmul(attention, v)?);
        }
        tape.concatenate(&made, -1)
    }
}

/// How a graph's nodes become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// Their largest, feature by feature.
    Max,
    /// One after the other: `[batch, n × features]`.
    Concatenate,
}

impl Pooling {
    /// Of x `[batch, n, features]`: `[batch, features]`.
    ///
    /// # Errors
    /// Where x is not that.
    pub fn apply(self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.check(x)?;
        let [batch, n, features] = *tape.shape(x) else {
            return Err(Error::op("pooling", format!("x of [batch, n, features] expected, found {}", tape.shape(x))));
        };
        match self {
            Self::Mean => tape.mean(x, &[1], false),
            Self::Sum => tape.sum(x, &[1], false),
            Self::Max => tape.max(x, &[1], false),
            Self::Concatenate => tape.reshape(x, [batch, n * features]),
        }
    }
}

/// The nodes of x `[batch, n, features]` on a graph `[batch, n, n]`.
fn nodes(tape: &Tape, op: &str, graph: Var, x: Var) -> Result<usize> {
    tape.check(graph)?;
    tape.check(x)?;
    match *tape.shape(x) {
        [batch, n, _] if *tape.shape(graph) == [batch, n, n] => Ok(n),
        _ => Err(Error::op(
            op,
            format!("a graph [batch, n, n] and x [batch, n, features] expected, found {} and {}", tape.shape(graph), tape.shape(x)),
        )),
    }
}

fn identity(n: usize) -> Result<crate::HostTensor> {
    crate::HostTensor::f32([n, n], (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect())
}
