//! The confounds beside a series.

use super::query::listed;
use super::{BidsFile, BidsName, BidsTree};
use crate::{Error, Result};

/// Entities of a recording, which are the same in all that is derived from it. Echoes and parts are put together before confounds are
/// estimated.
pub(super) const RECORDED: [&str; 9] = ["sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "chunk"];

/// True where both files come from one recording.
pub(super) fn same_recording(a: &BidsName, b: &BidsName) -> bool {
    RECORDED.iter().all(|key| a.get(key) == b.get(key))
}

impl BidsTree {
    /// The table of confounds of the recording that a file, of this tree or another of the same participants, comes from: `.._desc-confounds_timeseries.tsv`, or `.._regressors.tsv` as
    /// fMRIPrep wrote it before version 20.2.
    ///
    /// # Errors
    /// Returns [`Error::File`] where there is none, or several are there.
    pub fn confounds(&self, of: &BidsFile) -> Result<&BidsFile> {
        let is_table = |name: &BidsName| {
            matches!(name.suffix(), "timeseries" | "regressors") && name.get("desc") == Some("confounds") && name.extension() == ".tsv"
        };
        let own = self.root.join(format!("sub-{}", of.name.get("sub").unwrap_or_default())).join("x");
        let beside = self.beside(if of.path.starts_with(&self.root) { &of.path } else { &own });
        let found: Vec<&BidsFile> = beside.iter().filter(|file| is_table(&file.name) && same_recording(&file.name, &of.name)).collect();
        match found[..] {
            [one] => Ok(one),
            [] => {
                let mut wanted = of.name.clone().with("desc", "confounds").ending("timeseries", ".tsv");
                let processing: Vec<String> = wanted.entities().map(|(key, _)| key.to_owned()).collect();
                for key in processing.iter().filter(|key| !RECORDED.contains(&key.as_str()) && *key != "desc") {
                    wanted = wanted.without(key);
                }
                Err(Error::file(&of.path, format!("no confounds in {}: a file {wanted} is expected", self.root.display())))
            }
            _ => {
                let paths: Vec<String> = found.iter().map(|file| file.path.display().to_string()).collect();
                let listed = listed(paths.iter().map(String::as_str));
                Err(Error::file(&of.path, format!("{} tables of confounds, where one is expected: {listed}", found.len())))
            }
        }
    }
}
