//! Classification of behavioural states from the last frames.

use crate::recordings::{Recordings, Starts, Variation, WINDOW};
use tapetum::nn::{Activation, Cell, Linear, Mlp, MlpSettings, Parameters, Pooling, Recurrent};
use tapetum::ops::message::PairActivation;
use tapetum::optim::{Adam, Schedule};
use tapetum::statistics::agreement::Confusion;
use tapetum::training::{Descent, Training};
use tapetum::{Device, HostTensor, Init, Result, State, Tape, TensorType, Var};

/// The classifier of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classifier {
    /// A linear model of the last frame, and of its difference from the frame four frames before.
    Logistic,
    /// A linear model of all frames.
    Window,
    Mlp,
    Gru,
    Gnn,
}

const BATCH: usize = 128;
const WIDTH: usize = 32;
const EMBEDDING: usize = 8;
/// The number of evaluations during a run, from which its best length is chosen.
pub const LOOKS: u32 = 4;
/// The weight decay, the same for the linear model and the others.
const DECAY: f32 = 0.05;

/// The classes of a task: for each state of the recording its class, or none.
pub fn classes(states: &[String], merged: bool) -> (Vec<i32>, Vec<&'static str>) {
    let names: &[&str] = if merged {
        &["forward", "reversal", "dorsal turn", "ventral turn"]
    } else {
        &["dt", "fwd", "rev1", "rev2", "revsus", "slow", "vt"]
    };
    let class = |state: &String| match (merged, state.as_str()) {
        (true, "fwd" | "slow") => 0,
        (true, "rev1" | "rev2" | "revsus") => 1,
        (true, "dt") => 2,
        (true, "vt") => 3,
        (false, s) => names.iter().position(|n| *n == s).map_or(-1, |at| at as i32),
        _ => -1,
    };
    (states.iter().map(class).collect(), names.to_vec())
}

/// A classification task: states to be predicted from the neurons that are given.
pub struct Task<'a> {
    pub device: &'a Device,
    pub data: &'a Recordings,
    /// The class of each state of the recording.
    pub class: &'a [i32],
    pub count: usize,
}

impl Task<'_> {
    /// The windows whose last frame has a class.
    fn told(&self, starts: Starts) -> Starts {
        starts.into_iter().filter(|&at| self.label(at) >= 0).collect()
    }

    fn label(&self, (worm, first): (usize, usize)) -> i32 {
        self.class[self.data.worms[worm].states[first + WINDOW - 1] as usize]
    }

    fn labels(&self, starts: &[(usize, usize)]) -> Vec<i32> {
        starts.iter().map(|&at| self.label(at)).collect()
    }

    /// The labelled windows of the training worms.
    fn training(&self, left_out: &[usize]) -> Starts {
        self.told(self.data.without(left_out, WINDOW))
    }

    /// The accuracy on each of a pair of worms at each evaluation, after training without both.
    pub fn curves(
        &self,
        classifier: Classifier,
        variation: Option<Variation>,
        pair: [usize; 2],
        steps: u32,
        seed: u64,
    ) -> Result<[Vec<f64>; 2]> {
        let mut curves = [Vec::new(), Vec::new()];
        let every = pair.map(|w| self.told(self.data.of(w, WINDOW, 2)));
        self.descend(classifier, variation, &self.training(&pair), (steps, LOOKS), seed, |state| {
            for (curve, starts) in curves.iter_mut().zip(&every) {
                curve.push(self.judge(state, classifier, starts)?.accuracy());
            }
            Ok(())
        })?;
        Ok(curves)
    }

    /// Trains a classifier without a worm up to the given evaluation, and tests it on that worm.
    pub fn run(
        &self,
        classifier: Classifier,
        variation: Option<Variation>,
        left_out: usize,
        run: (u32, u32),
        seed: u64,
    ) -> Result<Confusion> {
        let state = self.descend(classifier, variation, &self.training(&[left_out]), run, seed, |_| Ok(()))?;
        self.judge(&state, classifier, &self.told(self.data.of(left_out, WINDOW, 1)))
    }

    /// Trains on windows for `looks` of the LOOKS equal parts of the steps, and passes on the state before and after each part.
    fn descend(
        &self,
        classifier: Classifier,
        variation: Option<Variation>,
        training: &Starts,
        (steps, looks): (u32, u32),
        seed: u64,
        mut look: impl FnMut(&State) -> Result<()>,
    ) -> Result<State> {
        let state = State::new(self.device);
        let (mut t, mut p) = (Tape::new(), Parameters::new(seed));
        let x = t.input("windows", TensorType::f32([BATCH, self.data.neurons.len(), WINDOW]))?;
        let labels = t.input("labels", TensorType::i32([BATCH]))?;
        let logits = classifier.logits(&mut t, &mut p, x, self.count)?;
        let loss = t.cross_entropy(logits, labels)?;
        let optimiser = Adam { decay: DECAY, ..Adam::decoupled(Schedule::Cosine { start: 1e-2, end: 1e-4, steps }) };
        Descent { clip: Some(1.0), ..Descent::new(optimiser) }.record(&mut t, (loss, &[]), p.all(), steps)?;
        let mut descent = Training::new(self.device, &t, &state, steps)?.batches(|step| {
            let (starts, windows) = self.data.batch(training, [BATCH, WINDOW], variation, (seed, step))?;
            Ok(vec![(x, windows), (labels, HostTensor::i32([BATCH], self.labels(&starts))?)])
        });
        look(&state)?;
        for part in 1..=looks {
            descent.run_until(part * steps / LOOKS, |_, _| {})?;
            look(&state)?;
        }
        drop(descent);
        Ok(state)
    }

    fn judge(&self, state: &State, classifier: Classifier, starts: &Starts) -> Result<Confusion> {
        let (mut t, n) = (Tape::new(), self.data.neurons.len());
        let x = t.input("windows", TensorType::f32([starts.len(), n, WINDOW]))?;
        let logits = classifier.logits(&mut t, &mut Parameters::evaluation(), x, self.count)?;
        let best = t.argmax(logits, 1)?;
        let found = self.device.compile_with(&t, &[best], state)?.run(&[(x, &self.data.windows(starts, WINDOW)?)])?.remove(0);
        Confusion::new(self.count, &self.labels(starts), found.as_i32().unwrap_or(&[]))
    }
}

impl Classifier {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic, two frames",
            Self::Window => "logistic, all frames",
            Self::Mlp => "all frames + MLP",
            Self::Gru => "all frames + GRU",
            Self::Gnn => "all frames + GNN",
        }
    }

    /// The logits `[batch, classes]` of windows `[batch, neurons, WINDOW]`. Every network adds to the linear model's logits.
    fn logits(self, t: &mut Tape, p: &mut Parameters, x: Var, classes: usize) -> Result<Var> {
        let [batch, n] = [0, 1].map(|i| t.shape(x)[i]);
        let (last, before) = (t.slice(x, 2, WINDOW - 1, WINDOW, 1)?, t.slice(x, 2, WINDOW - 5, WINDOW - 4, 1)?);
        let change = t.sub(last, before)?;
        let seen = t.concatenate(&[last, change], 1)?;
        let seen = t.reshape(seen, [batch, 2 * n])?;
        let linear = Linear::new(t, p, "linear", [2 * n, classes])?.forward(t, seen)?;
        if self == Self::Logistic {
            return Ok(linear);
        }
        let flat = t.reshape(x, [batch, n * WINDOW])?;
        let window = Linear::new(t, p, "window", [n * WINDOW, classes])?.forward(t, flat)?;
        let linear = t.add(linear, window)?;
        let network = match self {
            Self::Logistic | Self::Window => return Ok(linear),
            Self::Mlp => {
                let settings = MlpSettings { dropout: 0.3, ..MlpSettings::new(&[n * WINDOW, 2 * WIDTH, classes], Activation::Relu) };
                Mlp::new(t, p, "mlp", settings)?.forward(t, flat)?
            }
            Self::Gru => {
                let turned = t.transpose(x, &[0, 2, 1])?;
                let left = Recurrent::new(t, p, "cell", Cell::Gru, [n, WIDTH])?.forward(t, turned, None)?.1;
                Linear::new(t, p, "out", [WIDTH, classes])?.forward(t, left.hidden)?
            }
            Self::Gnn => {
                let messages = messages(t, p, x)?;
                let pooled = Pooling::Mean.forward(t, messages)?;
                let (seed, stream) = p.draws();
                let pooled = if p.is_training() { t.dropout(pooled, 0.3, seed, stream)? } else { pooled };
                Linear::new(t, p, "out", [2 * WIDTH, classes])?.forward(t, pooled)?
            }
        };
        t.add(linear, network)
    }
}

/// The hidden states of the neurons and the messages along inferred edges, `[batch, neurons, 2 WIDTH]`.
fn messages(t: &mut Tape, p: &mut Parameters, x: Var) -> Result<Var> {
    let [batch, n] = [0, 1].map(|i| t.shape(x)[i]);
    let embedding = p.add(t, "embedding", [n, EMBEDDING], |seed, stream| Init::Normal { mean: 0.0, std: 0.3, seed, stream })?;
    let who = t.broadcast_to(embedding, [batch, n, EMBEDDING])?;
    let both = t.concatenate(&[x, who], -1)?;
    let h = Linear::new(t, p, "node", [WINDOW + EMBEDDING, WIDTH])?.forward(t, both)?;
    let h = t.relu(h)?;
    let mut ends = [h; 4];
    for (end, name) in ends.iter_mut().zip(["asks", "answers", "receiver", "sender"]) {
        *end = Linear::new(t, p, name, [WIDTH, WIDTH])?.forward(t, h)?;
    }
    let scores = p.add(t, "scores", [1, WIDTH], |seed, stream| Init::glorot(WIDTH, 1, seed, stream))?;
    let logits = t.pairwise_dot(ends[0], ends[1], scores, PairActivation::Relu)?;
    let logits = t.reshape(logits, [batch, n, n])?;
    let edges = t.sigmoid(logits)?;
    let edges = t.without_diagonal(edges)?;
    let edges = t.scale(edges, 1.0 / (n - 1) as f32)?;
    let heard = t.pairwise_sum(edges, ends[2], ends[3], PairActivation::Relu)?;
    t.concatenate(&[h, heard], -1)
}
