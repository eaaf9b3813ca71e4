//! Reading of arrays row by row.

use super::header::{self, Header};
use super::{doubles, exact, tensor};
use crate::{Error, HostTensor, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// An array in a file, read a row of its first axis at a time: it need not fit in memory.
#[derive(Debug)]
pub struct NpyRows {
    path: PathBuf,
    header: Header,
    /// The offset of the first row in the file, in bytes.
    start: u64,
    row: usize,
}

impl NpyRows {
    /// Opens a file of at least one axis, in C order.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be read, is no such array, or is cut short.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |what: String| Error::file(path, what);
        let unread = |e: io::Error| Error::io(path, "cannot be read", &e);
        let mut file = File::open(path).map_err(unread)?;
        let held = file.metadata().map_err(unread)?.len();
        let mut first = vec![0; held.min(12) as usize];
        file.read_exact(&mut first).map_err(unread)?;
        let start = header::length(&first, held).map_err(wrong)?;
        let mut before = vec![0; start];
        file.rewind().and_then(|()| file.read_exact(&mut before)).map_err(unread)?;
        let header = Header::parse(&before).map_err(wrong)?;
        if header.shape.rank() == 0 || header.fortran {
            return Err(wrong("an array of at least one axis in C order is expected, to be read by rows".into()));
        }
        let row = header.shape[1..].iter().product::<usize>() * header.kind.bytes();
        let (held, need) = (held - start as u64, (header.shape[0] as u64).saturating_mul(row as u64));
        if held < need {
            return Err(wrong(format!("cut short: {held} bytes of elements where shape {} takes {need}", header.shape)));
        }
        Ok(Self { path: path.into(), header, start: start as u64, row })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The extents of the whole array.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Reads a row, whose shape is the array's without its first axis, converted as [`read_npy`](super::read_npy) does.
    ///
    /// # Errors
    /// Returns [`Error::File`] where there is no such row, and the errors of [`read_npy`](super::read_npy).
    pub fn read(&self, row: usize) -> Result<HostTensor> {
        self.decoded(row, tensor)
    }

    /// Reads a row in double precision, whatever the type of the elements.
    ///
    /// # Errors
    /// The same as those of [`NpyRows::read`].
    pub fn read_f64(&self, row: usize) -> Result<HostTensor> {
        self.decoded(row, doubles)
    }

    /// Reads a row, in double precision where single precision would round its values.
    pub(in super::super) fn read_exact(&self, row: usize) -> Result<HostTensor> {
        self.decoded(row, exact)
    }

    fn decoded(&self, row: usize, decode: fn(Header, &[u8]) -> Result<HostTensor, String>) -> Result<HostTensor> {
        let wrong = |what: String| Error::file(&self.path, what);
        if row >= self.header.shape[0] {
            return Err(wrong(format!("row {row} of {}, counted from 0", self.header.shape[0])));
        }
        let mut bytes = vec![0; self.row];
        let mut read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.start + (row * self.row) as u64))?;
            file.read_exact(&mut bytes)
        };
        read().map_err(|e| Error::io(&self.path, &format!("row {row} cannot be read"), &e))?;
        decode(Header { shape: self.header.shape.without(0), ..self.header }, &bytes).map_err(wrong)
    }
}
