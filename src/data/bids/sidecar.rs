//! The statements of sidecars about a file, by the inheritance of BIDS.

use super::super::sidecar;
use super::confounds::same_recording;
use super::{BidsFile, BidsName, BidsTree};
use crate::Result;
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

impl BidsTree {
    /// The contents of the sidecars of a file. These are the `.json` of its folder and of those above, up to the tree's, whose suffix is the
    /// file's and whose entities are all among the file's. Of two that give the same key, the one in the deeper folder counts, and in one
    /// folder the one with more entities.
    ///
    /// # Errors
    /// Returns [`Error::File`](crate::Error::File) where a sidecar cannot be read or holds no object.
    pub fn sidecar(&self, of: &BidsFile) -> Result<Map<String, Value>> {
        let mut merged = Map::new();
        let within = |folder: &&Path| folder.starts_with(&self.root);
        let folders: Vec<&Path> = of.path.ancestors().skip(1).take_while(within).collect();
        for folder in folders.into_iter().rev() {
            for path in sidecars(folder, &of.name) {
                merged.extend(sidecar::read(&path)?);
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
        let step = self.sidecar(of).map_err(|fault| fault.to_string());
        let step = step.and_then(|stated| sidecar::frame_step(&stated).map_err(|what| format!("{}: {what}", of.path.display())));
        match step {
            Ok(seconds) => RepetitionTime { seconds, warnings: Vec::new() },
            Err(warning) => RepetitionTime { seconds: None, warnings: vec![warning] },
        }
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
