//! Results in the layout of BIDS: their names, their sidecars, and the description of the tree they form.

use super::{BidsName, BidsTree};
use crate::connectome::connectivity::measure::{Connectivity, Kind};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The version of BIDS that the layout follows.
pub const BIDS_VERSION: &str = "1.10.0";

/// The name under which sources are linked in [`description`].
const SOURCE: &str = "source";

/// The contents of `dataset_description.json` for results that come from these trees.
pub fn description(sources: &[&BidsTree]) -> Value {
    let linked: Map<String, Value> = sources.iter().enumerate().map(|(i, tree)| (link(i), uri(&tree.root).into())).collect();
    let source = |tree: &&BidsTree| {
        let name = tree.description.as_ref().and_then(|description| description.get("Name")).and_then(Value::as_str);
        let mut entry = Map::from_iter([("URL".to_owned(), uri(&tree.root).into())]);
        entry.extend(name.map(|name| ("Name".to_owned(), name.into())));
        Value::Object(entry)
    };
    json!({
        "Name": "tapetum",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{ "Name": "tapetum", "Version": env!("CARGO_PKG_VERSION") }],
        "SourceDatasets": sources.iter().map(source).collect::<Vec<_>>(),
        "DatasetLinks": linked,
    })
}

/// True where a description was written by this program, so that it may be replaced.
pub fn is_own(description: &Value) -> bool {
    let by = description.get("GeneratedBy").and_then(Value::as_array);
    by.is_some_and(|by| by.iter().any(|entry| entry.get("Name").and_then(Value::as_str) == Some("tapetum")))
}

/// Adds the links of an older description to a new one, for the files that stay. False where a name would lead elsewhere than before.
pub fn join_links(description: &mut Value, old: &Value) -> bool {
    let links = |of: &Value| of.get("DatasetLinks").and_then(Value::as_object).cloned().unwrap_or_default();
    let (mut joined, old) = (links(description), links(old));
    let agree = old.iter().all(|(name, to)| joined.get(name).is_none_or(|new| new == to));
    joined.extend(old);
    description["DatasetLinks"] = Value::Object(joined);
    agree
}

/// The BIDS URI of a file in the tree of this place among the sources of [`description`].
pub fn source_uri(at: usize, tree: &BidsTree, file: &Path) -> String {
    format!("bids:{}:{}", link(at), tree.relative(file))
}

fn link(at: usize) -> String {
    if at == 0 { SOURCE.to_owned() } else { format!("{SOURCE}{}", at + 1) }
}

fn uri(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    format!("file://{}", whole.display())
}

/// The path of a result below the folder of its tree: `sub-01/[ses-1/]func/NAME`, or `group/NAME` for one that is nobody's.
pub fn path(name: &BidsName) -> PathBuf {
    let Some(sub) = name.get("sub") else { return Path::new("group").join(name.to_string()) };
    let session = name.get("ses").map(|ses| format!("ses-{ses}"));
    PathBuf::from(format!("sub-{sub}")).join(session.unwrap_or_default()).join("func").join(name.to_string())
}

/// The label of an atlas in names, by the name of its file: the value of its entity `atlas` or `seg`, else the letters and digits before its
/// extension.
pub fn atlas_label(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    match BidsName::parse(&name).as_ref().and_then(BidsName::atlas) {
        Some(label) => label.to_owned(),
        None => stem.chars().filter(char::is_ascii_alphanumeric).collect(),
    }
}

/// The value of the entity `stat` for matrices of a measure: XCP-D's `pearsoncorrelation`, and the like for other kinds.
pub fn statistic(measure: &Connectivity) -> &'static str {
    match (measure.kind, measure.fisher_z) {
        (Kind::Correlation, false) => "pearsoncorrelation",
        (Kind::Correlation, true) => "pearsoncorrelationfisherz",
        (Kind::PartialCorrelation, false) => "partialcorrelation",
        (Kind::PartialCorrelation, true) => "partialcorrelationfisherz",
        (Kind::Covariance, _) => "covariance",
        (Kind::Precision, _) => "precision",
        (Kind::Tangent, _) => "tangent",
    }
}

/// The measure in words, for `RelationshipMeasure` in a sidecar (BIDS extension proposal 17).
pub fn relationship(measure: &Connectivity) -> &'static str {
    match (measure.kind, measure.fisher_z) {
        (Kind::Correlation, false) => "Pearson correlation",
        (Kind::Correlation, true) => "Fisher's z of the Pearson correlation",
        (Kind::PartialCorrelation, false) => "partial correlation",
        (Kind::PartialCorrelation, true) => "Fisher's z of the partial correlation",
        (Kind::Covariance, _) => "covariance",
        (Kind::Precision, _) => "precision (inverse covariance)",
        (Kind::Tangent, _) => "tangent of the covariance at the geometric mean of the group",
    }
}
