//! Connectomes in files: square matrices of connections between regions, with the regions' names.

mod parcellated;
mod table;
mod write;

pub use write::write_connectome;

use super::cifti::Parcels;
use super::format::{Content, Format};
use super::names::names_beside;
use super::npz::{file_and_array, npz_member};
use super::{TableOptions, read_bytes, read_npy_bytes};
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// The matrices of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Connectome {
    /// f32 `[n, n]`, or `[graphs, n, n]`. A region without a value has NaN throughout its row and its column.
    pub values: HostTensor,
    /// The regions' names, where the file gives them.
    pub names: Option<Vec<String>>,
    /// The grayordinates of the regions, where they are known.
    pub parcels: Option<Parcels>,
    /// Messages to the user about how the file was read, one line each.
    pub remarks: Vec<String>,
}

/// The array of a `.npz` file that is taken as a connectome where none is chosen.
const CONNECTOME: &str = "connectome";

impl Connectome {
    /// Matrices f32 `[.., n, n]` with the names of their regions.
    ///
    /// # Errors
    /// Returns an error where the values are not square matrices of two or three axes, or there is not a name for each region.
    pub fn new(values: HostTensor, names: Option<Vec<String>>) -> Result<Self> {
        let n = match values.shape()[..] {
            [rows, columns] | [_, rows, columns] if rows == columns && rows > 0 => rows,
            _ => return Err(Error::argument(format!("an array of shape {}: [n, n] or [graphs, n, n] is expected", values.shape()))),
        };
        if let Some(names) = names.as_ref().filter(|names| names.len() != n) {
            return Err(Error::argument(format!("{} names of {n} regions: a name for each is expected", names.len())));
        }
        Ok(Self { values: values.to_real::<f32>(), names, parcels: None, remarks: Vec::new() })
    }

    /// The number of regions.
    pub fn regions(&self) -> usize {
        self.values.shape().last().copied().unwrap_or(0)
    }
}

/// Reads matrices from a `.npy` array `[n, n]` or `[graphs, n, n]`, an array of a `.npz` file (`FILE.npz:NAME`, or the one called
/// `connectome`), or a table of `n` rows and columns with or without names, such as XCP-D's `relmat.tsv`. Names are read from the table, from
/// `NAME.names.txt` beside `NAME.npy`, or from the array `names` of a `.npz` file. A
/// `.pconn.nii` file has the names of its parcels. `options` are for tables.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, has another extension, or does not hold square matrices.
pub fn read_connectome(path: impl AsRef<Path>, options: &TableOptions) -> Result<Connectome> {
    let (file, array) = file_and_array(path.as_ref());
    let format = Format::read_as(&file, Content::Connectome)?;
    let bytes = read_bytes(&file)?;
    let made = |values, names| Connectome::new(values, names).map_err(|e| Error::file(&file, e.to_string()));
    match format {
        Format::Npy => {
            let read = made(read_npy_bytes(&file, &bytes)?, None)?;
            Ok(Connectome { names: names_beside(&file, read.regions())?, ..read })
        }
        Format::Npz => {
            let (name, bytes, names) = npz_member(&file, &bytes, array.as_deref(), CONNECTOME)?;
            let values = read_npy_bytes(name, &bytes)?;
            let names = names.filter(|names| values.shape().last() == Some(&names.len()));
            made(values, names)
        }
        Format::Cifti => parcellated::read(&file, &bytes),
        _ => table::read(&file, &bytes, options),
    }
}
