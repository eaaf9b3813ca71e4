//! The series of an atlas' regions in an image over time.

use super::super::label_table::{Numbers, region_names};
use super::super::{Series, SeriesOptions};
use super::NiftiReader;
use super::extraction::{Extraction, Fault, MapSeries};
use super::grid::Grid;
use super::regions::Regions;
use super::step::step;
use crate::tensor::parallel;
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// The frames that are in memory at a time.
const FRAMES: usize = 4;

/// The treatment of an atlas on another grid than the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Resample {
    /// The atlas is taken on the image's grid: labels at the nearest voxel, maps by linear interpolation, both 0 outside the atlas, as
    /// nilearn's maskers do with `resampling_target="data"`.
    #[default]
    Auto,
    /// An atlas on another grid is refused.
    Never,
}

impl Resample {
    /// All choices.
    pub const ALL: [Self; 2] = [Self::Auto, Self::Never];

    /// The name: `auto` or `never`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Never => "never",
        }
    }
}

/// Series of an atlas' regions in an image over time, read frame by frame: means over the voxels of each label (labels above 0, ascending)
/// where the atlas has three axes, and values of each map where it has four, by least squares. [`read_series`](super::super::read_series)
/// with an [`atlas`](SeriesOptions::atlas) does the same and takes options. Sums are in double precision.
///
/// An atlas on another grid is taken on the image's ([`Resample::Auto`]). A region without voxels there has no value ([`Series::missing`]).
/// Voxels that are NaN at every frame lie outside what was imaged and are left out (nilearn takes them as 0). Names are those in a table
/// beside the atlas, where there is one ([`SeriesOptions::labels`]), else the labels, or the maps' places counted from 0.
/// [`Series::step`] is the repetition time of the header, or of a `.json` of the same name.
///
/// # Errors
/// Returns [`Error::File`], which names the image or the atlas, where one of them cannot be read, labels are not whole numbers, the atlas
/// has no voxel within the image, or a voxel of a region is not finite at some frames.
pub fn atlas_series(image: impl AsRef<Path>, atlas: impl AsRef<Path>) -> Result<Series> {
    series_of_regions(image.as_ref(), atlas.as_ref(), &SeriesOptions::default())
}

pub(in super::super) fn series_of_regions(image_path: &Path, atlas_path: &Path, options: &SeriesOptions) -> Result<Series> {
    let mut image = NiftiReader::open(image_path)?;
    let mut atlas = NiftiReader::open(atlas_path)?;
    let grid = Grid::new(image.extents(), image.affine());
    let mut remarks = Vec::new();
    // Nothing is made for all voxels before the file has shown that it holds a frame of them.
    let mut first = Vec::new();
    image.read_frame(&mut first)?;
    let is_map = atlas.extents()[3] > 1;
    remarks.extend(other_grid(&image, &atlas, &grid, options.resample)?);
    let regions = Regions::read(&mut atlas, &grid)?;
    let numbers = match &regions {
        Regions::Labels { labels, .. } => Numbers::Labels(labels.clone()),
        Regions::Maps(maps) => Numbers::Maps(maps.len()),
    };
    let names = region_names(atlas_path, options.labels.as_deref(), &numbers)?;
    remarks.extend(names.remarks);
    let count = regions.count();
    if is_map {
        remarks.push(format!("the values of {count} maps are those of {}", described(options.maps)));
    }
    let (extraction, by_frame) = extract(&mut image, first, atlas_path, regions, options.maps)?;
    if extraction.outside() > 0 {
        remarks.push(format!("{} voxels of regions are NaN at every frame and are left out", extraction.outside()));
    }
    let (step, of_step) = step(&image);
    remarks.extend(of_step);
    let frames = by_frame.len() / count;
    let values = (0..frames * count).map(|at| by_frame[at % frames * count + at / frames]).collect();
    let values = HostTensor::real([count, frames], values)?;
    Ok(Series { names: Some(names.names), missing: extraction.missing, step, remarks, ..Series::new(values) })
}

fn described(maps: MapSeries) -> String {
    let what = match maps {
        MapSeries::LeastSquares => "least squares on all maps together",
        MapSeries::WeightedMean => "means weighted by each map",
    };
    format!("{what} (--maps {})", maps.name())
}

/// The remark about an atlas on another grid; `None` where both grids are the same.
fn other_grid(image: &NiftiReader, atlas: &NiftiReader, grid: &Grid, resample: Resample) -> Result<Option<String>> {
    let own = Grid::new(atlas.extents(), atlas.affine());
    if grid.is_that_of(&own) {
        return Ok(None);
    }
    let differ = if grid.extents == own.extents {
        format!("the affine maps of its voxels differ ({:?} and {:?})", own.affine, grid.affine)
    } else {
        format!("{:?} voxels where the image has {:?}", own.extents, grid.extents)
    };
    match (resample, atlas.extents()[3]) {
        (Resample::Never, _) => {
            let what = format!("the atlas is on another grid than {}: {differ}, and --resample never is set", image.path().display());
            Err(Error::file(atlas.path(), what))
        }
        (_, 1) => Ok(Some(format!("{} is on another grid and is taken at the nearest voxel: {differ}", atlas.path().display()))),
        _ => Ok(Some(format!("{} is on another grid and is taken by linear interpolation: {differ}", atlas.path().display()))),
    }
}

/// The values `[frames, regions]`, a few frames at a time. `first` is the first frame, which is read already.
fn extract(
    image: &mut NiftiReader,
    first: Vec<u8>,
    atlas_path: &Path,
    regions: Regions,
    maps: MapSeries,
) -> Result<(Extraction, Vec<f64>)> {
    let count = regions.count();
    let grid = Grid::new(image.extents(), image.affine());
    let extraction = Extraction::new(regions, maps, &image.header().decoded(&first)).map_err(|what| Error::file(atlas_path, what))?;
    check_some_left(&extraction, image.path(), atlas_path)?;
    let mut stored: [Vec<u8>; FRAMES] = Default::default();
    stored[0] = first;
    let (mut read, mut done) = (1, 0);
    let mut values = Vec::new();
    loop {
        while read < FRAMES && image.read_frame(&mut stored[read])? {
            read += 1;
        }
        if read == 0 {
            return Ok((extraction, values));
        }
        values.resize((done + read) * count, 0.0);
        let mut faults: Vec<Option<Fault>> = (0..read).map(|_| None).collect();
        let header = image.header();
        parallel::rows_with(&mut values[done * count..], count, &mut faults, grid.voxels(), |i, out, fault| {
            let frame = header.decoded(&stored[i]);
            extraction.evaluate(&frame, out);
            *fault = extraction.fault(&frame, out, &grid);
        });
        if let Some((i, fault)) = (0..).zip(&faults).find_map(|(i, fault)| fault.as_ref().map(|fault| (i, fault))) {
            return Err(Error::file(image.path(), fault.describe(done + i)));
        }
        done += read;
        read = 0;
    }
}

fn check_some_left(extraction: &Extraction, image: &Path, atlas: &Path) -> Result<()> {
    if extraction.missing.iter().any(|missing| !missing) {
        return Ok(());
    }
    let why = if extraction.outside() > 0 { "each is NaN in it, or outside" } else { "they lie elsewhere by the affines, or are all 0" };
    Err(Error::file(atlas, format!("no region of the atlas has a voxel within {}: {why}", image.display())))
}
