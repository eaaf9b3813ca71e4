//! NumPy's `.npz`: arrays by name in one zip archive, stored or deflated.

use super::{read_bytes, read_npy_bytes};
use crate::{Error, HostTensor, Result};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the array called `name` from a `.npz` file, as [`read_npy`](super::read_npy) would; without a name, the only one there is, or the
/// one called `series`. `FILE.npz:NAME` as a path chooses, too.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, has no such array, or leaves the choice open (the message names the arrays), or
/// where an array's length or checksum is not what the archive states.
pub fn read_npz(path: impl AsRef<Path>, name: Option<&str>) -> Result<HostTensor> {
    let (path, array) = file_and_array(path.as_ref());
    read_npz_bytes(&path, &read_bytes(&path)?, name.or(array.as_deref()))
}

/// Reads an array from the bytes of a `.npz` file, as [`read_npz`] does; `path` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_npz`].
pub fn read_npz_bytes(path: impl AsRef<Path>, bytes: &[u8], name: Option<&str>) -> Result<HostTensor> {
    let (name, array) = npz_member(path.as_ref(), bytes, name)?;
    read_npy_bytes(name, &array)
}

/// The file and the array that `FILE.npz:NAME` names; of every other path, the path itself.
pub fn file_and_array(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    // ASCII lower case keeps every byte in its place.
    let at = text.to_ascii_lowercase().rfind(".npz:").map(|at| at + ".npz".len());
    match at.filter(|_| !path.exists()) {
        Some(at) => (PathBuf::from(&text[..at]), Some(text[at + 1..].to_owned())),
        None => (path.to_owned(), None),
    }
}

/// The `.npy` file of an array in a `.npz` file, and a path for messages that names both.
///
/// # Errors
/// The same as those of [`read_npz`].
pub(super) fn npz_member(path: &Path, bytes: &[u8], name: Option<&str>) -> Result<(PathBuf, Vec<u8>)> {
    let fail = |what: String| Error::file(path, what);
    let archive = ZipArchive::from_slice(bytes).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let members = members(&archive).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let chosen = match name {
        Some(name) => members.iter().find(|m| m.name == name),
        None if members.len() == 1 => members.first(),
        None => members.iter().find(|m| m.name == "series"),
    };
    let listed = || match members.len() {
        0 => "it has none".to_owned(),
        _ => format!("it has {}", members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ")),
    };
    let Some(chosen) = chosen else {
        return Err(fail(match name {
            Some(name) => format!("no array `{name}`: {}", listed()),
            None => format!("one array, or one called `series`, expected: {}; FILE.npz:NAME takes one", listed()),
        }));
    };
    let array = chosen.read(&archive).map_err(|e| fail(format!("array `{}`: {e}", chosen.name)))?;
    Ok((path.join(&chosen.name), array))
}

/// An array of an archive.
struct Member {
    name: String,
    method: CompressionMethod,
    at: ZipArchiveEntryWayfinder,
}

/// The arrays, sorted by name: the files that end in `.npy`.
fn members(archive: &ZipSliceArchive<&[u8]>) -> Result<Vec<Member>, rawzip::Error> {
    let mut found = Vec::new();
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        let path = entry.file_path();
        let name = String::from_utf8_lossy(path.as_ref()).strip_suffix(".npy").map(str::to_owned);
        found.extend(name.map(|name| Member { name, method: entry.compression_method(), at: entry.wayfinder() }));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Member {
    /// Reads the file and checks its checksum and length. It takes no more memory than the archive states.
    fn read(&self, archive: &ZipSliceArchive<&[u8]>) -> Result<Vec<u8>, String> {
        let entry = archive.get_entry(self.at).map_err(|e| e.to_string())?;
        let stated = self.at.uncompressed_size_hint();
        let mut array = Vec::new();
        // One byte more than stated, so that the check of the length sees one that is longer.
        let limit = stated.saturating_add(1);
        let read = match self.method {
            CompressionMethod::STORE => entry.verifying_reader(entry.data()).take(limit).read_to_end(&mut array),
            CompressionMethod::DEFLATE => entry.verifying_reader(DeflateDecoder::new(entry.data())).take(limit).read_to_end(&mut array),
            other => return Err(format!("stored or deflated data are read, found {other:?}")),
        };
        read.map_err(|e| e.to_string())?;
        Ok(array)
    }
}
