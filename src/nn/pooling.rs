//! Graphs made smaller: nodes read out as one vector, or the best of them kept.

use super::graph::nodes;
use super::parameters::within_fan_in;
use super::{Linear, Parameters};
use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

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

/// Σ_n α_n x_n with α = softmax over the nodes of w·x_n + c (the global attention of Li, Tarlow, Brockschmidt & Zemel 2016), or, gated, of
/// w·(tanh(V x_n) ⊙ σ(U x_n)) + c (Ilse, Tomczak & Welling 2018).
#[derive(Debug, Clone, Copy)]
pub struct AttentionPooling {
    /// V and U, with their biases, where the scores are gated.
    pub gated: Option<[Linear; 2]>,
    /// w and c: `[1, features]`, or `[1, hidden]` where the scores are gated.
    pub score: Linear,
}

impl AttentionPooling {
    /// Scores linear in so many features, with parameters `<name>.score.…`.
    ///
    /// # Errors
    /// Where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Self> {
        Ok(Self { gated: None, score: Linear::new(tape, parameters, &format!("{name}.score"), [features, 1])? })
    }

    /// Gated scores of `[features, hidden]`, with parameters `<name>.content.…`, `<name>.gate.…` and `<name>.score.…`.
    ///
    /// # Errors
    /// As [`AttentionPooling::new`].
    pub fn gated(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        let content = Linear::new(tape, parameters, &format!("{name}.content"), extents)?;
        let gate = Linear::new(tape, parameters, &format!("{name}.gate"), extents)?;
        let score = Linear::new(tape, parameters, &format!("{name}.score"), [extents[1], 1])?;
        Ok(Self { gated: Some([content, gate]), score })
    }

    /// Of x `[batch, n, features]`: the vector `[batch, features]`, and α `[batch, n]`.
    ///
    /// # Errors
    /// Where x is not that.
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

/// The ⌈r n⌉ nodes of greatest score s = x·p / ‖p‖, their features scaled by σ(s) so that p is learnt (graph U-nets: Gao & Ji 2019).
#[derive(Debug, Clone, Copy)]
pub struct TopKPooling {
    /// p, `[features, 1]`.
    pub projection: Var,
    /// r, above 0 and at most 1.
    pub ratio: f32,
}

/// What [`TopKPooling`] keeps of a graph, the node of greatest score first; of equal scores the first comes first.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Features `[batch, kept, features]`.
    pub x: Var,
    /// Edges between those kept, `[batch, kept, kept]`.
    pub graph: Var,
    /// Which nodes they were, i32 `[batch, kept]`.
    pub index: Var,
    /// Their σ(s), `[batch, kept]`.
    pub scores: Var,
}

impl TopKPooling {
    /// A layer of so many features that keeps so great a part of the nodes, with the parameter `<name>.projection`.
    ///
    /// # Errors
    /// Where the ratio is outside (0, 1], or the name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize, ratio: f32) -> Result<Self> {
        let layer =
            Self { projection: parameters.add(tape, &format!("{name}.projection"), [features, 1], within_fan_in(features))?, ratio };
        layer.kept(1).map(|_| layer)
    }

    /// ⌈r n⌉.
    fn kept(&self, n: usize) -> Result<usize> {
        if !(self.ratio > 0.0 && self.ratio <= 1.0) {
            return Err(Error::op("top_k_pooling", format!("a ratio above 0 and at most 1 expected, found {}", self.ratio)));
        }
        Ok((self.ratio * n as f32).ceil() as usize)
    }

    /// Of the graph `[batch, n, n]` and x `[batch, n, features]`. Which nodes are kept has no gradient.
    ///
    /// # Errors
    /// Where shapes do not fit, or the ratio is outside (0, 1].
    pub fn forward(&self, tape: &mut Tape, graph: Var, x: Var) -> Result<Kept> {
        let (n, kept) = (nodes(tape, "top_k_pooling", graph, x)?, self.kept(tape.shape(x)[1])?);
        let [batch, features] = [0, 2].map(|i| tape.shape(x)[i]);
        if *tape.shape(self.projection) != [features, 1] {
            let what = format!("a projection [{features}, 1] expected, found {}", tape.shape(self.projection));
            return Err(Error::op("top_k_pooling", what));
        }
        let scores = tape.matmul(x, self.projection)?;
        let length = tape.l2_norm(self.projection, &[], false)?;
        // Where p is 0 so are all scores.
        let length = tape.clamp(length, f32::MIN_POSITIVE, f32::MAX)?;
        let scores = tape.div(scores, length)?;
        // NaN counts for the greatest, as in PyTorch: it is kept, and seen.
        let (unknown, first) = (tape.not_equal(scores, scores)?, tape.scalar(f32::NEG_INFINITY)?);
        let descending = tape.neg(scores)?;
        let descending = tape.select(unknown, first, descending)?;
        let descending = tape.reshape(descending, [batch, n])?;
        let order = tape.order(descending)?;
        let index = tape.slice(order, 1, 0, kept, 1)?;
        // Rows of the identity choose nodes, of every graph its own.
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
