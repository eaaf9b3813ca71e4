//! The choice of series in a tree. What is not said is never decided in silence.

use super::name::place;
use super::query::{listed, merged, value, values_of};
use super::{BidsFile, BidsQuery, BidsTree};
use crate::error::Reason;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The files that a query finds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BidsSelection<'a> {
    /// The files in the order of their paths: one for each session, task and run of each participant.
    pub files: Vec<&'a BidsFile>,
    /// The labels of participants in the tree that have no such file.
    pub without: Vec<String>,
    /// Messages to the user about the choice, one line each.
    pub remarks: Vec<String>,
}

/// Entities that tell the recordings of one participant apart. Each recording has a result of its own.
const RECORDING: [&str; 4] = ["sub", "ses", "task", "run"];

/// Entities of processing, which must be the same in all files: results of different spaces or atlases do not belong together.
const PROCESSING: [&str; 7] = ["space", "atlas", "res", "den", "stat", "measure", "desc"];

impl BidsTree {
    /// Finds the series that fit a query: one file for each participant, session, task and run. Where a table and a `.ptseries.nii` hold
    /// the same series, the table is taken, and a remark says so.
    ///
    /// # Errors
    /// Returns [`Error::File`] where nothing fits (the message says what was looked for and what is there), where a participant that was
    /// chosen is not in the tree, and where the choice is open: several files of one recording fit, files differ in space, atlas,
    /// resolution, density, statistic or description, or a recording has files with a run and one without, as XCP-D writes runs joined
    /// together. The message names the entity and its values. An entity of which the query names several values tells recordings apart.
    pub fn select(&self, query: &BidsQuery) -> Result<BidsSelection<'_>> {
        let wanted = query.chosen("sub");
        let unknown = wanted.iter().filter(|label| !self.participants.contains(label)).map(String::as_str).collect::<Vec<_>>();
        if !unknown.is_empty() {
            let there = listed(self.participants.iter().map(String::as_str));
            return Err(self.fail(format!("no folder of participant {}: there are {there}", listed(unknown.into_iter()))));
        }
        let (kind, found) = query.fitting(self);
        if found.is_empty() {
            return Err(self.fail(format!("{} is expected, found none: {}", query.looked_for(), query.there_is(self, &kind))));
        }
        let (files, remarks) = without_twins(found);
        self.check_processing(&files, query)?;
        self.check_recordings(&files, query)?;
        let asked = self.participants.iter().filter(|label| wanted.is_empty() || wanted.contains(label));
        let has = |label: &String| files.iter().any(|file| file.name.get("sub") == Some(label));
        let without = asked.filter(|label| !has(label)).cloned().collect();
        Ok(BidsSelection { files, without, remarks })
    }

    /// Checks that each participant has one file: a statistic of a group would count those of many runs more than others.
    ///
    /// # Errors
    /// Returns [`Error::File`], which names the participant and the entity that tells its files apart, where one has several.
    pub fn one_each(&self, files: &[BidsFile]) -> Result<()> {
        let label = |file: &BidsFile| file.name.get("sub").unwrap_or_default().to_owned();
        let Some(same) = files.chunk_by(|a, b| label(a) == label(b)).find(|same| same.len() > 1) else { return Ok(()) };
        let same: Vec<&BidsFile> = same.iter().collect();
        let key = keys(&same).into_iter().find(|key| values_of(&same, key).len() > 1).unwrap_or_else(|| "run".to_owned());
        let what = format!("the files of sub-{} differ in {}", label(same[0]), several(&same, &key));
        Err(self.fail(format!("{what}; one file of each participant is expected for a group")))
    }

    fn fail(&self, what: impl Into<Reason>) -> Error {
        Error::file(&self.root, what)
    }

    /// Checks that entities of processing have one value in all files.
    fn check_processing(&self, files: &[&BidsFile], query: &BidsQuery) -> Result<()> {
        let open = PROCESSING.iter().find(|key| query.chosen(key).len() < 2 && values_of(files, key).len() > 1);
        match open {
            None => Ok(()),
            Some(key) => Err(self.fail(format!("the files of {} differ in {}", whose(files, key), several(files, key)))),
        }
    }

    /// Checks that each recording has one file.
    fn check_recordings(&self, files: &[&BidsFile], query: &BidsQuery) -> Result<()> {
        let told_apart = |key: &str| RECORDING.contains(&key) || query.chosen(key).len() > 1;
        for same in groups(files, |file, key| told_apart(key).then(|| value(&file.name, key).unwrap_or_default().to_owned())) {
            let [first, second, ..] = same[..] else { continue };
            return Err(match keys(&same).into_iter().find(|key| values_of(&same, key).len() > 1) {
                Some(key) => self.fail(format!("the files of {} differ in {}", whose(&same, &key), several(&same, &key))),
                None => {
                    self.fail(format!("{} and {} are one recording: one file is expected", first.path.display(), second.path.display()))
                }
            });
        }
        if query.chosen("run").len() > 1 {
            return Ok(());
        }
        let but_run =
            |file: &BidsFile, key: &str| (told_apart(key) && key != "run").then(|| value(&file.name, key).unwrap_or_default().to_owned());
        for same in groups(files, but_run) {
            let has_run = same.iter().filter(|file| file.name.get("run").is_some()).count();
            if has_run > 0 && has_run < same.len() {
                let what = format!("the files of {} differ in {}", whose(&same, "run"), several(&same, "run"));
                return Err(self.fail(format!("{what}; a file without a run may be all runs joined")));
            }
        }
        Ok(())
    }
}

/// Files that agree in all that `part` gives for their entities.
fn groups<'a>(files: &[&'a BidsFile], part: impl Fn(&BidsFile, &str) -> Option<String>) -> Vec<Vec<&'a BidsFile>> {
    let mut found: BTreeMap<Vec<Option<String>>, Vec<&BidsFile>> = BTreeMap::new();
    let keys = keys(files);
    for file in files {
        found.entry(keys.iter().map(|key| part(file, key)).collect()).or_default().push(file);
    }
    found.into_values().collect()
}

/// The keys of the entities of files, in the order of names.
fn keys(files: &[&BidsFile]) -> Vec<String> {
    let mut keys: Vec<String> = files.iter().flat_map(|file| file.name.entities()).map(|(key, _)| merged(key).to_owned()).collect();
    keys.sort_by(|a, b| (place(a), a).cmp(&(place(b), b)));
    keys.dedup();
    keys
}

/// The files without those `.ptseries.nii` that hold what a table holds. XCP-D leaves density and resolution out of the table's name.
fn without_twins(found: Vec<&BidsFile>) -> (Vec<&BidsFile>, Vec<String>) {
    let bare = |file: &BidsFile| file.name.clone().without("den").without("res").ending("timeseries", "").to_string();
    let tables: Vec<String> = found.iter().filter(|file| file.name.extension() == ".tsv").map(|file| bare(file)).collect();
    let is_twin = |file: &&&BidsFile| file.name.extension() == ".ptseries.nii" && tables.contains(&bare(file));
    let twins = found.iter().filter(is_twin).count();
    let remarks = if twins == 0 {
        Vec::new()
    } else {
        vec![format!("tables are read where a .ptseries.nii of the same series stands beside them ({twins} in all)")]
    };
    (found.iter().filter(|file| !is_twin(file)).copied().collect(), remarks)
}

/// The participant of files, or two participants between whom an entity differs.
fn whose(files: &[&BidsFile], key: &str) -> String {
    let label = |file: &BidsFile| format!("sub-{}", file.name.get("sub").unwrap_or_default());
    let first = files.first().map(|file| label(file)).unwrap_or_default();
    let of_first: Vec<&BidsFile> = files.iter().copied().filter(|file| label(file) == first).collect();
    if values_of(&of_first, key).len() > 1 {
        return first;
    }
    let own = values_of(&of_first, key);
    let other = files.iter().find(|file| values_of(&[file], key) != own);
    other.map_or(first.clone(), |other| format!("{first} and {}", label(other)))
}

/// The values of an entity, and the option that chooses among them.
fn several(files: &[&BidsFile], key: &str) -> String {
    let values = values_of(files, key);
    let option = match key {
        "space" | "task" | "run" => format!("--{key} VALUE"),
        "ses" => "--session VALUE".to_owned(),
        "atlas" => "--atlas NAME".to_owned(),
        _ => format!("--entity {key}-VALUE"),
    };
    format!("`{key}`, which is {}: choose with {option}", listed(values.iter().map(String::as_str)))
}
