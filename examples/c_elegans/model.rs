//! Models that predict the next frame of every neuron.

use crate::recordings::WINDOW;
use tapetum::nn::{Activation, Carry, Cell, Linear, Mlp, MlpSettings, Parameters, Recurrent};
use tapetum::ops::message::PairActivation;
use tapetum::{HostTensor, Init, Result, Tape, TensorType, Var};

/// The model of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The linear model alone.
    Linear,
    /// A perceptron over all neurons and frames at once.
    Mlp,
    Gru,
    Lstm,
    /// A network with messages along edges inferred from the window.
    Gnn,
    /// A network without messages, which treats every neuron separately.
    GnnEdgeless,
    /// A network with equal messages between all neurons.
    GnnComplete,
    /// A network with messages along the known wiring.
    GnnWiring,
}

/// A model, with a flag that is true where it adds to the prediction of the linear model and fine-tunes that model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Design {
    pub kind: Kind,
    pub corrects: bool,
}

const WIDTH: usize = 32;
const EMBEDDING: usize = 8;
/// The learning rate of the linear model relative to that of the rest. It is small because a prediction sums over hundreds of its weights.
const TUNING: f32 = 0.05;

/// The parts of a graph network.
struct Graph {
    embedding: Var,
    node: Linear,
    ends: [Linear; 4],
    scores: Var,
    prior: Var,
    out: Mlp,
}

enum Body {
    Linear,
    Mlp(Mlp),
    Recurrent(Recurrent, Linear),
    Graph(Box<Graph>),
}

/// A model on a tape.
pub struct Model {
    body: Body,
    design: Design,
    /// The linear model from ridge regression, and the layer that fine-tunes it.
    linear: Option<(Linear, Option<Linear>)>,
    neurons: usize,
    wiring: HostTensor,
}

impl Model {
    pub fn new(t: &mut Tape, p: &mut Parameters, design: Design, neurons: usize, wiring: &HostTensor) -> Result<Self> {
        let flat = neurons * WINDOW;
        let body = match design.kind {
            Kind::Linear => Body::Linear,
            Kind::Mlp => {
                let settings = MlpSettings { dropout: 0.1, ..MlpSettings::new(&[flat, 4 * WIDTH, 2 * WIDTH], Activation::Relu) };
                Body::Mlp(Mlp::new(t, p, "mlp", MlpSettings { last: Activation::Relu, ..settings })?)
            }
            Kind::Gru => Body::Recurrent(
                Recurrent::new(t, p, "cell", Cell::Gru, [neurons, 2 * WIDTH])?,
                from_nothing(t, p, "out", [2 * WIDTH, neurons])?,
            ),
            Kind::Lstm => Body::Recurrent(
                Recurrent::new(t, p, "cell", Cell::Lstm, [neurons, 2 * WIDTH])?,
                from_nothing(t, p, "out", [2 * WIDTH, neurons])?,
            ),
            Kind::Gnn | Kind::GnnEdgeless | Kind::GnnComplete | Kind::GnnWiring => Body::Graph(Box::new(graph(t, p, neurons)?)),
        };
        let linear = (design.corrects || design.kind == Kind::Linear).then(|| -> Result<_> {
            let weight = t.state("linear.weight", TensorType::f32([neurons, flat]), Init::Zeros)?;
            let fitted = Linear { weight, bias: Some(t.state("linear.bias", TensorType::f32([neurons]), Init::Zeros)?) };
            let tuning = design.corrects.then(|| from_nothing(t, p, "tuning", [flat, neurons])).transpose()?;
            Ok((fitted, tuning))
        });
        Ok(Self { body, design, linear: linear.transpose()?, neurons, wiring: wiring.clone() })
    }

    /// The next `steps` frames `[batch, neurons, steps]` of a window `[batch, neurons, WINDOW]`, and the edges inferred from it.
    pub fn roll(&self, t: &mut Tape, p: &mut Parameters, window: Var, steps: usize) -> Result<(Var, Option<Var>)> {
        let batch = t.shape(window)[0];
        let edges = if let Body::Graph(g) = &self.body { Some(self.edges(t, g, window)?) } else { None };
        let (mut window, mut carry, mut made) = (window, None, Vec::with_capacity(steps));
        for step in 0..steps {
            let last = t.slice(window, 2, WINDOW - 1, WINDOW, 1)?;
            let mut change = self.change(t, p, window, (step, edges), &mut carry)?;
            if let Some((fitted, tuning)) = &self.linear {
                let flat = t.reshape(window, [batch, self.neurons * WINDOW])?;
                let mut sum = fitted.forward(t, flat)?;
                if let Some(tuning) = tuning {
                    let tuned = tuning.forward(t, flat)?;
                    let tuned = t.scale(tuned, TUNING)?;
                    sum = t.add(sum, tuned)?;
                }
                change = Some(match change {
                    Some(change) => t.add(change, sum)?,
                    None => sum,
                });
            }
            let next = match change {
                Some(change) => {
                    let change = t.reshape(change, [batch, self.neurons, 1])?;
                    t.add(last, change)?
                }
                None => last,
            };
            made.push(next);
            let kept = t.slice(window, 2, 1, WINDOW, 1)?;
            window = t.concatenate(&[kept, next], 2)?;
        }
        Ok((t.concatenate(&made, 2)?, edges))
    }

    /// The network's contribution to a change, `[batch, neurons]`.
    fn change(
        &self,
        t: &mut Tape,
        p: &mut Parameters,
        window: Var,
        (step, edges): (usize, Option<Var>),
        carry: &mut Option<Carry>,
    ) -> Result<Option<Var>> {
        let batch = t.shape(window)[0];
        match &self.body {
            Body::Linear => Ok(None),
            Body::Mlp(mlp) => {
                let flat = t.reshape(window, [batch, self.neurons * WINDOW])?;
                let hidden = mlp.forward(t, flat)?;
                from_nothing(t, p, "mlp.out", [2 * WIDTH, self.neurons])?.forward(t, hidden).map(Some)
            }
            Body::Recurrent(cell, out) => {
                // The first step reads the whole window, each later one the new frame.
                let first = if step == 0 { 0 } else { WINDOW - 1 };
                let seen = t.slice(window, 2, first, WINDOW, 1)?;
                let seen = t.transpose(seen, &[0, 2, 1])?;
                let left = cell.forward(t, seen, *carry)?.1;
                *carry = Some(left);
                out.forward(t, left.hidden).map(Some)
            }
            Body::Graph(g) => {
                let h = g.nodes(t, window)?;
                let (u, v) = (g.ends[2].forward(t, h)?, g.ends[3].forward(t, h)?);
                let edges = match edges {
                    Some(edges) => edges,
                    None => self.edges(t, g, window)?,
                };
                let messages = t.pairwise_sum(edges, u, v, PairActivation::Relu)?;
                let both = t.concatenate(&[h, messages], -1)?;
                let hidden = g.out.forward(t, both)?;
                let change = from_nothing(t, p, "graph.out", [WIDTH, 1])?.forward(t, hidden)?;
                t.reshape(change, [batch, self.neurons]).map(Some)
            }
        }
    }

    /// The weights of the edges `[batch, receivers, senders]`, divided by the number of senders.
    fn edges(&self, t: &mut Tape, g: &Graph, window: Var) -> Result<Var> {
        let (batch, n) = (t.shape(window)[0], self.neurons);
        let all = match self.design.kind {
            Kind::GnnWiring => {
                let wiring = t.constant(self.wiring.clone())?;
                t.broadcast_to(wiring, [batch, n, n])?
            }
            Kind::GnnEdgeless => t.full([batch, n, n], 0.0)?,
            Kind::GnnComplete => t.full([batch, n, n], 1.0)?,
            _ => {
                let h = g.nodes(t, window)?;
                let (u, v) = (g.ends[0].forward(t, h)?, g.ends[1].forward(t, h)?);
                let logits = t.pairwise_dot(u, v, g.scores, PairActivation::Relu)?;
                let logits = t.reshape(logits, [batch, n, n])?;
                let logits = t.add(logits, g.prior)?;
                t.sigmoid(logits)?
            }
        };
        let others = t.without_diagonal(all)?;
        t.scale(others, 1.0 / (n - 1) as f32)
    }
}

impl Graph {
    /// The hidden states of the neurons, from their windows and their embeddings.
    fn nodes(&self, t: &mut Tape, window: Var) -> Result<Var> {
        let [batch, n] = [0, 1].map(|i| t.shape(window)[i]);
        let who = t.broadcast_to(self.embedding, [batch, n, EMBEDDING])?;
        let both = t.concatenate(&[window, who], -1)?;
        let h = self.node.forward(t, both)?;
        t.relu(h)
    }
}

fn graph(t: &mut Tape, p: &mut Parameters, neurons: usize) -> Result<Graph> {
    let names = ["asks", "answers", "receiver", "sender"];
    let ends = names.map(|name| Linear::new(t, p, name, [WIDTH, WIDTH]));
    let [a, b, c, d] = ends;
    Ok(Graph {
        embedding: p.add(t, "embedding", [neurons, EMBEDDING], |seed, stream| Init::Normal { mean: 0.0, std: 0.3, seed, stream })?,
        node: Linear::new(t, p, "node", [WINDOW + EMBEDDING, WIDTH])?,
        ends: [a?, b?, c?, d?],
        scores: p.add(t, "scores", [1, WIDTH], |seed, stream| Init::glorot(WIDTH, 1, seed, stream))?,
        prior: p.add(t, "prior", [neurons, neurons], |_, _| Init::Zeros)?,
        out: Mlp::new(
            t,
            p,
            "graph.mlp",
            MlpSettings { last: Activation::Relu, ..MlpSettings::new(&[2 * WIDTH, WIDTH], Activation::Relu) },
        )?,
    })
}

/// A layer initialised to 0, so that the model it corrects is unchanged at first.
fn from_nothing(t: &mut Tape, p: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2]) -> Result<Linear> {
    let weight = p.add(t, &format!("{name}.weight"), [outputs, inputs], |_, _| Init::Zeros)?;
    Ok(Linear { weight, bias: Some(p.add(t, &format!("{name}.bias"), [outputs], |_, _| Init::Zeros)?) })
}
