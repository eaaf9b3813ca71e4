//! A two-layer network over the edges between all pairs of nodes.

use super::{Activation, Linear, Parameters};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The number of elements, pairs × features, in one group of receivers where messages are composed of ops: 8 MiB.
const LOT: usize = 1 << 21;

/// The messages m_ij = act₂(W₂ act₁(u_i + v_j + s_ij) + b₂), with u = U x + b₁ of the receiver and v = V x of the sender. U and V are one
/// layer of W [x_i; x_j], split so that each node's part is computed only once. Where pairs have features e_ij, s = S e_ij is added.
#[derive(Debug, Clone, Copy)]
pub struct EdgeMlp {
    /// The first layer's part for the receiver: U and b₁.
    pub receiver: Linear,
    /// The first layer's part for the sender: V.
    pub sender: Linear,
    /// The first layer's part for the features of a pair: S.
    pub pair: Option<Linear>,
    /// The second layer: W₂ and b₂.
    pub second: Linear,
    /// The activations act₁ and act₂.
    pub activations: [Activation; 2],
}

impl EdgeMlp {
    /// A network with extents `[inputs, hidden, outputs]` and parameters `<name>.receiver.…`, `<name>.sender.…` and `<name>.second.…`, and
    /// `<name>.pair.…` where pairs have the given number of features.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(
        tape: &mut Tape,
        parameters: &mut Parameters,
        name: &str,
        [inputs, hidden, outputs]: [usize; 3],
        pair: Option<usize>,
        activation: Activation,
    ) -> Result<Self> {
        let pair = pair.map(|n| Linear::unbiased(tape, parameters, &format!("{name}.pair"), [n, hidden])).transpose()?;
        Ok(Self {
            receiver: Linear::new(tape, parameters, &format!("{name}.receiver"), [inputs, hidden])?,
            sender: Linear::unbiased(tape, parameters, &format!("{name}.sender"), [inputs, hidden])?,
            pair,
            second: Linear::new(tape, parameters, &format!("{name}.second"), [hidden, outputs])?,
            activations: [activation; 2],
        })
    }

    /// The parts u and v `[batch, nodes, hidden]` for x `[batch, nodes, inputs]`.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape.
    pub fn ends(&self, tape: &mut Tape, x: Var) -> Result<[Var; 2]> {
        tape.check(x)?;
        if tape.shape(x).rank() != 3 {
            return Err(Error::op("edge_mlp", format!("x of [batch, nodes, inputs] expected, found {}", tape.shape(x))));
        }
        Ok([self.receiver.forward(tape, x)?, self.sender.forward(tape, x)?])
    }

    /// The messages m of all pairs, `[batch, receivers, senders, outputs]`, for x `[batch, nodes, inputs]` and the features of pairs where
    /// they have any. It suits graphs of few nodes, or models that need each pair separately.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn pairs(&self, tape: &mut Tape, x: Var, features: Option<Var>) -> Result<Var> {
        let [u, v] = self.ends(tape, x)?;
        let mut added = None;
        if let (Some(pair), Some(features)) = (self.pair, features) {
            added = Some(pair.forward(tape, features)?);
        }
        self.meet(tape, u, v, added)
    }

    /// The sums Σ_j z_ij m_ij `[batch, nodes, outputs]` for x `[batch, nodes, inputs]` and z `[batch, receivers, senders]`. This is one op
    /// where [`Tape::pairwise_mlp`] supports both activations. Otherwise the receivers are processed in groups, and each group is
    /// recomputed in the gradient: only arrays over nodes are kept, and the pairs of one group are in memory at a time.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn messages(&self, tape: &mut Tape, x: Var, z: Var) -> Result<Var> {
        let [u, v] = self.ends(tape, x)?;
        let [batch, nodes, hidden] = [0, 1, 2].map(|i| tape.shape(u)[i]);
        tape.check(z)?;
        if *tape.shape(z) != [batch, nodes, nodes] {
            return Err(Error::op("edge_mlp", format!("z of [{batch}, {nodes}, {nodes}] expected, found {}", tape.shape(z))));
        }
        let [Some(first), Some(second)] = self.activations.map(Activation::of_pairs) else {
            let wide = hidden.max(tape.shape(self.second.weight)[0]);
            return self.by_lots(tape, [u, v], z, (LOT / (batch * nodes * wide).max(1)).max(1));
        };
        let bias = match self.second.bias {
            Some(bias) => bias,
            None => tape.full([tape.shape(self.second.weight)[0]], 0.0)?,
        };
        tape.pairwise_mlp(z, [u, v], [self.second.weight, bias], [first, second])
    }

    /// The sums Σ_j z_ij m_ij composed of ops, with `together` receivers at a time.
    pub(super) fn by_lots(&self, tape: &mut Tape, [u, v]: [Var; 2], z: Var, together: usize) -> Result<Var> {
        let [batch, nodes] = [0, 1].map(|i| tape.shape(u)[i]);
        let mut lots = Vec::with_capacity(nodes.div_ceil(together));
        for first in (0..nodes).step_by(together) {
            let last = nodes.min(first + together);
            lots.push(tape.checkpoint(|tape| {
                let (own, z) = (tape.slice(u, 1, first, last, 1)?, tape.slice(z, 1, first, last, 1)?);
                let made = self.meet(tape, own, v, None)?;
                let z = tape.reshape(z, [batch, last - first, nodes, 1])?;
                let weighted = tape.mul(made, z)?;
                tape.sum(weighted, &[2], false)
            })?);
        }
        tape.concatenate(&lots, 1)
    }

    /// The messages between receivers u and senders v, with the contribution of pair features to the hidden layer.
    fn meet(&self, tape: &mut Tape, u: Var, v: Var, added: Option<Var>) -> Result<Var> {
        let ([batch, n, f], m) = ([0, 1, 2].map(|i| tape.shape(u)[i]), tape.shape(v)[1]);
        let (u, v) = (tape.reshape(u, [batch, n, 1, f])?, tape.reshape(v, [batch, 1, m, f])?);
        let mut hidden = tape.add(u, v)?;
        if let Some(added) = added {
            hidden = tape.add(hidden, added)?;
        }
        hidden = self.activations[0].forward(tape, hidden)?;
        let made = self.second.forward(tape, hidden)?;
        self.activations[1].forward(tape, made)
    }
}
