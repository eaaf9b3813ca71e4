//! The refusal of HDF5 files by a build without the feature `hdf5`.

use super::named::{Array, Wanted};
use crate::{Error, Result};
use std::path::Path;

/// No HDF5 file is ever open in this build.
pub(in crate::data) enum Hdf5 {}

impl Hdf5 {
    pub(in crate::data) fn open(path: &Path) -> Result<Self> {
        Err(Error::file(path, "an HDF5 file, which is read where tapetum is built with the feature `hdf5`"))
    }

    pub(in crate::data) fn of_bytes(name: &Path, _: &[u8]) -> Result<Self> {
        Self::open(name)
    }
}

pub(super) fn array(path: &Path, _: Wanted<'_>) -> Result<Array> {
    match Hdf5::open(path)? {}
}

pub(super) fn array_of_bytes(name: &Path, _: &[u8], wanted: Wanted<'_>) -> Result<Array> {
    array(name, wanted)
}

pub(super) fn arrays(path: &Path, _: Wanted<'_>) -> Result<Option<Vec<(String, Array)>>> {
    match Hdf5::open(path)? {}
}
