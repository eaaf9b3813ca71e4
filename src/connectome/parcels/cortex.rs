//! A hemisphere's series and the sphere that its vertices lie on.

use super::learn_parcels::Surface;
use super::sphere;
use crate::tensor::HostTensor;
use crate::{Error, Result};

/// Neighbours of a vertex where no mesh says which: as many as most vertices of a mesh have.
const NEAREST: usize = 6;

/// A hemisphere's series and its sphere.
#[derive(Debug, Clone)]
pub struct Cortex {
    /// f32 `[vertices, time]`.
    pub series: HostTensor,
    /// f32 `[vertices, 3]`, mm.
    pub xyz: HostTensor,
    /// i32 `[faces, 3]`, where the mesh is known.
    pub faces: Option<HostTensor>,
    /// A known parcellation, i32 `[vertices]`, 0 for none.
    pub atlas: Option<HostTensor>,
    /// The vertices with a series: within the mask, and not constant.
    pub usable: Vec<usize>,
}

impl Cortex {
    /// A hemisphere of series `[vertices, time]` at `xyz` `[vertices, 3]`: usable where `mask` `[vertices]` is not 0, if there is one, and
    /// the series is not constant.
    ///
    /// # Errors
    /// Where shapes do not fit.
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

    /// Frames in all.
    pub fn frames(&self) -> usize {
        self.series.shape()[1]
    }

    /// The usable vertices' series over some frames, f32 `[usable, frames]`.
    ///
    /// # Errors
    /// Where the frames are not there.
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

    /// The series and neighbours that parcels are learnt from, over some frames: neighbours are those of the mesh, or the six nearest where it is not known.
    ///
    /// # Errors
    /// As [`Cortex::frames_of`].
    pub fn surface(&self, frames: std::ops::Range<usize>) -> Result<Surface> {
        let all = sphere::directions(&self.xyz)?;
        let directions: Vec<sphere::Point> = self.usable.iter().map(|&v| all[v]).collect();
        let neighbours = match &self.faces {
            Some(faces) => sphere::neighbours(faces, &self.usable, all.len())?,
            None => sphere::nearest_neighbours(&directions, NEAREST)?,
        };
        Ok(Surface { series: self.frames_of(frames)?, directions, neighbours })
    }

    /// Labels of the usable vertices as labels of all, −1 elsewhere.
    pub fn spread(&self, labels: &[i32]) -> Vec<i32> {
        let mut out = vec![-1; self.series.shape()[0]];
        self.usable.iter().zip(labels).for_each(|(&v, &l)| out[v] = l);
        out
    }
}
