//! Graph pooling: nodes combined into one vector, or only the nodes of greatest score kept.

use super::graph::nodes;
use super::parameters::within_fan_in;
use super::{Linear, Parameters};
use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The readout that turns the nodes of a graph into one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pooling {
    /// The mean over nodes.
    Mean,
    /// The sum over nodes.
    Sum,
    /// The maximum over nodes for each feature.
    Max,
    /// The features of all nodes, concatenated: `[batch, n × features]`.
    Concatenate,
}

impl Pooling {
    /// The readout `[batch, features]` of x `[batch, n, features]`.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape.
    pub fn forward(self, tape: &mut Tape, x: Var) -> Result<Var> {
        let [batch, n, features] = rows(tape, "pooling", x)?;
        match self {
            Self::Mean => tape.mean(x, &[1], false),
            Self::Sum => tape.sum(x, &[1], false),
            Self::Max => tape.max(x, &[1], false),
            Self::Concatenate => tape.reshape(x, [batch, n * features]),
        }
    }
}

/// The weighted sum Σ_n α_n x_n with α the softmax over nodes of w·x_n + c (global attention: Li, Tarlow, Brockschmidt & Zemel 2016) or,
/// where gated, of w·(tanh(V x_n) ⊙ σ(U x_n)) + c (Ilse, Tomczak & Welling 2018).
#[derive(Debug, Clone, Copy)]
pub struct AttentionPooling {
    /// V and U with their biases, where the scores are gated.
    pub gated: Option<[Linear; 2]>,
    /// w and c; w is `[1, features]`, or `[1, hidden]` where the scores are gated.
    pub score: Linear,
}

impl AttentionPooling {
    /// Scores linear in this number of features, with parameters `<name>.score.…`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Self> {
        Ok(Self { gated: None, score: Linear::new(tape, parameters, &format!("{name}.score"), [features, 1])? })
    }

    /// Gated scores with extents `[features, hidden]` and parameters `<name>.content.…`, `<name>.gate.…` and `<name>.score.…`.
    ///
    /// # Errors
    /// The same as those of [`AttentionPooling::new`].
    pub fn gated(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        let content = Linear::new(tape, parameters, &format!("{name}.content"), extents)?;
        let gate = Linear::new(tape, parameters, &format!("{name}.gate"), extents)?;
        let score = Linear::new(tape, parameters, &format!("{name}.score"), [extents[1], 1])?;
        Ok(Self { gated: Some([content, gate]), score })
    }

    /// The vector `[batch, features]` and α `[batch, n]` for x `[batch, n, features]`.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<(Var, Var)> {
        let [batch, n, features] = rows(tape, "attention_pooling", x)?;
        let mut seen = x;
        if let Some([content, gate]) = &self.gated {
            let (content, gate) = (content.forward(tape, x)?, gate.forward(tape, x)?);
            let (content, gate) = (tape.tanh(content)?, tape.sigmoid(gate)?);
            seen = tape.mul(content, gate)?;
        }
        let scores = self.score.forward(tape, seen)?;
        if tape.shape(scores)[2] != 1 {
            return Err(Error::op("attention_pooling", format!("one score a node expected, found {}", tape.shape(scores))));
        }
        let scores = tape.reshape(scores, [batch, 1, n])?;
        let attention = tape.softmax(scores, -1)?;
        let y = tape.matmul(attention, x)?;
        Ok((tape.reshape(y, [batch, features])?, tape.reshape(attention, [batch, n])?))
    }
}

/// Top-k pooling (graph U-nets: Gao & Ji 2019), which keeps the ⌈r n⌉ nodes of greatest score s = x·p / ‖p‖. Their features are multiplied
/// by σ(s), so that p gets a gradient.
#[derive(Debug, Clone, Copy)]
pub struct TopKPooling {
    /// The projection p, `[features, 1]`.
    pub projection: Var,
    /// The ratio r, above 0 and at most 1.
    pub ratio: f32,
}

/// The part of a graph that [`TopKPooling`] keeps, in descending order of score; ties keep the order of the nodes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Kept {
    /// The features, `[batch, kept, features]`.
    pub x: Var,
    /// The edges between the kept nodes, `[batch, kept, kept]`.
    pub graph: Var,
    /// The original indices of the kept nodes, i32 `[batch, kept]`.
    pub index: Var,
    /// The scores σ(s) of the kept nodes, `[batch, kept]`.
    pub scores: Var,
}

impl TopKPooling {
    /// A layer over this number of features that keeps this ratio of the nodes, with the parameter `<name>.projection`.
    ///
    /// # Errors
    /// Returns an error where the ratio is outside (0, 1], or the name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize, ratio: f32) -> Result<Self> {
        let layer =
            Self { projection: parameters.add(tape, &format!("{name}.projection"), [features, 1], within_fan_in(features))?, ratio };
        layer.kept(1).map(|_| layer)
    }

    /// The number of kept nodes, ⌈r n⌉.
    fn kept(&self, n: usize) -> Result<usize> {
        if !(self.ratio > 0.0 && self.ratio <= 1.0) {
            return Err(Error::op("top_k_pooling", format!("a ratio above 0 and at most 1 expected, found {}", self.ratio)));
        }
        Ok((self.ratio * n as f32).ceil() as usize)
    }

    /// Pools the graph `[batch, n, n]` with features x `[batch, n, features]`. The choice of nodes has no gradient.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit, or the ratio is outside (0, 1].
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Kept> {
        let (n, kept) = (nodes(tape, "top_k_pooling", graph, x)?, self.kept(tape.shape(x)[1])?);
        let [batch, features] = [0, 2].map(|i| tape.shape(x)[i]);
        if *tape.shape(self.projection) != [features, 1] {
            let what = format!("a projection [{features}, 1] expected, found {}", tape.shape(self.projection));
            return Err(Error::op("top_k_pooling", what));
        }
        let scores = tape.matmul(x, self.projection)?;
        let length = tape.l2_norm(self.projection, &[], false)?;
        // Where p is 0, all scores are 0.
        let length = tape.clamp(length, f32::MIN_POSITIVE, f32::MAX)?;
        let scores = tape.div(scores, length)?;
        // NaN counts as the greatest score, as in PyTorch, so that it is kept and becomes visible.
        let (unknown, first) = (tape.not_equal(scores, scores)?, tape.scalar(f32::NEG_INFINITY)?);
        let descending = tape.neg(scores)?;
        let descending = tape.select(unknown, first, descending)?;
        let descending = tape.reshape(descending, [batch, n])?;
        let order = tape.order(descending)?;
        let index = tape.slice(order, 1, 0, kept, 1)?;
        // Rows of the identity matrix select the nodes of each graph.
        let choice = tape.one_hot(index, n)?;
        let scores = tape.sigmoid(scores)?;
        let scaled = tape.mul(x, scores)?;
        let rows = tape.matmul(choice, graph)?;
        let scores = tape.matmul(choice, scores)?;
        Ok(Kept {
            x: tape.matmul(choice, scaled)?,
            graph: tape.matmul_with(rows, choice, false, true)?,
            index,
            scores: tape.reshape(scores, [batch, kept])?,
        })
    }
}

/// The extents of x `[batch, n, features]`.
fn rows(tape: &Tape, op: &str, x: Var) -> Result<[usize; 3]> {
    tape.check(x)?;
    <[usize; 3]>::try_from(&*tape.shape(x))
        .map_err(|_| Error::op(op, format!("x of [batch, n, features] expected, found {}", tape.shape(x))))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for pooling in [Pooling::Mean, Pooling::Sum, Pooling::Max, Pooling::Concatenate] {
        cases.push(one(&format!("pooling {pooling:?}"), vec![normal([2, 7, 3])], move |t, x| pooling.forward(t, x[0])));
    }
    for ([batch, n, features], ratio) in [([1, 1, 1], 1.0), ([2, 7, 3], 0.1), ([1, 65, 4], 0.5)] {
        let operands = vec![normal([batch, n, features]), normal([1, features]), normal([1])];
        cases.push(one("attention_pooling", operands, |t, x| {
            AttentionPooling { gated: None, score: Linear { weight: x[1], bias: Some(x[2]) } }.forward(t, x[0]).map(|(y, _)| y)
        }));
        cases.push(one("attention_pooling gated", vec![normal([batch, n, features])], move |t, x| {
            AttentionPooling::gated(t, &mut Parameters::new(8), "pool", [features, 3])?.forward(t, x[0]).map(|(y, _)| y)
        }));
        let operands = vec![weights(batch, n), normal([batch, n, features]), normal([features, 1])];
        let pool = Case::new("top_k_pooling", operands, move |t, x| {
            let graph = fixed_edges(t, x[0])?;
            let kept = TopKPooling { projection: x[2], ratio }.forward(t, graph, x[1])?;
            Ok(vec![kept.x, kept.graph, kept.scores])
        });
        cases.push(pool.within(5e-6, 1e-5));
    }
    cases
}
