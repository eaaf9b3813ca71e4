//! Connectomes of parcels in CIFTI-2 files (`.pconn.nii`).

use super::super::cifti::{Axis, Cifti, Parcels, read_cifti_bytes};
use super::Connectome;
use crate::{Error, HostTensor, Result};
use std::path::Path;

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Connectome> {
    let fail = |what: String| Error::file(path, what);
    let cifti = read_cifti_bytes(path, bytes)?;
    let (Axis::Parcels(rows), Axis::Parcels(columns)) = (&cifti.rows, &cifti.columns) else {
        let what =
            format!("a CIFTI file of {} by {}: parcels by parcels (.pconn.nii) are expected", cifti.rows.what(), cifti.columns.what());
        return Err(fail(what));
    };
    let names = rows.names();
    if names != columns.names() {
        return Err(fail("its rows and its columns are not the same parcels: a square matrix of connections is expected".into()));
    }
    let values = cifti.values().iter().map(|&x| x as f32).collect();
    let values = HostTensor::f32([rows.parcels.len(), columns.parcels.len()], values)?;
    let made = Connectome::new(values, Some(names)).map_err(|e| fail(e.to_string()))?;
    Ok(Connectome { parcels: Some(rows.clone()), ..made })
}

/// The bytes of a file with one connectome.
pub(super) fn bytes(path: &Path, connectome: &Connectome) -> Result<Vec<u8>> {
    let n = connectome.regions();
    if connectome.values.shape().elements() != n * n {
        let shape = connectome.values.shape();
        return Err(Error::file(path, format!("a .pconn.nii file holds one matrix, and there are {shape}: .npy or .npz is expected")));
    }
    let axis = Axis::Parcels(Parcels::of(connectome.parcels.as_ref(), connectome.names.as_deref(), n));
    let made = Cifti::new(axis.clone(), axis, connectome.values.elements::<f32>()?);
    made.and_then(|cifti| cifti.to_bytes()).map_err(|e| Error::file(path, e))
}
