//! The statements of sidecars about a file, by the inheritance of BIDS.

use super::super::{confounds::strict, read_bytes};
use super::confounds::same_recording;
use super::{BidsFile, BidsName, BidsTree};
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// The seconds from frame to frame of a recording.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct RepetitionTime {
    /// The seconds, above 0; `None` where no sidecar gives them.
    pub seconds: Option<f64>,
    /// Warnings about sidecars: one that cannot be read, or a value that is no time in seconds.
    pub warnings: Vec<String>,
}

/// Scanners take a volume in less time than this many seconds. A larger number is likely to be in milliseconds.
const LONGEST: f64 = 100.0;

impl BidsTree {
    /// The contents of the sidecars of a file. These are the `.json` of its folder and of those above, up to the tree's, whose suffix is the
    /// file's and whose entities are all among the file's. Of two that give the same key, the one in the deeper folder counts, and in one
    /// folder the one with more entities.
    ///
    /// # Errors
    /// Returns [`Error::File`] where a sidecar cannot be read or holds no object.
    pub fn sidecar(&self, of: &BidsFile) -> Result<Map<String, Value>> {
        let mut merged = Map::new();
        let within = |folder: &&Path| folder.starts_with(&self.root);
        let folders: Vec<&Path> = of.path.ancestors().skip(1).take_while(within).collect();
        for folder in folders.into_iter().rev() {
            for path in sidecars(folder, &of.name) {
                merged.extend(object(&path)?);
            }
        }
        Ok(merged)
    }

    /// The seconds from frame to frame: `RepetitionTime` in the sidecars of the file, else one by its `SamplingFrequency` in hertz, else what
    /// the sidecars of all images of the same recording agree on (XCP-D gives it there, and not beside its tables).
    pub fn repetition_time(&self, of: &BidsFile) -> RepetitionTime {
        let mut found = self.own_time(of);
        if found.seconds.is_some() {
            return found;
        }
        let mut times: Vec<f64> = Vec::new();
        for image in self.images(of) {
            let mut of_image = self.own_time(image);
            times.extend(of_image.seconds);
            found.warnings.append(&mut of_image.warnings);
        }
        let same = |a: &f64, b: &f64| (a - b).abs() <= 1e-6 * a.max(*b);
        match times.first() {
            Some(first) if times.iter().all(|time| same(first, time)) => found.seconds = Some(*first),
            Some(first) => {
                let other = times.iter().find(|time| !same(first, time)).unwrap_or(first);
                found.warnings.push(format!("the sidecars of images of this recording give {first} s and {other} s from frame to frame"));
            }
            None => {}
        }
        found
    }

    /// The time by the sidecars of a file alone.
    fn own_time(&self, of: &BidsFile) -> RepetitionTime {
        let mut found = RepetitionTime::default();
        match self.sidecar(of) {
            Ok(sidecar) => found.take(&of.path, &sidecar),
            Err(fault) => found.warnings.push(fault.to_string()),
        }
        found
    }

    /// The images of a recording, or their sidecars where images are not there. A sidecar that holds for another of them is none of its own.
    fn images(&self, of: &BidsFile) -> Vec<&BidsFile> {
        let of_recording = |file: &&BidsFile| file.name.suffix() == "bold" && same_recording(&file.name, &of.name);
        let all: Vec<&BidsFile> = self.beside(&of.path).iter().filter(of_recording).collect();
        let inherited = |file: &BidsFile| {
            file.name.extension() == ".json" && all.iter().any(|other| other.path != file.path && file.name.is_within(&other.name))
        };
        all.iter().filter(|file| !inherited(file)).copied().collect()
    }
}

impl RepetitionTime {
    /// Takes the time from what a sidecar says. A number that is no time is a warning, and not taken.
    fn take(&mut self, path: &Path, sidecar: &Map<String, Value>) {
        let frequency = sidecar.get("SamplingFrequency").and_then(Value::as_f64).map(|hertz| ("SamplingFrequency", hertz, 1.0 / hertz));
        let time = match sidecar.get("RepetitionTime") {
            Some(Value::Null) | None => frequency,
            Some(value) => Some(("RepetitionTime", value.as_f64().unwrap_or(f64::NAN), value.as_f64().unwrap_or(f64::NAN))),
        };
        match time {
            Some((_, _, seconds)) if seconds > 0.0 && seconds <= LONGEST => self.seconds = Some(seconds),
            Some((key, value, _)) => {
                let found = sidecar.get(key).map_or_else(|| value.to_string(), Value::to_string);
                self.warnings.push(format!("{}: the sidecar's {key} is {found}: a time of up to {LONGEST} s is expected", path.display()));
            }
            None => {}
        }
    }
}

/// The sidecars in a folder that hold for a file of this name, those of fewer entities first. A folder that cannot be listed has none.
fn sidecars(folder: &Path, of: &BidsName) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(usize, PathBuf)> = Vec::new();
    for entry in entries {
        let Some(name) = entry.file_name().to_str().and_then(BidsName::parse) else { continue };
        if name.extension() == ".json" && name.suffix() == of.suffix() && name.is_within(of) {
            found.push((name.entities().count(), entry.path()));
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    let text = String::from_utf8(read_bytes(path)?).map_err(|_| Error::file(path, "a sidecar in UTF-8 is expected"))?;
    match crate::json::parse(strict(&text)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::file(path, "a sidecar holds an object: something else was found")),
        Err(what) => Err(Error::file(path, format!("a sidecar in JSON is expected: {what}"))),
    }
}
