//! Results of a cohort in the layout of BIDS, written together.
//!
//! Where one file fails, the others have results all the same: they do not depend on it, and a night's work is not lost to one subject. This
//! is what fMRIPrep and XCP-D do, whose node of one participant may crash while the others go on, and which end with an exit code of
//! failure. Here too each failure is one line, and the command ends with exit code 1. What is of the whole group, such as a tangent, is
//! written of all or not at all.
//!
//! Where there are several ranks, each works on its share of the files, which are consecutive, and rank 0 lands what came of all in the order
//! of the files. It writes the same bytes as one process, and it alone writes, so that the folder of the results may be on a disk of its
//! own. Until then it holds all results, as one process does, and those of one other rank at a time; each other rank holds its share.

use super::super::common::{Common, Done, note, progress};
use super::found::{Fault, Found, Regions};
use super::notes::Said;
use super::outcome::Outcome;
use crate::cli::ranks::Frames;
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
    /// The path of the table below the folder of the results.
    pub(super) path: PathBuf,
    pub(super) table: String,
    pub(super) sidecar: Value,
    /// Its entry in `--json`.
    pub(super) json: Value,
}

/// The results of a cohort before they are written.
pub(super) struct Results<'a> {
    common: &'a Common,
    /// The folder that rank 0 writes; `None` at other ranks.
    folder: Option<OutputFolder>,
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
        let nothing = |folder, description, before| Self {
            common,
            folder,
            description,
            before,
            names: BTreeSet::new(),
            made: Vec::new(),
            failed: Vec::new(),
        };
        if !common.ranks.is_first() {
            return Ok(nothing(None, Value::Null, Vec::new()));
        }
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
        Ok(nothing(Some(OutputFolder::new(out)?), description, before))
    }

    /// Makes the results of each file, spread over ranks. A file that fails is noted; the others go on. `ready` is the outcome of what
    /// this rank did before.
    pub(super) fn each(
        &mut self,
        found: &mut Found,
        ready: Result<()>,
        make: impl Fn(&Found, &mut Said, &BidsFile, Series) -> Result<Vec<Made>>,
    ) -> Result<()> {
        let (files, common) = (found.files.clone(), self.common);
        let mut frames = Frames::default();
        let own = ready.and_then(|()| self.own_share(found, &files, &make, &mut frames));
        common.ranks.to_first(own.map(|()| frames), |rank, mut frames| {
            let share = common.ranks.share_of(files.len(), rank);
            let (mut landed, count) = (0, share.len());
            while !frames.is_over() {
                let file =
                    files[share.clone()].get(landed).ok_or_else(|| Error::argument("a rank sent results of more files than it has"))?;
                self.land(found, file, Outcome::next_of(&mut frames)?)?;
                landed += 1;
            }
            if landed < count { Err(Error::argument(format!("rank {rank} sent results of {landed} of its {count} files"))) } else { Ok(()) }
        })?;
        match (self.failed.len() == files.len(), self.failed.first()) {
            (true, Some((_, only))) if files.len() == 1 => Err(only.clone()),
            (true, Some((_, first))) => Err(Error::argument(format!("none of {} files has a result; the first: {first}", files.len()))),
            _ => Ok(()),
        }
    }

    /// Works on the files of this rank. Rank 0 lands what comes of them; the others add it to `frames`.
    fn own_share(
        &mut self,
        found: &mut Found,
        files: &[BidsFile],
        make: &impl Fn(&Found, &mut Said, &BidsFile, Series) -> Result<Vec<Made>>,
        frames: &mut Frames,
    ) -> Result<()> {
        let common = self.common;
        let ranks = &common.ranks;
        let own = &files[ranks.share(files.len())];
        let bar = progress(own.len() as u64, "files")?;
        for file in own {
            let outcome = worked_on(found, file, make);
            bar.next(None, file.name.to_string());
            if ranks.is_first() {
                self.land(found, file, outcome).inspect_err(|_| bar.finish())?;
                continue;
            }
            outcome.add_to(frames);
            if outcome.ends_all() {
                break;
            }
        }
        bar.finish();
        Ok(())
    }

    /// Adds what came of a file. Files are landed in their order.
    fn land(&mut self, found: &mut Found, file: &BidsFile, outcome: Outcome) -> Result<()> {
        if let Some(regions) = &outcome.regions {
            found.check_regions(&file.path, regions)?;
        }
        found.said.join(outcome.said);
        match outcome.made {
            Ok(made) => made.into_iter().try_for_each(|made| self.add(found, Some(file), made)),
            Err(Fault::OfOne(e)) => {
                self.failed.push((format!("sub-{}", file.name.get("sub").unwrap_or_default()), e));
                Ok(())
            }
            Err(Fault::OfAll(e) | Fault::Regions(_, e)) => Err(e),
        }
    }

    /// Adds a result.
    pub(super) fn add(&mut self, found: &Found, of: Option<&BidsFile>, made: Made) -> Result<()> {
        let Some(folder) = &mut self.folder else { return Ok(()) };
        if !self.names.insert(made.path.clone()) {
            return Err(Error::file(made.path, "two files have a result of this name: fewer of them are to be chosen"));
        }
        folder.add(&made.path, made.table.as_bytes())?;
        folder.add(made.path.with_extension("json"), format!("{:#}\n", made.sidecar).as_bytes())?;
        let mut json = made.json;
        json["out"] = folder.path().join(&made.path).display().to_string().into();
        if let Some(file) = of {
            json["series"] = file.path.display().to_string().into();
            json["participant"] = participant(found, file);
        }
        self.made.push(json);
        Ok(())
    }

    /// Writes all, says what is to be said, and prints `json` with the results in it.
    pub(super) fn finish(mut self, found: &Found, mut json: Value, text: impl FnOnce(usize) -> String) -> Result<Done> {
        let Some(mut folder) = self.folder.take() else { return Ok(Done::Well) };
        folder.add("dataset_description.json", format!("{:#}\n", self.description).as_bytes())?;
        if let Some(table) = &found.participants {
            let own = found.files.iter().filter_map(|file| file.name.get("sub"));
            let labels: BTreeSet<&str> = self.before.iter().map(String::as_str).chain(own).collect();
            folder.add("participants.tsv", table.text(labels).as_bytes())?;
        }
        json["out"] = folder.path().display().to_string().into();
        folder.commit()?;
        found.said.remarks.say("");
        found.tree.warnings.iter().for_each(|what| note(&format!("warning: {what}")));
        found.said.warnings.say("warning: ");
        self.failed.iter().for_each(|(_, e)| note(&format!("failed: {e}")));
        let count = self.made.len();
        json["bids"] = found.tree.root.display().to_string().into();
        json["results"] = self.made.into();
        json["without"] = json!(found.without);
        json["remarks"] = found.said.remarks.json();
        json["warnings"] = found.said.warnings.json();
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

/// Reads a file and makes its results.
fn worked_on(found: &mut Found, file: &BidsFile, make: &impl Fn(&Found, &mut Said, &BidsFile, Series) -> Result<Vec<Made>>) -> Outcome {
    let mut said = Said::default();
    match found.read(file, &mut said) {
        Ok(series) => {
            let regions = Some(Regions::of(&series));
            let made = make(found, &mut said, file, series).map_err(|e| Fault::from(of_file(file, e)));
            Outcome { regions, said, made }
        }
        Err(Fault::Regions(regions, error)) => Outcome { regions: Some(regions.clone()), said, made: Err(Fault::Regions(regions, error)) },
        Err(fault) => Outcome { regions: None, said, made: Err(fault) },
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
