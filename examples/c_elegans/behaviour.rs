//! Behavioural states from the last frames.

use crate::recordings::{Recordings, Starts, WINDOW};
use tapetum::nn::metrics::Confusion;
use tapetum::nn::{Activation, Cell, Linear, Mlp, MlpSettings, Parameters, Pooling, Recurrent};
use tapetum::ops::message::PairActivation;
use tapetum::optim::{Adam, Schedule};
use tapetum::tensor::Philox;
use tapetum::{Device, HostTensor, Init, Result, State, Tape, TensorType, Var};

/// What tells the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classifier {
    /// The last frame, and how it differs from four frames before, weighed linearly.
    Logistic,
    Mlp,
    Gru,
    Gnn,
}

const BATCH: usize = 128;
const WIDTH: usize = 32;
const EMBEDDING: usize = 8;
const LOOKS: u32 = 6;
/// Weight decay, of the linear model and of the others alike.
const DECAY: f32 = 0.05;

/// The states a task tells apart: a class for each of the recording's, or none.
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

/// A worm left out, and the neurons that are seen.
pub struct Task<'a> {
    pub device: &'a Device,
    pub data: &'a Recordings,
    pub left_out: usize,
    /// By state of the recording.
    pub class: &'a [i32],
    pub count: usize,
}

impl Task<'_> {
    /// Windows whose last frame is of a class.
    fn told(&self, starts: Starts) -> Starts {
        starts.into_iter().filter(|&at| self.label(at) >= 0).collect()
    }

    fn label(&self, (worm, first): (usize, usize)) -> i32 {
        self.class[self.data.worms[worm].states[first + WINDOW - 1] as usize]
    }

    fn labels(&self, starts: &[(usize, usize)]) -> Vec<i32> {
        starts.iter().map(|&at| self.label(at)).collect()
    }

    /// Trains a classifier, keeps it as it was best on the end of the training worms, and judges it on the worm left out.
    pub fn run(&self, classifier: Classifier, steps: u32, seed: u64) -> Result<Confusion> {
        let [training, choosing] = self.data.inner(self.left_out, WINDOW, 2);
        let (training, choosing, test) = (self.told(training), self.told(choosing), self.told(self.data.of(self.left_out, WINDOW, 1)));
        let state = State::new(self.device);
        let (mut t, mut p) = (Tape::new(), Parameters::training(seed));
        let x = t.input("windows", TensorType::f32([BATCH, self.data.neurons.len(), WINDOW]))?;
        let labels = t.input("labels", TensorType::i32([BATCH]))?;
        let logits = classifier.logits(&mut t, &mut p, x, self.count)?;
        let loss = t.cross_entropy(logits, labels, None, 0.0)?;
        let optimiser = Adam { decay: DECAY, ..Adam::decoupled(Schedule::Cosine { start: 1e-2, end: 1e-4, steps }) };
        p.descend(&mut t, loss, &optimiser, Some(1.0))?;
        let mut program = self.device.compile_with(&t, &[loss], &state)?;
        let names: Vec<String> = p.all().iter().map(|&v| t.describe(v)).collect();
        let (mut best, mut most) = (Vec::new(), -1.0);
        for look in 1..=LOOKS {
            for step in (look - 1) * steps / LOOKS..look * steps / LOOKS {
                let draws = Philox::new(seed, u32::MAX - 1, step);
                let starts: Starts = (0..BATCH).map(|i| training[draws.word(i) as usize % training.len()]).collect();
                program.write(x, &self.data.windows(&starts, WINDOW)?)?;
                program.write(labels, &HostTensor::i32([BATCH], self.labels(&starts))?)?;
                program.step()?;
            }
            let found = self.judge(&state, classifier, &choosing)?.accuracy();
            if found > most {
                most = found;
                best = names.iter().map(|n| state.read(n)).collect::<Result<_>>()?;
            }
        }
        names.iter().zip(&best).try_for_each(|(name, value)| state.write(name, value))?;
        self.judge(&state, classifier, &test)
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
    /// Logits `[batch, classes]` of windows `[batch, neurons, WINDOW]`. Every network adds to the linear model's.
    fn logits(self, t: &mut Tape, p: &mut Parameters, x: Var, classes: usize) -> Result<Var> {
        let [batch, n] = [0, 1].map(|i| t.shape(x)[i]);
        let (last, before) = (t.slice(x, 2, WINDOW - 1, WINDOW, 1)?, t.slice(x, 2, WINDOW - 5, WINDOW - 4, 1)?);
        let change = t.sub(last, before)?;
        let seen = t.concatenate(&[last, change], 1)?;
        let seen = t.reshape(seen, [batch, 2 * n])?;
        let linear = Linear::new(t, p, "linear", [2 * n, classes])?.apply(t, seen)?;
        let network = match self {
            Self::Logistic => return Ok(linear),
            Self::Mlp => {
                let flat = t.reshape(x, [batch, n * WINDOW])?;
                let settings = MlpSettings { dropout: 0.3, ..MlpSettings::new(&[n * WINDOW, 2 * WIDTH, classes], Activation::Relu) };
                Mlp::new(t, p, "mlp", settings)?.apply(t, flat)?
            }
            Self::Gru => {
                let turned = t.transpose(x, &[0, 2, 1])?;
                let left = Recurrent::new(t, p, "cell", Cell::Gru, [n, WIDTH])?.apply(t, turned, None)?.1;
                Linear::new(t, p, "out", [WIDTH, classes])?.apply(t, left.hidden)?
            }
            Self::Gnn => {
                let messages = messages(t, p, x)?;
                let pooled = Pooling::Mean.apply(t, messages)?;
                let (seed, stream) = p.draws();
                let pooled = if p.is_training() { t.dropout(pooled, 0.3, seed, stream)? } else { pooled };
                Linear::new(t, p, "out", [2 * WIDTH, classes])?.apply(t, pooled)?
            }
        };
        t.add(linear, network)
    }
}

/// Hidden states of the neurons, and what they hear along inferred edges: `[batch, neurons, 2 WIDTH]`.
fn messages(t: &mut Tape, p: &mut Parameters, x: Var) -> Result<Var> {
    let [batch, n] = [0, 1].map(|i| t.shape(x)[i]);
    let embedding = p.add(t, "embedding", [n, EMBEDDING], |seed, stream| Init::Normal { mean: 0.0, std: 0.3, seed, stream })?;
    let who = t.broadcast_to(embedding, [batch, n, EMBEDDING])?;
    let both = t.concatenate(&[x, who], -1)?;
    let h = Linear::new(t, p, "node", [WINDOW + EMBEDDING, WIDTH])?.apply(t, both)?;
    let h = t.relu(h)?;
    let mut ends = [h; 4];
    for (end, name) in ends.iter_mut().zip(["asks", "answers", "receiver", "sender"]) {
        *end = Linear::new(t, p, name, [WIDTH, WIDTH])?.apply(t, h)?;
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
