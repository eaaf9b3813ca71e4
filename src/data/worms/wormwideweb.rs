//! Worms of WormWideWeb (wormwideweb.org; Atanas, Kim et al. 2023, *Cell* 186): a processed HDF5 file, or the JSON that is made of it.

use super::{Recording, Worm, name_of, rate_of};
use crate::data::read_bytes;
use crate::{Error, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The states of a frame: outside a reversal, and within.
const STATES: [&str; 2] = ["no reversal", "reversal"];
/// The traces, those before standardising first: fluorescence by its mean.
const TRACES: [&str; 2] = ["trace_array_original", "trace_array"];

/// Reads a worm from each file.
pub(super) fn read(files: &[PathBuf]) -> Result<(Vec<Worm>, Vec<String>)> {
    let worms = files.iter().enumerate().map(|(index, path)| {
        let parts = if super::extension(path) == "json" { of_json(path)? } else { hdf5::parts(path)? };
        parts.recording().and_then(|recording| recording.worm(index)).map_err(|what| Error::file(path, what))
    });
    Ok((worms.collect::<Result<_>>()?, STATES.map(String::from).to_vec()))
}

/// The parts of a recording as they stand in a file.
struct Parts {
    /// The name of the traces, and the traces, row after row.
    traces: (String, [usize; 2], Vec<f64>),
    /// True where a row is a neuron, unless the number of frames says otherwise.
    by_neuron: bool,
    seconds: Vec<f64>,
    /// For each frame, 1 in a reversal and 0 outside.
    reversal: Vec<f64>,
    labels: Vec<String>,
}

impl Parts {
    fn recording(self) -> Result<Recording, String> {
        let (name, [rows, columns], values) = self.traces;
        let frames = self.seconds.len();
        // The two axes are told apart by the number of frames.
        let by_neuron = match (rows == frames, columns == frames) {
            (true, true) => self.by_neuron,
            (true, false) => false,
            (false, true) => true,
            (false, false) => return Err(format!("`{name}` is [{rows}, {columns}], and the time has {frames} frames")),
        };
        let neurons = if by_neuron { rows } else { columns };
        let turned = |values: Vec<f64>| (0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect();
        let by_neuron = if by_neuron { values } else { turned(values) };
        if self.labels.len() > neurons {
            return Err(format!("labels of {} neurons where `{name}` has {neurons}", self.labels.len()));
        }
        let label = |n: usize| name_of(self.labels.get(n).map(String::as_str).unwrap_or_default(), n);
        let rate = rate_of(&self.seconds).ok_or("the seconds of frames, rising, are expected in `timestamp_confocal`")?;
        if !self.reversal.is_empty() && self.reversal.len() != frames {
            return Err(format!("the reversals of {} frames where there are {frames}", self.reversal.len()));
        }
        let state = |t: usize| i32::from(self.reversal.get(t).is_some_and(|&x| x != 0.0));
        let states = (0..frames).map(state).collect();
        Ok(Recording { by_neuron, frames, rate, states, neurons: (0..neurons).map(label).collect() })
    }
}

/// The parts of a JSON file: groups `gcamp`, `timing`, `behavior` and `label`; in its first form all stand at the top, and the labels are
/// `labeled`.
fn of_json(path: &Path) -> Result<Parts> {
    let fail = |what: String| Error::file(path, what);
    let json = crate::json::parse(read_bytes(path)?).map_err(|e| fail(format!("is not JSON: {e}")))?;
    let find = |group: &str, key: &str| json.get(group).and_then(|group| group.get(key)).or_else(|| json.get(key));
    let (name, rows) = TRACES
        .into_iter()
        .chain(["trace_original"])
        .find_map(|name| Some((name, find("gcamp", name)?)))
        .ok_or_else(|| fail(format!("`gcamp` with {} is expected", TRACES.join(" or "))))?;
    let rows = rows.as_array().and_then(|rows| rows.iter().map(numbers).collect::<Option<Vec<_>>>());
    let rows = rows.ok_or_else(|| fail(format!("rows of numbers are expected in `{name}`")))?;
    let columns = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|row| row.len() != columns) {
        return Err(fail(format!("rows of one length are expected in `{name}`")));
    }
    let seconds = find("timing", "timestamp_confocal").and_then(numbers);
    let seconds = seconds.ok_or_else(|| fail("numbers are expected in `timestamp_confocal`".into()))?;
    let reversal = match find("behavior", "reversal_events") {
        Some(events) => reversals(events, seconds.len()).map_err(fail)?,
        None => Vec::new(),
    };
    let labels = labels(json.get("label").or_else(|| json.get("labeled")), rows.len().max(columns)).map_err(fail)?;
    Ok(Parts { traces: (name.into(), [rows.len(), columns], rows.concat()), by_neuron: true, seconds, reversal, labels })
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

/// The frames within reversals, from their first and last frames, counted from 1.
fn reversals(events: &Value, frames: usize) -> Result<Vec<f64>, String> {
    let mut reversal = vec![0.0; frames];
    let wrong = || format!("pairs of frames from 1 to {frames} are expected in `reversal_events`");
    for event in events.as_array().ok_or_else(wrong)? {
        let pair = numbers(event).ok_or_else(wrong)?;
        let [from, to] = pair[..] else { return Err(wrong()) };
        let whole = |x: f64| x.fract() == 0.0 && x >= 1.0 && x <= frames as f64;
        if !(whole(from) && whole(to) && from <= to) {
            return Err(wrong());
        }
        reversal[from as usize - 1..to as usize].fill(1.0);
    }
    Ok(reversal)
}

/// The labels of neurons, which stand under their numbers, counted from 1.
fn labels(value: Option<&Value>, most: usize) -> Result<Vec<String>, String> {
    let mut labels = Vec::new();
    for (number, about) in value.and_then(Value::as_object).into_iter().flatten() {
        let at = number.parse::<usize>().ok().filter(|n| (1..=most).contains(n));
        let at = at.ok_or_else(|| format!("the numbers of neurons, counted from 1, are expected in the labels, found `{number}`"))?;
        if labels.len() < at {
            labels.resize(at, String::new());
        }
        labels[at - 1] = about.get("label").and_then(Value::as_str).unwrap_or_default().to_owned();
    }
    Ok(labels)
}

/// The HDF5 file, which Julia writes: `gcamp/trace_array` is `[neuron, frame]` there and `[frame, neuron]` in the file.
#[cfg(feature = "hdf5")]
mod hdf5 {
    use super::{Parts, TRACES};
    use crate::data::hdf5::Hdf5;
    use crate::{Error, Result};
    use std::path::Path;

    pub(super) fn parts(path: &Path) -> Result<Parts> {
        let fail = |what: String| Error::file(path, what);
        let file = Hdf5::open(path)?;
        let numbers =
            |place: &str| file.dataset(place).and_then(|d| Ok((d.extents(), d.numbers()?.1))).map_err(|e| fail(format!("{place}: {e}")));
        let name = TRACES.map(|name| format!("gcamp/{name}")).into_iter().find(|name| file.dataset(name).is_ok());
        let name = name.ok_or_else(|| fail(format!("a group `gcamp` with {} is expected", TRACES.join(" or "))))?;
        let (extents, values) = numbers(&name)?;
        let [rows, columns] = extents[..] else { return Err(fail(format!("`{name}` is {extents:?}: two axes are expected"))) };
        let (_, seconds) = numbers("timing/timestamp_confocal")?;
        let optional = |place: &str| file.dataset(place).is_ok().then(|| numbers(place)).transpose();
        let reversal = optional("behavior/reversal_vec")?.map(|(_, values)| values).unwrap_or_default();
        let labels = file.dataset("gcamp/neuron_labels").ok().and_then(|d| d.texts().ok()).unwrap_or_default();
        Ok(Parts { traces: (name, [rows, columns], values), by_neuron: false, seconds, reversal, labels })
    }
}

#[cfg(not(feature = "hdf5"))]
mod hdf5 {
    use super::Parts;
    use crate::Result;
    use crate::data::hdf5::Hdf5;
    use std::path::Path;

    pub(super) fn parts(path: &Path) -> Result<Parts> {
        match Hdf5::open(path)? {}
    }
}
