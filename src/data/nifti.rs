//! NIfTI images, by way of the crate `nifti`, and the series of an atlas' regions in them.

use super::Series;
use crate::tensor::parallel;
use crate::{Error, HostTensor, Result};
use nifti::{InMemNiftiObject, NiftiHeader, NiftiObject, NiftiType, NiftiVolume};
use std::collections::BTreeMap;
use std::path::Path;

/// Whether a file is a NIfTI image by its name: `.nii` or `.nii.gz`.
pub fn is_nifti(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// An image of voxels, over time or over maps where it has a fourth axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Voxels along x, y and z, and frames (or maps).
    pub extents: [usize; 4],
    /// From voxel indices to millimetres: three rows of a 4 × 4 matrix, by the sform, else the qform, else the voxels' sizes.
    pub affine: [[f64; 4]; 3],
    /// Values, scaled as the header says; x runs fastest, frames slowest.
    pub values: Vec<f32>,
}

impl Image {
    /// Voxels of a frame.
    pub fn voxels(&self) -> usize {
        self.extents[..3].iter().product()
    }
}

/// Reads a NIfTI-1 image of three or four axes, of real or whole numbers, gzipped or not.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, is cut short, or holds anything else.
pub fn read_nifti(path: impl AsRef<Path>) -> Result<Image> {
    let path = path.as_ref();
    let fail = |what: String| Error::file(path, what);
    let object = nifti::ReaderOptions::new().read_file(path).map_err(|e| fail(format!("a NIfTI image expected: {e}")))?;
    image(object).map_err(fail)
}

fn image(object: InMemNiftiObject) -> Result<Image, String> {
    let header = object.header().clone();
    let volume = object.into_volume();
    let mut extents = [1; 4];
    let given: Vec<usize> = volume.dim().iter().map(|&n| usize::from(n)).collect();
    // Axes of one element at the end say nothing.
    let axes = given.iter().rposition(|&n| n != 1).map_or(0, |last| last + 1);
    if axes > 4 || given.contains(&0) {
        return Err(format!("an image of three or four axes, none of them empty, is expected, found {given:?}"));
    }
    extents[..axes].copy_from_slice(&given[..axes]);
    let mut values = real(volume)?;
    // A slope of 0 means none (NIfTI-1 standard); so do those that are not numbers.
    let (slope, offset) = (header.scl_slope, header.scl_inter);
    if slope != 0.0 && slope.is_finite() && offset.is_finite() && (slope, offset) != (1.0, 0.0) {
        let (slope, offset) = (f64::from(slope), f64::from(offset));
        values.iter_mut().for_each(|v| *v = *v * slope + offset);
    }
    Ok(Image { extents, affine: affine(&header), values: values.into_iter().map(|v| v as f32).collect() })
}

fn real(volume: nifti::InMemNiftiVolume) -> Result<Vec<f64>, String> {
    macro_rules! of {
        ($($kind:ident $ty:ty),*) => {
            match volume.data_type() {
                $(NiftiType::$kind => volume.into_nifti_typed_data::<$ty>().map(|v| v.into_iter().map(|x| x as f64).collect()),)*
                other => return Err(format!("voxels of real or whole numbers are expected, found {other:?}")),
            }
        };
    }
    of!(Uint8 u8, Int8 i8, Uint16 u16, Int16 i16, Uint32 u32, Int32 i32, Uint64 u64, Int64 i64, Float32 f32, Float64 f64)
        .map_err(|e| format!("the voxels: {e}"))
}

fn affine(h: &NiftiHeader) -> [[f64; 4]; 3] {
    if h.sform_code > 0 {
        return [h.srow_x, h.srow_y, h.srow_z].map(|row| row.map(f64::from));
    }
    let size = [1, 2, 3].map(|i| f64::from(h.pixdim[i]));
    if h.qform_code <= 0 {
        return [[size[0], 0.0, 0.0, 0.0], [0.0, size[1], 0.0, 0.0], [0.0, 0.0, size[2], 0.0]];
    }
    // The rotation of a unit quaternion (NIfTI-1 standard, method 2); the third axis is turned where pixdim[0] is −1.
    let [b, c, d] = [h.quatern_b, h.quatern_c, h.quatern_d].map(f64::from);
    let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
    let turn = if h.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ];
    let offset = [h.quatern_x, h.quatern_y, h.quatern_z].map(f64::from);
    std::array::from_fn(|i| [rotation[i][0] * size[0], rotation[i][1] * size[1], rotation[i][2] * size[2] * turn, offset[i]])
}

/// Series of an atlas' regions in an image over time: means over voxels of one label (labels above 0, ascending), where the atlas has
/// three axes; means weighted by each map, where it has four (a map's weights are divided by their sum; nilearn's `NiftiMapsMasker`
/// solves least squares instead). Names are the labels, or the maps' places counted from 0.
///
/// # Errors
/// [`Error::File`] of the image or the atlas: where their voxels are not the same, labels are not whole numbers, weights are negative or
/// all 0, or a voxel of a region is not a finite number.
pub fn atlas_series(image: impl AsRef<Path>, atlas: impl AsRef<Path>) -> Result<Series> {
    let (image_path, atlas_path) = (image.as_ref(), atlas.as_ref());
    let (image, atlas) = (read_nifti(image_path)?, read_nifti(atlas_path)?);
    same_voxels(&image, &atlas)
        .map_err(|what| Error::file(atlas_path, format!("{what} of {}: resample one of them", image_path.display())))?;
    let regions = regions(&atlas).map_err(|what| Error::file(atlas_path, what))?;
    let frames = image.extents[3];
    let mut series = vec![0.0f32; regions.len() * frames];
    let work = regions.iter().map(|r| r.weights.len()).max().unwrap_or(0);
    parallel::rows(&mut series, frames, work * frames, |row, out| {
        for (frame, out) in out.iter_mut().enumerate() {
            let values = &image.values[frame * image.voxels()..][..image.voxels()];
            *out = regions[row].weights.iter().map(|&(voxel, w)| w * f64::from(values[voxel])).sum::<f64>() as f32;
        }
    });
    if let Some(at) = series.iter().position(|x| !x.is_finite()) {
        let what = format!(
            "region {} has a voxel at frame {}, counted from 0, that is not a finite number",
            regions[at / frames].name,
            at % frames
        );
        return Err(Error::file(image_path, what));
    }
    let names = regions.iter().map(|r| r.name.clone()).collect();
    Ok(Series { values: HostTensor::f32([regions.len(), frames], series)?, names: Some(names) })
}

/// Voxels agree to a thousandth of a millimetre or so in where they lie.
fn same_voxels(image: &Image, atlas: &Image) -> Result<(), String> {
    if image.extents[..3] != atlas.extents[..3] {
        return Err(format!("{:?} voxels are not the {:?}", &atlas.extents[..3], &image.extents[..3]));
    }
    let apart = image.affine.as_flattened().iter().zip(atlas.affine.as_flattened()).any(|(a, b)| (a - b).abs() > 1e-3);
    if apart { Err(format!("the voxels lie elsewhere ({:?} by the affine) than those", atlas.affine)) } else { Ok(()) }
}

/// A region: its voxels with weights that sum to 1.
struct Region {
    name: String,
    weights: Vec<(usize, f64)>,
}

fn regions(atlas: &Image) -> Result<Vec<Region>, String> {
    let found = if atlas.extents[3] == 1 { labels(&atlas.values)? } else { maps(atlas)? };
    if found.is_empty() { Err("an atlas of one label above 0 at least expected, found none".into()) } else { Ok(found) }
}

fn labels(values: &[f32]) -> Result<Vec<Region>, String> {
    let mut voxels: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (voxel, &value) in values.iter().enumerate().filter(|(_, v)| **v != 0.0) {
        if value.fract() != 0.0 || !(0.0..=16_777_216.0).contains(&value) {
            return Err(format!("labels are expected to be whole numbers from 0 on, found {value} at voxel {voxel}"));
        }
        voxels.entry(value as i64).or_default().push(voxel);
    }
    let region = |(label, voxels): (i64, Vec<usize>)| {
        let share = 1.0 / voxels.len() as f64;
        Region { name: label.to_string(), weights: voxels.into_iter().map(|v| (v, share)).collect() }
    };
    Ok(voxels.into_iter().map(region).collect())
}

fn maps(atlas: &Image) -> Result<Vec<Region>, String> {
    let map = |(i, values): (usize, &[f32])| {
        if let Some(w) = values.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return Err(format!("weights from 0 on are expected, found {w} in map {i}, counted from 0"));
        }
        let total: f64 = values.iter().map(|&w| f64::from(w)).sum();
        if total <= 0.0 {
            return Err(format!("map {i}, counted from 0, has no voxel of a weight above 0"));
        }
        let weights = values.iter().enumerate().filter(|(_, w)| **w > 0.0).map(|(v, &w)| (v, f64::from(w) / total)).collect();
        Ok(Region { name: i.to_string(), weights })
    };
    atlas.values.chunks_exact(atlas.voxels()).enumerate().map(map).collect()
}
