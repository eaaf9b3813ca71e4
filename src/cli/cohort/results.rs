//! Results of a cohort in the layout of BIDS, written together.
//!
//! Where one file fails, the others have results all the same: they do not depend on it, and a night's work is not lost to one subject. This
//! is what fMRIPrep and XCP-D do, whose node of one participant may crash while the others go on, and which end with an exit code of
//! failure. Here too each failure is one line, and the command ends with exit code 1. What is of the whole group, such as a tangent, is
//! written of all or not at all.

use super::super::common::{Common, Done, note, progress};
use super::found::{Fault, Found};
use crate::data::bids::{BidsFile, BidsName, BidsTree, Participants, derivative};
use crate::data::{Format, Series};
use crate::file::OutputFolder;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The result of a file.
pub(super) struct Made {
    pub(super) name: BidsName,
    pub(super) table: String,
    pub(super) sidecar: Value,
    /// Its entry in `--json`.
    pub(super) json: Value,
}

/// The results of a cohort before they are written.
pub(super) struct Results<'a> {
    common: &'a Common,
    folder: OutputFolder,
    description: Value,
    /// The participants whose results are in the folder already.
    before: Vec<String>,
    names: BTreeSet<PathBuf>,
    made: Vec<Value>,
    failed: Vec<(String, Error)>,
}

impl<'a> Results<'a> {
    /// Checks the folder of the results, and describes what will be in it. `sources` are the trees that they come from.
    ///
    /// # Errors
    /// Returns an error where it has the name of a file of results, is the folder of the series, or holds a data set of another program, or
    /// results of other trees, whose sidecars would then lead to the wrong files.
    pub(super) fn new(common: &'a Common, out: &Path, sources: &[&BidsTree]) -> Result<Self> {
        if Format::of(out).is_some() && !out.is_dir() {
            return Err(Error::file(out, "with --bids, a folder for results is expected"));
        }
        let same = |tree: &&BidsTree| fs::canonicalize(out).is_ok_and(|own| fs::canonicalize(&tree.root).is_ok_and(|read| own == read));
        if sources.iter().any(same) {
            return Err(Error::file(out, "the folder of the series: another one is expected for results"));
        }
        let mut description = derivative::description(sources);
        let described = out.join("dataset_description.json");
        if described.exists() {
            let text = fs::read_to_string(&described).map_err(|e| Error::io(&described, "cannot be read", &e))?;
            let old = crate::json::parse(&text).ok().filter(derivative::is_own);
            let old = old.ok_or_else(|| Error::file(out, "holds a data set of another program: another folder is expected for results"))?;
            if !derivative::join_links(&mut description, &old) {
                return Err(Error::file(out, "holds results of another tree: another folder is expected for these"));
            }
        }
        let table = out.join("participants.tsv");
        let before = if table.exists() { Participants::read(table)?.labels().map(str::to_owned).collect() } else { Vec::new() };
        let folder = OutputFolder::new(out)?;
        Ok(Self { common, folder, description, before, names: BTreeSet::new(), made: Vec::new(), failed: Vec::new() })
    }

    /// Makes the results of each file. A file that fails is noted; the others go on.
    pub(super) fn each(&mut self, found: &mut Found, make: impl Fn(&mut Found, &BidsFile, Series) -> Result<Vec<Made>>) -> Result<()> {
        let files = found.files.clone();
        let bar = progress(files.len() as u64, "files")?;
        let mut one = |file: &BidsFile| {
            let made = found.read(file).and_then(|series| make(found, file, series).map_err(|e| Fault::from(of_file(file, e))));
            bar.next(None, file.name.to_string());
            match made {
                Ok(made) => made.into_iter().try_for_each(|made| self.add(found, Some(file), made)),
                Err(Fault::OfOne(e)) => {
                    self.failed.push((format!("sub-{}", file.name.get("sub").unwrap_or_default()), e));
                    Ok(())
                }
                Err(Fault::OfAll(e)) => Err(e),
            }
        };
        let outcome = files.iter().try_for_each(&mut one);
        bar.finish();
        outcome?;
        match (self.failed.len() == files.len(), self.failed.first()) {
            (true, Some((_, only))) if files.len() == 1 => Err(only.clone()),
            (true, Some((_, first))) => Err(Error::argument(format!("none of {} files has a result; the first: {first}", files.len()))),
            _ => Ok(()),
        }
    }

    /// Adds a result.
    pub(super) fn add(&mut self, found: &Found, of: Option<&BidsFile>, made: Made) -> Result<()> {
        let path = derivative::path(&made.name);
        if !self.names.insert(path.clone()) {
            return Err(Error::file(path, "two files have a result of this name: fewer of them are to be chosen"));
        }
        self.folder.add(&path, made.table.as_bytes())?;
        self.folder.add(path.with_extension("json"), format!("{:#}\n", made.sidecar).as_bytes())?;
        let mut json = made.json;
        json["out"] = self.folder.path().join(&path).display().to_string().into();
        if let Some(file) = of {
            json["series"] = file.path.display().to_string().into();
            json["participant"] = participant(found, file);
        }
        self.made.push(json);
        Ok(())
    }

    /// Writes all, says what is to be said, and prints `json` with the results in it.
    pub(super) fn finish(mut self, found: &Found, mut json: Value, text: impl FnOnce(usize) -> String) -> Result<Done> {
        self.folder.add("dataset_description.json", format!("{:#}\n", self.description).as_bytes())?;
        if let Some(table) = &found.participants {
            let own = found.files.iter().filter_map(|file| file.name.get("sub"));
            let labels: BTreeSet<&str> = self.before.iter().map(String::as_str).chain(own).collect();
            self.folder.add("participants.tsv", table.text(labels).as_bytes())?;
        }
        json["out"] = self.folder.path().display().to_string().into();
        self.folder.commit()?;
        found.remarks.say("");
        found.tree.warnings.iter().for_each(|what| note(&format!("warning: {what}")));
        found.warnings.say("warning: ");
        self.failed.iter().for_each(|(_, e)| note(&format!("failed: {e}")));
        let count = self.made.len();
        json["bids"] = found.tree.root.display().to_string().into();
        json["results"] = self.made.into();
        json["without"] = json!(found.without);
        json["remarks"] = found.remarks.json();
        json["warnings"] = found.warnings.json();
        json["failed"] = self.failed.iter().map(|(_, e)| Value::from(e.to_string())).collect();
        self.common.print(&json, || text(count))?;
        if self.failed.is_empty() {
            return Ok(Done::Well);
        }
        let mut whose: Vec<&str> = self.failed.iter().map(|(whose, _)| whose.as_str()).collect();
        whose.dedup();
        Err(Error::argument(format!("no result of {} of {} files: {}", self.failed.len(), found.files.len(), whose.join(", "))))
    }
}

/// An error with the file that it is about.
fn of_file(file: &BidsFile, error: Error) -> Error {
    match error {
        Error::Argument { .. } | Error::Op { .. } => Error::file(&file.path, error),
        other => other,
    }
}

/// The row of a file's participant in the table of participants.
fn participant(found: &Found, file: &BidsFile) -> Value {
    let label = file.name.get("sub").unwrap_or_default();
    let mut json = json!({ "participant_id": format!("sub-{label}") });
    if let Some(table) = &found.participants {
        for column in &table.columns {
            json[column] = table.cell(label, column).map_or(Value::Null, Value::from);
        }
    }
    json
}

/// The entries that the sidecars of all results of a file share.
pub(super) fn sidecar(found: &Found, file: &BidsFile, series: &Series) -> Value {
    let names = |row: usize| series.names.as_ref().and_then(|names| names.get(row)).map_or_else(|| json!(row), |name| json!(name));
    let missing: Vec<Value> = (0..series.missing.len()).filter(|row| series.missing[*row]).map(names).collect();
    let mut json = json!({
        "Sources": [derivative::source_uri(0, &found.tree, &file.path)],
        "Regions": series.regions(),
        "RegionsWithoutValues": missing,
        "Frames": series.values.shape().last(),
    });
    if let Some(seconds) = series.step {
        json["RepetitionTime"] = seconds.into();
    }
    if let Some(atlas) = found.atlas() {
        json["Atlas"] = atlas.display().to_string().into();
    }
    json
}

/// The name of a result: that of its source, with the atlas by which an image has series.
pub(super) fn name(found: &Found, file: &BidsFile) -> BidsName {
    let name = file.name.clone();
    match found.atlas() {
        Some(atlas) => name.with("seg", &derivative::atlas_label(atlas)),
        None => name,
    }
}
