//! Writing of connectomes row by row.

use super::super::NpyWriter;
use super::super::names::text_beside;
use crate::file::write_file;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A writer of matrices `[n, n]` or `[graphs, n, n]` of f32, row by row, to a `.npy` file, which appears whole when
/// [`ConnectomeWriter::finish`] succeeds, and not at all otherwise. Its memory does not grow with the matrix.
#[derive(Debug)]
pub struct ConnectomeWriter {
    rows: NpyWriter,
    beside: Option<(PathBuf, Vec<u8>)>,
}

impl ConnectomeWriter {
    /// Begins matrices of this shape, with the names of their regions, which are written to `NAME.names.txt` beside them.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the name of the file does not end in `.npy`, a name cannot be written, or no file can be written there.
    pub fn new(path: impl AsRef<Path>, shape: &[usize], names: Option<&[String]>) -> Result<Self> {
        let path = path.as_ref();
        if !path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy")) {
            let what = format!("matrices of shape {shape:?} are written row by row: a name that ends in .npy is expected");
            return Err(Error::file(path, what));
        }
        let beside = text_beside(path, names, shape.last().copied().unwrap_or(0))?;
        Ok(Self { rows: NpyWriter::new(path, shape)?, beside })
    }

    /// Adds the next row, or several.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written, or the matrices have no room for so many values.
    pub fn add(&mut self, row: &[f32]) -> Result<()> {
        self.rows.add(row)
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Returns [`Error::File`] where rows are missing, or a file cannot be written.
    pub fn finish(self) -> Result<()> {
        self.rows.finish()?;
        self.beside.map_or(Ok(()), |(path, text)| write_file(path, &text))
    }
}
