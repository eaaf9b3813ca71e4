//! Networks trained under a strategy, and the connectomes of their hidden units: two fully connected layers, preceded by convolutions where
//! images have colours.

use super::images::Images;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tapetum::nn::{BatchNorm, Linear, Parameters, Spacing};
use tapetum::optim::Sgd;
use tapetum::training::{Descent, Training};
use tapetum::{Device, HostTensor, Init, Result, State, Tape, TensorType, Var};

/// The batch size, as in the paper.
pub const BATCH: usize = 50;
const RATE: f32 = 0.01;
const MOMENTUM: f32 = 0.9;
const SLOPE: f32 = 0.01;
const DROPOUT: f32 = 0.3;
const DECAY: f32 = 1e-3;

/// The number of stimuli processed at once; the windows of convolutions take much memory.
const SHOWN: usize = 250;

/// The training strategy of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    Plain,
    /// Batch norm after each activation.
    BatchNorm,
    /// Weight decay.
    Decay,
    /// Dropout after the first layer; in a network with convolutions after each pooling, and after both layers.
    Dropout,
}

impl Strategy {
    pub const ALL: [Self; 4] = [Self::Plain, Self::BatchNorm, Self::Decay, Self::Dropout];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::BatchNorm => "batch norm",
            Self::Decay => "L2",
            Self::Dropout => "dropout",
        }
    }
}

/// The sizes of the networks in a study.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The filters of three blocks, each with two convolutions of 3 × 3 and a pooling of 2 × 2; `None` for images without colours.
    pub filters: Option<[usize; 3]>,
    pub hidden: [usize; 2],
    /// The number of training steps, each with [`BATCH`] images.
    pub steps: usize,
}

/// A network during recording.
struct Recorder<'a> {
    tape: &'a mut Tape,
    parameters: &'a mut Parameters,
    how: Strategy,
}

impl Recorder<'_> {
    /// Batch norm over the last axis, where the strategy has it.
    fn normed(&mut self, name: &str, x: Var) -> Result<Var> {
        if self.how != Strategy::BatchNorm {
            return Ok(x);
        }
        let features = self.tape.shape(x).last().copied().unwrap_or(1);
        BatchNorm::new(self.tape, self.parameters, name, features)?.forward(self.tape, x)
    }

    fn dropped(&mut self, x: Var) -> Result<Var> {
        if self.how != Strategy::Dropout || !self.parameters.is_training() {
            return Ok(x);
        }
        let (seed, stream) = self.parameters.draws();
        self.tape.dropout(x, DROPOUT, seed, stream)
    }

    /// A convolution of 3 × 3 that keeps the size of the images, initialised as in PyTorch.
    fn convolution(&mut self, name: &str, x: Var, filters: usize) -> Result<Var> {
        let inputs = self.tape.shape(x)[1];
        let bound = 1.0 / (9.0 * inputs as f32).sqrt();
        let draw = |seed, stream| Init::Uniform { low: -bound, high: bound, seed, stream };
        let kernels = self.parameters.add(self.tape, &format!("{name}.weight"), [filters, inputs, 3, 3], draw)?;
        let bias = self.parameters.add(self.tape, &format!("{name}.bias"), [filters], draw)?;
        self.tape.convolution_2d(x, kernels, Some(bias), Spacing { padding: 1, ..Spacing::default() })
    }

    /// The output of the blocks for x `[images, channels, height, width]`, as rows.
    fn blocks(&mut self, mut x: Var, filters: [usize; 3]) -> Result<Var> {
        for (block, filters) in filters.into_iter().enumerate() {
            for layer in 0..2 {
                let y = self.convolution(&format!("block{block}.{layer}"), x, filters)?;
                let y = self.tape.leaky_relu(y, SLOPE)?;
                let y = self.tape.transpose(y, &[0, 2, 3, 1])?;
                let y = self.normed(&format!("block{block}.norm{layer}"), y)?;
                x = self.tape.transpose(y, &[0, 3, 1, 2])?;
            }
            x = self.tape.max_pool_2d(x, 2)?;
            x = self.dropped(x)?;
        }
        let shape = self.tape.shape(x);
        self.tape.reshape(x, [shape[0], shape[1..].iter().product()])
    }
}

/// The logits of x `[images, pixels]`, and the activations of the hidden units, `[units, images]`.
pub fn record(
    tape: &mut Tape,
    parameters: &mut Parameters,
    how: Strategy,
    settings: &Settings,
    images: &Images,
    x: Var,
) -> Result<(Var, Var)> {
    let mut r = Recorder { tape, parameters, how };
    let (mut y, mut units) = (x, Vec::new());
    if let Some(filters) = settings.filters {
        let [channels, height, width] = images.extents;
        y = r.tape.reshape(y, [r.tape.shape(x)[0], channels, height, width])?;
        y = r.blocks(y, filters)?;
    }
    for (layer, &units_here) in settings.hidden.iter().enumerate() {
        let inputs = r.tape.shape(y)[1];
        y = Linear::new(r.tape, r.parameters, &format!("layer{layer}"), [inputs, units_here])?.forward(r.tape, y)?;
        y = r.tape.leaky_relu(y, SLOPE)?;
        // The authors take the activations before batch norm.
        units.push(y);
        y = r.normed(&format!("norm{layer}"), y)?;
        if layer == 0 || settings.filters.is_some() {
            y = r.dropped(y)?;
        }
    }
    let logits = Linear::new(r.tape, r.parameters, "out", [settings.hidden[1], images.classes()])?.forward(r.tape, y)?;
    let units = r.tape.concatenate(&units, 1)?;
    Ok((logits, r.tape.transpose(units, &[1, 0])?))
}

/// The optimiser of a strategy.
pub fn optimiser(how: Strategy) -> Sgd {
    let decay = if how == Strategy::Decay { DECAY } else { 0.0 };
    Sgd { momentum: MOMENTUM, decay, ..Sgd::new(RATE) }
}

/// The input of a program for `count` images.
fn input(tape: &mut Tape, images: &Images, count: usize) -> Result<Var> {
    tape.input("images", TensorType::f32([count, images.extents.iter().product()]))
}

/// Trains a network with a seed, and returns its state.
fn train(device: &Device, images: &Images, settings: &Settings, how: Strategy, seed: u64) -> Result<State> {
    let mut tape = Tape::new();
    let x = input(&mut tape, images, BATCH)?;
    let labels = tape.input("labels", TensorType::i32([BATCH]))?;
    let mut parameters = Parameters::new(seed);
    let (logits, _) = record(&mut tape, &mut parameters, how, settings, images, x)?;
    let loss = tape.cross_entropy(logits, labels)?;
    let steps = settings.steps as u32;
    Descent::new(optimiser(how)).record(&mut tape, (loss, &[]), parameters.all(), steps)?;
    let state = State::new(device);
    let batch = |step: u32| {
        let (batch, classes) = images.batch(BATCH, seed, step as usize)?;
        Ok(vec![(x, batch), (labels, classes)])
    };
    Training::new(device, &tape, &state, steps)?.batches(batch).run(|_, _| {})?;
    Ok(state)
}

/// The activations of a network's units over stimuli, `[units, stimuli]`, and its accuracy on them.
fn activations(
    device: &Device,
    images: &Images,
    settings: &Settings,
    how: Strategy,
    state: &State,
    which: &[usize],
) -> Result<(HostTensor, f64)> {
    let mut tape = Tape::new();
    let together = SHOWN.min(which.len());
    let x = input(&mut tape, images, together)?;
    let (logits, units) = record(&mut tape, &mut Parameters::evaluation(), how, settings, images, x)?;
    let named = tape.argmax(logits, 1)?;
    let mut program = device.compile_with(&tape, &[named, units], state)?;
    let count = settings.hidden.iter().sum::<usize>();
    let (mut rows, mut right) = (vec![Vec::with_capacity(which.len()); count], 0);
    for part in which.chunks(together.max(1)) {
        // The last part is padded with its own first stimuli, whose results are dropped.
        let filled: Vec<usize> = part.iter().copied().cycle().take(together).collect();
        let made = program.run(&[(x, &images.rows(&filled)?)])?;
        let named = made[0].to_f64_vec();
        right += part.iter().zip(named).filter(|(i, named)| f64::from(images.labels[**i]) == *named).count();
        let values = made[1].elements::<f32>()?;
        rows.iter_mut().zip(values.chunks(together)).for_each(|(row, values)| row.extend(&values[..part.len()]));
    }
    Ok((HostTensor::f32([count, which.len()], rows.concat())?, right as f64 / which.len().max(1) as f64))
}

/// The connectome of a trained network, and its accuracy.
struct Connectome {
    /// The weights, `[units, units]`.
    weights: HostTensor,
    /// The accuracy on its stimuli.
    right: f64,
}

fn connectome(device: &Device, (units, right): (HostTensor, f64)) -> Result<Connectome> {
    let mut tape = Tape::new();
    let x = tape.input("units", units.ty())?;
    let w = tape.absolute_correlation(x)?;
    let weights = device.compile(&tape, &[w])?.run(&[(x, &units)])?.swap_remove(0);
    Ok(Connectome { weights, right })
}

/// The connectomes `[networks, units, units]`, and the accuracy of each network on its stimuli.
pub struct Connectomes {
    pub stack: HostTensor,
    pub right: Vec<f64>,
}

/// Trains a network for each job, which is a strategy and the class of its stimuli, and computes its connectome. The host runs one network
/// on each core.
pub fn connectomes(
    device: &Device,
    images: &Images,
    settings: &Settings,
    jobs: &[(Strategy, Option<u8>)],
    first_seed: u64,
) -> Result<Connectomes> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if matches!(device, Device::Cpu(_)) { cores } else { 1 };
    let (next, made) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(how, class)) = jobs.get(job) else { return };
            let network = train(device, images, settings, how, first_seed + job as u64)
                .and_then(|state| activations(device, images, settings, how, &state, &images.shown(class)))
                .and_then(|units| connectome(device, units));
            made.lock().unwrap_or_else(PoisonError::into_inner).push((job, network));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(job, _)| *job);
    let (mut weights, mut right) = (Vec::new(), Vec::new());
    for (_, network) in made {
        let network = network?;
        weights.extend(network.weights.elements::<f32>()?);
        right.push(network.right);
    }
    let units = settings.hidden.iter().sum::<usize>();
    Ok(Connectomes { stack: HostTensor::f32([jobs.len(), units, units], weights)?, right })
}
