//! Models trained and tested on roll-outs from their own predictions.

use crate::linear::ridge;
use crate::model::{Design, Kind, Model};
use crate::recordings::{HORIZON, Recordings, Starts, Variation, WINDOW};
use tapetum::nn::Parameters;
use tapetum::optim::{Adam, Schedule};
use tapetum::training::{Descent, Training};
use tapetum::{Device, HostTensor, Result, State, Tape, TensorType};

const BATCH: usize = 64;
/// The number of frames rolled out in training.
pub const AHEAD: usize = 8;
/// The number of windows evaluated at once.
const TOGETHER: usize = 256;
/// The number of evaluations during a run, from which its best length is chosen.
pub const LOOKS: u32 = 5;

/// The settings of a network's training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    pub variation: Option<Variation>,
    pub steps: u32,
    /// The initial learning rate, which falls to a two-hundredth along half a cosine.
    pub rate: f32,
}

/// The predictions for windows of a worm.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// `[window, neuron, HORIZON]`.
    pub made: Vec<f32>,
    /// Inferred edges `[neurons × neurons]`, the mean over windows.
    pub edges: Option<Vec<f32>>,
}

/// The scores of predictions.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    pub one_step: f64,
    pub all_steps: f64,
    /// The scores of copying the last frame.
    pub copied: [f64; 2],
}

impl Scores {
    /// The scores of predictions for windows.
    pub fn of(made: &[f32], data: &Recordings, starts: &Starts) -> Result<Self> {
        let windows = data.windows(starts, WINDOW + HORIZON)?;
        let mut sums = [[0.0; 2]; 2];
        for (made, seen) in made.chunks_exact(HORIZON).zip(windows.elements::<f32>()?.chunks_exact(WINDOW + HORIZON)) {
            for (step, (made, truth)) in made.iter().zip(&seen[WINDOW..]).enumerate() {
                for (sum, guess) in sums.iter_mut().zip([*made, seen[WINDOW - 1]]) {
                    let error = f64::from(guess - truth).powi(2);
                    sum[0] += if step == 0 { error } else { 0.0 };
                    sum[1] += error;
                }
            }
        }
        let count = (made.len() / HORIZON) as f64;
        let [[one_step, all_steps], copied] = sums.map(|[one, all]| [one / count, all / count / HORIZON as f64]);
        Ok(Self { one_step, all_steps, copied })
    }

    /// The skill score 1 − MSE / MSE of copying the last frame, over all steps.
    pub fn score(&self) -> f64 {
        1.0 - self.all_steps / self.copied[1]
    }
}

/// A model's parameters by name, the linear model's among them.
pub type Trained = Vec<(String, HostTensor)>;

/// The training worms, and the initial models that all runs on them share.
pub struct Trial<'a> {
    pub device: &'a Device,
    pub data: &'a Recordings,
    pub wiring: &'a HostTensor,
    starts: Starts,
    linear: Trained,
}

impl<'a> Trial<'a> {
    /// Fits the linear model to every worm but those left out.
    pub fn new(device: &'a Device, data: &'a Recordings, wiring: &'a HostTensor, left_out: &[usize], alpha: f32) -> Result<Self> {
        let starts = data.without(left_out, WINDOW + AHEAD);
        let linear = ridge(data, &starts, alpha, None)?;
        Ok(Self { device, data, wiring, starts, linear: named(linear) })
    }

    /// The linear model alone.
    pub fn linear(&self) -> &Trained {
        &self.linear
    }

    /// The windows to which it was fitted.
    pub fn starts(&self) -> &Starts {
        &self.starts
    }

    /// The score on each of the `judged` worms before the first step and at each evaluation.
    pub fn curves<const N: usize>(
        &self,
        (from, starts): (&Trained, &Starts),
        (design, setting): (Design, &Setting),
        judged: [&Starts; N],
        seed: u64,
    ) -> Result<[Vec<f64>; N]> {
        let mut curves = judged.map(|_| Vec::new());
        let look = |state: &State| {
            for (curve, starts) in curves.iter_mut().zip(judged) {
                let forecast = self.forecast_by(state, design, starts)?;
                curve.push(Scores::of(&forecast.made, self.data, starts)?.score());
            }
            Ok(())
        };
        self.descend((from, starts), (design, setting), LOOKS, seed, look)?;
        Ok(curves)
    }

    /// The parameters of a design after this number of evaluations.
    pub fn train(&self, from: (&Trained, &Starts), design: (Design, &Setting), looks: usize, seed: u64) -> Result<Trained> {
        self.descend(from, design, looks as u32, seed, |_| Ok(()))
    }

    /// Trains from these parameters on these windows for `looks` of the LOOKS equal parts of the setting's steps, and passes on the state
    /// before and after each part.
    fn descend(
        &self,
        (from, starts): (&Trained, &Starts),
        (design, setting): (Design, &Setting),
        looks: u32,
        seed: u64,
        mut look: impl FnMut(&State) -> Result<()>,
    ) -> Result<Trained> {
        let state = self.state(from)?;
        let (mut t, mut p) = (Tape::new(), Parameters::new(seed));
        let x = t.input("windows", TensorType::f32([BATCH, self.data.neurons.len(), WINDOW + AHEAD]))?;
        let model = Model::new(&mut t, &mut p, design, self.data.neurons.len(), self.wiring)?;
        let (window, truth) = (t.slice(x, 2, 0, WINDOW, 1)?, t.slice(x, 2, WINDOW, WINDOW + AHEAD, 1)?);
        let (made, _) = model.roll(&mut t, &mut p, window, AHEAD)?;
        let loss = t.mean_squared_error(made, truth)?;
        let rate = Schedule::Cosine { start: setting.rate, end: setting.rate / 200.0, steps: setting.steps };
        Descent { clip: Some(1.0), ..Descent::new(Adam::decoupled(rate)) }.record(&mut t, (loss, &[]), p.all(), setting.steps)?;
        let mut training = Training::new(self.device, &t, &state, setting.steps)?.batches(|step| {
            let (_, windows) = self.data.batch(starts, [BATCH, WINDOW + AHEAD], setting.variation, (seed, step))?;
            Ok(vec![(x, windows)])
        });
        look(&state)?;
        for part in 1..=looks {
            training.run_until(part * setting.steps / LOOKS, |_, _| {})?;
            look(&state)?;
        }
        let names = p.all().iter().map(|&v| t.describe(v)).chain(from.iter().map(|(name, _)| name.clone()));
        names.map(|name| Ok((name.clone(), state.read(&name)?))).collect()
    }

    fn state(&self, of: &Trained) -> Result<State> {
        let state = State::new(self.device);
        of.iter().try_for_each(|(name, value)| state.write(name, value))?;
        Ok(state)
    }

    /// The predictions of a trained model for windows.
    pub fn forecast(&self, trained: &Trained, design: Design, starts: &Starts) -> Result<Forecast> {
        self.forecast_by(&self.state(trained)?, design, starts)
    }

    fn forecast_by(&self, state: &State, design: Design, starts: &Starts) -> Result<Forecast> {
        let (n, mut p) = (self.data.neurons.len(), Parameters::evaluation());
        let mut t = Tape::new();
        let window = t.input("windows", TensorType::f32([TOGETHER, n, WINDOW]))?;
        let model = Model::new(&mut t, &mut p, design, n, self.wiring)?;
        let (made, edges) = model.roll(&mut t, &mut p, window, HORIZON)?;
        let outputs: Vec<_> = [Some(made), edges].into_iter().flatten().collect();
        let mut program = self.device.compile_with(&t, &outputs, state)?;
        let mut forecast = Forecast { made: Vec::new(), edges: edges.map(|_| vec![0.0; n * n]) };
        for lot in starts.chunks(TOGETHER) {
            // The last batch is padded with its first window, which is not counted.
            let filled: Starts = lot.iter().copied().chain(std::iter::repeat(lot[0])).take(TOGETHER).collect();
            let values = program.run(&[(window, &self.data.windows(&filled, WINDOW)?)])?;
            forecast.made.extend_from_slice(&values[0].elements::<f32>()?[..lot.len() * n * HORIZON]);
            if let (Some(sum), Some(edges)) = (&mut forecast.edges, values.get(1)) {
                // The weights are divided by the number of senders; here they become the gates themselves.
                let scale = (n - 1) as f32 / starts.len() as f32;
                for graph in edges.elements::<f32>()?.chunks_exact(n * n).take(lot.len()) {
                    sum.iter_mut().zip(graph).for_each(|(s, e)| *s += scale * e);
                }
            }
        }
        Ok(forecast)
    }
}

/// The linear model's parameters under their names.
pub fn named([weight, bias]: [HostTensor; 2]) -> Trained {
    vec![("linear.weight".into(), weight), ("linear.bias".into(), bias)]
}

/// The linear model as a design.
pub const LINEAR: Design = Design { kind: Kind::Linear, corrects: false };
