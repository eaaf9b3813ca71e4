//! The leave-one-worm-out study: the data that all its parts share, and the summary of their results.

use crate::recordings::{Recording, Recordings, wiring};
use crate::{forecasts, neurons, states, transfer};
use std::path::Path;
use tapetum::report::Section;
use tapetum::{Device, Error, HostTensor, Result};

/// The neurons from which the states were defined (Kato et al. 2015).
const LABELLING: [&str; 3] = ["AVA", "SMD", "RIB"];

/// The seed of inner validation, different from those of the results.
pub const INNER_SEED: u64 = 1000;

pub fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len().max(1) as f64
}

/// The sample standard deviation.
pub fn spread(x: &[f64]) -> f64 {
    let m = mean(x);
    (x.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / x.len().saturating_sub(1).max(1) as f64).sqrt()
}

/// The mean over seeds for each worm, from runs ordered by worm and then by seed.
pub fn by_worm(runs: &[f64], worms: usize) -> Vec<f64> {
    runs.chunks((runs.len() / worms).max(1)).map(mean).collect()
}

/// The mean over worms for each seed, from runs in the same order.
pub fn by_seed(runs: &[f64], worms: usize) -> Vec<f64> {
    let seeds = (runs.len() / worms).max(1);
    (0..seeds).map(|seed| mean(&runs.iter().skip(seed).step_by(seeds).copied().collect::<Vec<_>>())).collect()
}

/// All runs as text, with the seeds of a worm together.
pub fn cells(runs: &[f64], worms: usize) -> String {
    let seeds = (runs.len() / worms).max(1);
    let worm = |runs: &[f64]| runs.iter().map(|x| format!("{x:.3}")).collect::<Vec<_>>().join(" ");
    runs.chunks(seeds).map(worm).collect::<Vec<_>>().join("; ")
}

pub fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// The advantage of `runs` over `others`: mean and standard deviation over worms, and the number of worms with a positive difference.
pub fn ahead(runs: &[f64], others: &[f64], worms: usize) -> String {
    let apart: Vec<f64> = by_worm(runs, worms).iter().zip(by_worm(others, worms)).map(|(a, b)| a - b).collect();
    let won = apart.iter().filter(|d| **d > 0.0).count();
    format!("{:+.3} ± {:.3}, {won} of {worms}", mean(&apart), spread(&apart))
}

/// The data and settings that all parts of the study share.
pub struct Setting<'a> {
    pub device: &'a Device,
    pub data: &'a Recordings,
    /// True where a sender has a synapse on a receiver, `[receiver × sender]`.
    pub known: &'a [bool],
    /// The same as numbers 0 and 1.
    pub wiring: &'a HostTensor,
    /// The test worms, one for each fold.
    pub folds: Vec<usize>,
    pub seeds: u64,
    /// The greatest number of steps, for runs shorter than those of the study.
    pub steps: Option<u32>,
}

/// Runs the whole study for every test worm, or for those in `worms`.
///
/// # Errors
/// Returns an error where a file is invalid, or there is no such worm.
pub fn run(device: &Device, folder: &Path, steps: Option<u32>, seeds: u64, worms: &[usize]) -> Result<Vec<Section>> {
    let data = Recordings::read(folder)?;
    // Beside a file of worms lies what else is read.
    let folder = if folder.is_file() { folder.parent().unwrap_or(Path::new("")) } else { folder };
    if data.worms.len() < 3 {
        return Err(Error::file(folder, "three worms or more expected: one is left out, and one chooses settings"));
    }
    if let Some(worm) = worms.iter().find(|w| **w >= data.worms.len()) {
        return Err(Error::argument(format!("--worms {worm}: there are {}", data.worms.len())));
    }
    let folds = if worms.is_empty() { (0..data.worms.len()).collect() } else { worms.to_vec() };
    let (n, known) = (data.neurons.len(), wiring(folder, &data.neurons)?);
    let weights = HostTensor::f32([n, n], known.iter().map(|&e| f32::from(u8::from(e))).collect())?;
    let setting = Setting { device, data: &data, known: &known, wiring: &weights, folds, seeds, steps };
    let found = forecasts::run(&setting)?;
    let moved = transfer::run(&setting, &found)?;
    let inferred = neurons::run(&setting, folder, &found)?;
    Ok([found.sections, vec![moved, states::run(&setting)?, inferred]].concat())
}

/// The recordings without the neurons that the states were made from.
pub fn without_labelling(data: &Recordings) -> Recordings {
    let kept: Vec<usize> = (0..data.neurons.len()).filter(|&i| !LABELLING.iter().any(|l| data.neurons[i].starts_with(l))).collect();
    let worm = |w: &Recording| Recording { series: kept.iter().map(|&i| w.series[i].clone()).collect(), states: w.states.clone() };
    Recordings {
        worms: data.worms.iter().map(worm).collect(),
        neurons: kept.iter().map(|&i| data.neurons[i].clone()).collect(),
        states: data.states.clone(),
    }
}
