//! Writing of `.npz` files: each array is stored as it is, so that NumPy maps or reads it without decompression.

use super::super::named::NAMES;
use super::super::npy::{header_bytes, npy_bytes, text_bytes};
use crate::file::FileWriter;
use crate::{Error, HostTensor, Result};
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The most bytes of an array of texts.
const TEXTS: usize = 256 << 20;

/// A writer of a `.npz` file, array by array. The file appears whole when [`NpzWriter::finish`] succeeds, and not at all otherwise.
#[derive(Debug)]
pub(in super::super) struct NpzWriter {
    path: PathBuf,
    archive: ZipArchiveWriter<FileWriter>,
}

impl NpzWriter {
    /// Begins a file without arrays.
    ///
    /// # Errors
    /// Returns [`Error::File`] where no file can be written at `path`.
    pub(in super::super) fn new(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), archive: ZipArchiveWriter::new(FileWriter::new(path)?) })
    }

    /// Adds an array of numbers, as [`write_npy`](super::super::write_npy) writes it.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written.
    pub(in super::super) fn array(&mut self, name: &str, array: &HostTensor) -> Result<()> {
        let bytes = npy_bytes(array).map_err(|e| Error::file(&self.path, e))?;
        self.member(name, &mut bytes.as_slice())
    }

    /// Adds an array of texts along one axis, of NumPy's type `U`.
    ///
    /// # Errors
    /// Returns [`Error::File`] where one text is so long that the array, in which all take as much room as the longest, would take more
    /// than 256 MiB, or where the file cannot be written.
    pub(in super::super) fn texts(&mut self, name: &str, texts: &[String]) -> Result<()> {
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let bytes = 4 * longest * texts.len();
        if bytes > TEXTS {
            let what = format!("`{name}` would take {bytes} bytes, since one text has {longest} characters: at most {TEXTS} are written");
            return Err(Error::file(&self.path, what));
        }
        self.member(name, &mut text_bytes(texts).as_slice())
    }

    /// Adds an array of the NumPy type `descr` and the given extents, whose elements, row-major, `elements` yields.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written or the elements cannot be read.
    pub(in super::super) fn elements(&mut self, name: &str, descr: &str, shape: &[usize], elements: impl Read) -> Result<()> {
        self.member(name, &mut header_bytes(descr, shape).as_slice().chain(elements))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written.
    pub(in super::super) fn finish(self) -> Result<()> {
        let file = self.archive.finish().map_err(|e| fault(&self.path, &e))?;
        file.finish()
    }

    fn member(&mut self, name: &str, bytes: &mut dyn Read) -> Result<()> {
        copy(&mut self.archive, &format!("{name}.npy"), bytes).map_err(|e| fault(&self.path, &e))
    }
}

fn copy(archive: &mut ZipArchiveWriter<FileWriter>, member: &str, bytes: &mut dyn Read) -> Result<(), rawzip::Error> {
    let (mut entry, data) = archive.new_file(member).compression_method(CompressionMethod::STORE).start()?;
    let mut writer = data.wrap(&mut entry);
    std::io::copy(bytes, &mut writer)?;
    writer.flush()?;
    let (_, descriptor) = writer.finish()?;
    entry.finish(descriptor).map(|_| ())
}

fn fault(path: &Path, e: &rawzip::Error) -> Error {
    match e.kind() {
        rawzip::ErrorKind::IO(e) => Error::io(path, "cannot be written", e),
        _ => Error::file(path, format!("cannot be written: {e}")),
    }
}

/// Writes an array by this name, with the names of its regions in the array `names`, where there are any.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be written.
pub(in super::super) fn write_with_names(path: &Path, array: &str, values: &HostTensor, names: Option<&[String]>) -> Result<()> {
    write_with_texts(path, array, values, &[(NAMES, names)])
}

/// Writes an array by this name, and arrays of texts by theirs, where there are any.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be written.
pub(in super::super) fn write_with_texts(path: &Path, array: &str, values: &HostTensor, texts: &[(&str, Option<&[String]>)]) -> Result<()> {
    let mut file = NpzWriter::new(path)?;
    file.array(array, values)?;
    texts.iter().try_for_each(|(name, texts)| texts.map_or(Ok(()), |texts| file.texts(name, texts)))?;
    file.finish()
}
