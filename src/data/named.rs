//! Files that hold several arrays by name, and the choice of one of them. `FILE.npz:NAME`, `FILE.h5:/path/to/dataset` and
//! `FILE.mat:variable` name one.

use super::Layout;
use super::format::{FORMATS, Format};
use crate::HostTensor;
use std::path::{Path, PathBuf};

/// The array that is taken as series where none is chosen.
pub(super) const SERIES: &str = "series";
/// The array that holds the names of regions.
pub(super) const NAMES: &str = "names";
/// The names under which the names of regions are looked for beside an array.
const BESIDE: [&str; 3] = [NAMES, "labels", "region_names"];

/// The number of arrays that a message lists.
const SHOWN: usize = 16;

/// The file and the array that `FILE.npz:NAME` names, and likewise for `.h5`, `.hdf5`, `.nwb` and `.mat`, or the weights that
/// `FILE.graphml:NAME` names; of every other path, the path itself.
pub fn file_and_array(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    // ASCII lower case keeps every byte in its place.
    let lower = text.to_ascii_lowercase();
    let several = FORMATS.iter().filter(|row| matches!(row.format, Format::Npz | Format::Hdf5 | Format::Matlab | Format::GraphMl));
    let colon = |end: &&str| lower.rfind(&format!("{end}:")).map(|at| at + end.len());
    match several.flat_map(|row| row.extensions).filter_map(colon).max().filter(|_| !path.exists()) {
        Some(at) => (PathBuf::from(&text[..at]), Some(text[at + 1..].to_owned())),
        None => (path.to_owned(), None),
    }
}

/// The array that is wanted of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Its name, where the user gives one.
    pub(super) name: Option<&'a str>,
    /// The name of the array that is taken where none is given and several could be.
    pub(super) usual: &'static str,
    /// The order of its last two axes.
    pub(super) layout: Layout,
}

impl Wanted<'_> {
    /// The number of regions in an array of these extents; `None` where it has fewer than two axes.
    pub(super) fn regions(&self, extents: &[usize]) -> Option<usize> {
        let from_end = usize::from(self.layout == Layout::RegionsTime);
        extents.iter().rev().nth(from_end).copied().filter(|_| extents.len() > 1)
    }
}

/// An array of numbers, as the file's program shows it, with what stands beside it.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) values: HostTensor,
    /// The regions' names.
    pub(super) names: Option<Vec<String>>,
    /// The seconds from one frame to the next.
    pub(super) step: Option<f64>,
    /// Messages to the user, one line each.
    pub(super) remarks: Vec<String>,
}

/// The names of so many regions among the texts beside an array, and a remark where there are only texts of another number. `texts` gives
/// those of a name.
pub(super) fn names_among(regions: Option<usize>, texts: impl Fn(&str) -> Option<Vec<String>>) -> (Option<Vec<String>>, Vec<String>) {
    let found: Vec<(&str, Vec<String>)> = BESIDE.iter().filter_map(|name| Some((*name, texts(name)?))).collect();
    let Some(regions) = regions else { return (None, Vec::new()) };
    match (found.iter().find(|(_, names)| names.len() == regions), found.first()) {
        (Some((_, names)), _) => (Some(names.clone()), Vec::new()),
        (None, Some((name, names))) => {
            let remark =
                format!("`{name}` beside the array holds {} texts, and there are {regions} regions: they stay without names", names.len());
            (None, vec![remark])
        }
        (None, None) => (None, Vec::new()),
    }
}

/// An array of a file, as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    pub(super) name: String,
    /// The extents, or what it holds where it is no array of numbers; empty where neither is known without reading it.
    pub(super) about: String,
    /// True for an array that can be series: where no name is given, only these can be chosen.
    pub(super) series: bool,
}

/// The place of the array called `name`; without a name, of the only one that can be series, or of the one called `usual`.
///
/// # Errors
/// Returns a message that lists the arrays where there is no such array, or where the choice is open. `file` is what stands before the
/// colon in the message, such as `FILE.npz`.
pub(super) fn chosen(listed: &[Listed], name: Option<&str>, usual: &str, file: &str) -> Result<usize, String> {
    let named = |name: &str| listed.iter().position(|l| l.name == name);
    if let Some(name) = name {
        return named(name).ok_or_else(|| format!("no array `{}`: {}", shortened(name), list(listed)));
    }
    let mut possible = listed.iter().enumerate().filter(|(_, l)| l.series);
    match (possible.next(), possible.next()) {
        (Some((only, _)), None) => Ok(only),
        _ => named(usual).ok_or_else(|| format!("one array, or one called `{usual}`, expected: {}; {file}:NAME takes one", list(listed))),
    }
}

/// The arrays in words.
fn list(listed: &[Listed]) -> String {
    let one = |l: &Listed| format!("{}{}{}", shortened(&l.name), if l.about.is_empty() { "" } else { " " }, l.about);
    let shown: Vec<String> = listed.iter().take(SHOWN).map(one).collect();
    match listed.len() {
        0 => "it has none".to_owned(),
        n if n > SHOWN => format!("it has {} and {} more", shown.join(", "), n - SHOWN),
        _ => format!("it has {}", shown.join(", ")),
    }
}

/// A name of a file as messages show it: its end, where it is long.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().rev().nth(119) {
        Some((at, _)) if at > 0 => format!("…{}", &name[at..]),
        _ => name.to_owned(),
    }
}

/// True where an array of these extents can be series: two axes or three, two of them longer than 1.
pub(super) fn can_be_series(extents: &[usize]) -> bool {
    matches!(extents.len(), 2 | 3) && extents.iter().filter(|&&n| n > 1).count() > 1
}
