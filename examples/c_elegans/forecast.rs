//! Models that predict the next frame of every neuron, rolled out from their own predictions.

use crate::linear::ridge;
use crate::recordings::{HORIZON, Recordings, Starts, WINDOW};
use tapetum::nn::{Activation, Carry, Cell, Linear, Mlp, MlpSettings, Parameters, Recurrent};
use tapetum::ops::message::PairActivation;
use tapetum::optim::{Adam, Schedule};
use tapetum::tensor::Philox;
use tapetum::{Device, HostTensor, Init, Result, State, Tape, TensorType, Var};

/// What predicts a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The linear model alone.
    Linear,
    /// All neurons and frames at once.
    Mlp,
    Gru,
    Lstm,
    /// Messages by edges inferred from the window.
    Gnn,
    /// Messages between all, alike.
    GnnComplete,
    /// Messages by the wiring.
    GnnWiring,
}

/// A model, and whether it adds to the linear model's prediction, and tunes that, instead of predicting all by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Design {
    pub kind: Kind,
    pub corrects: bool,
}

const BATCH: usize = 64;
const WIDTH: usize = 32;
const EMBEDDING: usize = 8;
/// Frames rolled out in training.
const AHEAD: usize = 12;
/// What a step of the optimiser moves the linear model by, beside what it moves the rest: a prediction sums over hundreds of its weights.
const TUNING: f32 = 0.05;
/// Windows evaluated at once.
const TOGETHER: usize = 256;
/// Times that a run is looked at, to choose when it should have stopped.
const LOOKS: u32 = 6;

/// The parts of a network over graphs.
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
    /// As ridge regression left it, and how it is tuned.
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
            Kind::Gnn | Kind::GnnComplete | Kind::GnnWiring => Body::Graph(Box::new(graph(t, p, neurons)?)),
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
                let mut sum = fitted.apply(t, flat)?;
                if let Some(tuning) = tuning {
                    let tuned = tuning.apply(t, flat)?;
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

    /// The network's part of a change, `[batch, neurons]`.
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
                let hidden = mlp.apply(t, flat)?;
                from_nothing(t, p, "mlp.out", [2 * WIDTH, self.neurons])?.apply(t, hidden).map(Some)
            }
            Body::Recurrent(cell, out) => {
                // The whole window at first, then each new frame.
                let first = if step == 0 { 0 } else { WINDOW - 1 };
                let seen = t.slice(window, 2, first, WINDOW, 1)?;
                let seen = t.transpose(seen, &[0, 2, 1])?;
                let left = cell.apply(t, seen, *carry)?.1;
                *carry = Some(left);
                out.apply(t, left.hidden).map(Some)
            }
            Body::Graph(g) => {
                let h = g.nodes(t, window)?;
                let (u, v) = (g.ends[2].apply(t, h)?, g.ends[3].apply(t, h)?);
                let edges = match edges {
                    Some(edges) => edges,
                    None => self.edges(t, g, window)?,
                };
                let messages = t.pairwise_sum(edges, u, v, PairActivation::Relu)?;
                let both = t.concatenate(&[h, messages], -1)?;
                let hidden = g.out.apply(t, both)?;
                let change = from_nothing(t, p, "graph.out", [WIDTH, 1])?.apply(t, hidden)?;
                t.reshape(change, [batch, self.neurons]).map(Some)
            }
        }
    }

    /// Weights of the edges `[batch, receivers, senders]`, over the number of senders.
    fn edges(&self, t: &mut Tape, g: &Graph, window: Var) -> Result<Var> {
        let (batch, n) = (t.shape(window)[0], self.neurons);
        let all = match self.design.kind {
            Kind::GnnWiring => {
                let wiring = t.constant(self.wiring.clone())?;
                t.broadcast_to(wiring, [batch, n, n])?
            }
            Kind::GnnComplete => t.full([batch, n, n], 1.0)?,
            _ => {
                let h = g.nodes(t, window)?;
                let (u, v) = (g.ends[0].apply(t, h)?, g.ends[1].apply(t, h)?);
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
    /// Hidden states of the neurons, of their windows and of who they are.
    fn nodes(&self, t: &mut Tape, window: Var) -> Result<Var> {
        let [batch, n] = [0, 1].map(|i| t.shape(window)[i]);
        let who = t.broadcast_to(self.embedding, [batch, n, EMBEDDING])?;
        let both = t.concatenate(&[window, who], -1)?;
        let h = self.node.apply(t, both)?;
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

/// A layer that begins at 0, so that what it corrects begins uncorrected.
fn from_nothing(t: &mut Tape, p: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2]) -> Result<Linear> {
    let weight = p.add(t, &format!("{name}.weight"), [outputs, inputs], |_, _| Init::Zeros)?;
    Ok(Linear { weight, bias: Some(p.add(t, &format!("{name}.bias"), [outputs], |_, _| Init::Zeros)?) })
}

/// How a model did on windows of a worm.
#[derive(Debug, Clone)]
pub struct Scores {
    pub one_step: f64,
    pub all_steps: f64,
    /// Of copying the last frame.
    pub copied: [f64; 2],
    /// `[neurons × neurons]`, the mean over windows.
    pub edges: Option<Vec<f32>>,
    /// The first window: truth and prediction, `[neuron × HORIZON]`.
    pub shown: [Vec<f64>; 2],
}

impl Scores {
    /// 1 − MSE / MSE of the copy, over all steps.
    pub fn score(&self) -> f64 {
        1.0 - self.all_steps / self.copied[1]
    }
}

/// One fold: what is needed to train and judge any design on it.
pub struct Fold<'a> {
    pub device: &'a Device,
    pub data: &'a Recordings,
    pub left_out: usize,
    pub wiring: &'a HostTensor,
    training: Starts,
    choosing: Starts,
    linear: [HostTensor; 2],
    pub alpha: f32,
}

impl<'a> Fold<'a> {
    /// Fits the linear model, its penalty chosen on the end of the training worms.
    pub fn new(device: &'a Device, data: &'a Recordings, left_out: usize, wiring: &'a HostTensor) -> Result<Self> {
        let [training, _] = data.inner(left_out, WINDOW + AHEAD, 8);
        let [_, choosing] = data.inner(left_out, WINDOW + HORIZON, 8);
        let mut fold = Self {
            device,
            data,
            left_out,
            wiring,
            training,
            choosing,
            linear: [HostTensor::scalar(0.0), HostTensor::scalar(0.0)],
            alpha: 0.0,
        };
        let (mut best, mut least) = (None, f64::INFINITY);
        for alpha in [10.0, 100.0, 1000.0] {
            fold.linear = ridge(data, &fold.training, alpha)?;
            let state = fold.state()?;
            let scores = fold.judge(&state, Design { kind: Kind::Linear, corrects: false }, &fold.choosing)?;
            if scores.all_steps < least {
                (least, best) = (scores.all_steps, Some((fold.linear.clone(), alpha)));
            }
        }
        if let Some((linear, alpha)) = best {
            (fold.linear, fold.alpha) = (linear, alpha);
        }
        Ok(fold)
    }

    fn state(&self) -> Result<State> {
        let state = State::new(self.device);
        state.write("linear.weight", &self.linear[0])?;
        state.write("linear.bias", &self.linear[1])?;
        Ok(state)
    }

    /// Windows drawn by the step.
    fn batch(&self, seed: u64, step: u32) -> Result<HostTensor> {
        let draws = Philox::new(seed, u32::MAX, step);
        let starts: Starts = (0..BATCH).map(|i| self.training[draws.word(i) as usize % self.training.len()]).collect();
        self.data.windows(&starts, WINDOW + AHEAD)
    }

    /// Trains a design, keeps it as it was best on the end of the training worms, and judges it on the worm left out.
    pub fn run(&self, design: Design, steps: u32, seed: u64) -> Result<Scores> {
        let state = self.state()?;
        let test = self.data.of(self.left_out, WINDOW + HORIZON, 4);
        if design == (Design { kind: Kind::Linear, corrects: false }) {
            return self.judge(&state, design, &test);
        }
        let (mut t, mut p) = (Tape::new(), Parameters::training(seed));
        let x = t.input("windows", TensorType::f32([BATCH, self.data.neurons.len(), WINDOW + AHEAD]))?;
        let model = Model::new(&mut t, &mut p, design, self.data.neurons.len(), self.wiring)?;
        let (window, truth) = (t.slice(x, 2, 0, WINDOW, 1)?, t.slice(x, 2, WINDOW, WINDOW + AHEAD, 1)?);
        let (made, _) = model.roll(&mut t, &mut p, window, AHEAD)?;
        let loss = t.mean_squared_error(made, truth)?;
        p.descend(&mut t, loss, &Adam::decoupled(Schedule::Cosine { start: 2e-3, end: 1e-5, steps }), Some(1.0))?;
        let mut program = self.device.compile_with(&t, &[loss], &state)?;
        let names: Vec<String> = p.all().iter().map(|&v| t.describe(v)).collect();
        let kept = |state: &State| names.iter().map(|n| state.read(n)).collect::<Result<Vec<_>>>();
        let (mut best, mut least) = (kept(&state)?, self.judge(&state, design, &self.choosing)?.all_steps);
        for look in 1..=LOOKS {
            for step in (look - 1) * steps / LOOKS..look * steps / LOOKS {
                program.write(x, &self.batch(seed, step)?)?;
                program.step()?;
            }
            let found = self.judge(&state, design, &self.choosing)?.all_steps;
            if found < least {
                (best, least) = (kept(&state)?, found);
            }
        }
        names.iter().zip(&best).try_for_each(|(name, value)| state.write(name, value))?;
        self.judge(&state, design, &test)
    }

    /// How the model in `state` does on windows.
    fn judge(&self, state: &State, design: Design, starts: &Starts) -> Result<Scores> {
        let (n, mut p) = (self.data.neurons.len(), Parameters::evaluation());
        let mut t = Tape::new();
        let window = t.input("windows", TensorType::f32([TOGETHER, n, WINDOW]))?;
        let model = Model::new(&mut t, &mut p, design, n, self.wiring)?;
        let (made, edges) = model.roll(&mut t, &mut p, window, HORIZON)?;
        let mut outputs = vec![made];
        if let Some(edges) = edges {
            outputs.push(t.mean(edges, &[0], false)?);
        }
        let mut program = self.device.compile_with(&t, &outputs, state)?;
        let (mut sums, mut shown, mut found) = ([[0.0; 2]; 2], [vec![], vec![]], None);
        for lot in starts.chunks(TOGETHER) {
            // The last lot is filled up with its first window, which is not counted.
            let filled: Starts = lot.iter().copied().chain(std::iter::repeat(lot[0])).take(TOGETHER).collect();
            let all = self.data.windows(&filled, WINDOW + HORIZON)?;
            let all = all.elements::<f32>()?;
            let split = |from: usize, to: usize| all.chunks_exact(WINDOW + HORIZON).flat_map(move |s| s[from..to].iter().copied());
            let seen = HostTensor::f32([TOGETHER, n, WINDOW], split(0, WINDOW).collect())?;
            let values = program.run(&[(window, &seen)])?;
            let (made, truth): (Vec<f64>, Vec<f64>) = (values[0].to_f64_vec(), split(WINDOW, WINDOW + HORIZON).map(f64::from).collect());
            let copy: Vec<f64> = split(WINDOW - 1, WINDOW).map(f64::from).collect();
            for at in 0..lot.len() * n * HORIZON {
                let errors = [(made[at] - truth[at]).powi(2), (copy[at / HORIZON] - truth[at]).powi(2)];
                for (sum, e) in sums.iter_mut().zip(errors) {
                    sum[0] += if at % HORIZON == 0 { e } else { 0.0 };
                    sum[1] += e;
                }
            }
            if shown[0].is_empty() {
                shown = [truth[..n * HORIZON].to_vec(), made[..n * HORIZON].to_vec()];
                found = values.get(1).map(|e| e.to_f64_vec().iter().map(|&e| e as f32 * (n - 1) as f32).collect());
            }
        }
        let count = (starts.len() * n) as f64;
        let mean = |s: [f64; 2]| [s[0] / count, s[1] / count / HORIZON as f64];
        let ([one_step, all_steps], copied) = (mean(sums[0]), mean(sums[1]));
        Ok(Scores { one_step, all_steps, copied, edges: found, shown })
    }
}
