//! The series of an atlas' regions in an image over time.

use super::super::Series;
use super::{Image, read_nifti};
use crate::tensor::parallel;
use crate::{Error, HostTensor, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The largest label, 2^53; beyond it, double precision does not distinguish all whole numbers.
const LARGEST_LABEL: f64 = 9_007_199_254_740_992.0;

/// Series of an atlas' regions in an image over time: means over voxels of one label (labels above 0, ascending), where the atlas has
/// three axes; means weighted by each map, where it has four (a map's weights are divided by their sum; nilearn's `NiftiMapsMasker`
/// solves least squares instead). Sums are in double precision. Names are the labels, or the maps' places counted from 0.
///
/// # Errors
/// Returns [`Error::File`], which names the image or the atlas, where their voxels are not the same, labels are not whole numbers, weights
/// are negative or all 0, or a voxel of a region is not a finite number.
pub fn atlas_series(image: impl AsRef<Path>, atlas: impl AsRef<Path>) -> Result<Series> {
    let means = atlas_means(image.as_ref(), atlas.as_ref())?;
    let shape = [means.names.len(), means.values.len() / means.names.len()];
    Ok(Series { names: Some(means.names), ..Series::new(HostTensor::real(shape, means.values)?) })
}

/// Series in double precision: one name for each region, and the values `[regions, frames]`, each of which is finite when rounded to single
/// precision.
pub(in super::super) struct Means {
    pub(in super::super) names: Vec<String>,
    pub(in super::super) values: Vec<f64>,
}

pub(in super::super) fn atlas_means(image_path: &Path, atlas_path: &Path) -> Result<Means> {
    let (image, atlas) = (read_nifti(image_path)?, read_nifti(atlas_path)?);
    same_voxels(&image, &atlas)
        .map_err(|what| Error::file(atlas_path, format!("{what} of {}: resample one of them", image_path.display())))?;
    let regions = regions(&atlas).map_err(|what| Error::file(atlas_path, what))?;
    let (frames, count) = (image.extents[3], regions.len());
    let mut by_frame = vec![0.0f64; frames * count];
    let work = image.voxels() + regions.iter().map(|r| r.weights.len()).sum::<usize>();
    parallel::rows(&mut by_frame, count, work, |frame, out| {
        let values = image.frame(frame);
        for (out, region) in out.iter_mut().zip(&regions) {
            *out = region.weights.iter().map(|&(voxel, w)| w * values[voxel]).sum();
        }
    });
    if let Some(at) = by_frame.iter().position(|&x| !(x as f32).is_finite()) {
        let (frame, region) = (at / count, &regions[at % count].name);
        let what = format!("region {region} has a voxel at frame {frame}, counted from 0, that is not a finite number");
        return Err(Error::file(image_path, what));
    }
    let values = (0..frames * count).map(|at| by_frame[at % frames * count + at / frames]).collect();
    Ok(Means { names: regions.into_iter().map(|r| r.name).collect(), values })
}

/// Checks that the voxels of both images have the same positions, to about a thousandth of a millimetre. A position that is NaN agrees with
/// none.
fn same_voxels(image: &Image, atlas: &Image) -> Result<(), String> {
    if image.extents[..3] != atlas.extents[..3] {
        return Err(format!("{:?} voxels are not the {:?}", &atlas.extents[..3], &image.extents[..3]));
    }
    let near = image.affine.as_flattened().iter().zip(atlas.affine.as_flattened()).all(|(a, b)| (a - b).abs() <= 1e-3);
    if near { Ok(()) } else { Err(format!("the voxels lie elsewhere ({:?} by the affine) than those", atlas.affine)) }
}

/// A region: its voxels with weights that sum to 1.
struct Region {
    name: String,
    weights: Vec<(usize, f64)>,
}

fn regions(atlas: &Image) -> Result<Vec<Region>, String> {
    let found = if atlas.extents[3] == 1 { labels(&atlas.values())? } else { maps(atlas)? };
    if found.is_empty() { Err("an atlas of one label above 0 at least expected, found none".into()) } else { Ok(found) }
}

fn labels(values: &[f64]) -> Result<Vec<Region>, String> {
    let mut voxels: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (voxel, &value) in values.iter().enumerate().filter(|(_, v)| **v != 0.0) {
        if value.fract() != 0.0 || !(0.0..LARGEST_LABEL).contains(&value) {
            return Err(format!("labels are expected to be whole numbers from 0 on, found {value} at voxel {voxel}"));
        }
        voxels.entry(value as u64).or_default().push(voxel);
    }
    let region = |(label, voxels): (u64, Vec<usize>)| {
        let share = 1.0 / voxels.len() as f64;
        Region { name: label.to_string(), weights: voxels.into_iter().map(|v| (v, share)).collect() }
    };
    Ok(voxels.into_iter().map(region).collect())
}

fn maps(atlas: &Image) -> Result<Vec<Region>, String> {
    let map = |i: usize| {
        let values = atlas.frame(i);
        if let Some(w) = values.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return Err(format!("weights from 0 on are expected, found {w} in map {i}, counted from 0"));
        }
        let total: f64 = values.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(format!("map {i}, counted from 0, has no voxel of a weight above 0"));
        }
        let weights = values.iter().enumerate().filter(|(_, w)| **w > 0.0).map(|(v, &w)| (v, w / total)).collect();
        Ok(Region { name: i.to_string(), weights })
    };
    (0..atlas.extents[3]).map(map).collect()
}
