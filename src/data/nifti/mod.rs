//! NIfTI images, version 1 and 2, and the series of an atlas' regions in them.

mod atlas;
mod extraction;
mod grid;
mod header;
mod least_squares;
mod matrix;
mod reader;
mod regions;
mod step;

pub(super) use atlas::series_of_regions;
pub use atlas::{Resample, atlas_series};
pub use extraction::MapSeries;
pub(super) use header::LONGEST as HEADER_BYTES;
pub(super) use matrix::{MatrixHeader, matrix_intent};
pub use reader::NiftiReader;

use super::gzip::{Members, is_gzip};
use crate::{Error, Result};
use header::{Header, LONGEST};
use std::io::Read;
use std::path::Path;

/// True where a file's name is that of a NIfTI image: it ends in `.nii` or `.nii.gz`.
pub fn is_nifti(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// An image of voxels, over time or over maps where it has a fourth axis. It holds its values as the file does, and gives them in double
/// precision, scaled as the header says. [`NiftiReader`] reads an image that does not fit in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The numbers of voxels along x, y and z, and of frames (or maps).
    pub extents: [usize; 4],
    /// The affine map from voxel indices to millimetres: the first three rows of a 4 × 4 matrix, taken from the sform, else the qform, else
    /// the voxels' sizes.
    pub affine: [[f64; 4]; 3],
    header: Header,
    bytes: Vec<u8>,
}

impl Image {
    /// The number of voxels in a frame.
    pub fn voxels(&self) -> usize {
        self.header.voxels()
    }

    /// The values of one frame, counted from 0; x runs fastest. There are none where the image has no such frame.
    pub fn frame(&self, frame: usize) -> Vec<f64> {
        self.header.decoded(self.bytes.chunks_exact(self.header.frame_bytes()).nth(frame).unwrap_or_default())
    }

    /// All values; x runs fastest, frames slowest.
    pub fn values(&self) -> Vec<f64> {
        self.header.decoded(&self.bytes)
    }
}

/// Reads a whole image, as [`NiftiReader::open`] does, into memory.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is cut short, or holds anything else; the message says what it holds.
pub fn read_nifti(path: impl AsRef<Path>) -> Result<Image> {
    whole(NiftiReader::open(path)?)
}

/// Reads an image from the bytes of a file, as [`read_nifti`] does; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_nifti`].
pub fn read_nifti_bytes(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Image> {
    whole(NiftiReader::of_bytes(name.as_ref(), bytes)?)
}

fn whole(reader: NiftiReader) -> Result<Image> {
    let (header, bytes) = reader.into_stored()?;
    Ok(Image { extents: header.extents, affine: header.affine, header, bytes })
}

/// The error for an image where series are expected: it needs an atlas, or is not an image of voxels at all.
pub(super) fn needs_an_atlas(name: &Path, bytes: &[u8]) -> Error {
    let mut first = Vec::new();
    let parsed = if is_gzip(bytes) {
        let read = Members::new(bytes).take(LONGEST as u64).read_to_end(&mut first);
        read.map_err(|e| e.to_string()).and_then(|_| Header::parse(&first))
    } else {
        Header::parse(bytes)
    };
    match parsed {
        Err(what) if what.contains("CIFTI") => Error::file(name, what),
        _ => Error::file(name, "an image has series by an atlas alone: give one (--atlas)"),
    }
}
