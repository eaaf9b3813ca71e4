//! The folder form of worms: `meta.json` (`frames_per_second`, with an entry for each worm; `states`, their names) and, for each worm,
//! `worm<i>_dff.npy` `[frame, neuron]`, `worm<i>_states.npy` `[frame]` (indices into `states`) and `worm<i>_neurons.txt` (one name on each
//! line, a number where the neuron is not identified).

use super::{Recording, Worm};
use crate::data::{read_bytes, read_npy};
use crate::{Error, Result};
use std::path::Path;

pub(super) fn read(folder: &Path) -> Result<(Vec<Worm>, Vec<String>)> {
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
    let by_neuron = (0..frames * neurons).map(|i| f64::from(x[i % frames * neurons + i / frames])).collect();
    let recording = Recording { by_neuron, frames, rate, states: labels, neurons: names };
    recording.worm(index).map_err(|what| Error::file(&series_path, what))
}
