//! Decoders, which predict the next state from a state and edge types.

use super::others;
use crate::nn::recurrent::{gates, gru};
use crate::nn::{Activation, EdgeMlp, Linear, Mlp, MlpSettings, Parameters};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// An edge network for each type except the first, which means no edge.
fn networks(
    tape: &mut Tape,
    parameters: &mut Parameters,
    name: &str,
    [inputs, hidden, types]: [usize; 3],
    activation: Activation,
) -> Result<Vec<EdgeMlp>> {
    if types < 2 {
        return Err(Error::op("relational_decoder", format!("two edge types or more expected, found {types}")));
    }
    let edge = |k: usize| EdgeMlp::new(tape, parameters, &format!("{name}.type{k}"), [inputs, hidden, hidden], None, activation);
    (1..types).map(edge).collect()
}

/// The messages `[batch, nodes, hidden]`, summed over edge types and senders, for states x `[batch, nodes, ..]` and edges `[batch,
/// receivers, senders, types]`. The edges of a node to itself count as 0.
fn heard(tape: &mut Tape, types: &[EdgeMlp], x: Var, edges: Var) -> Result<Var> {
    tape.check(x)?;
    tape.check(edges)?;
    let [batch, nodes] = match *tape.shape(x) {
        [batch, nodes, _] if *tape.shape(edges) == [batch, nodes, nodes, types.len() + 1] => [batch, nodes],
        _ => {
            let (count, x, edges) = (types.len() + 1, tape.shape(x), tape.shape(edges));
            let what = format!("x of [batch, n, inputs] and edges [batch, n, n, {count}] expected, found {x} and {edges}");
            return Err(Error::op("relational_decoder", what));
        }
    };
    let others = others(tape, nodes)?;
    let mut sum: Option<Var> = None;
    for (k, network) in types.iter().enumerate() {
        let z = tape.slice(edges, 3, k + 1, k + 2, 1)?;
        let z = tape.reshape(z, [batch, nodes, nodes])?;
        let z = tape.mul(z, others)?;
        let messages = network.messages(tape, x, z)?;
        sum = Some(match sum {
            Some(sum) => tape.add(sum, messages)?,
            None => messages,
        });
    }
    sum.ok_or_else(|| Error::op("relational_decoder", "no edge types"))
}

/// The MLP decoder of the paper. The first type sends nothing.
#[derive(Debug, Clone)]
pub struct RelationalDecoder {
    types: Vec<EdgeMlp>,
    out: Mlp,
}

impl RelationalDecoder {
    /// A decoder with extents `[inputs, hidden, types]`. The first type means no edge.
    ///
    /// # Errors
    /// Returns an error where there are fewer than two types, or a name is taken by a state of another type; this holds for both decoders.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 3]) -> Result<Self> {
        let [inputs, hidden, _] = extents;
        let types = networks(tape, parameters, name, extents, Activation::Relu)?;
        let settings = MlpSettings::new(&[inputs + hidden, hidden, hidden, inputs], Activation::Relu);
        Ok(Self { types, out: Mlp::new(tape, parameters, &format!("{name}.out"), settings)? })
    }

    /// The state `[batch, nodes, inputs]` after x under edges `[batch, receivers, senders, types]`. The edges of a node to itself count as
    /// 0.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn step(&self, tape: &mut Tape, x: Var, edges: Var) -> Result<Var> {
        let sum = heard(tape, &self.types, x, edges)?;
        let both = tape.concatenate(&[x, sum], -1)?;
        let change = self.out.forward(tape, both)?;
        tape.add(x, change)
    }
}

/// The recurrent decoder of the paper, for states that do not determine the next state alone. Nodes have hidden states h, from which their
/// messages m are computed, and m takes the place of h in the gates of a GRU:
///
/// r, i = σ(W x + b + U m), n = tanh(W x + b + r (U m)), h' = (1 − i) n + i h, x' = x + MLP(h').
///
/// Here m is the mean over nodes and over the sending types, and a node's message to itself is 0. (The code published with the paper
/// divides by the number of features, where the paper says that it averages over nodes.)
#[derive(Debug, Clone)]
pub struct RelationalRecurrentDecoder {
    /// A network of tanh layers for each type except the first, which sends nothing.
    pub types: Vec<EdgeMlp>,
    /// W and b of the gates r, i, n, `[3 × hidden, inputs]`.
    pub input: Linear,
    /// U, `[3 × hidden, hidden]`.
    pub hidden: Linear,
    /// The network from a hidden state to the change of the state.
    pub out: Mlp,
}

impl RelationalRecurrentDecoder {
    /// A decoder with extents `[inputs, hidden, types]`, where the first type means no edge, and parameters `<name>.type<k>.…`,
    /// `<name>.input.…`, `<name>.hidden.weight` and `<name>.out.…`.
    ///
    /// # Errors
    /// The same as those of [`RelationalDecoder::new`].
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, hidden, types]: [usize; 3]) -> Result<Self> {
        let types = networks(tape, parameters, name, [hidden, hidden, types], Activation::Tanh)?;
        let input = Linear::new(tape, parameters, &format!("{name}.input"), [inputs, 3 * hidden])?;
        let gates = Linear::unbiased(tape, parameters, &format!("{name}.hidden"), [hidden, 3 * hidden])?;
        let settings = MlpSettings::new(&[hidden, hidden, hidden, inputs], Activation::Relu);
        Ok(Self { types, input, hidden: gates, out: Mlp::new(tape, parameters, &format!("{name}.out"), settings)? })
    }

    /// The hidden states `[batch, nodes, hidden]` at the beginning of a sequence for the nodes of x `[batch, nodes, inputs]`, all 0.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape.
    pub fn rest(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.check(x)?;
        let [batch, nodes, _] = *tape.shape(x) else {
            return Err(Error::op("relational_decoder", format!("x of [batch, nodes, inputs] expected, found {}", tape.shape(x))));
        };
        tape.full([batch, nodes, tape.shape(self.hidden.weight)[1]], 0.0)
    }

    /// The state `[batch, nodes, inputs]` after x and the hidden state after `hidden`, under edges like those of
    /// [`RelationalDecoder::step`]. It serves as a step of [`RollOut::carried`](crate::nn::RollOut::carried).
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn step(&self, tape: &mut Tape, x: Var, hidden: Var, edges: Var) -> Result<(Var, Var)> {
        let sum = heard(tape, &self.types, hidden, edges)?;
        let shape = tape.shape(hidden);
        let [batch, nodes, width] = [0, 1, 2].map(|i| shape[i]);
        let mean = tape.scale(sum, 1.0 / (nodes.max(1) * self.types.len()) as f32)?;
        let (driven, recurrent) = (self.input.forward(tape, x)?, self.hidden.forward(tape, mean)?);
        let rows = batch * nodes;
        let (driven, recurrent) = (tape.reshape(driven, [rows, 3 * width])?, tape.reshape(recurrent, [rows, 3 * width])?);
        let before = tape.reshape(hidden, [rows, width])?;
        let driven = gates(tape, driven)?;
        let after = gru(tape, driven, recurrent, None, before)?.hidden;
        let after = tape.reshape(after, shape)?;
        let change = self.out.forward(tape, after)?;
        Ok((tape.add(x, change)?, after))
    }
}
