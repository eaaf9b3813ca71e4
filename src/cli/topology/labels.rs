//! Labels of graphs: groups, sites, sessions.

use super::graphs::Graphs;
use crate::data::{self, read_column};
use crate::{DType, Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The labels of graphs, and where they are read.
#[derive(Debug, clap::Args)]
pub(super) struct Labelled {
    /// Labels, one for each graph: whole numbers in a `.npy`, or a column of a table such as participants.tsv (--column). Where the names of
    /// the graphs' files hold `sub-LABEL` and the table has a column `participant_id`, rows are found by it; else they are in the order of
    /// the graphs.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The column of the table that holds the labels.
    #[arg(long, value_name = "NAME", requires = "labels")]
    column: Option<String>,
}

/// Labels of graphs: the different ones in order, and the place of each graph's among them.
pub(super) struct Labels {
    pub(super) names: Vec<Value>,
    pub(super) places: Vec<usize>,
    pub(super) remark: Option<String>,
}

impl Labelled {
    /// True where labels are asked for.
    pub(super) fn given(&self) -> bool {
        self.labels.is_some()
    }

    /// Reads the labels of graphs, where they are asked for.
    pub(super) fn read(&self, graphs: &Graphs) -> Result<Option<Labels>> {
        let Some(path) = &self.labels else { return Ok(None) };
        match (&self.column, path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))) {
            (None, true) => numbers(path, graphs.len()),
            (Some(_), true) => Err(Error::file(path, "--column is of a table, and labels in a .npy have no columns")),
            (Some(column), false) => texts(path, column, graphs),
            (None, false) => Err(Error::file(path, "labels in a table: --column NAME is expected")),
        }
        .map(Some)
    }
}

fn numbers(path: &Path, graphs: usize) -> Result<Labels> {
    let labels = data::read_npy(path)?;
    let whole = matches!(labels.dtype(), DType::I32 | DType::U32);
    if !whole || *labels.shape() != [graphs] {
        return Err(Error::file(path, format!("labels {}: {graphs} whole numbers expected, one a graph", labels.ty())));
    }
    let labels: Vec<i64> = labels.to_f64_vec().into_iter().map(|x| x as i64).collect();
    let (names, places) = placed(&labels);
    Ok(Labels { names: names.into_iter().map(|name| json!(name)).collect(), places, remark: None })
}

fn texts(path: &Path, column: &str, graphs: &Graphs) -> Result<Labels> {
    let cells = read_column(path, column)?;
    let subjects: Option<Vec<String>> = graphs.files.iter().map(|(file, count)| subject(file).filter(|_| *count == 1)).collect();
    // A table without this column is read in the order of its rows.
    let ids = subjects.as_ref().and_then(|_| read_column(path, "participant_id").ok());
    let (labels, remark) = match (subjects, ids) {
        (Some(subjects), Some(ids)) => (joined(path, &subjects, &ids, &cells)?, "rows found by `participant_id`"),
        _ if cells.len() == graphs.len() => (cells, "rows in the order of the graphs"),
        _ => return Err(Error::file(path, format!("{} rows: {} are expected, one a graph", cells.len(), graphs.len()))),
    };
    if let Some(at) = labels.iter().position(|label| ["", "n/a", "nan"].contains(&label.to_lowercase().as_str())) {
        return Err(Error::file(path, format!("graph {at}, counted from 0, has no `{column}`: a label is expected")));
    }
    let (names, places) = placed(&labels);
    let remark = Some(format!("{}: labels of `{column}`, {remark}", path.display()));
    Ok(Labels { names: names.into_iter().map(|name| json!(name)).collect(), places, remark })
}

/// The labels of subjects by their ids. A subject may stand in several rows of the same label.
fn joined(path: &Path, subjects: &[String], ids: &[String], cells: &[String]) -> Result<Vec<String>> {
    let mut by_id: BTreeMap<&str, &String> = BTreeMap::new();
    for (id, cell) in ids.iter().zip(cells) {
        let id = id.strip_prefix("sub-").unwrap_or(id);
        if by_id.insert(id, cell).is_some_and(|before| before != cell) {
            return Err(Error::file(path, format!("sub-{id} stands in several rows with different labels: one is expected")));
        }
    }
    let label = |subject: &String| {
        let found = by_id.get(subject.as_str());
        found.map(|label| (*label).clone()).ok_or_else(|| Error::file(path, format!("no row of sub-{subject} in `participant_id`")))
    };
    subjects.iter().map(label).collect()
}

/// The label of the BIDS entity `sub` in the name of a file, or in the name of a folder above it.
fn subject(file: &Path) -> Option<String> {
    let of = |name: &str| {
        name.split('_').find_map(|part| part.strip_prefix("sub-")).map(|label| label.split('.').next().unwrap_or(label).to_owned())
    };
    file.ancestors().filter_map(|path| path.file_name()).find_map(|name| of(&name.to_string_lossy()))
}

/// The different labels in order, and the place of each among them.
fn placed<T: Ord + Clone>(labels: &[T]) -> (Vec<T>, Vec<usize>) {
    let mut names = labels.to_vec();
    names.sort_unstable();
    names.dedup();
    let places = labels.iter().map(|label| names.partition_point(|name| name < label)).collect();
    (names, places)
}

/// A label as text.
pub(super) fn text(label: &Value) -> String {
    label.as_str().map_or_else(|| label.to_string(), str::to_owned)
}
