//! HDF5: `.h5`, `.hdf5`, NWB's `.nwb`, and the inside of MATLAB's `.mat` of version 7.3. The crate `hdf5-reader` decodes the file; this
//! folder chooses a dataset and turns it into an array with names.
//!
//! The source is the *HDF5 File Format Specification* of The HDF Group, version 3.0.

mod dataset;

pub(in crate::data) use dataset::Dataset;

use super::named::{Array, Listed, Wanted, can_be_series, chosen, names_among, shortened};
use super::{cohort, read_bytes};
use crate::{Error, Result};
use hdf5_reader::group::Group;
use hdf5_reader::storage::FileStorage;
use hdf5_reader::{Hdf5File, OpenOptions};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The datasets that a listing visits at most. A group may be linked many times, and a damaged file may link without end.
const DATASETS: usize = 1 << 16;
/// The groups within groups that a listing enters.
const DEPTH: usize = 32;
/// Deflate makes at most this many bytes of one. A dataset that claims more than this many times its file holds nothing else than fill
/// values, or is damaged.
const MOST: usize = 1032;

/// Reads the wanted array of a file; see [`Hdf5::array`].
///
/// # Errors
/// Returns [`Error::File`] with the messages of [`Hdf5::open`] and [`Hdf5::array`].
pub(super) fn array(path: &Path, wanted: Wanted<'_>) -> Result<Array> {
    Hdf5::open(path)?.array(wanted).map_err(|what| Error::file(path, what))
}

/// Reads an array from the bytes of a file, as [`array`] does; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`array`].
pub(super) fn array_of_bytes(name: &Path, bytes: &[u8], wanted: Wanted<'_>) -> Result<Array> {
    Hdf5::of_bytes(name, bytes)?.array(wanted).map_err(|what| Error::file(name, what))
}

/// The arrays of a cohort in the group that is named, or in the whole file; `None` where one array is taken.
///
/// # Errors
/// The same as those of [`array`].
pub(super) fn arrays(path: &Path, wanted: Wanted<'_>) -> Result<Option<Vec<(String, Array)>>> {
    Hdf5::open(path)?.arrays(wanted).map_err(|what| Error::file(path, what))
}

/// An open HDF5 file.
pub(in crate::data) struct Hdf5 {
    file: Hdf5File,
    /// The bytes that one dataset may take in memory.
    pub(in crate::data) most: usize,
    /// The paths of groups and datasets by their addresses, to which references lead.
    addresses: OnceCell<HashMap<u64, String>>,
}

/// A group, by its path, or a dataset.
pub(in crate::data) enum Node {
    Group(String),
    Dataset(Box<Dataset>),
}

impl Hdf5 {
    /// Opens a file, of which only those parts are read that are asked for.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be read or is no HDF5 file.
    pub(in crate::data) fn open(path: &Path) -> Result<Self> {
        if cfg!(target_arch = "wasm32") {
            return Self::of_bytes(path, &read_bytes(path)?);
        }
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, "cannot be read", &e))?;
        if metadata.is_dir() {
            return Err(Error::file(path, "cannot be read: a folder, where an HDF5 file is expected"));
        }
        let storage = FileStorage::open(path).map_err(|e| match e {
            hdf5_reader::error::Error::Io(e) => Error::io(path, "cannot be read", &e),
            e => Error::file(path, format!("cannot be read: {}", said(e))),
        })?;
        let most = usize::try_from(metadata.len()).unwrap_or(usize::MAX).saturating_mul(MOST);
        Self::of(Hdf5File::from_storage_with_options(Arc::new(storage), options(most)), most).map_err(|what| Error::file(path, what))
    }

    /// Opens the bytes of a file; `name` stands for the file in errors.
    ///
    /// # Errors
    /// Returns [`Error::File`] where they are no HDF5 file.
    pub(in crate::data) fn of_bytes(name: &Path, bytes: &[u8]) -> Result<Self> {
        let most = bytes.len().saturating_mul(MOST);
        Self::of(Hdf5File::from_bytes_with_options(bytes, options(most)), most).map_err(|what| Error::file(name, what))
    }

    fn of(file: hdf5_reader::error::Result<Hdf5File>, most: usize) -> Result<Self, String> {
        let file = file.map_err(|e| format!("an HDF5 file expected: {}", said(e)))?;
        Ok(Self { file, most, addresses: OnceCell::new() })
    }

    /// The array of the wanted name, such as `/group/dataset`; within a group, or without a name, the only one that can be series or the one
    /// of the usual name. Its names are the texts beside it, and its step is that of an NWB time series.
    ///
    /// # Errors
    /// Returns a message where there is no such dataset, where the choice is open, or where the dataset does not hold numbers.
    pub(super) fn array(&self, wanted: Wanted<'_>) -> Result<Array, String> {
        let place = wanted.name.map(|name| name.trim_matches('/')).unwrap_or_default();
        let named = !place.is_empty() && self.file.dataset(place).is_ok();
        let path = if named { place.to_owned() } else { self.choice(place, wanted.usual)? };
        self.array_at(&path, wanted)
    }

    /// The arrays of a cohort in a group; see [`arrays`].
    fn arrays(&self, wanted: Wanted<'_>) -> Result<Option<Vec<(String, Array)>>, String> {
        let place = wanted.name.map(|name| name.trim_matches('/')).unwrap_or_default();
        if !place.is_empty() && self.file.dataset(place).is_ok() {
            return Ok(None);
        }
        let (listed, paths) = self.listed(place)?;
        let Some(members) = cohort::members(&listed, wanted.usual) else { return Ok(None) };
        let paths: Vec<String> = members.into_iter().map(|member| paths[member].clone()).collect();
        let arrays = different_parts(&paths).into_iter().zip(&paths).map(|(name, path)| Ok((name, self.array_at(path, wanted)?)));
        arrays.collect::<Result<_, String>>().map(Some)
    }

    /// The array of this path, with what stands beside it.
    fn array_at(&self, path: &str, wanted: Wanted<'_>) -> Result<Array, String> {
        let values = self.dataset(path)?.values().map_err(|what| format!("dataset `{}`: {what}", shortened(path)))?;
        let group = path.rfind('/').map_or("", |at| &path[..at]);
        let texts = |name: &str| self.dataset(&below(group, name)).ok()?.texts().ok();
        let (names, remarks) = names_among(wanted.regions(&values.shape()), texts);
        Ok(Array { values, names, step: self.step(group), remarks })
    }

    /// The path of the dataset that is chosen within a group.
    fn choice(&self, group: &str, usual: &str) -> Result<String, String> {
        let (listed, paths) = self.listed(group)?;
        let at = chosen(&listed, None, usual, "FILE.h5")?;
        Ok(paths[at].clone())
    }

    /// The step of the time series that a group of an NWB file is: its `starting_time` has the attribute `rate`, in hertz.
    fn step(&self, group: &str) -> Option<f64> {
        let rate = self.dataset(&below(group, "starting_time")).ok()?.number("rate")?;
        (rate > 0.0 && rate.is_finite()).then(|| 1.0 / rate)
    }

    /// The datasets within a group, listed by their paths from it, and their whole paths.
    fn listed(&self, group: &str) -> Result<(Vec<Listed>, Vec<String>), String> {
        let mut paths = Paths::default();
        paths.gather(&self.group(group)?, group, 0)?;
        let listed = paths.datasets.iter().map(|path| {
            let name = path[group.len()..].trim_start_matches('/').to_owned();
            match self.dataset(path) {
                Ok(dataset) => Listed { name, about: dataset.about(), series: dataset.is_numeric() && can_be_series(&dataset.extents()) },
                Err(_) => Listed { name, about: "(unreadable)".into(), series: false },
            }
        });
        Ok((listed.collect(), paths.datasets))
    }

    /// The group of a path, the root where the path is empty.
    fn group(&self, path: &str) -> Result<Group, String> {
        let found = if path.is_empty() { self.file.root_group() } else { self.file.group(path) };
        match found {
            Ok(group) => Ok(group),
            Err(_) if !path.is_empty() => {
                let (listed, _) = self.listed("")?;
                Err(chosen(&listed, Some(path), "", "FILE.h5").err().unwrap_or_else(|| format!("no group `{}`", shortened(path))))
            }
            Err(e) => Err(said(e)),
        }
    }

    /// The dataset of a path.
    pub(in crate::data) fn dataset(&self, path: &str) -> Result<Dataset, String> {
        self.file.dataset(path).map(Dataset).map_err(said)
    }

    /// The group or the dataset of a path.
    pub(in crate::data) fn node(&self, path: &str) -> Result<Node, String> {
        match self.dataset(path) {
            Ok(dataset) => Ok(Node::Dataset(Box::new(dataset))),
            Err(_) if self.file.group(path).is_ok() => Ok(Node::Group(path.to_owned())),
            Err(what) => Err(what),
        }
    }

    /// The groups and datasets in a group, sorted by name.
    pub(in crate::data) fn members(&self, path: &str) -> Result<Vec<(String, Node)>, String> {
        let (groups, datasets) = self.group(path)?.member_names().map_err(said)?;
        let mut names = [groups, datasets].concat();
        names.sort_unstable();
        names.into_iter().map(|name| Ok((name.clone(), self.node(&below(path, &name))?))).collect()
    }

    /// The group or the dataset to which a reference leads.
    pub(in crate::data) fn node_at(&self, address: u64) -> Result<Node, String> {
        if self.addresses.get().is_none() {
            let mut paths = Paths::default();
            paths.gather(&self.group("")?, "", 0)?;
            let of_dataset = |path: &String| Some((self.dataset(path).ok()?.address(), path.clone()));
            let of_group = |path: &String| Some((self.file.group(path).ok()?.address(), path.clone()));
            let found = paths.datasets.iter().filter_map(of_dataset).chain(paths.groups.iter().filter_map(of_group)).collect();
            let _ = self.addresses.set(found);
        }
        match self.addresses.get().and_then(|paths| paths.get(&address)) {
            Some(path) => self.node(path),
            None => Err("a reference leads to no object of the file".into()),
        }
    }
}

/// The paths of groups and datasets.
#[derive(Default)]
struct Paths {
    groups: Vec<String>,
    datasets: Vec<String>,
    /// The addresses of the groups that were entered: links may lead back to them.
    entered: HashSet<u64>,
}

impl Paths {
    /// Adds what is in a group, and in the groups within it.
    fn gather(&mut self, group: &Group, path: &str, depth: usize) -> Result<(), String> {
        if !self.entered.insert(group.address()) || depth > DEPTH {
            return Ok(());
        }
        let (mut groups, mut datasets) = group.member_names().map_err(said)?;
        groups.sort_unstable();
        datasets.sort_unstable();
        self.datasets.extend(datasets.iter().map(|name| below(path, name)));
        if self.datasets.len() > DATASETS {
            return Err(format!("more than {DATASETS} datasets: FILE.h5:/path/to/dataset names one"));
        }
        for name in groups {
            let within = group.group(&name).map_err(said)?;
            self.groups.push(below(path, &name));
            self.gather(&within, &below(path, &name), depth + 1)?;
        }
        Ok(())
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// Nothing is kept that is read once only.
fn options(most: usize) -> OpenOptions {
    OpenOptions::default().with_chunk_cache_bytes(0).with_max_chunk_bytes(most).with_max_read_bytes(most)
}

/// An error of the crate in words, of a length that fits a line.
pub(super) fn said(error: hdf5_reader::error::Error) -> String {
    let text: String = error.to_string().chars().take(300).collect();
    if text.contains("unsupported filter") {
        format!("{text}; it must be written without it, or by gzip (h5repack -f GZIP=4)")
    } else {
        text
    }
}

/// The parts by which paths differ: what all begin with and what all end with is left out, part by part.
fn different_parts(paths: &[String]) -> Vec<String> {
    let mut parts: Vec<Vec<&str>> = paths.iter().map(|path| path.split('/').collect()).collect();
    while parts.len() > 1 && parts.iter().all(|p| p.len() > 1 && p.first() == parts[0].first()) {
        parts.iter_mut().for_each(|p| *p = p[1..].to_vec());
    }
    while parts.len() > 1 && parts.iter().all(|p| p.len() > 1 && p.last() == parts[0].last()) {
        parts.iter_mut().for_each(|p| p.truncate(p.len() - 1));
    }
    parts.iter().map(|p| p.join("/")).collect()
}
