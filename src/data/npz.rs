//! NumPy's `.npz`: arrays by name in one zip archive, stored or deflated when read, stored when written.

mod write;

pub(super) use write::{NpzWriter, write_with_names, write_with_texts};

use super::named::{Array, Listed, NAMES, SERIES, Wanted, chosen, file_and_array, names_among};
use super::npy::{read_npy_exact_bytes, texts};
use super::{cohort, read_bytes, read_npy_bytes};
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
    let (name, array, _) = npz_member(path.as_ref(), bytes, name, SERIES)?;
    read_npy_bytes(name, &array)
}

/// The `.npy` file of an array in a `.npz` file, a path for messages that names both, and the texts of the array `names`, where there is
/// one. Without a name, the array is the only one beside `names`, or the one called `usual`.
///
/// # Errors
/// The same as those of [`read_npz`].
pub(super) fn npz_member(path: &Path, bytes: &[u8], name: Option<&str>, usual: &str) -> Result<(PathBuf, Vec<u8>, Option<Vec<String>>)> {
    let fail = |what: String| Error::file(path, what);
    let archive = ZipArchive::from_slice(bytes).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let members = members(&archive).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let listed: Vec<Listed> = members.iter().map(Member::listed).collect();
    let chosen = &members[chosen(&listed, name, usual, "FILE.npz").map_err(fail)?];
    let read = |member: &Member| member.read(&archive).map_err(|e| fail(format!("array `{}`: {e}", member.name)));
    let names = members.iter().find(|m| m.name == NAMES && m.name != chosen.name);
    // An array of this name that does not hold texts is not the names of regions.
    let names = names.map(read).transpose()?.and_then(|bytes| texts(&bytes).ok());
    Ok((path.join(&chosen.name), read(chosen)?, names))
}

/// The `.npy` files of the arrays of these names; `None` where one of them is not there.
///
/// # Errors
/// Returns [`Error::File`] where the bytes are no archive, or an array's length or checksum is not what the archive states.
pub(super) fn npz_arrays<const N: usize>(path: &Path, bytes: &[u8], names: &[&str; N]) -> Result<Option<[Vec<u8>; N]>> {
    let fail = |what: String| Error::file(path, what);
    let archive = ZipArchive::from_slice(bytes).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let members = members(&archive).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let found: Option<Vec<&Member>> = names.iter().map(|name| members.iter().find(|member| member.name == *name)).collect();
    let Some(found) = found else { return Ok(None) };
    let mut arrays = [const { Vec::new() }; N];
    for (array, member) in arrays.iter_mut().zip(found) {
        *array = member.read(&archive).map_err(|e| fail(format!("array `{}`: {e}", member.name)))?;
    }
    Ok(Some(arrays))
}

/// The arrays of a cohort, by name; `None` where the file holds one array that is taken. The array `names` holds the names of all regions.
///
/// # Errors
/// The same as those of [`read_npz`].
pub(super) fn arrays(path: &Path, wanted: Wanted<'_>) -> Result<Option<Vec<(String, Array)>>> {
    let fail = |what: String| Error::file(path, what);
    let bytes = read_bytes(path)?;
    let archive = ZipArchive::from_slice(bytes.as_slice()).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let members = members(&archive).map_err(|e| fail(format!("a .npz archive expected: {e}")))?;
    let listed: Vec<Listed> = members.iter().map(Member::listed).collect();
    let Some(places) = cohort::members(&listed, wanted.usual) else { return Ok(None) };
    let read = |member: &Member| member.read(&archive).map_err(|e| fail(format!("array `{}`: {e}", member.name)));
    let names = members.iter().find(|m| m.name == NAMES).map(read).transpose()?.and_then(|bytes| texts(&bytes).ok());
    let array = |place: usize| {
        let member = &members[place];
        let values = read_npy_exact_bytes(&path.join(&member.name), &read(member)?)?;
        let (names, remarks) = names_among(wanted.regions(&values.shape()), |name| names.clone().filter(|_| name == NAMES));
        Ok((member.name.clone(), Array { values, names, step: None, remarks }))
    };
    places.into_iter().map(array).collect::<Result<_>>().map(Some)
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
    /// The name alone: the extents stand in the deflated data.
    fn listed(&self) -> Listed {
        Listed { name: self.name.clone(), about: String::new(), series: self.name != NAMES }
    }

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
