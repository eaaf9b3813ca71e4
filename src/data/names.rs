//! Names of regions in a text file beside an array: `NAME.names.txt` for `NAME.npy`, one name on each line.

use super::read_bytes;
use crate::file::{write_file, write_files};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The file beside an array that holds the names of its regions.
fn beside(array: &Path) -> PathBuf {
    array.with_extension("names.txt")
}

/// The names beside an array of so many regions; `None` where there is no such file.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is not text, or does not hold a name for each region.
pub(super) fn names_beside(array: &Path, regions: usize) -> Result<Option<Vec<String>>> {
    let path = beside(array);
    if !path.exists() {
        return Ok(None);
    }
    let text = String::from_utf8(read_bytes(&path)?).map_err(|_| Error::file(&path, "names in UTF-8 are expected"))?;
    let names: Vec<String> = text.trim_start_matches('\u{feff}').lines().map(|line| line.trim().to_owned()).collect();
    if names.len() != regions || names.iter().any(String::is_empty) {
        let what = format!("{} names of the {regions} regions in {}: one on each line is expected", names.len(), array.display());
        return Err(Error::file(&path, what));
    }
    Ok(Some(names))
}

/// Writes an array, and the names of its regions beside it. Where there are no names and an older file of names is there, it gets the
/// regions' numbers from 0, so that the array is not read with names of others.
///
/// # Errors
/// Returns [`Error::File`] where a name is empty or has a line break in it, for it could not be read again, or a file cannot be written.
pub(super) fn write_with_names(path: &Path, array: Vec<u8>, names: Option<&[String]>, regions: usize) -> Result<()> {
    let beside = beside(path);
    let text = match names {
        Some(names) => match names.iter().find(|name| name.trim().is_empty() || name.contains(['\n', '\r'])) {
            Some(name) => return Err(Error::file(beside, format!("the name {name:?} cannot be written on a line of its own"))),
            None => names.iter().map(|name| format!("{name}\n")).collect(),
        },
        None if beside.exists() => (0..regions).map(|region| format!("{region}\n")).collect(),
        None => return write_file(path, &array),
    };
    write_files(&[(path.to_owned(), array), (beside, String::into_bytes(text))])
}
