//! Messages about the files of a cohort. What is true of many files is said once.

use super::super::common::note;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Messages in the order in which they came, each with the files it is about.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<(String, Vec<PathBuf>)>);

impl Notes {
    /// Adds a message about a file.
    pub(super) fn add(&mut self, file: &Path, what: impl Into<String>) {
        let what = what.into();
        match self.0.iter_mut().find(|(said, _)| *said == what) {
            Some((_, files)) if files.iter().any(|other| other == file) => {}
            Some((_, files)) => files.push(file.to_owned()),
            None => self.0.push((what, vec![file.to_owned()])),
        }
    }

    /// Prints each message once, with the first file it is about, and the number of others.
    pub(super) fn say(&self, mark: &str) {
        for (what, files) in &self.0 {
            let first = files.first().map(|file| file.display().to_string()).unwrap_or_default();
            let others = if files.len() > 1 { format!(" and {} others", files.len() - 1) } else { String::new() };
            note(&format!("{mark}{first}{others}: {what}"));
        }
    }

    /// The messages for `--json`.
    pub(super) fn json(&self) -> Value {
        let one = |(what, files): &(String, Vec<PathBuf>)| {
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            json!({ "what": what, "files": files })
        };
        self.0.iter().map(one).collect()
    }

    /// Adds messages after those that are there.
    pub(super) fn join(&mut self, others: Self) {
        for (what, files) in others.0 {
            files.into_iter().for_each(|file| self.add(&file, what.as_str()));
        }
    }

    /// The messages of [`json`](Self::json).
    pub(super) fn parse(json: &Value) -> Result<Self> {
        let malformed = || Error::argument("messages about files cannot be read");
        let file = |file: &Value| file.as_str().map(PathBuf::from).ok_or_else(malformed);
        let one = |said: &Value| -> Result<(String, Vec<PathBuf>)> {
            let what = said["what"].as_str().ok_or_else(malformed)?.to_owned();
            Ok((what, said["files"].as_array().ok_or_else(malformed)?.iter().map(file).collect::<Result<_>>()?))
        };
        json.as_array().ok_or_else(malformed)?.iter().map(one).collect::<Result<_>>().map(Self)
    }
}

/// Remarks and warnings.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) remarks: Notes,
    pub(super) warnings: Notes,
}

impl Said {
    /// Adds what was said of another file.
    pub(super) fn join(&mut self, other: Self) {
        self.remarks.join(other.remarks);
        self.warnings.join(other.warnings);
    }
}
