//! Queries to a tree.

use super::{BidsFile, BidsName, BidsTree};
use crate::{Error, Result};
use glob::{MatchOptions, Pattern};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The kind of file that series are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BidsSeries {
    /// Series of an atlas' regions: `_timeseries.tsv` and `_timeseries.ptseries.nii`, as XCP-D writes them. Confounds are none.
    #[default]
    Regions,
    /// Images over time: `_bold.nii.gz` and `_bold.nii`, which have series by an atlas.
    Images,
    /// Series of vertices and voxels in CIFTI: `_bold.dtseries.nii`, which have series by a `.dlabel.nii`.
    Dense,
}

impl BidsSeries {
    /// The kind of files that an atlas asks for: images by an image of labels or maps, dense series by a file of labels of grayordinates or
    /// vertices, tables by the name of an atlas (`4S456Parcels`), which has no extension and is no file.
    pub fn by_atlas(atlas: &Path) -> Self {
        let name = atlas.to_string_lossy().to_lowercase();
        let is_one_of = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end) || name.contains(&format!("{end}:")));
        match () {
            () if is_one_of(&[".dlabel.nii", ".label.gii", ".annot"]) => Self::Dense,
            () if is_one_of(&[".nii", ".nii.gz"]) || atlas.is_file() => Self::Images,
            () => Self::Regions,
        }
    }

    /// True where a file of this name holds such series.
    pub fn fits(self, name: &BidsName) -> bool {
        match (self, name.suffix(), name.extension()) {
            (Self::Regions, "timeseries", ".tsv" | ".ptseries.nii") => name.get("desc") != Some("confounds"),
            (Self::Images, "bold", ".nii" | ".nii.gz") | (Self::Dense, "bold", ".dtseries.nii") => true,
            _ => false,
        }
    }

    /// The ends of the names of such files, in words.
    pub fn ends(self) -> &'static str {
        match self {
            Self::Regions => "_timeseries.tsv or _timeseries.ptseries.nii",
            Self::Images => "_bold.nii.gz or _bold.nii",
            Self::Dense => "_bold.dtseries.nii",
        }
    }
}

/// A description of the series that are looked for.
///
/// ```no_run
/// use tapetum::data::bids::{BidsQuery, BidsTree};
///
/// # fn main() -> tapetum::Result<()> {
/// let tree = BidsTree::open("xcp_d")?;
/// let found = tree.select(&BidsQuery::default().entity("atlas", "4S456Parcels").entity("task", "rest"))?;
/// println!("{} files, none of {:?}", found.files.len(), found.without);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct BidsQuery {
    /// The kind of file.
    pub series: BidsSeries,
    chosen: BTreeMap<String, Vec<String>>,
    pattern: Option<Pattern>,
}

/// The value by which files without an entity are chosen.
const NONE: &str = "none";

impl BidsQuery {
    /// A description of series of this kind, with no entity chosen.
    pub fn new(series: BidsSeries) -> Self {
        Self { series, ..Self::default() }
    }

    /// Chooses a value of an entity by its key, `entity("space", "MNI152NLin6Asym")`; several values where it is called several times, and
    /// `none` for files without the entity. A value may have the key before it (`sub-01`). Runs and echoes are numbers, so that `1` is `01`.
    /// The key `atlas` stands for `seg` too.
    #[must_use]
    pub fn entity(mut self, key: &str, value: &str) -> Self {
        let value = value.strip_prefix(key).and_then(|rest| rest.strip_prefix('-')).unwrap_or(value);
        self.chosen.entry(merged(key).to_owned()).or_default().push(value.to_owned());
        self
    }

    /// Chooses files whose paths below the tree's folder fit a glob, such as `sub-*/func/*_task-rest_*.tsv`; `**` stands for any folders.
    ///
    /// # Errors
    /// Returns an error where the glob cannot be read.
    pub fn pattern(self, glob: &str) -> Result<Self> {
        let pattern = Pattern::new(glob).map_err(|e| Error::argument(format!("the glob `{glob}`: {e}")))?;
        Ok(Self { pattern: Some(pattern), ..self })
    }

    /// The folder of the tree, and the glob below it, of a path with `*`, `?` or `[`: the folder is what stands before the first part with
    /// one of them, and before the folder of a participant. `None` where the path has none of them.
    pub fn split_glob(path: &Path) -> Option<(PathBuf, String)> {
        let parts: Vec<_> = path.components().collect();
        let text = |part: &std::path::Component| part.as_os_str().to_string_lossy().into_owned();
        let first = parts.iter().position(|part| text(part).contains(['*', '?', '[']))?;
        let at = parts[..first].iter().position(|part| text(part).starts_with("sub-")).unwrap_or(first);
        let root: PathBuf = parts[..at].iter().collect();
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        Some((root, parts[at..].iter().map(text).collect::<Vec<_>>().join("/")))
    }

    /// The values chosen of an entity, none where it is open.
    pub(super) fn chosen(&self, key: &str) -> &[String] {
        self.chosen.get(key).map_or(&[], Vec::as_slice)
    }

    /// The files of the kind, and those among them that fit all that is chosen.
    pub(super) fn fitting<'a>(&self, tree: &'a BidsTree) -> (Vec<&'a BidsFile>, Vec<&'a BidsFile>) {
        let kind: Vec<&BidsFile> = tree.files.iter().filter(|file| self.series.fits(&file.name) && self.on_path(tree, file)).collect();
        let fits = |file: &&BidsFile| self.chosen.iter().all(|(key, values)| values.iter().any(|v| is(&file.name, key, v)));
        (kind.clone(), kind.into_iter().filter(fits).collect())
    }

    fn on_path(&self, tree: &BidsTree, file: &BidsFile) -> bool {
        let options = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches_with(&tree.relative(&file.path), options))
    }

    /// The query in words.
    pub(super) fn looked_for(&self) -> String {
        let chosen = self.chosen.iter().map(|(key, values)| format!("{key} {}", values.join(" or ")));
        let glob = self.pattern.iter().map(|pattern| format!("a path that fits `{pattern}`"));
        let with: Vec<String> = chosen.chain(glob).collect();
        let with = if with.is_empty() { String::new() } else { format!(" with {}", with.join(", ")) };
        format!("a file ..{}{with}", self.series.ends())
    }

    /// The files of a tree that come nearest to the query, in words.
    pub(super) fn there_is(&self, tree: &BidsTree, kind: &[&BidsFile]) -> String {
        if kind.is_empty() {
            let others = [BidsSeries::Regions, BidsSeries::Images, BidsSeries::Dense].into_iter();
            let count = |series: BidsSeries| tree.files.iter().filter(|file| series.fits(&file.name)).count();
            let there: Vec<String> = others.filter(|s| count(*s) > 0).map(|s| format!("{} of ..{}", count(s), s.ends())).collect();
            let there = if there.is_empty() { "none that hold series".to_owned() } else { there.join(", ") };
            return format!("there are {} files in it, {there}", tree.files.len());
        }
        let values = self.chosen.keys().map(|key| format!("{key} is {}", listed(values_of(kind, key).iter().map(String::as_str))));
        format!("in the {} files ..{} {}", kind.len(), self.series.ends(), values.collect::<Vec<_>>().join(", "))
    }
}

/// The key under which an entity is compared: XCP-D writes the atlas as `atlas-` or `seg-`.
pub(super) fn merged(key: &str) -> &str {
    if key == "seg" { "atlas" } else { key }
}

/// The value of an entity by its merged key.
pub(super) fn value<'a>(name: &'a BidsName, key: &str) -> Option<&'a str> {
    if key == "atlas" { name.atlas() } else { name.get(key) }
}

/// The values of an entity among files in the order of the files, `none` for those that do not have it.
pub(super) fn values_of(files: &[&BidsFile], key: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for file in files {
        let value = value(&file.name, key).unwrap_or(NONE);
        if !values.iter().any(|v| v == value) {
            values.push(value.to_owned());
        }
    }
    values
}

/// At most ten values, in words.
pub(super) fn listed<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = values.collect();
    let more = if all.len() > 10 { format!(" and {} more", all.len() - 10) } else { String::new() };
    format!("{}{more}", all.iter().take(10).copied().collect::<Vec<_>>().join(", "))
}

fn is(name: &BidsName, key: &str, wanted: &str) -> bool {
    let found = value(name, key).unwrap_or(NONE);
    let number = |text: &str| text.parse::<u64>().ok();
    found == wanted || matches!(key, "run" | "echo") && number(found).is_some() && number(found) == number(wanted)
}
