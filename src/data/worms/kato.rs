//! Worms in MATLAB files as the laboratory of Zimmer publishes them (Kato et al. 2015, *Cell* 163; OSF 2395t).

use super::{Recording, Worm, name_of, rate_of};
use crate::data::matlab::{MatFile, Value};
use crate::{Error, Result};
use std::path::Path;

/// The fields of the traces `[frame, neuron]`: those corrected for bleaching come first.
const TRACES: [&str; 3] = ["deltaFOverF_bc", "traces", "deltaFOverF"];
const NAMES: [&str; 3] = ["NeuronNames", "IDs", "NeuronIds"];
const SECONDS: [&str; 2] = ["tv", "timeVectorSeconds"];

pub(super) fn read(path: &Path) -> Result<(Vec<Worm>, Vec<String>)> {
    let fail = |what: String| Error::file(path, what);
    let file = MatFile::open(path)?;
    // Only a structure can hold worms; numbers are not read for nothing.
    let structures =
        file.variables().iter().filter(|v| v.extents.is_none()).map(|v| Ok((v.name.as_str(), file.read(&v.name).map_err(fail)?)));
    let structures = structures.collect::<Result<Vec<_>>>()?;
    let mut found = Vec::new();
    structures.iter().try_for_each(|(name, value)| gather(value, name, &mut found)).map_err(fail)?;
    if found.is_empty() {
        let listed: Vec<&str> = file.variables().iter().take(16).map(|v| v.name.as_str()).collect();
        return Err(fail(format!("a structure with {} is expected: the file has {}", TRACES.join(" or "), listed.join(", "))));
    }
    let mut names: Vec<String> = found.iter().flat_map(|worm| worm.states.names()).collect();
    names.sort();
    names.dedup();
    let worms = found.into_iter().enumerate().map(|(index, worm)| {
        let place = worm.place.clone();
        worm.recording(&names).and_then(|recording| recording.worm(index)).map_err(|what| fail(format!("{place}: {what}")))
    });
    Ok((worms.collect::<Result<_>>()?, names))
}

/// The parts of a worm as they stand in the file.
struct Found<'a> {
    /// The place in words.
    place: String,
    traces: &'a Value,
    neurons: Option<&'a Value>,
    rate: Option<f64>,
    states: States,
}

/// The behavioural states of a worm.
enum States {
    Unknown,
    /// For each state, its name and the frames where it holds.
    Masks(Vec<(String, Vec<f64>)>),
    /// For each frame, the number of its state, counted from 1, and the states' names.
    Codes(Vec<f64>, Vec<String>),
}

/// The name of the state of frames of which the file says nothing.
const UNKNOWN: &str = "unknown";
/// The name of the state of frames that are in none of the states.
const NONE: &str = "nostate";

/// Adds the worms of a structure: in the cells of its fields, or in its fields.
fn gather<'a>(value: &'a Value, place: &str, found: &mut Vec<Found<'a>>) -> Result<(), String> {
    let first = |names: &[&str]| names.iter().find_map(|name| value.field(name));
    let Some(traces) = first(&TRACES) else {
        if let Value::Fields(fields) = value {
            let structures = fields.iter().filter(|(_, field)| matches!(field, Value::Fields(_)));
            return structures
                .map(|(name, field)| (format!("{place}.{name}"), field))
                .try_for_each(|(at, field)| gather(field, &at, found));
        }
        return Ok(());
    };
    let worms = traces.cells().len();
    // A field has a cell for each worm, or one value for all.
    let of = |field: Option<&'a Value>, worm: usize| {
        field.map(|field| if matches!(traces, Value::Cells { .. }) { field.cells().get(worm) } else { Some(field) })
    };
    let cell = |field: Option<&'a Value>, worm: usize, what: &str| match of(field, worm) {
        Some(None) => Err(format!("{place}: {what} of worm {worm}, counted from 0, is missing: there are {worms} worms")),
        Some(found) => Ok(found),
        None => Ok(None),
    };
    for (worm, traces) in traces.cells().iter().enumerate() {
        let rate = cell(value.field("fps"), worm, "`fps`").ok().flatten().and_then(Value::numbers).and_then(|x| x.first().copied());
        let rates = value.field("fps").and_then(Value::numbers).and_then(|x| x.get(worm).copied());
        let seconds = cell(first(&SECONDS), worm, "the time")?.and_then(Value::numbers).and_then(rate_of);
        found.push(Found {
            place: if worms == 1 { place.to_owned() } else { format!("{place}, worm {worm}, counted from 0") },
            traces,
            neurons: cell(first(&NAMES), worm, "the list of names")?,
            rate: rate.or(rates).or(seconds),
            states: States::of(cell(value.field("States"), worm, "`States`")?, value.field("States_key")),
        });
    }
    Ok(())
}

impl States {
    fn of(states: Option<&Value>, key: Option<&Value>) -> Self {
        match states {
            Some(Value::Fields(fields)) => {
                Self::Masks(fields.iter().filter_map(|(name, mask)| Some((name.clone(), mask.numbers()?.to_vec()))).collect())
            }
            Some(codes @ Value::Numbers { values, .. }) if !values.is_empty() => {
                let codes = codes.numbers().unwrap_or_default();
                let most = codes.iter().fold(0.0f64, |most, &x| most.max(x)).min(1024.0) as usize;
                let names = key.and_then(Value::texts).unwrap_or_else(|| (1..=most).map(|n| format!("state {n}")).collect());
                Self::Codes(codes.to_vec(), names)
            }
            _ => Self::Unknown,
        }
    }

    /// The names of the states, with that of frames without one where there are any.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Unknown => vec![UNKNOWN.into()],
            Self::Masks(masks) => {
                let frames = masks.first().map_or(0, |(_, mask)| mask.len());
                let none = (0..frames).any(|t| masks.iter().all(|(_, mask)| mask.get(t).is_none_or(|&x| x == 0.0)));
                masks.iter().map(|(name, _)| name.clone()).chain(none.then(|| NONE.into())).collect()
            }
            Self::Codes(_, names) => names.clone(),
        }
    }

    /// The state of each frame, by its name.
    fn frames(&self, frames: usize) -> Result<Vec<&str>, String> {
        match self {
            Self::Unknown => Ok(vec![UNKNOWN; frames]),
            Self::Masks(masks) => {
                if let Some((name, mask)) = masks.iter().find(|(_, mask)| mask.len() != frames) {
                    return Err(format!("the state `{name}` has {} frames where there are {frames}", mask.len()));
                }
                if let Some((name, _)) = masks.iter().find(|(_, mask)| mask.iter().any(|x| x.is_nan())) {
                    return Err(format!("the state `{name}` is NaN at a frame: 0 or 1 is expected"));
                }
                let of = |t: usize| {
                    let mut held = masks.iter().filter(|(_, mask)| mask[t] != 0.0);
                    match (held.next(), held.next()) {
                        (None, _) => Ok(NONE),
                        (Some((name, _)), None) => Ok(name.as_str()),
                        (Some((a, _)), Some((b, _))) => {
                            Err(format!("frame {t}, counted from 0, is in the states `{a}` and `{b}`: one is expected"))
                        }
                    }
                };
                (0..frames).map(of).collect()
            }
            Self::Codes(codes, names) => {
                let of = |(t, &code): (usize, &f64)| {
                    let at = if code >= 1.0 && code.fract() == 0.0 { names.get(code as usize - 1) } else { None };
                    at.map(String::as_str).ok_or_else(|| {
                        format!("the state of frame {t}, counted from 0, is {code}: a number from 1 to {} is expected", names.len())
                    })
                };
                codes.iter().enumerate().map(of).collect()
            }
        }
    }
}

impl Found<'_> {
    fn recording(self, names: &[String]) -> Result<Recording, String> {
        let Value::Numbers { extents, values, .. } = self.traces else {
            return Err(format!("traces [frame, neuron] are expected, found {}", self.traces.about()));
        };
        let [frames, neurons] = extents[..] else { return Err(format!("traces [frame, neuron] are expected, found {extents:?}")) };
        let labels = labels(self.neurons, neurons)?;
        let rate = self.rate.ok_or("`fps`, `tv` or `timeVectorSeconds` is expected, and is not there or has no numbers")?;
        let states = self.states.frames(frames)?;
        // Every state is among the names, which are made of all worms' states.
        let states = states.iter().map(|state| names.iter().position(|name| name == state).unwrap_or_default() as i32).collect();
        // MATLAB stores column after column: neuron after neuron.
        Ok(Recording { by_neuron: values.clone(), frames, rate, states, neurons: labels })
    }
}

/// The names of so many neurons. A neuron has a text, a cell of texts of which the first counts, or an empty cell.
fn labels(value: Option<&Value>, neurons: usize) -> Result<Vec<String>, String> {
    let Some(value) = value else { return Ok((0..neurons).map(|n| name_of("", n)).collect()) };
    let label = |(n, cell): (usize, &Value)| {
        let first = cell.cells().first().unwrap_or(cell);
        name_of(&first.text().unwrap_or_default(), n)
    };
    let names: Vec<String> = match value {
        Value::Text(rows) => rows.iter().enumerate().map(|(n, row)| name_of(row, n)).collect(),
        other => other.cells().iter().enumerate().map(label).collect(),
    };
    match names.len() == neurons {
        true => Ok(names),
        false => Err(format!("{} names of neurons where the traces have {neurons}", names.len())),
    }
}
