//! Calcium imaging of worms: recordings of Kato et al. 2015 and of the laboratory's later papers in MATLAB's `.mat` (OSF 2395t), processed
//! files of WormWideWeb in `.h5` and `.json` (Atanas et al. 2023), and a folder of `.npy` files.

mod folder;
mod kato;
mod wormwideweb;

use super::extension;
use crate::{Error, HostTensor, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One worm.
#[derive(Debug, Clone)]
pub struct Worm {
    /// The place of the worm in its file or folder, counted from 0.
    pub index: usize,
    /// The frames per second.
    pub rate: f64,
    /// f32 `[neurons, frames]`.
    pub series: HostTensor,
    /// The behavioural state of each frame, an index into the names of states.
    pub states: Vec<i32>,
    /// The name of each neuron; a number where the neuron is not identified.
    pub neurons: Vec<String>,
}

impl Worm {
    /// The series of the neurons of these names, one after the other.
    ///
    /// # Errors
    /// Returns an error where a name is not among the worm's neurons.
    pub fn of(&self, names: &[String]) -> Result<Vec<&[f32]>> {
        let frames = self.states.len();
        let series = self.series.elements::<f32>()?;
        let row = |name: &String| {
            let at = self.neurons.iter().position(|n| n == name);
            let at = at.ok_or_else(|| Error::argument(format!("worm {}: the neuron `{name}` is not identified", self.index)))?;
            Ok(&series[at * frames..(at + 1) * frames])
        };
        names.iter().map(row).collect()
    }
}

/// Reads the worms of a file or a folder, and the names of the behavioural states.
///
/// - A `.mat` file holds worms in the cells or elements of one structure, as `WT_NoStim.mat` does: `deltaFOverF_bc`, `traces` or
///   `deltaFOverF` `[frame, neuron]`; `NeuronNames` or `IDs`; `fps`, or the seconds `tv` or `timeVectorSeconds`; and `States`, a structure
///   with a vector of 0 and 1 for each state, or codes from 1 with their names in `States_key`. A structure of such structures, one a worm,
///   is read too.
/// - A `.h5` or `.json` file of WormWideWeb holds one worm. Its states are `no reversal` and `reversal`.
/// - A folder holds files of WormWideWeb, which are taken by name, or `meta.json` and the arrays of each worm:
///   `frames_per_second`, an entry for each worm, and `states`, their names; `worm<i>_dff.npy` `[frame, neuron]`, `worm<i>_states.npy`
///   `[frame]`, indices into `states`, and `worm<i>_neurons.txt`, a name on each line.
///
/// A neuron without a label, or with one that is doubtful (`?`), has its number for a name, counted from 1.
///
/// # Errors
/// Returns [`Error::File`] where a file is missing, is not what it should be, or disagrees with itself or with the others about frames,
/// neurons or states.
pub fn read_worms(path: impl AsRef<Path>) -> Result<(Vec<Worm>, Vec<String>)> {
    let path = path.as_ref();
    match extension(path).as_str() {
        _ if path.is_dir() && !path.join("meta.json").exists() => match files_of(path)?.as_slice() {
            // The folder's own form has a message for what is missing.
            [] => folder::read(path),
            files => wormwideweb::read(files),
        },
        "mat" => kato::read(path),
        "h5" | "hdf5" | "json" => wormwideweb::read(&[path.to_owned()]),
        _ => folder::read(path),
    }
}

/// The files of WormWideWeb in a folder, sorted by name.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e: std::io::Error| Error::io(folder, "cannot be read", &e);
    let entries = std::fs::read_dir(folder).map_err(fail)?.collect::<std::io::Result<Vec<_>>>().map_err(fail)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| matches!(extension(file).as_str(), "h5" | "json"));
    files.sort();
    Ok(files)
}

/// The statements of a file about a worm.
struct Recording {
    /// `[neurons, frames]`.
    by_neuron: Vec<f64>,
    frames: usize,
    rate: f64,
    states: Vec<i32>,
    neurons: Vec<String>,
}

impl Recording {
    /// The worm, where the parts agree.
    fn worm(self, index: usize) -> Result<Worm, String> {
        let Self { by_neuron, frames, rate, states, neurons } = self;
        if frames == 0 || neurons.is_empty() || by_neuron.len() != frames * neurons.len() {
            return Err(format!("{} values where {frames} frames of {} neurons are", by_neuron.len(), neurons.len()));
        }
        if states.len() != frames {
            return Err(format!("the states of {} frames where there are {frames}", states.len()));
        }
        if !(rate.is_finite() && rate > 0.0) {
            return Err(format!("{rate} frames per second: a finite number above 0 is expected"));
        }
        let single: Vec<f32> = by_neuron.iter().map(|&x| x as f32).collect();
        if let Some(at) = single.iter().position(|x| !x.is_finite()) {
            return Err(format!("frame {}, neuron {} is not finite, counted from 0", at % frames, at / frames));
        }
        let series = HostTensor::f32([neurons.len(), frames], single).map_err(|e| e.to_string())?;
        Ok(Worm { index, rate, series, states, neurons })
    }
}

/// The name of a neuron: its label, or its number from 1 where it has none or a doubtful one.
fn name_of(label: &str, place: usize) -> String {
    let label = label.trim();
    if label.is_empty() || label.contains('?') { (place + 1).to_string() } else { label.to_owned() }
}

/// The frames per second of frames at these seconds: the reciprocal of the median step, as recordings may have gaps.
fn rate_of(seconds: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A NaN is no step: with one, the order below would mean nothing.
    if steps.is_empty() || steps.iter().any(|step| step.is_nan()) {
        return None;
    }
    steps.sort_by(f64::total_cmp);
    let median = (steps[(steps.len() - 1) / 2] + steps[steps.len() / 2]) / 2.0;
    (median > 0.0).then(|| 1.0 / median)
}

/// The neurons identified in every worm, sorted.
pub fn shared_neurons(worms: &[Worm]) -> Vec<String> {
    let identified = |w: &Worm| w.neurons.iter().filter(|n| n.parse::<f64>().is_err()).cloned().collect::<BTreeSet<_>>();
    let sets = worms.iter().map(identified).reduce(|a, b| a.intersection(&b).cloned().collect());
    sets.unwrap_or_default().into_iter().collect()
}
