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

/// The file of names beside an array, and its text. Where there are no names and an older file of names is there, it gets the regions'
/// numbers from 0, so that the array is not read with names of others; where there is no such file, none is needed.
///
/// # Errors
/// Returns [`Error::File`] where a name is empty or has a line break in it, for it could not be read again.
pub(super) fn text_beside(path: &Path, names: Option<&[String]>, regions: usize) -> Result<Option<(PathBuf, Vec<u8>)>> {
    let beside = beside(path);
    let text: String = match names {
        Some(names) => match names.iter().find(|name| name.trim().is_empty() || name.contains(['\n', '\r'])) {
            Some(name) => return Err(Error::file(beside, format!("the name {name:?} cannot be written on a line of its own"))),
            None => names.iter().map(|name| format!("{name}\n")).collect(),
        },
        None if beside.exists() => (0..regions).map(|region| format!("{region}\n")).collect(),
        None => return Ok(None),
    };
    Ok(Some((beside, text.into_bytes())))
}

/// Writes an array, and the names of its regions beside it.
///
/// # Errors
/// Returns the errors of [`text_beside`], and [`Error::File`] where a file cannot be written.
pub(super) fn write_with_names(path: &Path, array: Vec<u8>, names: Option<&[String]>, regions: usize) -> Result<()> {
    match text_beside(path, names, regions)? {
        Some(beside) => write_files(&[(path.to_owned(), array), beside]),
        None => write_file(path, &array),
    }
}
