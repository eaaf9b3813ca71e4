//! Models trained on roll-outs from their own predictions, and judged by them.

use crate::linear::ridge;
use crate::model::{Design, Kind, Model};
use crate::recordings::{HORIZON, Recordings, Starts, WINDOW};
use tapetum::nn::Parameters;
use tapetum::optim::{Adam, Schedule};
use tapetum::tensor::Philox;
use tapetum::{Device, HostTensor, Result, State, Tape, TensorType};

const BATCH: usize = 64;
/// Frames rolled out in training.
const AHEAD: usize = 12;
/// Windows evaluated at once.
const TOGETHER: usize = 256;
/// Times that a run is looked at, to choose when it should have stopped.
const LOOKS: u32 = 6;

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
