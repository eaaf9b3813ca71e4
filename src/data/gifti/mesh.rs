//! The mesh of a surface (`.surf.gii`).

use super::super::freesurfer::{freesurfer_mesh, is_freesurfer_mesh, structure_by_name};
use super::super::read_bytes;
use super::{array, document, structure};
use crate::error::Reason;
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// The mesh of a surface.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// f32 `[vertices, 3]`: the positions of the vertices in the file's own space. A transformation to another space, which the file may
    /// state, is not applied.
    pub coordinates: HostTensor,
    /// i32 `[faces, 3]`: the vertices of each triangle, counted from 0.
    pub triangles: HostTensor,
    /// The structure to which the surface belongs, as CIFTI-2 names it (`CORTEX_LEFT`), where the file says it.
    pub structure: Option<String>,
}

/// Reads the mesh of a surface from a GIFTI file, which has an array of coordinates (`NIFTI_INTENT_POINTSET`) and one of triangles
/// (`NIFTI_INTENT_TRIANGLE`), or from a binary file of FreeSurfer. A file is recognised by its first bytes.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is neither, or does not hold one array of each; and where a position is not
/// finite in f32 or a triangle has a vertex that there is not.
pub fn read_mesh(path: impl AsRef<Path>) -> Result<Mesh> {
    let path = path.as_ref();
    read_mesh_bytes(path, &read_bytes(path)?)
}

/// Reads the mesh of a surface from the bytes of a GIFTI file, as [`read_mesh`] does; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_mesh`].
pub fn read_mesh_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Mesh> {
    let name = name.as_ref();
    let read = if is_freesurfer_mesh(bytes) { freesurfer_mesh(name, bytes).map_err(Reason::from) } else { mesh(name, bytes) };
    read.map_err(|what| Error::file(name, what))
}

fn mesh(file: &Path, bytes: &[u8]) -> Result<Mesh, Reason> {
    let document = document(bytes)?;
    let arrays = array::arrays(&document, file, |_| Ok(()))?;
    let one = |intent: &str, what: &str| {
        let found: Vec<_> = arrays.iter().filter(|a| a.intent == intent).collect();
        match found[..] {
            [one] if one.columns == 3 => Ok(one),
            [one] => Err(format!("{what} of {} numbers each: three are expected", one.columns)),
            [] => Err(format!("no array of {what} (NIFTI_INTENT_{intent}): the mesh of a surface (.surf.gii) is expected")),
            _ => Err(format!("{} arrays of {what} (NIFTI_INTENT_{intent}): one is expected", found.len())),
        }
    };
    let (points, triangles) = (one("POINTSET", "coordinates")?, one("TRIANGLE", "triangles")?);
    let coordinates: Vec<f32> = points.values.iter().map(|&x| x as f32).collect();
    if let Some(at) = coordinates.iter().position(|x| !x.is_finite()) {
        return Err(format!("vertex {}, counted from 0, lies at {}: a finite position is expected", at / 3, points.values[at]).into());
    }
    let vertex = |x: f64| (x.fract() == 0.0 && x >= 0.0 && x < points.rows as f64).then_some(x as i32);
    let indices: Option<Vec<i32>> = triangles.values.iter().map(|&x| vertex(x)).collect();
    let indices = indices.ok_or_else(|| format!("a triangle with a vertex that is none from 0 to {}", points.rows - 1))?;
    let tensor = |made: Result<HostTensor>| made.map_err(|e| e.to_string());
    Ok(Mesh {
        coordinates: tensor(HostTensor::f32([points.rows, 3], coordinates))?,
        triangles: tensor(HostTensor::i32([triangles.rows, 3], indices))?,
        structure: structure(&document, &arrays).or_else(|| structure_by_name(file)),
    })
}
