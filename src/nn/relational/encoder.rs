//! Encoders, which predict the logits of edge types from trajectories.

use super::others;
use crate::nn::{Activation, BatchNorm, Convolution, EdgeMlp, Linear, Mlp, MlpSettings, Parameters, Spacing};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

const ACTIVATION: Activation = Activation::Elu;

/// The length in frames of a kernel in the CNN of the paper.
const KERNEL: usize = 5;
/// The number of frames that its pooling combines.
const POOL: usize = 2;
/// The smallest number of frames for which both of its convolutions have a window.
const FEWEST: usize = POOL * KERNEL + KERNEL - 1;

/// The last part of both encoders: from hidden states of edges to nodes, back to edges, and to logits.
#[derive(Debug, Clone)]
struct Factor {
    node: Mlp,
    second: EdgeMlp,
    norm: BatchNorm,
    out: Linear,
}

impl Factor {
    /// The logits `[batch, receivers, senders, types]` for edges `[batch, receivers, senders, hidden]`.
    fn forward(&self, tape: &mut Tape, edges: Var) -> Result<Var> {
        let nodes = tape.shape(edges)[1];
        let others = others(tape, nodes)?;
        let others = tape.scale(others, 1.0 / nodes as f32)?;
        let others = tape.reshape(others, [nodes, nodes, 1])?;
        let weighted = tape.mul(edges, others)?;
        let h = tape.sum(weighted, &[2], false)?;
        let h = self.node.forward(tape, h)?;
        let edges = self.second.pairs(tape, h, Some(edges))?;
        let edges = self.norm.forward(tape, edges)?;
        self.out.forward(tape, edges)
    }
}

/// Two layers of one width with batch norm.
fn stack(tape: &mut Tape, parameters: &mut Parameters, name: &str, inputs: usize, hidden: usize) -> Result<Mlp> {
    let settings = MlpSettings { last: ACTIVATION, norm: true, ..MlpSettings::new(&[inputs, hidden, hidden], ACTIVATION) };
    Mlp::new(tape, parameters, name, settings)
}

/// The MLP encoder of the paper, from nodes to edges to nodes to edges. Its edge networks are split into a receiver's and a sender's part.
/// It suits graphs of tens of nodes, because each edge has hidden states between the layers.
#[derive(Debug, Clone)]
pub struct RelationalEncoder {
    embed: Mlp,
    first: EdgeMlp,
    norm: BatchNorm,
    factor: Factor,
}

impl RelationalEncoder {
    /// An encoder with extents `[inputs, hidden, types]`, where the inputs are the whole trajectory of a node.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, hidden, types]: [usize; 3]) -> Result<Self> {
        let embed = stack(tape, parameters, &format!("{name}.embed"), inputs, hidden)?;
        let node = stack(tape, parameters, &format!("{name}.node"), hidden, hidden)?;
        let widths = [hidden; 3];
        let first = EdgeMlp::new(tape, parameters, &format!("{name}.first"), widths, None, ACTIVATION)?;
        let second = EdgeMlp::new(tape, parameters, &format!("{name}.second"), widths, Some(hidden), ACTIVATION)?;
        let norms = [
            BatchNorm::new(tape, parameters, &format!("{name}.first.norm"), hidden)?,
            BatchNorm::new(tape, parameters, &format!("{name}.second.norm"), hidden)?,
        ];
        let out = Linear::new(tape, parameters, &format!("{name}.out"), [hidden, types])?;
        Ok(Self { embed, first, norm: norms[0], factor: Factor { node, second, norm: norms[1], out } })
    }

    /// The logits `[batch, receivers, senders, types]` for trajectories `[batch, nodes, inputs]`. The logits of a node to itself have no
    /// meaning; this holds for both encoders.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        let h = self.embed.forward(tape, x)?;
        let edges = self.first.pairs(tape, h, None)?;
        let edges = self.norm.forward(tape, edges)?;
        self.factor.forward(tape, edges)
    }
}

/// The CNN encoder of the paper. The trajectories of each pair of nodes pass two convolutions in time with a pooling between them, and are
/// combined by attention over frames. The first convolution is split into a receiver's and a sender's part, each computed once for each
/// node. It suits graphs of tens of nodes, because each edge has a series of hidden states.
#[derive(Debug, Clone)]
pub struct RelationalCnnEncoder {
    receiver: Convolution,
    sender: Convolution,
    second: Convolution,
    norms: [BatchNorm; 2],
    content: Linear,
    attention: Linear,
    embed: Mlp,
    factor: Factor,
}

impl RelationalCnnEncoder {
    /// An encoder with extents `[features, hidden, types]`, where the features are those of a node at each frame.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [features, hidden, types]: [usize; 3]) -> Result<Self> {
        let (ends, each) = ([features, hidden, KERNEL], Spacing::default());
        let receiver = Convolution::new(tape, parameters, &format!("{name}.receiver"), ends, each)?;
        let sender = Convolution::unbiased(tape, parameters, &format!("{name}.sender"), ends, each)?;
        let second = Convolution::new(tape, parameters, &format!("{name}.convolution"), [hidden, hidden, KERNEL], each)?;
        let mut norm = |tape: &mut Tape, part: &str| BatchNorm::new(tape, parameters, &format!("{name}.{part}.norm"), hidden);
        let (norms, last) = ([norm(tape, "pairs")?, norm(tape, "convolution")?], norm(tape, "edge")?);
        let content = Linear::new(tape, parameters, &format!("{name}.content"), [hidden, hidden])?;
        let attention = Linear::new(tape, parameters, &format!("{name}.attention"), [hidden, 1])?;
        let embed = stack(tape, parameters, &format!("{name}.embed"), hidden, hidden)?;
        let node = stack(tape, parameters, &format!("{name}.node"), hidden, hidden)?;
        let edge = EdgeMlp::new(tape, parameters, &format!("{name}.edge"), [hidden; 3], Some(hidden), ACTIVATION)?;
        let out = Linear::new(tape, parameters, &format!("{name}.out"), [hidden, types])?;
        let factor = Factor { node, second: edge, norm: last, out };
        Ok(Self { receiver, sender, second, norms, content, attention, embed, factor })
    }

    /// The logits `[batch, receivers, senders, types]` for trajectories `[batch, nodes, features, time]` of at least 14 frames.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.check(x)?;
        let (wanted, hidden) = (tape.shape(self.receiver.kernels)[1], tape.shape(self.second.kernels)[0]);
        let [batch, nodes, features, time] = match *tape.shape(x) {
            [batch, nodes, features, time] if features == wanted && time >= FEWEST => [batch, nodes, features, time],
            _ => {
                let what = format!("x of [batch, nodes, {wanted}, {FEWEST} frames or more] expected, found {}", tape.shape(x));
                return Err(Error::op("relational_cnn_encoder", what));
            }
        };
        let x = tape.reshape(x, [batch * nodes, features, time])?;
        let mut ends = [x; 2];
        for (end, convolution) in ends.iter_mut().zip([&self.receiver, &self.sender]) {
            let made = convolution.forward(tape, x)?;
            *end = tape.transpose(made, &[0, 2, 1])?;
        }
        let frames = tape.shape(ends[0])[1];
        let receivers = tape.reshape(ends[0], [batch, nodes, 1, frames, hidden])?;
        let senders = tape.reshape(ends[1], [batch, 1, nodes, frames, hidden])?;
        let pairs = tape.add(receivers, senders)?;
        let pairs = tape.relu(pairs)?;
        let pairs = self.norms[0].forward(tape, pairs)?;
        let read = self.read_out(tape, pairs)?;
        let edges = tape.reshape(read, [batch, nodes, nodes, hidden])?;
        let edges = self.embed.forward(tape, edges)?;
        self.factor.forward(tape, edges)
    }

    /// The second half of the CNN, which turns the series `[.., frames, hidden]` of each pair into one vector, `[pairs, hidden]`.
    fn read_out(&self, tape: &mut Tape, pairs: Var) -> Result<Var> {
        let [frames, hidden] = [3, 4].map(|i| tape.shape(pairs)[i]);
        let count = tape.shape(pairs)[..3].iter().product();
        let series = tape.reshape(pairs, [count, frames, hidden])?;
        let series = tape.transpose(series, &[0, 2, 1])?;
        let series = tape.max_pool_1d(series, POOL)?;
        let series = self.second.forward(tape, series)?;
        let series = tape.transpose(series, &[0, 2, 1])?;
        let series = tape.relu(series)?;
        let series = self.norms[1].forward(tape, series)?;
        let content = self.content.forward(tape, series)?;
        let attention = self.attention.forward(tape, series)?;
        let attention = tape.softmax(attention, 1)?;
        let weighted = tape.mul(content, attention)?;
        tape.mean(weighted, &[1], false)
    }
}
