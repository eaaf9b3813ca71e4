//! NIfTI images, version 1 and 2, and the series of an atlas' regions in them.

mod atlas;
mod header;
mod matrix;

pub use atlas::atlas_series;
pub(super) use header::LONGEST as HEADER_BYTES;
pub(super) use matrix::{MatrixHeader, matrix_intent};

use super::gzip::{Members, is_gzip};
use super::numbers::Stored;
use super::read_bytes;
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
/// precision, scaled as the header says.
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
        self.extents[..3].iter().product()
    }

    /// The values of one frame, counted from 0; x runs fastest. There are none where the image has no such frame.
    pub fn frame(&self, frame: usize) -> Vec<f64> {
        let length = self.voxels() * self.header.kind.bytes();
        self.decoded(self.bytes.chunks_exact(length).nth(frame).unwrap_or_default())
    }

    /// All values; x runs fastest, frames slowest.
    pub fn values(&self) -> Vec<f64> {
        self.decoded(&self.bytes)
    }

    fn decoded(&self, bytes: &[u8]) -> Vec<f64> {
        let mut values = Stored { kind: self.header.kind, big_endian: self.header.big_endian, bytes }.doubles();
        if let Some([slope, offset]) = self.header.scale {
            values.iter_mut().for_each(|v| *v = *v * slope + offset);
        }
        values
    }
}

/// Reads an image of three or four axes, of real or whole numbers, in NIfTI-1 or NIfTI-2. A gzipped file is recognised by its bytes, not by
/// its name. A fourth axis of one element before a fifth is ignored, as in images that AFNI writes, where the fifth axis is time.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is cut short, or holds anything else; the message says what it holds.
pub fn read_nifti(path: impl AsRef<Path>) -> Result<Image> {
    let path = path.as_ref();
    read_nifti_bytes(path, read_bytes(path)?)
}

/// Reads an image from the bytes of a file, as [`read_nifti`] does; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_nifti`].
pub fn read_nifti_bytes(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Image> {
    image(bytes).map_err(|what| Error::file(name.as_ref(), what))
}

fn image(bytes: Vec<u8>) -> Result<Image, String> {
    let (header, mut bytes) = if is_gzip(&bytes) { unpacked(&bytes)? } else { (Header::parse(&bytes)?, bytes) };
    let (held, need) = (bytes.len().saturating_sub(header.start), header.bytes());
    if held < need {
        let extents = header.extents;
        return Err(format!("a NIfTI image expected: cut short: {held} bytes of values where extents {extents:?} take {need}"));
    }
    bytes.drain(..header.start);
    bytes.truncate(need);
    Ok(Image { extents: header.extents, affine: header.affine, header, bytes })
}

/// The header of a gzipped image, and the bytes of its file up to the end of its values. All of the file is read, so that every checksum
/// is checked; no more is kept than the header states.
fn unpacked(packed: &[u8]) -> Result<(Header, Vec<u8>), String> {
    let damaged = |e: std::io::Error| format!("a gzipped NIfTI image expected: {e}");
    let mut members = Members::new(packed);
    let mut bytes = Vec::new();
    members.by_ref().take(LONGEST as u64).read_to_end(&mut bytes).map_err(damaged)?;
    let header = Header::parse(&bytes)?;
    let rest = (header.start + header.bytes()).saturating_sub(bytes.len());
    members.by_ref().take(rest as u64).read_to_end(&mut bytes).map_err(damaged)?;
    members.finish().map_err(damaged)?;
    Ok((header, bytes))
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
