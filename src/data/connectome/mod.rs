//! Connectomes in files: square matrices of connections between regions, with the regions' names.

mod edges;
mod graphml;
mod parcellated;
mod rows;
mod sparse;
mod table;
mod write;

pub use rows::ConnectomeWriter;
pub use write::{connectome_text, write_connectome, write_connectomes};

use super::cifti::Parcels;
use super::format::{Content, Format};
use super::named::{Array, Wanted, file_and_array};
use super::names::names_beside;
use super::npz::npz_member;
use super::{Layout, TableOptions, hdf5, matlab, read_bytes, read_npy_bytes};
use crate::{DType, Error, HostTensor, Result};
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
    /// Matrices `[n, n]` or `[graphs, n, n]`, of any type of numbers, with the names of their regions.
    ///
    /// # Errors
    /// Returns an error where the values are not square matrices of two or three axes, or there is not a name for each region.
    pub fn new(values: HostTensor, names: Option<Vec<String>>) -> Result<Self> {
        let n = match values.shape()[..] {
            [0, ..] => return Err(Error::argument(format!("no graphs in an array of shape {}: at least one is expected", values.shape()))),
            [rows, columns] | [_, rows, columns] if rows == columns && rows > 0 => rows,
            _ => return Err(Error::argument(format!("an array of shape {}: [n, n] or [graphs, n, n] is expected", values.shape()))),
        };
        if let Some(names) = names.as_ref().filter(|names| names.len() != n) {
            return Err(Error::argument(format!("{} names of {n} regions: a name for each is expected", names.len())));
        }
        let values = match values.dtype() {
            DType::F32 | DType::F16 => values.to_real::<f32>(),
            DType::I32 | DType::U32 => HostTensor::f32(values.shape(), values.to_f64_vec().into_iter().map(|x| x as f32).collect())?,
        };
        Ok(Self { values, names, parcels: None, remarks: Vec::new() })
    }

    /// The number of regions.
    pub fn regions(&self) -> usize {
        self.values.shape().last().copied().unwrap_or(0)
    }

    /// The number of matrices.
    pub fn graphs(&self) -> usize {
        let n = self.regions();
        self.values.shape().elements() / (n * n).max(1)
    }
}

/// Reads matrices from a `.npy` array `[n, n]` or `[graphs, n, n]`, an array of a `.npz` file (`FILE.npz:NAME`, or the one called
/// `connectome`), a dataset of an HDF5 file or a variable of a MATLAB file (chosen likewise), a table of `n` rows and columns with or without
/// names, such as XCP-D's `relmat.tsv`, or the edges of a graph. Names are read from the table, from `NAME.names.txt` beside `NAME.npy`, from
/// the array `names` of a `.npz` file, or from texts called `names`, `labels` or `region_names` beside an array of an HDF5 or MATLAB file; a
/// `.pconn.nii` file has those of its parcels. `options` are for tables.
///
/// A `.npz` file of a sparse matrix, as `scipy.sparse.save_npz` (csr, csc, coo) and [`SparseWriter`](super::SparseWriter) write it, is read
/// as the matrix; entries that stand twice are added up.
///
/// A table is a list of edges where its header names two nodes and a weight (`source`, `target`, `weight`; `from`, `to`; `node1`, `node2`;
/// `pre`, `post`), or where it has three columns that cannot be a matrix: two names and a weight. Nodes stand in the order of appearance,
/// or in that of their numbers where all are whole numbers. A list in which no pair of nodes stands in both directions is of undirected
/// edges. A `.graphml` file says itself whether its edges are directed; its nodes stand in its order, and its weights are the edges' data
/// `weight`, or those that `FILE.graphml:NAME` names. Row by column of the matrix is from node to node, and an edge that is not there is 0.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, has another extension, does not hold square matrices, or has an edge twice, an
/// edge or a sparse entry without a finite weight, or more than 16,384 nodes in a list of edges or a sparse matrix.
pub fn read_connectome(path: impl AsRef<Path>, options: &TableOptions) -> Result<Connectome> {
    let (file, array) = file_and_array(path.as_ref());
    let wanted = Wanted { name: array.as_deref(), usual: CONNECTOME, layout: Layout::TimeRegions };
    match Format::read_as(&file, Content::Connectome)? {
        Format::Hdf5 => of_array(&file, hdf5::array(&file, wanted)?),
        Format::Matlab => of_array(&file, matlab::array(&file, wanted)?),
        format => {
            let read = read_connectome_bytes(path, &read_bytes(&file)?, options)?;
            let names = if format == Format::Npy { names_beside(&file, read.regions())? } else { read.names.clone() };
            Ok(Connectome { names, ..read })
        }
    }
}

fn of_array(file: &Path, array: Array) -> Result<Connectome> {
    let made = Connectome::new(array.values, array.names).map_err(|e| Error::file(file, e))?;
    Ok(Connectome { remarks: array.remarks, ..made })
}

/// Reads matrices from the bytes of a file, as [`read_connectome`] does; `name` stands for the file in errors, and its extension decides how
/// it is read. There are no files beside it.
///
/// # Errors
/// The same as those of [`read_connectome`].
pub fn read_connectome_bytes(name: impl AsRef<Path>, bytes: &[u8], options: &TableOptions) -> Result<Connectome> {
    let (file, array) = file_and_array(name.as_ref());
    let made = |values, names| Connectome::new(values, names).map_err(|e| Error::file(&file, e));
    let wanted = Wanted { name: array.as_deref(), usual: CONNECTOME, layout: Layout::TimeRegions };
    match Format::read_as(&file, Content::Connectome)? {
        Format::Npy => made(read_npy_bytes(&file, bytes)?, None),
        Format::Hdf5 => of_array(&file, hdf5::array_of_bytes(&file, bytes, wanted)?),
        Format::Matlab => of_array(&file, matlab::array_of_bytes(&file, bytes, wanted)?),
        Format::Npz => {
            if array.is_none()
                && let Some(found) = sparse::read(&file, bytes)?
            {
                return Ok(found);
            }
            let (name, bytes, names) = npz_member(&file, bytes, array.as_deref(), CONNECTOME)?;
            let values = read_npy_bytes(name, &bytes)?;
            let names = names.filter(|names| values.shape().last() == Some(&names.len()));
            made(values, names)
        }
        Format::Cifti => parcellated::read(&file, bytes),
        Format::GraphMl => graphml::read(bytes, array.as_deref()).map_err(|what| Error::file(&file, what)),
        _ => table::read(&file, bytes, options),
    }
}
