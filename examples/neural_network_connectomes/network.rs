//! Networks of two hidden layers, trained under a strategy; and the connectomes of their hidden units.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tapetum::data::{Bytes, read_idx, read_idx_bytes};
use tapetum::nn::{BatchNorm, Linear, Parameters};
use tapetum::optim::Sgd;
use tapetum::tensor::Philox;
use tapetum::{Device, Error, HostTensor, Result, State, Tape, TensorType, Var};

/// As the authors train.
pub const BATCH: usize = 50;
const RATE: f32 = 0.01;
const MOMENTUM: f32 = 0.9;
const SLOPE: f32 = 0.01;
const DROPOUT: f32 = 0.3;
const DECAY: f32 = 1e-3;

/// How a network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    Plain,
    /// Batch norm after each activation.
    BatchNorm,
    /// Weight decay.
    Decay,
    /// Dropout after the first layer.
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

/// Sizes of a study's networks.
#[derive(Debug, Clone)]
pub struct Settings {
    pub hidden: [usize; 2],
    /// Steps of training, of [`BATCH`] images each.
    pub steps: usize,
}

/// Images in [0, 1] and their classes.
pub struct Images {
    pub name: String,
    pub pixels: Vec<f32>,
    pub labels: Vec<u8>,
}

impl Images {
    /// The digits that ship, or the training images of the idx files in a folder.
    pub fn read(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else {
            let images = read_idx_bytes("mnist_5k_images_idx3.gz", include_bytes!("../data/mnist_5k_images_idx3.gz"))?;
            let labels = read_idx_bytes("mnist_5k_labels_idx1.gz", include_bytes!("../data/mnist_5k_labels_idx1.gz"))?;
            return Ok(Self::of("5,000 digits of MNIST".into(), images, labels));
        };
        let listed = std::fs::read_dir(folder).map_err(|e| Error::file(folder, format!("cannot be read: {e}")))?;
        let paths: Vec<_> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        let find = |part: &str| {
            let found = paths.iter().find(|p| p.file_name().is_some_and(|name| name.to_string_lossy().contains(part)));
            found.ok_or_else(|| Error::file(folder, format!("no file `*{part}*`: the four idx files of a data set are expected")))
        };
        let (images, labels) = (read_idx(find("train-images")?)?, read_idx(find("train-labels")?)?);
        if images.shape.rank() != 3 || images.shape[0] != labels.elements.len() {
            let what = format!("images {} and {} labels: [images, height, width] and as many labels expected", images.shape, labels.shape);
            return Err(Error::file(folder, what));
        }
        Ok(Self::of(folder.display().to_string(), images, labels))
    }

    fn of(name: String, images: Bytes, labels: Bytes) -> Self {
        Self { name, pixels: images.elements.iter().map(|&b| f32::from(b) / 255.0).collect(), labels: labels.elements }
    }

    /// Pixels of an image.
    pub fn width(&self) -> usize {
        self.pixels.len() / self.labels.len().max(1)
    }

    /// These images in rows, `[images, pixels]`.
    pub fn rows(&self, which: &[usize]) -> Result<HostTensor> {
        let width = self.width();
        HostTensor::f32([which.len(), width], which.iter().flat_map(|&i| &self.pixels[i * width..][..width]).copied().collect())
    }

    /// A batch and its labels.
    pub fn batch(&self, seed: u64, step: usize) -> Result<(HostTensor, HostTensor)> {
        let draws = Philox::new(seed, u32::MAX, step as u32);
        let which: Vec<usize> = (0..BATCH).map(|i| draws.word(i) as usize % self.labels.len()).collect();
        let labels = which.iter().map(|&i| self.labels[i].into()).collect();
        Ok((self.rows(&which)?, HostTensor::i32([BATCH], labels)?))
    }

    /// The stimuli of a class, or every so many of all: at most 10,000, as the authors take.
    pub fn stimuli(&self, class: Option<u8>) -> Vec<usize> {
        let all: Vec<usize> = (0..self.labels.len()).filter(|&i| class.is_none_or(|c| self.labels[i] == c)).collect();
        let most = if class.is_some() { 1000 } else { 10_000 };
        all.iter().copied().step_by(all.len().div_ceil(most).max(1)).collect()
    }
}

/// The logits of x `[images, pixels]`, and the connectome of the hidden units over these images.
pub fn record(tape: &mut Tape, parameters: &mut Parameters, how: Strategy, hidden: [usize; 2], x: Var) -> Result<(Var, Var)> {
    let widths = [tape.shape(x)[1], hidden[0], hidden[1]];
    let (mut y, mut units) = (x, Vec::new());
    for layer in 0..2 {
        y = Linear::new(tape, parameters, &format!("layer{layer}"), [widths[layer], widths[layer + 1]])?.apply(tape, y)?;
        y = tape.leaky_relu(y, SLOPE)?;
        // The authors look at units before they are normed.
        units.push(y);
        if how == Strategy::BatchNorm {
            y = BatchNorm::new(tape, parameters, &format!("norm{layer}"), widths[layer + 1])?.apply(tape, y)?;
        }
        if how == Strategy::Dropout && layer == 0 && parameters.is_training() {
            let (seed, stream) = parameters.draws();
            y = tape.dropout(y, DROPOUT, seed, stream)?;
        }
    }
    let logits = Linear::new(tape, parameters, "out", [hidden[1], 10])?.apply(tape, y)?;
    let units = tape.concatenate(&units, 1)?;
    let units = tape.transpose(units, &[1, 0])?;
    Ok((logits, tape.absolute_correlation(units)?))
}

/// The optimiser of a strategy.
pub fn optimiser(how: Strategy) -> Sgd {
    let decay = if how == Strategy::Decay { DECAY } else { 0.0 };
    Sgd { momentum: MOMENTUM, decay, ..Sgd::new(RATE) }
}

/// Trains a network from a seed: the state it leaves.
fn train(device: &Device, images: &Images, settings: &Settings, how: Strategy, seed: u64) -> Result<State> {
    let mut tape = Tape::new();
    let x = tape.input("images", TensorType::f32([BATCH, images.width()]))?;
    let labels = tape.input("labels", TensorType::i32([BATCH]))?;
    let mut parameters = Parameters::training(seed);
    let (logits, _) = record(&mut tape, &mut parameters, how, settings.hidden, x)?;
    let loss = tape.cross_entropy(logits, labels, None, 0.0)?;
    let gradients = tape.gradient(loss, parameters.all())?;
    let pairs: Vec<_> = parameters.all().iter().copied().zip(gradients).collect();
    optimiser(how).apply(&mut tape, &pairs)?;
    let state = State::new(device);
    let mut program = device.compile_with(&tape, &[loss], &state)?;
    for step in 0..settings.steps {
        let (batch, classes) = images.batch(seed, step)?;
        program.write(x, &batch)?;
        program.write(labels, &classes)?;
        program.step()?;
    }
    Ok(state)
}

/// A network's connectome `[units, units]` over stimuli, and the share of them that it names rightly.
fn connectome(device: &Device, images: &Images, settings: &Settings, how: Strategy, state: &State, which: &[usize]) -> Result<Connectome> {
    let mut tape = Tape::new();
    let x = tape.input("images", TensorType::f32([which.len(), images.width()]))?;
    let mut parameters = Parameters::evaluation();
    let (logits, connectome) = record(&mut tape, &mut parameters, how, settings.hidden, x)?;
    let named = tape.argmax(logits, 1)?;
    let mut program = device.compile_with(&tape, &[named, connectome], state)?;
    let made = program.run(&[(x, &images.rows(which)?)])?;
    let named = made[0].to_f64_vec();
    let right = which.iter().zip(named).filter(|(i, named)| f64::from(images.labels[**i]) == *named).count();
    Ok(Connectome { weights: made[1].clone(), right: right as f64 / which.len() as f64 })
}

/// What is kept of a trained network.
pub struct Connectome {
    pub weights: HostTensor,
    /// The share of its stimuli that it names rightly; it has seen them in training.
    pub right: f64,
}

/// Connectomes in a stack `[networks, units, units]`, and the share of stimuli each network names rightly.
pub struct Connectomes {
    pub stack: HostTensor,
    pub right: Vec<f64>,
}

/// Trains a network for each job, a strategy and the class of its stimuli, and takes its connectome. On the host a network to a core.
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
                .and_then(|state| connectome(device, images, settings, how, &state, &images.stimuli(class)));
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
