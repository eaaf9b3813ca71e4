//! NumPy's `.npz`: arrays by name in one file.

use super::{read_bytes, read_npy_bytes};
use crate::{Error, HostTensor, Result};
use npyz::npz::NpzArchive;
use std::io::{Cursor, Read};
use std::path::Path;

/// Reads the array called `name` from a `.npz` file, as [`read_npy`](super::read_npy) would; without a name, the only one there is, or the
/// one called `series`.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, has no such array, or leaves the choice open; they name the arrays.
pub fn read_npz(path: impl AsRef<Path>, name: Option<&str>) -> Result<HostTensor> {
    let path = path.as_ref();
    read_npz_bytes(path, &read_bytes(path)?, name)
}

/// [`read_npz`] from the bytes of a file; `path` stands for it in errors.
///
/// # Errors
/// As [`read_npz`].
pub fn read_npz_bytes(path: impl AsRef<Path>, bytes: &[u8], name: Option<&str>) -> Result<HostTensor> {
    let path = path.as_ref();
    let fail = |what: String| Error::file(path, what);
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let chosen = match name {
        Some(name) => names.iter().find(|n| *n == name),
        None if names.len() == 1 => names.first(),
        None => names.iter().find(|n| *n == "series"),
    };
    let listed = || if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    let Some(chosen) = chosen else {
        return Err(fail(match name {
            Some(name) => format!("no array `{name}`: {}", listed()),
            None => format!("one array, or one called `series`, expected: {}", listed()),
        }));
    };
    let mut array = Vec::new();
    let entry = npyz::npz::file_name_from_array_name(chosen);
    let mut file = archive.zip_archive().by_name(&entry).map_err(|e| fail(format!("array `{chosen}`: {e}")))?;
    file.read_to_end(&mut array).map_err(|e| fail(format!("array `{chosen}`: {e}")))?;
    read_npy_bytes(path.join(chosen), &array)
}
