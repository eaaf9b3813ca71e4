//! NumPy's `.npy`, by way of `npyz`.

use super::read_bytes;
use crate::file::write_file;
use crate::tensor::MAX_RANK;
use crate::{DType, Error, HostTensor, Result, Shape};
use half::f16;
use ndarray::{ArrayViewD, IxDyn, ShapeBuilder};
use npyz::{AutoSerialize, Deserialize, NpyFile, Order, TypeChar, WriterBuilder};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const READ: &str = "f16, f32, f64, bool and integers of 8 to 64 bits are read";

type Array<'a> = NpyFile<&'a [u8]>;

/// Reads an array of at most 8 axes, in C or Fortran order, of either byte order.
///
/// f16, f32, i32 and u32 stay what they are; f64 becomes f32; every other integer, and bool, becomes i32.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, is not an array of these types, is cut short, or holds a value that the type it
/// becomes cannot (the message says which, and where).
pub fn read_npy(path: impl AsRef<Path>) -> Result<HostTensor> {
    let path = path.as_ref();
    read_npy_bytes(path, &read_bytes(path)?)
}

/// Reads an array from the bytes of a `.npy` file; `name` stands for the file in errors. Otherwise as [`read_npy`].
pub fn read_npy_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<HostTensor> {
    let name = name.as_ref();
    parse(name, bytes).map_err(|what| Error::file(name, what))
}

/// Writes f32, f16, i32 or u32 elements, row-major, whole or not at all. A tensor held in double precision is written as f32.
///
/// # Errors
/// [`Error::File`] where the file cannot be written.
pub fn write_npy(path: impl AsRef<Path>, tensor: &HostTensor) -> Result<()> {
    let path = path.as_ref();
    let bytes = npy_bytes(tensor).map_err(|e| Error::file(path, e.to_string()))?;
    write_file(path, &bytes)
}

/// The bytes of a `.npy` file, as [`write_npy`] writes them.
///
/// # Errors
/// None that a tensor can cause; the signature is that of the encoder.
pub fn npy_bytes(tensor: &HostTensor) -> Result<Vec<u8>> {
    let encoded = match tensor.dtype() {
        DType::F32 => encode(tensor.shape(), tensor.to_real::<f32>().as_f32()),
        DType::I32 => encode(tensor.shape(), tensor.as_i32()),
        DType::U32 => encode(tensor.shape(), tensor.as_u32()),
        DType::F16 => encode(tensor.shape(), tensor.bytes().map(bytemuck::pod_collect_to_vec::<u8, f16>).as_deref()),
    };
    encoded.map_err(|e| Error::argument(format!("a tensor {} as .npy: {e}", tensor.ty())))
}

fn encode<T: AutoSerialize + Copy>(shape: Shape, elements: Option<&[T]>) -> std::io::Result<Vec<u8>> {
    let extents: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&extents).writer(&mut bytes).begin_nd()?;
    writer.extend(elements.unwrap_or_default().iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

/// An array in a file, read a row of its first axis at a time: it need not fit in memory.
#[derive(Debug)]
pub struct NpyRows {
    path: PathBuf,
    shape: Vec<usize>,
    descr: String,
    /// Where the first row begins, and the bytes of each.
    start: u64,
    row: usize,
}

impl NpyRows {
    /// Opens a file of at least one axis, in C order.
    ///
    /// # Errors
    /// [`Error::File`] where the file cannot be read, is no such array, or is cut short.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |what: String| Error::file(path, what);
        let unread = |e: io::Error| wrong(format!("cannot be read: {e}"));
        let mut file = File::open(path).map_err(unread)?;
        let held = file.metadata().map_err(unread)?.len();
        let mut first = [0; 12];
        let taken = held.min(12) as usize;
        file.read_exact(&mut first[..taken]).and_then(|()| file.rewind()).map_err(unread)?;
        header_is_whole(&first[..taken], held).map_err(wrong)?;
        let array = NpyFile::new(&mut file).map_err(|e| wrong(format!("not a .npy array: {e}")))?;
        let shape = shape_of(array.shape()).map_err(wrong)?;
        let size = array.dtype().num_bytes().unwrap_or(1);
        let rows = shape.first().copied().filter(|_| array.order() == Order::C);
        let rows = rows.ok_or_else(|| wrong("an array of at least one axis in C order is expected, to be read by rows".into()))?;
        let row = shape[1..].iter().product::<usize>() * size;
        let descr = array.dtype().descr();
        let start = file.stream_position().map_err(unread)?;
        let need = (rows as u64).saturating_mul(row as u64);
        if held - start.min(held) < need {
            return Err(wrong(format!("cut short: {} bytes of elements where shape {shape} takes {need}", held - start)));
        }
        Ok(Self { path: path.into(), shape: shape.to_vec(), descr, start, row })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The extents of the whole array.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// A row, of the array's shape but for its first axis, converted as [`read_npy`] does.
    ///
    /// # Errors
    /// [`Error::File`] where there is no such row, or as [`read_npy`].
    pub fn read(&self, row: usize) -> Result<HostTensor> {
        if row >= self.shape[0] {
            return Err(Error::file(&self.path, format!("row {row} of {}, counted from 0", self.shape[0])));
        }
        // As a file of its own, so that elements are decoded in one place.
        let extents: String = self.shape[1..].iter().map(|n| format!("{n},")).collect();
        let header = format!("{{'descr': {}, 'fortran_order': False, 'shape': ({extents}), }}\n", self.descr);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        let begins = bytes.len();
        bytes.resize(begins + self.row, 0);
        let mut read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.start + (row * self.row) as u64))?;
            file.read_exact(&mut bytes[begins..])
        };
        read().map_err(|e| Error::file(&self.path, format!("row {row} cannot be read: {e}")))?;
        read_npy_bytes(&self.path, &bytes)
    }
}

fn parse(name: &Path, bytes: &[u8]) -> Result<HostTensor, String> {
    header_is_whole(bytes, bytes.len() as u64)?;
    let array = NpyFile::new(bytes).map_err(|e| format!("not a .npy array: {e}"))?;
    let shape = shape_of(array.shape())?;
    let npyz::DType::Plain(ty) = array.dtype() else {
        return Err(format!("an array of records, {}: {READ}", array.dtype().descr()));
    };
    let tensor = match (ty.type_char(), ty.size_field()) {
        (TypeChar::Float, 2) => HostTensor::f16(shape, elements(array, shape)?),
        (TypeChar::Float, 4) => HostTensor::f32(shape, elements(array, shape)?),
        (TypeChar::Float, 8) => HostTensor::f32(shape, converted(array, shape, narrow)?),
        (TypeChar::Int, 4) => HostTensor::i32(shape, elements(array, shape)?),
        (TypeChar::Uint, 4) => HostTensor::u32(shape, elements(array, shape)?),
        (TypeChar::Bool, _) => HostTensor::i32(shape, converted(array, shape, |x: bool| Some(i32::from(x)))?),
        (TypeChar::Int, 1) => HostTensor::i32(shape, converted(array, shape, |x: i8| Some(x.into()))?),
        (TypeChar::Int, 2) => HostTensor::i32(shape, converted(array, shape, |x: i16| Some(x.into()))?),
        (TypeChar::Int, 8) => HostTensor::i32(shape, converted(array, shape, |x: i64| x.try_into().ok())?),
        (TypeChar::Uint, 1) => HostTensor::i32(shape, converted(array, shape, |x: u8| Some(x.into()))?),
        (TypeChar::Uint, 2) => HostTensor::i32(shape, converted(array, shape, |x: u16| Some(x.into()))?),
        (TypeChar::Uint, 8) => HostTensor::i32(shape, converted(array, shape, |x: u64| x.try_into().ok())?),
        _ => return Err(format!("elements of type '{ty}': {READ}")),
    };
    tensor.map_err(|e| format!("{}: {e}", name.display()))
}

/// Checked before the header is parsed, because its stated length is what the parser would allocate.
fn header_is_whole(bytes: &[u8], held: u64) -> Result<(), String> {
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err("not a .npy array: it does not start with the bytes \\x93NUMPY".into());
    }
    let stated = match bytes.get(6..12) {
        Some(&[1, _, low, high, ..]) => 10 + usize::from(u16::from_le_bytes([low, high])),
        Some(&[_, _, a, b, c, d]) => 12 + u32::from_le_bytes([a, b, c, d]) as usize,
        _ => 12,
    };
    if held < stated as u64 {
        return Err(format!("cut short: {held} bytes where its header alone takes {stated}"));
    }
    Ok(())
}

fn shape_of(stated: &[u64]) -> Result<Shape, String> {
    let extents: Option<Vec<usize>> = stated.iter().map(|&n| n.try_into().ok()).collect();
    let extents = extents.ok_or_else(|| format!("an array of shape {stated:?} does not fit in memory"))?;
    // Extents of zero are left out, so that the product of the others is checked too.
    let fits = extents.iter().filter(|&&n| n > 0).try_fold(16_usize, |product, &n| product.checked_mul(n));
    fits.ok_or_else(|| format!("an array of shape {stated:?} does not fit in memory"))?;
    Shape::try_new(&extents).ok_or_else(|| format!("an array of {} axes: at most {MAX_RANK} are possible", extents.len()))
}

/// The elements as they are stored, row-major.
fn elements<T: Deserialize + Copy>(array: Array<'_>, shape: Shape) -> Result<Vec<T>, String> {
    let order = array.order();
    let need = (shape.elements() as u64).saturating_mul(array.dtype().num_bytes().unwrap_or(1) as u64);
    let held = array.clone().into_inner().len() as u64;
    if held < need {
        return Err(format!("cut short: {held} bytes of elements where shape {shape} takes {need}"));
    }
    let stored = array.into_vec::<T>().map_err(|e| e.to_string())?;
    if order == Order::C {
        return Ok(stored);
    }
    let view = ArrayViewD::from_shape(IxDyn(&shape).f(), &stored).map_err(|e| e.to_string())?;
    Ok(view.iter().copied().collect())
}

fn converted<T, U>(array: Array<'_>, shape: Shape, convert: impl Fn(T) -> Option<U>) -> Result<Vec<U>, String>
where
    T: Deserialize + Copy + std::fmt::Display,
{
    let target = std::any::type_name::<U>();
    let stored = elements::<T>(array, shape)?;
    let convert = |(i, &x): (usize, &T)| {
        convert(x).ok_or_else(|| format!("the value {x} at {:?} (counted from 0) does not fit {target}", index(shape, i)))
    };
    stored.iter().enumerate().map(convert).collect()
}

/// To single precision; `None` where a finite value would become infinite.
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
