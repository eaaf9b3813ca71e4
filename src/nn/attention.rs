//! Attention between the rows of sequences and sets.

use super::parameters::within_fan_in;
use super::{Linear, Parameters};
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::case::{normal, one};
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

impl Tape {
    /// softmax(Q Kᵀ / √d + mask) V of queries `[.., targets, d]`, keys `[.., sources, d]` and values `[.., sources, features]` (Vaswani et
    /// al. 2017): `[.., targets, features]`, and the attention `[.., targets, sources]`. The mask is added to the logits, and broadcasts
    /// to them; a large negative number, −10⁹ say, leaves a source out. Numbers that are not finite are for no mask: a row of them has no
    /// softmax.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn dot_attention(&mut self, [q, k, v]: [Var; 3], mask: Option<Var>) -> Result<(Var, Var)> {
        self.check(q)?;
        let width = self.shape(q).last().copied().unwrap_or(1);
        let q = self.scale(q, 1.0 / (width.max(1) as f32).sqrt())?;
        let mut logits = self.matmul_with(q, k, false, true)?;
        if let Some(mask) = mask {
            let shape = self.shape(logits);
            logits = self.add(logits, mask)?;
            if self.shape(logits) != shape {
                return Err(Error::op("dot_attention", format!("a mask that broadcasts to {shape} expected, found {}", self.shape(mask))));
            }
        }
        let attention = self.softmax(logits, -1)?;
        Ok((self.matmul(attention, v)?, attention))
    }
}

/// Attention of several heads (Vaswani et al. 2017), the weights laid out as PyTorch's `MultiheadAttention` has them.
#[derive(Debug, Clone, Copy)]
pub struct MultiHeadAttention {
    /// What makes queries, keys and values, one below the other: `[3 features, features]`.
    pub input: Linear,
    /// What mixes the heads, `[features, features]`.
    pub output: Linear,
    /// Each of features / heads of the features.
    pub heads: usize,
}

impl MultiHeadAttention {
    /// A layer of so many features and heads that begins as PyTorch's, with parameters `<name>.input.…` and `<name>.output.…`.
    ///
    /// # Errors
    /// Where the heads do not divide the features, or a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize, heads: usize) -> Result<Self> {
        if heads == 0 || !features.is_multiple_of(heads) {
            return Err(Error::op("multi_head_attention", format!("heads that divide {features} features expected, found {heads}")));
        }
        let input = Linear::glorot(tape, parameters, &format!("{name}.input"), [features, 3 * features], 0.0)?;
        let weight = parameters.add(tape, &format!("{name}.output.weight"), [features; 2], within_fan_in(features))?;
        let bias = Some(parameters.add(tape, &format!("{name}.output.bias"), [features], |_, _| Init::Zeros)?);
        Ok(Self { input, output: Linear { weight, bias }, heads })
    }

    /// What queries `[batch, targets, features]` find by keys among values, both `[batch, sources, features]`:
    /// `[batch, targets, features]`, and the attention of each head, `[batch, heads, targets, sources]`. The mask as in
    /// [`Tape::dot_attention`].
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn forward(&self, tape: &mut Tape, [query, key, value]: [Var; 3], mask: Option<Var>) -> Result<(Var, Var)> {
        let features = tape.shape(self.output.weight)[0];
        for x in [query, key, value] {
            tape.check(x)?;
            if tape.shape(x).rank() != 3 || tape.shape(x)[2] != features {
                let what = format!("queries, keys and values [batch, rows, {features}] expected, found {}", tape.shape(x));
                return Err(Error::op("multi_head_attention", what));
            }
        }
        let q = self.part(tape, query, 0)?;
        let (k, v) = (self.part(tape, key, 1)?, self.part(tape, value, 2)?);
        let (y, attention) = tape.dot_attention([q, k, v], mask)?;
        let y = tape.transpose(y, &[0, 2, 1, 3])?;
        let y = tape.reshape(y, tape.shape(query))?;
        Ok((self.output.forward(tape, y)?, attention))
    }

    /// Queries, keys or values of x, `[batch, heads, rows, features / heads]`.
    fn part(&self, tape: &mut Tape, x: Var, which: usize) -> Result<Var> {
        let [batch, rows, features] = [0, 1, 2].map(|i| tape.shape(x)[i]);
        let range = which * features..(which + 1) * features;
        let weight = tape.slice(self.input.weight, 0, range.start, range.end, 1)?;
        let bias = self.input.bias.map(|b| tape.slice(b, 0, range.start, range.end, 1)).transpose()?;
        let y = Linear { weight, bias }.forward(tape, x)?;
        let y = tape.reshape(y, [batch, rows, self.heads, features / self.heads])?;
        tape.transpose(y, &[0, 2, 1, 3])
    }
}

/// NetFormer's step (Lu et al. 2025): x + A x of windows x, with A = Q Kᵀ / √(window + features), queries and keys linear in a node's
/// window and its embedding. Without a softmax A may be of either sign, and is read as who drives whom.
#[derive(Debug, Clone, Copy)]
pub struct NetFormer {
    /// Of each node, `[nodes, features]`.
    pub embedding: Var,
    /// Q.
    pub query: Linear,
    /// K.
    pub key: Linear,
}

impl NetFormer {
    /// A layer of `[nodes, window, features]`, with parameters `<name>.embedding`, `<name>.query.weight` and `<name>.key.weight`.
    ///
    /// # Errors
    /// Where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [nodes, window, features]: [usize; 3]) -> Result<Self> {
        let draw = |seed, stream| Init::Normal { mean: 0.0, std: 1.0, seed, stream };
        let embedding = parameters.add(tape, &format!("{name}.embedding"), [nodes, features], draw)?;
        let token = [window + features; 2];
        let query = Linear::unbiased(tape, parameters, &format!("{name}.query"), token)?;
        Ok(Self { embedding, query, key: Linear::unbiased(tape, parameters, &format!("{name}.key"), token)? })
    }

    /// The windows after x `[batch, nodes, window]`, of the same shape, and A `[batch, receivers, senders]`.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<(Var, Var)> {
        tape.check(x)?;
        let [nodes, features] = [0, 1].map(|i| tape.shape(self.embedding)[i]);
        let token = tape.shape(self.query.weight)[1];
        let [batch, found, window] = *tape.shape(x) else { return Err(self.refusal(tape, x)) };
        if found != nodes || window + features != token {
            return Err(self.refusal(tape, x));
        }
        let who = tape.broadcast_to(self.embedding, [batch, nodes, features])?;
        let tokens = tape.concatenate(&[x, who], -1)?;
        let (q, k) = (self.query.forward(tape, tokens)?, self.key.forward(tape, tokens)?);
        let q = tape.scale(q, 1.0 / (token as f32).sqrt())?;
        let a = tape.matmul_with(q, k, false, true)?;
        let change = tape.matmul(a, x)?;
        Ok((tape.add(x, change)?, a))
    }

    fn refusal(&self, tape: &Tape, x: Var) -> Error {
        let (embedding, token) = (tape.shape(self.embedding), tape.shape(self.query.weight)[1]);
        let window = token.saturating_sub(embedding[1]);
        Error::op("netformer", format!("windows [batch, {}, {window}] expected, found {}", embedding[0], tape.shape(x)))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, targets, sources, heads, width] in [[1, 1, 1, 1, 1], [2, 5, 7, 2, 3], [1, 3, 65, 1, 4]] {
        let features = heads * width;
        let mut operands = vec![normal([batch, targets, features]), normal([batch, sources, features])];
        operands.extend([normal([3 * features, features]), normal([3 * features]), normal([features, features]), normal([features])]);
        operands.push(f32s([targets, sources], Draw::Normal));
        cases.push(one("multi_head_attention", operands, move |t, x| {
            let linear = |i: usize| Linear { weight: x[i], bias: Some(x[i + 1]) };
            let layer = MultiHeadAttention { input: linear(2), output: linear(4), heads };
            layer.forward(t, [x[0], x[1], x[1]], Some(x[6])).map(|(y, _)| y)
        }));
    }
    for [batch, nodes, window, features] in [[1, 1, 1, 1], [2, 7, 5, 3], [1, 65, 2, 2]] {
        let token = [window + features; 2];
        let operands = vec![normal([batch, nodes, window]), normal([nodes, features]), normal(token), normal(token)];
        cases.push(one("netformer", operands, |t, x| {
            let linear = |weight| Linear { weight, bias: None };
            NetFormer { embedding: x[1], query: linear(x[2]), key: linear(x[3]) }.forward(t, x[0]).map(|(y, _)| y)
        }));
    }
    cases
}
