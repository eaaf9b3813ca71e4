//! The values of regions in the frames of an image.

use super::grid::Grid;
use super::least_squares::{LeastSquares, along};
use super::regions::{Map, Regions};

/// The way in which a frame's voxels become the value of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum MapSeries {
    /// All maps are fitted to the frame together by least squares, as in nilearn's `NiftiMapsMasker`: what maps share is shared out among
    /// them.
    #[default]
    LeastSquares,
    /// The mean over voxels, weighted by each map by itself; weights are 0 or above.
    WeightedMean,
}

impl MapSeries {
    /// All ways.
    pub const ALL: [Self; 2] = [Self::LeastSquares, Self::WeightedMean];

    /// The name: `least-squares` or `weighted-mean`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeastSquares => "least-squares",
            Self::WeightedMean => "weighted-mean",
        }
    }
}

/// Regions, ready to be evaluated at each frame.
pub(super) struct Extraction {
    regions: Prepared,
    /// The voxels of regions that are NaN at the first frame, and so must be at every other: they lie outside what was imaged.
    outside: Vec<u32>,
    /// For each region, true where it has no voxel with a value.
    pub(super) missing: Vec<bool>,
}

enum Prepared {
    /// For each voxel its region, counted from 1, and for each region 1 / its voxels.
    Labels {
        of: Vec<u32>,
        shares: Vec<f64>,
    },
    /// The weights of each map sum to 1.
    Means(Vec<Map>),
    LeastSquares(LeastSquares),
}

impl Extraction {
    /// Prepares regions by the first frame of the image.
    ///
    /// # Errors
    /// The message names a map whose weights cannot be taken as asked.
    pub(super) fn new(regions: Regions, maps: MapSeries, first: &[f64]) -> Result<Self, String> {
        let mut outside = Vec::new();
        let (regions, missing) = match regions {
            Regions::Labels { labels, mut of } => {
                let mut counts = vec![0usize; labels.len()];
                for (voxel, (of, value)) in (0..).zip(of.iter_mut().zip(first)).filter(|(_, (of, _))| **of > 0) {
                    if value.is_nan() {
                        outside.push(voxel);
                        *of = 0;
                    } else {
                        counts[*of as usize - 1] += 1;
                    }
                }
                let shares = counts.iter().map(|&n| 1.0 / n.max(1) as f64).collect();
                (Prepared::Labels { of, shares }, counts.iter().map(|&n| n == 0).collect())
            }
            Regions::Maps(all) => {
                let mut lies_outside = vec![false; first.len()];
                let inside: Vec<Map> = all.into_iter().map(|map| within(map, first, &mut lies_outside)).collect();
                outside = (0..).zip(&lies_outside).filter(|(_, outside)| **outside).map(|(voxel, _)| voxel).collect();
                let missing = inside.iter().map(|map| map.voxels.is_empty()).collect();
                let prepared = match maps {
                    MapSeries::LeastSquares => Prepared::LeastSquares(LeastSquares::new(inside, first.len())?),
                    MapSeries::WeightedMean => Prepared::Means(means(inside)?),
                };
                (prepared, missing)
            }
        };
        Ok(Self { regions, outside, missing })
    }

    /// The number of regions' voxels that lie outside what was imaged.
    pub(super) fn outside(&self) -> usize {
        self.outside.len()
    }

    /// The regions' values at one frame, into zeros.
    pub(super) fn evaluate(&self, frame: &[f64], out: &mut [f64]) {
        match &self.regions {
            Prepared::Labels { of, shares } => {
                for (&of, value) in of.iter().zip(frame).filter(|(of, _)| **of > 0) {
                    out[of as usize - 1] += value;
                }
                out.iter_mut().zip(shares).for_each(|(sum, share)| *sum *= share);
            }
            Prepared::Means(maps) => out.iter_mut().zip(maps).for_each(|(out, map)| *out = along(map, frame)),
            Prepared::LeastSquares(maps) => maps.fit(frame, out),
        }
    }

    /// The fault of a frame whose values are given; `None` where it has none. A voxel of a region must be a finite number, or NaN at every
    /// frame.
    pub(super) fn fault(&self, frame: &[f64], values: &[f64], grid: &Grid) -> Option<Fault> {
        let at = |voxel: u32| grid.place(voxel as usize);
        if let Some(&voxel) = self.outside.iter().find(|voxel| !frame[**voxel as usize].is_nan()) {
            return Some(Fault::Appears { at: at(voxel), value: frame[voxel as usize] });
        }
        if values.iter().all(|x| (*x as f32).is_finite()) {
            return None;
        }
        let inside: Vec<u32> = match &self.regions {
            Prepared::Labels { of, .. } => (0..).zip(of).filter(|(_, of)| **of > 0).map(|(voxel, _)| voxel).collect(),
            Prepared::Means(maps) => maps.iter().flat_map(|map| map.voxels.iter().copied()).collect(),
            Prepared::LeastSquares(maps) => maps.voxels().collect(),
        };
        match inside.into_iter().find(|voxel| !frame[*voxel as usize].is_finite()) {
            Some(voxel) => Some(Fault::NotFinite { at: at(voxel), value: frame[voxel as usize] }),
            None => Some(Fault::TooLarge),
        }
    }
}

/// The fault of a frame.
pub(super) enum Fault {
    /// A voxel that was NaN at the first frame is a number.
    Appears {
        at: [usize; 3],
        value: f64,
    },
    NotFinite {
        at: [usize; 3],
        value: f64,
    },
    /// The value of a region is beyond single precision.
    TooLarge,
}

impl Fault {
    pub(super) fn describe(&self, frame: usize) -> String {
        const RULE: &str = "a voxel of a region is expected to be a finite number at every frame, or NaN at every frame";
        match self {
            Self::Appears { at, value } => {
                format!("voxel {at:?} is NaN at frame 0 and {value:e} at frame {frame}, counted from 0: {RULE}")
            }
            Self::NotFinite { at, value } => format!("voxel {at:?} at frame {frame}, counted from 0, is {value:e}: {RULE}"),
            Self::TooLarge => format!("a region's value at frame {frame}, counted from 0, exceeds single precision"),
        }
    }
}

/// A map without the voxels that are NaN at the first frame, which are marked.
fn within(map: Map, first: &[f64], outside: &mut [bool]) -> Map {
    if !map.voxels.iter().any(|voxel| first[*voxel as usize].is_nan()) {
        return map;
    }
    let (mut voxels, mut weights) = (Vec::new(), Vec::new());
    for (voxel, w) in map.entries() {
        if first[voxel].is_nan() {
            outside[voxel] = true;
        } else {
            voxels.push(voxel as u32);
            weights.push(w);
        }
    }
    Map { voxels, weights }
}

/// Maps whose weights sum to 1.
fn means(mut maps: Vec<Map>) -> Result<Vec<Map>, String> {
    for (i, map) in maps.iter_mut().enumerate() {
        if let Some(w) = map.weights.iter().find(|w| **w < 0.0) {
            return Err(format!("weights from 0 on are expected for weighted means, found {w} in map {i}, counted from 0"));
        }
        let total: f64 = map.weights.iter().sum();
        if !total.is_finite() {
            return Err(format!("the weights of map {i}, counted from 0, are too large to be added"));
        }
        map.weights.iter_mut().for_each(|w| *w /= total);
    }
    Ok(maps)
}
