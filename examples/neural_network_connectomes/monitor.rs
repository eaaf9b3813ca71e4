//! The connectome of a network and its topological distance at every training step: as a monitor, and as a term of the loss.

use super::images::Images;
use super::network::{BATCH, Settings, Strategy, optimiser, record};
use super::study::Study;
use tapetum::nn::Parameters;
use tapetum::topology::{BirthDeath, Dimension, Wasserstein};
use tapetum::{Device, HostTensor, Result, State, Tape, TensorType};

const STEPS: usize = 200;
/// The number of stimuli of the monitored connectome.
const STIMULI: usize = 200;
const SEED: u64 = 5000;
/// The weight of the distance in the loss.
const WEIGHT: f32 = 2e-3;

/// At each step the cross-entropy, and the distance of the connectome to the barycentre of networks trained with batch norm.
pub struct Watched {
    pub name: &'static str,
    pub loss: Vec<f64>,
    pub distance: Vec<f64>,
}

/// Trains a plain network with the monitor only, and the same network with the distance in its loss.
pub fn run(device: &Device, images: &Images, settings: &Settings, study: &Study) -> Result<Vec<Watched>> {
    let goal = study.diagrams.barycentre(&study.members(1));
    [("watched", 0.0), ("in the loss", WEIGHT)]
        .into_iter()
        .map(|(name, weight)| watch(device, images, settings, &goal, name, weight))
        .collect()
}

fn watch(
    device: &Device,
    images: &Images,
    settings: &Settings,
    goal: &(Vec<f32>, Vec<f32>),
    name: &'static str,
    weight: f32,
) -> Result<Watched> {
    let mut tape = Tape::new();
    let x = tape.input("images", TensorType::f32([BATCH, images.extents.iter().product()]))?;
    let labels = tape.input("labels", TensorType::i32([BATCH]))?;
    let every = images.stimuli.len().div_ceil(STIMULI).max(1);
    let stimuli = tape.constant(images.rows(&images.stimuli.iter().copied().step_by(every).collect::<Vec<_>>())?)?;
    let mut parameters = Parameters::new(SEED);
    let (logits, _) = record(&mut tape, &mut parameters, Strategy::Plain, settings, images, x)?;
    // The same parameters are used for the stimuli, because a state requested again is the same state.
    let mut again = Parameters::new(SEED);
    let (_, units) = record(&mut tape, &mut again, Strategy::Plain, settings, images, stimuli)?;
    let (_, lists) = tape.connectome_birth_death(units)?;
    let births = tape.constant(HostTensor::f32([goal.0.len()], goal.0.clone())?)?;
    let deaths = tape.constant(HostTensor::f32([goal.1.len()], goal.1.clone())?)?;
    let goal = BirthDeath { births, deaths, edges: lists.edges };
    let distance = tape.wasserstein(&lists, &goal, Dimension::Both, Wasserstein::SQUARED)?;
    let entropy = tape.cross_entropy(logits, labels)?;
    let mut loss = entropy;
    if weight > 0.0 {
        let term = tape.scale(distance, weight)?;
        loss = tape.add(loss, term)?;
    }
    parameters.descend(&mut tape, loss, optimiser(Strategy::Plain), None)?;
    let mut program = device.compile_with(&tape, &[entropy, distance], &State::new(device))?;
    let mut made = Watched { name, loss: Vec::new(), distance: Vec::new() };
    for step in 0..STEPS {
        let (batch, classes) = images.batch(BATCH, SEED, step)?;
        let values = program.run(&[(x, &batch), (labels, &classes)])?;
        made.loss.push(values[0].item()?);
        made.distance.push(values[1].item()?);
    }
    Ok(made)
}
