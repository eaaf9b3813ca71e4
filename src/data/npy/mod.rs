//! NumPy's `.npy`: arrays of numbers (NumPy Enhancement Proposal 1).

mod header;
mod rows;
mod text;
mod write;

pub(super) use header::bytes as header_bytes;
pub use rows::NpyRows;
pub(super) use text::{characters, text_bytes, texts};
pub use write::NpyWriter;

use super::numbers::{Element, Kind, Stored};
use super::read_bytes;
use crate::file::write_file;
use crate::{DType, Error, HostTensor, Result, Shape};
use half::f16;
use header::Header;
use ndarray::{ArrayViewD, IxDyn, ShapeBuilder};
use std::fmt::Display;
use std::path::Path;

/// Reads an array of at most 8 axes, in C or Fortran order, of either byte order.
///
/// f16, f32, i32 and u32 keep their type; f64 becomes f32; every other integer type, and bool, becomes i32.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is not an array of these types, is cut short, or holds a value that the type it
/// becomes cannot (the message says which, and where).
pub fn read_npy(path: impl AsRef<Path>) -> Result<HostTensor> {
    let path = path.as_ref();
    read_npy_bytes(path, &read_bytes(path)?)
}

/// Reads an array from the bytes of a `.npy` file; `name` stands for the file in errors. Otherwise as [`read_npy`].
pub fn read_npy_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<HostTensor> {
    parse(bytes, tensor).map_err(|what| Error::file(name.as_ref(), what))
}

/// Reads an array from the bytes of a `.npy` file in double precision, whatever the type of its elements. Only integers beyond 2^53 are
/// rounded. `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_npy`], except that no value is too large.
pub fn read_npy_f64_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<HostTensor> {
    parse(bytes, doubles).map_err(|what| Error::file(name.as_ref(), what))
}

/// Writes f32, f16, i32 or u32 elements, row-major, whole or not at all. A tensor held in double precision is written as f32.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be written.
pub fn write_npy(path: impl AsRef<Path>, tensor: &HostTensor) -> Result<()> {
    let path = path.as_ref();
    let bytes = npy_bytes(tensor).map_err(|e| Error::file(path, e))?;
    write_file(path, &bytes)
}

/// The bytes of a `.npy` file, as [`write_npy`] writes them.
///
/// # Errors
/// Returns an error where the tensor's elements do not have its type, which does not happen to tensors that this crate makes.
pub fn npy_bytes(tensor: &HostTensor) -> Result<Vec<u8>> {
    let (descr, size) = match tensor.dtype() {
        DType::F32 => ("<f4", 4),
        DType::I32 => ("<i4", 4),
        DType::U32 => ("<u4", 4),
        DType::F16 => ("<f2", 2),
    };
    let single = tensor.is_f64().then(|| tensor.to_real::<f32>());
    let elements = single.as_ref().unwrap_or(tensor).bytes();
    let elements = elements.ok_or_else(|| Error::argument(format!("a tensor {} as .npy: its elements are expected", tensor.ty())))?;
    let mut bytes = header::bytes(descr, &tensor.shape());
    match cfg!(target_endian = "big") {
        true => elements.chunks_exact(size).for_each(|element| bytes.extend(element.iter().rev())),
        false => bytes.extend(elements),
    }
    Ok(bytes)
}

fn parse(bytes: &[u8], decode: fn(Header, &[u8]) -> Result<HostTensor, String>) -> Result<HostTensor, String> {
    let begins = header::length(bytes, bytes.len() as u64)?;
    let (header, elements) = bytes.split_at(begins);
    let header = Header::parse(header)?;
    let (held, need) = (elements.len(), header.shape.elements().saturating_mul(header.kind.bytes()));
    match elements.get(..need) {
        Some(elements) => decode(header, elements),
        None => Err(format!("cut short: {held} bytes of elements where shape {} takes {need}", header.shape)),
    }
}

/// The elements of a header's array as [`read_npy`] gives them.
fn tensor(header: Header, bytes: &[u8]) -> Result<HostTensor, String> {
    let shape = header.shape;
    let tensor = match header.kind {
        Kind::F16 => HostTensor::f16(shape, elements::<f16>(header, bytes)?),
        Kind::F32 => HostTensor::f32(shape, elements::<f32>(header, bytes)?),
        Kind::F64 => HostTensor::f32(shape, converted(header, bytes, narrow)?),
        Kind::I32 => HostTensor::i32(shape, elements::<i32>(header, bytes)?),
        Kind::U32 => HostTensor::u32(shape, elements::<u32>(header, bytes)?),
        Kind::I8 => HostTensor::i32(shape, converted(header, bytes, |x: i8| Some(i32::from(x)))?),
        Kind::I16 => HostTensor::i32(shape, converted(header, bytes, |x: i16| Some(i32::from(x)))?),
        Kind::I64 => HostTensor::i32(shape, converted(header, bytes, |x: i64| i32::try_from(x).ok())?),
        Kind::U8 => HostTensor::i32(shape, converted(header, bytes, |x: u8| Some(header.of_byte(x)))?),
        Kind::U16 => HostTensor::i32(shape, converted(header, bytes, |x: u16| Some(i32::from(x)))?),
        Kind::U64 => HostTensor::i32(shape, converted(header, bytes, |x: u64| i32::try_from(x).ok())?),
    };
    tensor.map_err(|e| e.to_string())
}

/// The elements of a header's array in double precision.
fn doubles(header: Header, bytes: &[u8]) -> Result<HostTensor, String> {
    let mut values = stored(header, bytes).doubles();
    if header.truth {
        values.iter_mut().for_each(|x| *x = x.min(1.0));
    }
    HostTensor::real(header.shape, row_major(header, values)?).map_err(|e| e.to_string())
}

/// The elements of a header's array in single precision where it holds them as they are, else in double precision.
fn exact(header: Header, bytes: &[u8]) -> Result<HostTensor, String> {
    let values = doubles(header, bytes)?;
    Ok(if header.kind.fits_single() { values.to_real::<f32>() } else { values })
}

/// Reads the series of a `.npy` file: every value as the file has it, held in double precision where single does not hold it.
pub(super) fn read_npy_exact_bytes(name: &Path, bytes: &[u8]) -> Result<HostTensor> {
    parse(bytes, exact).map_err(|what| Error::file(name, what))
}

impl Header {
    fn of_byte(&self, byte: u8) -> i32 {
        if self.truth { i32::from(byte != 0) } else { i32::from(byte) }
    }
}

fn stored(header: Header, bytes: &[u8]) -> Stored<'_> {
    Stored { kind: header.kind, big_endian: header.big_endian, bytes }
}

fn elements<T: Element>(header: Header, bytes: &[u8]) -> Result<Vec<T>, String> {
    row_major(header, stored(header, bytes).elements())
}

fn row_major<T: Copy>(header: Header, stored: Vec<T>) -> Result<Vec<T>, String> {
    if !header.fortran {
        return Ok(stored);
    }
    let view = ArrayViewD::from_shape(IxDyn(&header.shape).f(), &stored).map_err(|e| e.to_string())?;
    Ok(view.iter().copied().collect())
}

fn converted<T: Element + Display, U>(header: Header, bytes: &[u8], convert: impl Fn(T) -> Option<U>) -> Result<Vec<U>, String> {
    let target = std::any::type_name::<U>();
    let convert = |(i, &x): (usize, &T)| {
        convert(x).ok_or_else(|| format!("the value {x} at {:?} (counted from 0) does not fit {target}", index(header.shape, i)))
    };
    elements::<T>(header, bytes)?.iter().enumerate().map(convert).collect()
}

/// The value in single precision; `None` where a finite value would become infinite.
fn narrow(x: f64) -> Option<f32> {
    let y = x as f32;
    (y.is_finite() || !x.is_finite()).then_some(y)
}

/// The indices of a row-major element.
fn index(shape: Shape, mut element: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = Vec::with_capacity(shape.rank());
    for &extent in shape.iter().rev() {
        indices.push(element % extent);
        element /= extent;
    }
    indices.reverse();
    indices
}
