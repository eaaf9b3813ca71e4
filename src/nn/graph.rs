//! Layers over weighted graphs given as matrices `[batch, receivers, senders]`: a_ij is the weight of the edge from j to i, and 0 means no
//! edge. A node without edges receives 0.

use super::{Linear, Mlp, Parameters};
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

/// A degree below this counts as 0.
const LEAST_DEGREE: f32 = 1e-12;

/// Graph convolution D^−½ (A + I) D^−½ X Wᵀ + b (Kipf & Welling 2017), differentiable in A as well.
#[derive(Debug, Clone, Copy)]
pub struct GraphConvolution {
    /// The layer of W and b.
    pub linear: Linear,
}

impl GraphConvolution {
    /// A layer with extents `[inputs, outputs]` and parameters `<name>.weight` and `<name>.bias`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type; this holds for every layer in this file.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        Ok(Self { linear: Linear::new(tape, parameters, name, extents)? })
    }

    /// The output `[batch, n, outputs]` for the graph `[batch, n, n]` with weights not below 0 and x `[batch, n, inputs]`.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit; this holds for every layer in this file.
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        let n = nodes(tape, "graph_convolution", graph, x)?;
        let own = tape.constant(identity(n)?)?;
        let graph = tape.add(graph, own)?;
        let scale = inverse_root_degrees(tape, graph)?;
        let linear = Linear { bias: None, ..self.linear };
        let y = linear.forward(tape, x)?;
        let y = tape.mul(y, scale)?;
        let y = tape.matmul(graph, y)?;
        let y = tape.mul(y, scale)?;
        match self.linear.bias {
            Some(bias) => tape.add(y, bias),
            None => Ok(y),
        }
    }
}

/// The layer W₁ x_i + W₂ Σ_j a_ij x_j / Σ_j a_ij + b (GraphSAGE: Hamilton, Ying & Leskovec 2017).
#[derive(Debug, Clone, Copy)]
pub struct GraphSage {
    /// The layer of the node itself: W₁ and b.
    pub own: Linear,
    /// The layer of its neighbours: W₂.
    pub others: Linear,
}

impl GraphSage {
    /// A layer with extents `[inputs, outputs]` and parameters `<name>.own.…` and `<name>.others.…`.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        let own = Linear::new(tape, parameters, &format!("{name}.own"), extents)?;
        Ok(Self { own, others: Linear::unbiased(tape, parameters, &format!("{name}.others"), extents)? })
    }

    /// The output, with the shapes and errors of [`GraphConvolution::forward`].
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "graph_sage", graph, x)?;
        let degree = tape.sum(graph, &[-1], true)?;
        // Where there are no edges the sum is 0, so the divisor does not matter.
        let degree = tape.clamp(degree, LEAST_DEGREE, f32::MAX)?;
        let sum = tape.matmul(graph, x)?;
        let mean = tape.div(sum, degree)?;
        let (own, others) = (self.own.forward(tape, x)?, self.others.forward(tape, mean)?);
        tape.add(own, others)
    }
}

/// The graph isomorphism layer MLP((1 + ε) x_i + Σ_j a_ij x_j) with a learnt ε (Xu, Hu, Leskovec & Jegelka 2019).
#[derive(Debug, Clone)]
pub struct GraphIsomorphism {
    /// The learnt ε, `[1]`.
    pub epsilon: Var,
    /// The stack of linear layers.
    pub mlp: Mlp,
}

impl GraphIsomorphism {
    /// A layer around a stack, with the parameter `<name>.epsilon`, which is initialised to 0.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, mlp: Mlp) -> Result<Self> {
        Ok(Self { epsilon: parameters.add(tape, &format!("{name}.epsilon"), [1], |_, _| Init::Zeros)?, mlp })
    }

    /// The output, with the shapes and errors of [`GraphConvolution::forward`].
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Var> {
        nodes(tape, "graph_isomorphism", graph, x)?;
        let scale = tape.offset(self.epsilon, 1.0)?;
        let (own, others) = (tape.mul(x, scale)?, tape.matmul(graph, x)?);
        let sum = tape.add(own, others)?;
        self.mlp.forward(tape, sum)
    }
}

/// The inverse square roots 1 / √Σ_j a_ij of the degrees, `[batch, n, 1]`.
pub(super) fn inverse_root_degrees(tape: &mut Tape, graph: Var) -> Result<Var> {
    let degree = tape.sum(graph, &[-1], true)?;
    let degree = tape.clamp(degree, LEAST_DEGREE, f32::MAX)?;
    tape.powf(degree, -0.5)
}

/// A mask with 1 for every edge of a graph, which is any weight except 0, and 0 elsewhere.
pub(super) fn edges(tape: &mut Tape, graph: Var) -> Result<Var> {
    let zero = tape.scalar(0.0)?;
    tape.not_equal(graph, zero)
}

/// The number of nodes of x `[batch, n, features]`, after a check that it fits the graph `[batch, n, n]`.
pub(super) fn nodes(tape: &Tape, op: &str, graph: Var, x: Var) -> Result<usize> {
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

pub(super) fn identity(n: usize) -> Result<crate::HostTensor> {
    crate::HostTensor::f32([n, n], (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect())
}
