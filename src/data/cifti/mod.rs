//! CIFTI-2: matrices whose rows and columns are grayordinates, parcels, series, scalars or labels, as Workbench, HCP's pipelines, fMRIPrep
//! and XCP-D write them (<https://www.nitrc.org/projects/cifti>, CIFTI-2 specification, 2014). A file is a NIfTI-2 header, an extension of
//! XML that says what rows and columns are, and the matrix. No crate of a permissive licence reads or writes it.

mod atlas;
mod axis;
mod kind;
pub(super) mod labels;
mod text;
mod write;
mod xml;

pub(super) use atlas::means;
pub use atlas::{LabelAtlas, Regions};
pub use axis::{Axis, BrainModel, BrainModels, LabelMap, Map, Parcel, Parcels, Places, Steps, Unit, Volume};
pub use kind::Kind;
pub use labels::{Label, LabelTable, numbered_labels};

use super::gzip::{Members, is_gzip};
use super::nifti::{HEADER_BYTES, MatrixHeader, matrix_intent};
use super::numbers::{Kind as Number, Stored};
use super::read_bytes;
use crate::{Error, Result};
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// A matrix and what its rows and columns are. It holds its values as the file does, and gives them in double precision, scaled as the
/// header says.
///
/// Series are rows: a dense series is a matrix of grayordinates by series. (nibabel gives the matrix transposed.)
#[derive(Debug, Clone, PartialEq)]
pub struct Cifti<'a> {
    /// The meaning of the rows.
    pub rows: Axis,
    /// The meaning of the columns.
    pub columns: Axis,
    number: Number,
    big_endian: bool,
    scale: Option<[f64; 2]>,
    bytes: Cow<'a, [u8]>,
}

impl Cifti<'_> {
    /// A matrix `[rows, columns]` of single precision, row by row.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] where there are more or fewer values than the axes say, or [`Kind::of`] knows no file with these axes.
    pub fn new(rows: Axis, columns: Axis, values: &[f32]) -> Result<Self> {
        let count = rows.len().checked_mul(columns.len());
        if count != Some(values.len()) || values.is_empty() {
            let what = format!("{} values for a CIFTI-2 matrix of {} × {}", values.len(), rows.len(), columns.len());
            return Err(Error::argument(what));
        }
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let matrix = Self { rows, columns, number: Number::F32, big_endian: false, scale: None, bytes: bytes.into() };
        matrix.kind().map_err(Error::argument)?;
        Ok(matrix)
    }

    /// One map of labels: the key of each grayordinate, and the labels by their keys.
    ///
    /// # Errors
    /// The same as those of [`Cifti::new`].
    pub fn labels(models: BrainModels, name: &str, keys: &[i32], table: LabelTable) -> Result<Self> {
        let map = LabelMap { map: Map { name: name.into(), ..Map::default() }, table };
        // Keys are small whole numbers, which single precision holds.
        let values: Vec<f32> = keys.iter().map(|&key| key as f32).collect();
        Self::new(Axis::BrainModels(models), Axis::Labels(vec![map]), &values)
    }

    /// The kind of file, by its axes.
    pub(super) fn kind(&self) -> Result<Kind, String> {
        Kind::of(&self.rows, &self.columns)
    }

    /// The values of one row, counted from 0; there are none where the matrix has no such row.
    pub fn row(&self, row: usize) -> Vec<f64> {
        let length = self.columns.len() * self.number.bytes();
        let bytes = row.checked_mul(length).and_then(|from| self.bytes.get(from..from + length)).unwrap_or_default();
        self.decoded(bytes)
    }

    /// All values, row by row.
    pub fn values(&self) -> Vec<f64> {
        self.decoded(&self.bytes)
    }

    /// True where every value is one of single precision.
    pub(super) fn is_single(&self) -> bool {
        self.scale.is_none() && matches!(self.number, Number::F32 | Number::U8 | Number::I8 | Number::U16 | Number::I16)
    }

    fn decoded(&self, bytes: &[u8]) -> Vec<f64> {
        let mut values = Stored { kind: self.number, big_endian: self.big_endian, bytes }.doubles();
        if let Some([slope, offset]) = self.scale {
            values.iter_mut().for_each(|v| *v = *v * slope + offset);
        }
        values
    }

    /// The bytes of a file with this matrix, in single precision.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] where [`Kind::of`] knows no file with these axes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(write::bytes(self, self.kind().map_err(Error::argument)?))
    }
}

/// Reads a CIFTI-2 file of a kind that [`Kind`] names, of real or whole numbers, in either order of bytes. A gzipped file is recognised by
/// its bytes.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is cut short, is of another kind (the message names it), or where its axes do not
/// agree with its matrix.
pub fn read_cifti(path: impl AsRef<Path>) -> Result<Cifti<'static>> {
    let path = path.as_ref();
    read_cifti_bytes(path, read_bytes(path)?)
}

/// Reads a CIFTI-2 file from its bytes, as [`read_cifti`] does; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_cifti`].
pub fn read_cifti_bytes<'a>(name: impl AsRef<Path>, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Cifti<'a>> {
    matrix(bytes.into()).map_err(|what| Error::file(name.as_ref(), what))
}

/// True where the bytes begin as those of a CIFTI file, gzipped or not.
pub(super) fn is_cifti(bytes: &[u8]) -> bool {
    if !is_gzip(bytes) {
        return matrix_intent(bytes).is_some();
    }
    let mut first = Vec::new();
    let read = Members::new(bytes).take(HEADER_BYTES as u64).read_to_end(&mut first);
    read.is_ok() && matrix_intent(&first).is_some()
}

/// True where a file begins as a CIFTI file does, gzipped or not. A file that cannot be read is none.
pub(super) fn is_cifti_file(path: &Path) -> bool {
    let mut first = Vec::new();
    // Gzip may need more bytes than the header's for the header.
    let read = std::fs::File::open(path).and_then(|file| file.take(4 * HEADER_BYTES as u64).read_to_end(&mut first));
    read.is_ok() && is_cifti(&first)
}

fn matrix(bytes: Cow<'_, [u8]>) -> Result<Cifti<'_>, String> {
    let bytes = if is_gzip(&bytes) { Cow::Owned(unpacked(&bytes)?) } else { bytes };
    let header = MatrixHeader::parse(&bytes)?;
    kind::check_intent(header.intent)?;
    let [rows, columns] = header.extents[..] else {
        return Err(format!("a matrix of rows and columns expected, found {:?} values (intent {})", header.extents, header.intent));
    };
    let need = header.bytes();
    let held = bytes.len().saturating_sub(header.start);
    if held < need {
        return Err(format!("a CIFTI file expected: cut short: {held} bytes of values where {rows} × {columns} take {need}"));
    }
    let [row_axis, column_axis] = xml::axes(header.xml(&bytes)?)?;
    Kind::of(&row_axis, &column_axis)?;
    for (axis, extent, what) in [(&row_axis, rows, "rows"), (&column_axis, columns, "columns")] {
        if axis.len() != extent {
            return Err(format!("{} {} for a matrix of {extent} {what}", axis.len(), axis.what()));
        }
    }
    let bytes = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[header.start..header.start + need]),
        Cow::Owned(mut bytes) => {
            bytes.drain(..header.start);
            bytes.truncate(need);
            Cow::Owned(bytes)
        }
    };
    Ok(Cifti { rows: row_axis, columns: column_axis, number: header.kind, big_endian: header.big_endian, scale: header.scale, bytes })
}

/// The bytes of a gzipped file up to the end of its values. All of the file is read, so that every checksum is checked; no more is kept
/// than the header states.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = |e: std::io::Error| format!("a gzipped CIFTI file expected: {e}");
    let mut members = Members::new(packed);
    let mut bytes = Vec::new();
    members.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut bytes).map_err(damaged)?;
    let header = MatrixHeader::parse(&bytes)?;
    let rest = header.start.saturating_add(header.bytes()).saturating_sub(bytes.len());
    members.by_ref().take(rest as u64).read_to_end(&mut bytes).map_err(damaged)?;
    members.finish().map_err(damaged)?;
    Ok(bytes)
}
