//! Attention between the rows of sequences and sets.

use super::parameters::within_fan_in;
use super::{Linear, Parameters};
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::case::{normal, one};
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

/// # Attention
impl Tape {
    /// Scaled dot-product attention softmax(Q Kᵀ / √d + mask) V of queries `[.., targets, d]`, keys `[.., sources, d]` and values `[..,
    /// sources, features]` (Vaswani et al. 2017). Returns `[.., targets, features]` and the attention weights `[.., targets, sources]`. The
    /// mask is added to the logits and broadcasts to them; a large negative number such as −10⁹ excludes a source. All numbers in the mask
    /// must be finite, because a row of infinite values has no softmax.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
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

/// Multi-head attention (Vaswani et al. 2017), with the weights laid out as in PyTorch's `MultiheadAttention`.
#[derive(Debug, Clone, Copy)]
pub struct MultiHeadAttention {
    /// The projections to queries, keys and values, stacked in this order: `[3 features, features]`.
    pub input: Linear,
    /// The output projection, which mixes the heads, `[features, features]`.
    pub output: Linear,
    /// The number of heads. Each has features / heads of the features.
    pub heads: usize,
}

impl MultiHeadAttention {
    /// A layer with this number of features and heads, initialised as in PyTorch, with parameters `<name>.input.…` and `<name>.output.…`.
    ///
    /// # Errors
    /// Returns an error where the heads do not divide the features, or a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize, heads: usize) -> Result<Self> {
        if heads == 0 || !features.is_multiple_of(heads) {
            return Err(Error::op("multi_head_attention", format!("heads that divide {features} features expected, found {heads}")));
        }
        let input = Linear::glorot(tape, parameters, &format!("{name}.input"), [features, 3 * features], 0.0)?;
        let weight = parameters.add(tape, &format!("{name}.output.weight"), [features; 2], within_fan_in(features))?;
        let bias = Some(parameters.add(tape, &format!("{name}.output.bias"), [features], |_, _| Init::Zeros)?);
        Ok(Self { input, output: Linear { weight, bias }, heads })
    }

    /// The attention of queries `[batch, targets, features]` to keys and values, both `[batch, sources, features]`. Returns `[batch,
    /// targets, features]` and the attention weights of each head, `[batch, heads, targets, sources]`. The mask is that of
    /// [`Tape::dot_attention`].
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
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

/// A step of NetFormer (Lu et al. 2025): x + A x for windows x, with A = Q Kᵀ / √(window + features). Queries and keys are linear in the
/// window of a node and its embedding. There is no softmax, so A may have either sign; it is interpreted as directed influence between
/// nodes.
#[derive(Debug, Clone, Copy)]
pub struct NetFormer {
    /// The embedding of each node, `[nodes, features]`.
    pub embedding: Var,
    /// The projection to queries.
    pub query: Linear,
    /// The projection to keys.
    pub key: Linear,
}

impl NetFormer {
    /// A layer with extents `[nodes, window, features]` and parameters `<name>.embedding`, `<name>.query.weight` and `<name>.key.weight`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [nodes, window, features]: [usize; 3]) -> Result<Self> {
        let draw = |seed, stream| Init::Normal { mean: 0.0, std: 1.0, seed, stream };
        let embedding = parameters.add(tape, &format!("{name}.embedding"), [nodes, features], draw)?;
        let token = [window + features; 2];
        let query = Linear::unbiased(tape, parameters, &format!("{name}.query"), token)?;
        Ok(Self { embedding, query, key: Linear::unbiased(tape, parameters, &format!("{name}.key"), token)? })
    }

    /// The windows after x `[batch, nodes, window]`, in the same shape, and A `[batch, receivers, senders]`.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
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
