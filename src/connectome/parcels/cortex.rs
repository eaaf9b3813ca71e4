//! The series of a hemisphere and the sphere that its vertices lie on.

use super::learn_parcels::Surface;
use super::sphere;
use crate::statistics::centre::{Centred, Constant};
use crate::tensor::HostTensor;
use crate::{Error, Result};

/// The number of neighbours of a vertex without a mesh, which is that of most vertices of a mesh.
const NEAREST: usize = 6;

/// The series of a hemisphere and its sphere.
#[derive(Debug, Clone)]
pub struct Cortex {
    /// The series, f32 `[vertices, time]`.
    pub series: HostTensor,
    /// The coordinates on the sphere, f32 `[vertices, 3]`, in mm.
    pub xyz: HostTensor,
    /// The triangles of the mesh, i32 `[faces, 3]`, where it is known.
    pub faces: Option<HostTensor>,
    /// A known parcellation, i32 `[vertices]`; 0 for vertices without a parcel.
    pub atlas: Option<HostTensor>,
    /// The indices of the vertices with a series: within the mask and not constant.
    pub usable: Vec<usize>,
}

impl Cortex {
    /// A hemisphere with series `[vertices, time]` at `xyz` `[vertices, 3]`. A vertex is usable where its series is not constant and, if
    /// there is a `mask` `[vertices]`, the mask is not 0.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn new(series: HostTensor, xyz: HostTensor, faces: Option<HostTensor>, mask: Option<&HostTensor>) -> Result<Self> {
        let [vertices, time] = *series.shape() else { return Err(Error::argument("series must be [vertices, time]")) };
        let within = mask.map_or_else(|| vec![1.0; vertices], HostTensor::to_f64_vec);
        if within.len() != vertices || *xyz.shape() != [vertices, 3] {
            return Err(Error::argument(format!("a mask of {} and coordinates {} for {vertices} vertices", within.len(), xyz.ty())));
        }
        let rows = series.elements::<f32>()?;
        let varies = |v: &usize| rows[v * time..(v + 1) * time].iter().any(|x| *x != rows[v * time]);
        let usable = (0..vertices).filter(|&v| within[v] != 0.0).filter(varies).collect();
        Ok(Self { series, xyz, faces, atlas: None, usable })
    }

    /// A hemisphere as [`Cortex::new`] makes it, from series `[vertices, time]` of either precision whose means are taken off in f64 (parcels
    /// depend on correlations only), with room for `parcels` parcels.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit, the coordinates are not those of a sphere, there are no parcels, or more than vertices whose
    /// series vary.
    pub fn centred(
        series: &HostTensor,
        xyz: &HostTensor,
        faces: Option<HostTensor>,
        mask: Option<&HostTensor>,
        parcels: usize,
    ) -> Result<Self> {
        let centred = Centred::new(series, Constant::ToRounding)?.single()?;
        let xyz = xyz.to_real::<f32>();
        on_a_sphere(&xyz).map_err(|what| Error::argument(format!("coordinates: {what}")))?;
        let cortex = Self::new(centred, xyz, faces, mask)?;
        if parcels == 0 || parcels > cortex.usable.len() {
            let what = format!("{parcels} parcels: from 1 to {}, the vertices whose series vary", cortex.usable.len());
            return Err(Error::argument(what));
        }
        Ok(cortex)
    }

    /// The number of frames.
    pub fn frames(&self) -> usize {
        self.series.shape()[1]
    }

    /// The series of the usable vertices in a range of frames, f32 `[usable, frames]`.
    ///
    /// # Errors
    /// Returns an error where the range extends beyond the frames.
    pub fn frames_of(&self, frames: std::ops::Range<usize>) -> Result<HostTensor> {
        let time = self.frames();
        if frames.is_empty() || frames.end > time {
            return Err(Error::argument(format!("frames {frames:?} of {time}")));
        }
        let rows = self.series.elements::<f32>()?;
        let n = frames.len();
        let data = self.usable.iter().flat_map(|v| rows[v * time + frames.start..v * time + frames.end].iter().copied()).collect();
        HostTensor::f32([self.usable.len(), n], data)
    }

    /// The series in a range of frames and the neighbours of the usable vertices, from which parcels are learnt. The neighbours are those
    /// of the mesh, or the six nearest vertices where it is not known.
    ///
    /// # Errors
    /// The same as those of [`Cortex::frames_of`].
    pub fn surface(&self, frames: std::ops::Range<usize>) -> Result<Surface> {
        let all = sphere::directions(&self.xyz)?;
        let directions: Vec<sphere::Point> = self.usable.iter().map(|&v| all[v]).collect();
        let neighbours = match &self.faces {
            Some(faces) => sphere::neighbours(faces, &self.usable, all.len())?,
            None => sphere::nearest_neighbours(&directions, NEAREST)?,
        };
        Ok(Surface { series: self.frames_of(frames)?, directions, neighbours })
    }

    /// The labels of the usable vertices as labels of all vertices, with −1 elsewhere.
    pub fn spread(&self, labels: &[i32]) -> Vec<i32> {
        let mut out = vec![-1; self.series.shape()[0]];
        self.usable.iter().zip(labels).for_each(|(&v, &l)| out[v] = l);
        out
    }
}

/// Checks that all vertices `[vertices, 3]` have the same distance from the origin, within one per cent.
///
/// # Errors
/// Returns what is wrong where they do not.
pub fn on_a_sphere(xyz: &HostTensor) -> Result<(), String> {
    let radii: Vec<f64> = xyz.to_f64_vec().chunks_exact(3).map(|p| p.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
    let mean = radii.iter().sum::<f64>() / radii.len().max(1) as f64;
    match radii.iter().position(|r| !r.is_finite() || (r - mean).abs() > 0.01 * mean) {
        Some(v) => Err(format!(
            "vertex {v} is {:.3} from the origin, and {mean:.3} is the mean: the vertices of a sphere about the origin are expected, \
             such as fsaverage's, not of a folded surface or of voxels",
            radii[v]
        )),
        None if mean > 0.0 => Ok(()),
        None => Err("all vertices are at the origin".into()),
    }
}
