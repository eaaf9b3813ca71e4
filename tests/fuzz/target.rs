//! The readers under test: their input files, and the memory that they may take.

use std::fs;
use std::path::{Path, PathBuf};
use tapetum::{Error, Result};

/// A reader of the bytes of one file.
type Read = Box<dyn Fn(&[u8]) -> Result<()>>;

/// A reader and its input files.
pub struct Target {
    pub name: &'static str,
    pub seeds: Vec<Vec<u8>>,
    pub read: Read,
    /// The bytes of memory that may be allocated for each byte of the file.
    pub by_byte: usize,
    /// The bytes that may be allocated in addition.
    pub floor: usize,
}

/// The bytes that a reader may allocate in addition.
const FLOOR: usize = 4 << 20;

/// The same for HDF5: room for 65,535 messages of an object is made before they are read.
pub const HDF5: usize = 16 << 20;

/// Deflate makes at most 1,032 bytes of one, which may be small integers that become f64; a growing buffer is held twice.
pub const DEFLATED: usize = 1032 * 8 * 3;

/// Plain files: text of one byte a number becomes f64, its cells are kept, and the values are turned.
pub const PLAIN: usize = 256;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn files(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| fs::read(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

pub fn done<T>(result: Result<T>) -> Result<()> {
    result.map(drop)
}

pub fn target(name: &'static str, seeds: Vec<Vec<u8>>, by_byte: usize, read: impl Fn(&[u8]) -> Result<()> + 'static) -> Target {
    Target { name, seeds, read: Box::new(read), by_byte, floor: FLOOR }
}

/// Reads a file of this name with these bytes.
pub fn by_file<F: Fn(&Path) -> Result<()>>(folder: &Path, name: &'static str, read: F) -> impl Fn(&[u8]) -> Result<()> + use<F> {
    let path = folder.join(name);
    move |bytes| {
        fs::write(&path, bytes).map_err(|e| Error::file(&path, e.to_string()))?;
        read(&path)
    }
}
