//! Neural relational inference (Kipf, Fetaya, Wang, Welling & Zemel 2018, arXiv 1802.04687): which nodes act on which is inferred from
//! their trajectories, as types of edges under which a decoder predicts them best.

use super::{Activation, BatchNorm, EdgeMlp, Linear, Mlp, MlpSettings, Parameters};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// Trajectories → logits of edge types: the paper's MLP encoder, nodes → edges → nodes → edges, its edge networks split into what is of
/// the receiver and of the sender. For graphs of tens of nodes: edges have hidden states of their own between its layers.
#[derive(Debug, Clone)]
pub struct RelationalEncoder {
    embed: Mlp,
    first: EdgeMlp,
    norms: [BatchNorm; 2],
    node: Mlp,
    second: EdgeMlp,
    out: Linear,
}

impl RelationalEncoder {
    /// Of `[inputs, hidden, types]`: inputs are a node's whole trajectory.
    ///
    /// # Errors
    /// Where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, hidden, types]: [usize; 3]) -> Result<Self> {
        const ACTIVATION: Activation = Activation::Elu;
        let mut mlp = |tape: &mut Tape, part: &str, inputs: usize| {
            let settings = MlpSettings { last: ACTIVATION, norm: true, ..MlpSettings::new(&[inputs, hidden, hidden], ACTIVATION) };
            Mlp::new(tape, parameters, &format!("{name}.{part}"), settings)
        };
        let (embed, node) = (mlp(tape, "embed", inputs)?, mlp(tape, "node", hidden)?);
        let widths = [hidden; 3];
        let first = EdgeMlp::new(tape, parameters, &format!("{name}.first"), widths, None, ACTIVATION)?;
        let second = EdgeMlp::new(tape, parameters, &format!("{name}.second"), widths, Some(hidden), ACTIVATION)?;
        let norms = [
            BatchNorm::new(tape, parameters, &format!("{name}.first.norm"), hidden)?,
            BatchNorm::new(tape, parameters, &format!("{name}.second.norm"), hidden)?,
        ];
        let out = Linear::new(tape, parameters, &format!("{name}.out"), [hidden, types])?;
        Ok(Self { embed, first, norms, node, second, out })
    }

    /// Logits `[batch, receivers, senders, types]` of trajectories `[batch, nodes, inputs]`. A node's logits to itself are there, and mean
    /// nothing.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn apply(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        let h = self.embed.apply(tape, x)?;
        let edges = self.first.pairs(tape, h, None)?;
        let edges = self.norms[0].apply(tape, edges)?;
        let [batch, nodes] = [0, 1].map(|i| tape.shape(edges)[i]);
        let others = others(tape, nodes)?;
        let others = tape.scale(others, 1.0 / nodes as f32)?;
        let others = tape.reshape(others, [nodes, nodes, 1])?;
        let weighted = tape.mul(edges, others)?;
        let h = tape.sum(weighted, &[2], false)?;
        debug_assert_eq!(tape.shape(h)[0], batch);
        let h = self.node.apply(tape, h)?;
        let edges = self.second.pairs(tape, h, Some(edges))?;
        let edges = self.norms[1].apply(tape, edges)?;
        self.out.apply(tape, edges)
    }
}

/// State and edge types → the next state: the paper's MLP decoder. The first type sends nothing.
#[derive(Debug, Clone)]
pub struct RelationalDecoder {
    types: Vec<EdgeMlp>,
    out: Mlp,
}

impl RelationalDecoder {
    /// Of `[inputs, hidden, types]`, the first of which is no edge.
    ///
    /// # Errors
    /// Where there are fewer than two types, or a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, hidden, types]: [usize; 3]) -> Result<Self> {
        if types < 2 {
            return Err(Error::op("relational_decoder", format!("two edge types or more expected, found {types}")));
        }
        let edge = |k: usize| EdgeMlp::new(tape, parameters, &format!("{name}.type{k}"), [inputs, hidden, hidden], None, Activation::Relu);
        let types = (1..types).map(edge).collect::<Result<_>>()?;
        let settings = MlpSettings::new(&[inputs + hidden, hidden, hidden, inputs], Activation::Relu);
        Ok(Self { types, out: Mlp::new(tape, parameters, &format!("{name}.out"), settings)? })
    }

    /// The state `[batch, nodes, inputs]` after x under edges `[batch, receivers, senders, types]`, whose weights of a node to itself count as
    /// 0.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn step(&self, tape: &mut Tape, x: Var, edges: Var) -> Result<Var> {
        let nodes = tape.shape(x)[1];
        let others = others(tape, nodes)?;
        let mut sum: Option<Var> = None;
        for (k, network) in self.types.iter().enumerate() {
            let z = tape.slice(edges, 3, k + 1, k + 2, 1)?;
            let z = tape.reshape(z, [tape.shape(x)[0], nodes, nodes])?;
            let z = tape.mul(z, others)?;
            let messages = network.messages(tape, x, z)?;
            sum = Some(match sum {
                Some(sum) => tape.add(sum, messages)?,
                None => messages,
            });
        }
        let sum = sum.ok_or_else(|| Error::op("relational_decoder", "no edge types"))?;
        let both = tape.concatenate(&[x, sum], -1)?;
        let change = self.out.apply(tape, both)?;
        tape.add(x, change)
    }
}

/// 1 for every pair of two different nodes, `[nodes, nodes]`.
fn others(tape: &mut Tape, nodes: usize) -> Result<Var> {
    let weight = |at: usize| if at / nodes == at % nodes { 0.0 } else { 1.0 };
    tape.constant(crate::HostTensor::f32([nodes, nodes], (0..nodes * nodes).map(weight).collect())?)
}
