//! Names of an atlas' regions from a table of labels: `_dseg.tsv` (BIDS), FreeSurfer's and FSL's look-up tables, lists.

mod find;
mod parse;
mod xml;

use super::read_bytes;
use crate::statistics::centre::listed;
use crate::{Error, Result};
use find::beside;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The regions of an atlas, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Labels above 0, ascending.
    Labels(Vec<u64>),
    /// So many maps.
    Maps(usize),
}

impl Numbers {
    /// The numbers as names: labels, or the maps' places counted from 0.
    fn as_names(&self) -> Vec<String> {
        match self {
            Self::Labels(labels) => labels.iter().map(u64::to_string).collect(),
            Self::Maps(count) => (0..*count).map(|i| i.to_string()).collect(),
        }
    }
}

/// Names as a file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    ByNumber(BTreeMap<u64, String>),
    /// One for each region, in order.
    InOrder(Vec<String>),
}

/// A name for each region, and remarks about where the names come from.
#[derive(Debug)]
pub(super) struct RegionNames {
    pub(super) names: Vec<String>,
    pub(super) remarks: Vec<String>,
}

/// The names of an atlas' regions: from the table that is given, else from one beside the atlas ([`beside`]), else their numbers. A label
/// without a name keeps its number, and names of labels that the atlas does not have are left out.
///
/// # Errors
/// Returns [`Error::File`] where the table given cannot be read, is of no kind that is known, or does not fit the atlas. One that was
/// found beside the atlas and does not fit leads to a remark.
pub(super) fn region_names(atlas: &Path, given: Option<&Path>, numbers: &Numbers) -> Result<RegionNames> {
    let found = if given.is_none() { beside(atlas) } else { None };
    let Some(path) = given.or(found.as_deref()) else {
        return Ok(RegionNames { names: numbers.as_names(), remarks: Vec::new() });
    };
    let fitted = read_bytes(path).and_then(|bytes| {
        let names = parse::names(path, &bytes).and_then(|names| names.fitted(numbers));
        names.map_err(|what| Error::file(path, what))
    });
    match (fitted, given) {
        (Ok(Fitted { names, mut remarks }), given) => {
            let how = if given.is_some() { "" } else { ", which is beside the atlas" };
            remarks.insert(0, format!("the names of regions are those of {}{how}", path.display()));
            Ok(RegionNames { names, remarks })
        }
        (Err(e), Some(_)) => Err(e),
        (Err(e), None) => Ok(RegionNames { names: numbers.as_names(), remarks: vec![format!("regions keep their numbers, for {e}")] }),
    }
}

struct Fitted {
    names: Vec<String>,
    remarks: Vec<String>,
}

impl Names {
    /// A name for each region.
    fn fitted(self, numbers: &Numbers) -> Result<Fitted, String> {
        let by_number = match (self, numbers) {
            (Self::ByNumber(names), Numbers::Labels(_)) => names,
            (Self::ByNumber(names), Numbers::Maps(count)) => by_map(names, *count)?,
            (Self::InOrder(names), Numbers::Labels(labels)) => by_label(names, labels)?,
            (Self::InOrder(names), Numbers::Maps(count)) if names.len() == *count => (0..).zip(names).collect(),
            (Self::InOrder(names), Numbers::Maps(count)) => {
                return Err(format!("{} names where the atlas has {count} maps: a name for each is expected", names.len()));
            }
        };
        let ids: Vec<u64> = match numbers {
            Numbers::Labels(labels) => labels.clone(),
            Numbers::Maps(count) => (0..*count as u64).collect(),
        };
        let named = |id: &u64| by_number.get(id).filter(|name| !name.is_empty()).cloned();
        let nameless: Vec<u64> = ids.iter().copied().filter(|id| named(id).is_none()).collect();
        if nameless.len() == ids.len() {
            return Err(format!("it names none of the atlas' regions ({})", few(&ids)));
        }
        let mut remarks = Vec::new();
        if !nameless.is_empty() {
            remarks.push(format!("regions without a name keep their number: {}", few(&nameless)));
        }
        let present: BTreeSet<u64> = ids.iter().copied().collect();
        let absent: Vec<&String> = by_number.iter().filter(|(id, _)| **id != 0 && !present.contains(id)).map(|(_, name)| name).collect();
        if !absent.is_empty() {
            remarks.push(format!("names of regions that the atlas does not have are left out: {}", few(&absent)));
        }
        let names: Vec<String> = ids.iter().map(|id| named(id).unwrap_or_else(|| id.to_string())).collect();
        remarks.extend(shared(&names));
        Ok(Fitted { names, remarks })
    }
}

/// Names by the places of maps counted from 0, where the table counts from 0 or from 1.
fn by_map(names: BTreeMap<u64, String>, count: usize) -> Result<BTreeMap<u64, String>, String> {
    let counts_from = |first: u64| names.len() == count && names.keys().copied().eq(first..first + count as u64);
    match (counts_from(0), counts_from(1)) {
        (true, _) => Ok(names),
        (_, true) => Ok(names.into_iter().map(|(number, name)| (number - 1, name)).collect()),
        _ => Err(format!("numbers that count the atlas' {count} maps, from 0 or from 1, are expected, found {} others", names.len())),
    }
}

/// Names in order by label: a name for each label there is, or for each whole number from 1 to the largest. A first name `Background` is
/// that of label 0.
fn by_label(mut names: Vec<String>, labels: &[u64]) -> Result<BTreeMap<u64, String>, String> {
    let largest = labels.last().copied().unwrap_or(0);
    let fits = |count: usize| count == labels.len() || count as u64 == largest;
    if fits(names.len().saturating_sub(1)) && names.first().is_some_and(|name| name.eq_ignore_ascii_case("background")) {
        names.remove(0);
    }
    match names.len() {
        n if n == labels.len() => Ok(labels.iter().copied().zip(names).collect()),
        n if n as u64 == largest => Ok((1..).zip(names).collect()),
        n => Err(format!(
            "{n} names without numbers, where the atlas has {} labels, the largest {largest}: a name for each, or for each number up to \
             the largest, is expected",
            labels.len()
        )),
    }
}

/// The remark about names that several regions have; `None` where each has its own.
fn shared(names: &[String]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let again: BTreeSet<&String> = names.iter().filter(|name| !seen.insert(*name)).collect();
    let again: Vec<&String> = again.into_iter().collect();
    (!again.is_empty()).then(|| format!("several regions have the same name: {}", few(&again)))
}

/// A list of few in words.
fn few<T: std::fmt::Display>(all: &[T]) -> String {
    let places: Vec<usize> = (0..all.len()).collect();
    listed(&places, |i| all[i].to_string())
}
