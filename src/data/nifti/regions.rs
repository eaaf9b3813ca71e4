//! The regions of an atlas, on the grid of an image.

use super::grid::{Grid, Places};
use super::reader::NiftiReader;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The largest label, 2^53; beyond it, double precision does not distinguish all whole numbers.
const LARGEST_LABEL: f64 = 9_007_199_254_740_992.0;

/// The regions of an atlas.
pub(super) enum Regions {
    Labels {
        /// The labels above 0 in the atlas, ascending.
        labels: Vec<u64>,
        /// For each voxel of the image, the place of its label among `labels`, counted from 1; 0 where it has none.
        of: Vec<u32>,
    },
    Maps(Vec<Map>),
}

/// A map of weights: the voxels of the image where it is not 0, ascending, and the weight of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    pub(super) voxels: Vec<u32>,
    pub(super) weights: Vec<f64>,
}

impl Map {
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, f64)> {
        self.voxels.iter().map(|v| *v as usize).zip(self.weights.iter().copied())
    }
}

impl Regions {
    /// Reads an atlas: labels where it has three axes, maps where it has four. On another grid than the image's, a voxel of the image has
    /// the label of the nearest voxel of the atlas, and the weight that linear interpolation gives.
    pub(super) fn read(atlas: &mut NiftiReader, image: &Grid) -> Result<Self> {
        let path = atlas.path().to_owned();
        let own = Grid::new(atlas.extents(), atlas.affine());
        let places = if image.is_that_of(&own) { None } else { Some(image.among(&own).map_err(|what| Error::file(&path, what))?) };
        if u32::try_from(image.voxels()).is_err() {
            return Err(Error::file(&path, format!("an image of {} voxels: at most {} are read by an atlas", image.voxels(), u32::MAX)));
        }
        let three = atlas.extents()[3] == 1;
        let mut maps = Vec::new();
        let mut labels = None;
        for (i, frame) in atlas.frames().enumerate() {
            let frame = frame?;
            if three {
                labels = Some(self::labels(&frame, places.as_ref()));
            } else {
                maps.push(map(i, frame, places.as_ref()).map_err(|what| Error::file(&path, what))?);
            }
        }
        labels.map_or(Ok(Self::Maps(maps)), |labels| labels.map_err(|what| Error::file(&path, what)))
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Labels { labels, .. } => labels.len(),
            Self::Maps(maps) => maps.len(),
        }
    }
}

fn labels(values: &[f64], places: Option<&Places>) -> Result<Regions, String> {
    let mut found: BTreeMap<u64, u32> = BTreeMap::new();
    let background = |value: f64| value == 0.0 || value.is_nan();
    for (voxel, &value) in values.iter().enumerate().filter(|(_, value)| !background(**value)) {
        if value.fract() != 0.0 || !(0.0..LARGEST_LABEL).contains(&value) {
            return Err(format!("labels are expected to be whole numbers from 0 on, found {value} at voxel {voxel}"));
        }
        found.insert(value as u64, 0);
    }
    if found.is_empty() {
        return Err("an atlas of one label above 0 at least expected, found none".into());
    }
    found.values_mut().zip(1..).for_each(|(place, i)| *place = i);
    let of = |value: f64| if background(value) { 0 } else { found.get(&(value as u64)).copied().unwrap_or(0) };
    let of = match places {
        None => values.iter().map(|&value| of(value)).collect(),
        Some(places) => places.nearest().map(|voxel| voxel.map_or(0, |voxel| of(values[voxel]))).collect(),
    };
    Ok(Regions::Labels { labels: found.into_keys().collect(), of })
}

/// A map; NaN is 0, as in nilearn.
fn map(i: usize, mut values: Vec<f64>, places: Option<&Places>) -> Result<Map, String> {
    if let Some(w) = values.iter().find(|w| w.is_infinite()) {
        return Err(format!("finite weights are expected, found {w} in map {i}, counted from 0"));
    }
    values.iter_mut().filter(|w| w.is_nan()).for_each(|w| *w = 0.0);
    let values = match places {
        Some(places) => places.linear(&values),
        None => values,
    };
    let (voxels, weights) = (0..).zip(values).filter(|(_, w)| *w != 0.0).unzip();
    Ok(Map { voxels, weights })
}
