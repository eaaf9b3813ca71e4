//! A classifier of handwritten digits, as one would write it in PyTorch: mini-batches, validation after each epoch, the best model saved in
//! a file and read from there again.
//!
//! `cargo run --release --example classifier`

use std::path::Path;
use tapetum::checkpoint::Checkpoint;
use tapetum::data::read_idx_bytes;
use tapetum::nn::{Activation, Mlp, MlpSettings, Parameters};
use tapetum::optim::Adam;
use tapetum::tensor::Philox;
use tapetum::training::{Descent, Training};
use tapetum::{Device, HostTensor, Program, Result, State, Tape, TensorType, Var};

const PIXELS: usize = 28 * 28;
const CLASSES: usize = 10;
const TRAINING: usize = 4000;
const VALIDATION: usize = 1000;
const BATCH: usize = 50;
const EPOCHS: u32 = 6;
const STEPS_OF_EPOCH: u32 = (TRAINING / BATCH) as u32;
const SEED: u64 = 0;

/// Images and their classes.
struct Digits {
    pixels: Vec<f32>,
    classes: Vec<i32>,
}

impl Digits {
    /// Reads the 5,000 digits of MNIST that ship with the crate.
    fn read() -> Result<Self> {
        let images = read_idx_bytes("mnist_5k_images_idx3.gz", include_bytes!("data/mnist_5k_images_idx3.gz"))?;
        let labels = read_idx_bytes("mnist_5k_labels_idx1.gz", include_bytes!("data/mnist_5k_labels_idx1.gz"))?;
        let pixels = images.elements.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        Ok(Self { pixels, classes: labels.elements.iter().map(|&label| label.into()).collect() })
    }

    /// The images at these indices, f32 `[images, PIXELS]`, and their classes, i32 `[images]`.
    fn of(&self, which: &[usize]) -> Result<(HostTensor, HostTensor)> {
        let pixels = which.iter().flat_map(|&i| &self.pixels[i * PIXELS..][..PIXELS]).copied().collect();
        let classes = which.iter().map(|&i| self.classes[i]).collect();
        Ok((HostTensor::f32([which.len(), PIXELS], pixels)?, HostTensor::i32([which.len()], classes)?))
    }
}

/// A tape with the network on it: its inputs, its loss and the classes that it predicts.
struct Network {
    tape: Tape,
    parameters: Parameters,
    images: Var,
    labels: Var,
    loss: Var,
    predicted: Var,
}

impl Network {
    /// Records the network; `parameters` determine its mode, training or evaluation.
    fn record(mut parameters: Parameters, batch: usize) -> Result<Self> {
        let mut tape = Tape::new();
        let images = tape.input("images", TensorType::f32([batch, PIXELS]))?;
        let labels = tape.input("labels", TensorType::i32([batch]))?;
        let settings = MlpSettings { dropout: 0.2, ..MlpSettings::new(&[PIXELS, 64, CLASSES], Activation::Relu) };
        let logits = Mlp::new(&mut tape, &mut parameters, "mlp", settings)?.forward(&mut tape, images)?;
        let loss = tape.cross_entropy(logits, labels)?;
        let predicted = tape.argmax(logits, 1)?;
        Ok(Self { tape, parameters, images, labels, loss, predicted })
    }
}

/// The network without dropout, compiled on parameters that are trained elsewhere.
struct Evaluation {
    network: Network,
    program: Program,
}

impl Evaluation {
    fn new(device: &Device, state: &State) -> Result<Self> {
        let network = Network::record(Parameters::evaluation(), VALIDATION)?;
        let program = device.compile_with(&network.tape, &[network.loss, network.predicted], state)?;
        Ok(Self { network, program })
    }

    /// The loss and the accuracy.
    fn run(&mut self, (images, labels): &(HostTensor, HostTensor)) -> Result<(f64, f64)> {
        let found = self.program.run(&[(self.network.images, images), (self.network.labels, labels)])?;
        let right = found[1].to_f64_vec().iter().zip(labels.to_f64_vec()).filter(|(a, b)| **a == *b).count();
        Ok((found[0].item()?, right as f64 / VALIDATION as f64))
    }
}

/// Trains the network, saves the state of the epoch with the lowest validation loss, and returns that loss.
fn train(device: &Device, digits: &Digits, order: &[usize], model: &Path) -> Result<f64> {
    let mut network = Network::record(Parameters::new(SEED), BATCH)?;
    let steps = EPOCHS * STEPS_OF_EPOCH;
    Descent::new(Adam::new(2e-3)).record(&mut network.tape, (network.loss, &[]), network.parameters.all(), steps)?;

    // Each image occurs once in an epoch, in an order drawn for the epoch.
    let batch = |step: u32| {
        let order_of_epoch = Philox::new(SEED, 1, step / STEPS_OF_EPOCH).shuffled(TRAINING);
        let first = (step % STEPS_OF_EPOCH) as usize * BATCH;
        let which: Vec<usize> = order_of_epoch[first..][..BATCH].iter().map(|&i| order[i]).collect();
        let (images, labels) = digits.of(&which)?;
        Ok(vec![(network.images, images), (network.labels, labels)])
    };
    let state = State::new(device);
    let mut training = Training::new(device, &network.tape, &state, steps)?.batches(batch);
    let mut evaluation = Evaluation::new(device, &state)?;
    let unseen = digits.of(&order[TRAINING..])?;
    let mut best = f64::INFINITY;
    for epoch in 1..=EPOCHS {
        training.run_until(epoch * STEPS_OF_EPOCH, |_, _| {})?;
        let losses = training.losses()?;
        let mean = losses[losses.len() - STEPS_OF_EPOCH as usize..].iter().sum::<f32>() / STEPS_OF_EPOCH as f32;
        let (loss, accuracy) = evaluation.run(&unseen)?;
        println!("epoch {epoch}: training loss {mean:.3}, validation loss {loss:.3}, accuracy {:.1} %", 100.0 * accuracy);
        if loss < best {
            best = loss;
            state.save(model, &[training.program()])?;
        }
    }
    Ok(best)
}

fn main() -> Result<()> {
    let device = Device::named(&std::env::var("TAPETUM_DEVICE").unwrap_or("cpu".into()))?;
    let digits = Digits::read()?;
    // The first images of a random order are for training, the others for validation.
    let order = Philox::new(SEED, 0, 0).shuffled(TRAINING + VALIDATION);
    let model = std::env::temp_dir().join(format!("tapetum-classifier-{}.safetensors", std::process::id()));
    let best = train(&device, &digits, &order, &model)?;

    // A new state reads the parameters from the file, as another program would.
    let state = State::new(&device);
    let mut evaluation = Evaluation::new(&device, &state)?;
    Checkpoint::open(&model)?.restore_model(&state)?;
    let (loss, accuracy) = evaluation.run(&digits.of(&order[TRAINING..])?)?;
    println!("read from {}: validation loss {loss:.3}, accuracy {:.1} %", model.display(), 100.0 * accuracy);
    assert_eq!(loss, best, "a model that is read again is the one that was saved");
    Ok(())
}
