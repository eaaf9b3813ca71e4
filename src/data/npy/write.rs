//! Arrays that are written piece by piece, because they do not fit in memory.

use super::header_bytes;
use crate::file::FileWriter;
use crate::{Error, Result};
use std::path::Path;

/// A writer of a `.npy` array of f32, row-major, in pieces of any length. The file appears whole when [`NpyWriter::finish`] succeeds, and not
/// at all otherwise.
#[derive(Debug)]
pub struct NpyWriter {
    file: FileWriter,
    left: usize,
}

impl NpyWriter {
    /// Begins an array of these extents.
    ///
    /// # Errors
    /// Returns [`Error::File`] where no file can be written at `path`, or the array has more elements than can be counted.
    pub fn new(path: impl AsRef<Path>, shape: &[usize]) -> Result<Self> {
        let path = path.as_ref();
        let elements = shape.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
        let left = elements.ok_or_else(|| Error::file(path, format!("an array of shape {shape:?} has too many elements")))?;
        let mut file = FileWriter::new(path)?;
        file.add(&header_bytes("<f4", shape))?;
        Ok(Self { file, left })
    }

    /// Adds the next elements.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written, or the array has no room for so many elements.
    pub fn add(&mut self, elements: &[f32]) -> Result<()> {
        let Some(left) = self.left.checked_sub(elements.len()) else {
            let what = format!("{} elements where {} are left of the array", elements.len(), self.left);
            return Err(Error::file(self.file.path(), what));
        };
        self.left = left;
        match cfg!(target_endian = "big") {
            true => elements.iter().try_for_each(|x| self.file.add(&x.to_le_bytes())),
            false => self.file.add(bytemuck::cast_slice(elements)),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Returns [`Error::File`] where elements are missing, or the file cannot be written.
    pub fn finish(self) -> Result<()> {
        match self.left {
            0 => self.file.finish(),
            left => Err(Error::file(self.file.path(), format!("{left} elements of the array are missing"))),
        }
    }
}
