//! Calcium imaging of worms: a folder with `meta.json` (`frames_per_second`, with an entry for each worm; `states`, their names) and, for
//! each worm, `worm<i>_dff.npy` `[frame, neuron]`, `worm<i>_states.npy` `[frame]` (indices into `states`) and `worm<i>_neurons.txt` (one
//! name on each line, a number where the neuron is not identified). The recordings of Kato et al. 2015 have this form.

use super::{read_bytes, read_npy};
use crate::{Error, HostTensor, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// One worm.
#[derive(Debug, Clone)]
pub struct Worm {
    /// The number of the worm in the folder's file names.
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

/// Reads the worms of a folder, and the names of the behavioural states.
///
/// # Errors
/// Returns [`Error::File`] where a file is missing, is not what it should be, or disagrees with the others about frames or neurons.
pub fn read_worms(folder: impl AsRef<Path>) -> Result<(Vec<Worm>, Vec<String>)> {
    let folder = folder.as_ref();
    let path = folder.join("meta.json");
    let meta: serde_json::Value = crate::json::parse(read_bytes(&path)?).map_err(|e| Error::file(&path, format!("is not JSON: {e}")))?;
    let list = |key: &str| meta[key].as_array().ok_or_else(|| Error::file(&path, format!("an array `{key}` expected")));
    let text = |v: &serde_json::Value| v.as_str().map(str::to_owned).ok_or_else(|| Error::file(&path, "names expected in `states`"));
    let states: Vec<String> = list("states")?.iter().map(text).collect::<Result<_>>()?;
    let mut worms = Vec::new();
    for (i, rate) in list("frames_per_second")?.iter().enumerate() {
        let rate = rate.as_f64().ok_or_else(|| Error::file(&path, "numbers expected in `frames_per_second`"))?;
        worms.push(read_worm(folder, i, rate, states.len())?);
    }
    Ok((worms, states))
}

fn read_worm(folder: &Path, index: usize, rate: f64, states: usize) -> Result<Worm> {
    let file = |what: &str| folder.join(format!("worm{index}_{what}"));
    let (series_path, states_path, names_path) = (file("dff.npy"), file("states.npy"), file("neurons.txt"));
    let series = read_npy(&series_path)?.to_real::<f32>();
    let [frames, neurons] = *series.shape() else {
        return Err(Error::file(series_path, format!("[frame, neuron] expected, found {}", series.ty())));
    };
    let labels = read_npy(&states_path)?;
    let labels = labels.as_i32().filter(|l| l.len() == frames && l.iter().all(|&s| usize::try_from(s).is_ok_and(|s| s < states)));
    let labels = labels.ok_or_else(|| Error::file(&states_path, format!("{frames} integers expected, each below {states}")))?.to_vec();
    let names = String::from_utf8_lossy(&read_bytes(&names_path)?).lines().map(|l| l.trim().to_owned()).collect::<Vec<_>>();
    if names.len() != neurons {
        return Err(Error::file(names_path, format!("{neurons} names expected, found {}", names.len())));
    }
    let x = series.elements::<f32>()?;
    if let Some(at) = x.iter().position(|x| !x.is_finite()) {
        return Err(Error::file(series_path, format!("frame {}, neuron {} is not finite", at / neurons, at % neurons)));
    }
    let turned = (0..frames * neurons).map(|i| x[i % frames * neurons + i / frames]).collect();
    Ok(Worm { index, rate, series: HostTensor::f32([neurons, frames], turned)?, states: labels, neurons: names })
}

/// The neurons identified in every worm, sorted.
pub fn shared_neurons(worms: &[Worm]) -> Vec<String> {
    let identified = |w: &Worm| w.neurons.iter().filter(|n| n.parse::<f64>().is_err()).cloned().collect::<BTreeSet<_>>();
    let sets = worms.iter().map(identified).reduce(|a, b| a.intersection(&b).cloned().collect());
    sets.unwrap_or_default().into_iter().collect()
}
