//! Series of regions in every supported kind of file.

mod grayordinates;
mod write;

pub use grayordinates::on_whole_surface;
pub use write::{series_text, write_series};

use super::cifti::{Axis, Parcels, is_cifti, is_cifti_file};
use super::format::{Content, Format};
use super::named::{Array, SERIES, Wanted, file_and_array};
use super::names::names_beside;
use super::nifti::{MapSeries, Resample, needs_an_atlas, series_of_regions};
use super::npy::read_npy_exact_bytes;
use super::npz::npz_member;
use super::table::{Missing, read_grid};
use super::{NpyRows, ReadAs, TableOptions, hdf5, matlab, read_bytes};
use crate::statistics::centre::{Centred, Constant, far_warning, listed};
use crate::tensor::Real;
use crate::{Error, HostTensor, Result};
use std::path::{Path, PathBuf};

/// The order of a file's last two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// `[time, regions]`, a row for each frame, as nilearn and fMRIPrep write.
    #[default]
    TimeRegions,
    /// `[regions, time]`, a row for each region.
    RegionsTime,
}

/// The series of a file, turned so that time is the last axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// `[regions, time]` or `[subjects, regions, time]`; every value is finite in f32. They are held in double precision where the file has
    /// more digits than f32: f64, integers of 32 bits and more, numbers in text, means over an image's voxels. Take the means off before
    /// converting to f32 ([`Centred`](crate::statistics::centre::Centred), which
    /// [`Connectivity`](crate::connectome::connectivity::measure::Connectivity) and
    /// [`Model::clean`](crate::connectome::confounds::denoise::Model::clean) do this), because the variation may be small beside the mean.
    pub values: HostTensor,
    /// The regions' names, where the file gives them.
    pub names: Option<Vec<String>>,
    /// For each row of the values, that is for each region of each subject, true where the file has no value for the region: an empty cell,
    /// `n/a` or NaN at every frame, as XCP-D writes regions below its threshold of coverage. The values of such a row are 0.
    pub missing: Vec<bool>,
    /// The seconds from one frame to the next, where the file gives them.
    pub step: Option<f64>,
    /// The places of the regions on the brain, where the file states them: parcels, or grayordinates.
    pub places: Option<Axis>,
    /// For a table, the header and the index column that were recognised; `None` for other files.
    pub read_as: Option<ReadAs>,
    /// Messages to the user about how the file was read, one line each: decisions that change no value in doubt.
    pub remarks: Vec<String>,
}

impl Series {
    /// Series `[regions, time]` or `[subjects, regions, time]` without names, in which every region has values.
    pub fn new(values: HostTensor) -> Self {
        let rows = values.shape().iter().rev().skip(1).product();
        Self { values, names: None, missing: vec![false; rows], step: None, places: None, read_as: None, remarks: Vec::new() }
    }

    /// The number of regions.
    pub fn regions(&self) -> usize {
        self.values.shape().iter().rev().nth(1).copied().unwrap_or(0)
    }

    /// The series `[regions, time]` of a subject, counted from 0.
    ///
    /// # Errors
    /// Returns an error where there is no such subject.
    pub fn subject(&self, subject: usize) -> Result<HostTensor> {
        let (shape, n) = (self.values.shape(), self.regions());
        let subjects = if shape.rank() > 2 { shape[0] } else { 1 };
        if subject >= subjects {
            return Err(Error::argument(format!("subject {subject} (counted from 0) of {subjects} is asked for")));
        }
        let frames = shape[shape.rank() - 1];
        let range = subject * n * frames..(subject + 1) * n * frames;
        match self.values.elements::<f32>() {
            _ if subjects == 1 => self.values.reshaped([n, frames]),
            Ok(values) => HostTensor::f32([n, frames], values[range].to_vec()),
            Err(_) => HostTensor::real([n, frames], self.values.elements::<f64>()?[range].to_vec()),
        }
    }

    /// The name of a row of the values: its region, or the region's number where regions have no names, with the subject where there are
    /// several.
    pub fn row_name(&self, row: usize) -> String {
        let (shape, regions) = (self.values.shape(), self.regions().max(1));
        let region = match self.names.as_ref().and_then(|names| names.get(row % regions)) {
            Some(name) => format!("`{name}`"),
            None => format!("region {} (counted from 0)", row % regions),
        };
        if shape.rank() > 2 { format!("subject {} {region}", row / regions) } else { region }
    }

    /// The parcels that the regions are, where the file says it.
    pub fn parcels(&self) -> Option<&Parcels> {
        match &self.places {
            Some(Axis::Parcels(parcels)) => Some(parcels),
            _ => None,
        }
    }

    /// Warnings that a user should read before trusting what is computed from the series, one line each: doubts about the header and the
    /// index column of a table, regions that have no value, and regions whose mean is so large beside their variation ([`Centred::far`])
    /// that few digits of it are left.
    ///
    /// # Errors
    /// The same as those of [`Centred::new`].
    pub fn doubts(&self) -> Result<Vec<String>> {
        let far = Centred::new(&self.values, Constant::ToRounding)?.far;
        let of_table = self.read_as.iter().flat_map(|read_as| read_as.doubts.iter().cloned());
        Ok(of_table.chain(self.missing_warning()).chain(far_warning(&far, |row| self.row_name(row))).collect())
    }

    /// The warning about regions that have no value; `None` where all have.
    pub fn missing_warning(&self) -> Option<String> {
        let rows: Vec<usize> = (0..self.missing.len()).filter(|row| self.missing[*row]).collect();
        (!rows.is_empty()).then(|| format!("regions without values are left out: {}", listed(&rows, |row| self.row_name(row))))
    }
}

/// The options for reading a file of series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesOptions {
    /// The axes of an array or a table.
    pub layout: Layout,
    /// The header, the index column and the delimiter of a table.
    pub table: TableOptions,
    /// The atlas by whose regions an image, grayordinates or the vertices of a surface have series. Where a file of labels has several maps,
    /// `FILE.dlabel.nii:MAP` chooses one.
    pub atlas: Option<PathBuf>,
    /// The structures that are taken of grayordinates, as CIFTI-2 names them (`CORTEX_LEFT`); all where there are none.
    pub structures: Vec<String>,
    /// The table with the names of the atlas' regions: the columns `index` and `name` (BIDS' `_dseg.tsv`, `.csv`), a look-up table of
    /// FreeSurfer's kind, lines of a number and a name, a name for each region on a line of its own, or an FSL atlas' `.xml`. `None` for
    /// the table beside the atlas, where there is one: for `STEM.nii.gz` the first of `STEM.tsv`, `STEM_dseg.tsv`, `STEM.csv`,
    /// `STEM_LUT.txt`, `STEMLUT.txt`, `STEM.txt` and `STEM.xml`, or one of these for the stem without BIDS' entities of space and resolution.
    pub labels: Option<PathBuf>,
    /// The treatment of an atlas on another grid than the image.
    pub resample: Resample,
    /// The way in which the maps of an atlas with four axes have series.
    pub maps: MapSeries,
}

impl SeriesOptions {
    /// The options with this atlas.
    pub fn with_atlas(self, atlas: impl Into<PathBuf>) -> Self {
        Self { atlas: Some(atlas.into()), ..self }
    }

    /// The options with this table of the names of the atlas' regions.
    pub fn with_labels(self, labels: impl Into<PathBuf>) -> Self {
        Self { labels: Some(labels.into()), ..self }
    }

    /// The options with these structures.
    pub fn with_structures<S: Into<String>>(self, structures: impl IntoIterator<Item = S>) -> Self {
        Self { structures: structures.into_iter().map(S::into).collect(), ..self }
    }
}

impl From<Layout> for SeriesOptions {
    fn from(layout: Layout) -> Self {
        Self { layout, ..Self::default() }
    }
}

/// Reads series from a `.npy` array (`[subjects]` first where it has three axes; any type that [`read_npy`](super::read_npy) reads), an
/// array of a `.npz` file ([`read_npz`](super::read_npz); `FILE.npz:NAME` chooses one), a dataset of an HDF5 or NWB file
/// (`FILE.h5:/path/to/dataset`), a variable of a MATLAB file as MATLAB shows it (`FILE.mat:NAME`, `FILE.mat:NAME.FIELD{2}`), a table
/// ([`read_table`](super::read_table)), the maps of a surface in `.gii` ([`read_gifti_bytes`](super::read_gifti_bytes)), parcels or
/// grayordinates of a CIFTI-2 file ([`read_cifti`](super::cifti::read_cifti)), or an image over time by an atlas
/// ([`atlas_series`](super::atlas_series)), and turns them so that time is last. `options` are a [`Layout`], or [`SeriesOptions`]. A file
/// of a single frame is accepted. Names of regions are read from `NAME.names.txt` beside `NAME.npy`, from the array `names` of a `.npz`
/// file, and from texts called `names`, `labels` or `region_names` beside an array of an HDF5 or MATLAB file. A region that is NaN at every
/// frame, or marked as missing at every row of a table, has no value ([`Series::missing`]).
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read or has another extension, the array has fewer than two or more than three axes or
/// an axis of extent 0, no region has a value, or a value is not a finite f32 in a region that has others (the message says where the first
/// one is).
pub fn read_series(path: impl AsRef<Path>, options: impl Into<SeriesOptions>) -> Result<Series> {
    let (path, options) = (path.as_ref(), options.into());
    let (file, array) = file_and_array(path);
    let wanted = Wanted { name: array.as_deref(), usual: SERIES, layout: options.layout };
    match (Format::read_as(&file, Content::Series)?, &options.atlas) {
        (Format::Nifti, Some(atlas)) if !is_cifti_file(&file) => match options.structures.is_empty() {
            true => series_of_regions(&file, atlas, &options),
            false => Err(no_structures(&file)),
        },
        (_, Some(_)) if options.labels.is_some() => {
            Err(Error::file(&file, "a table of labels (--labels) is for images: other atlases name their labels"))
        }
        (Format::Cifti | Format::Gifti | Format::Nifti, Some(_)) => grayordinates::read(&file, &read_bytes(&file)?, &options),
        (_, Some(_)) => {
            Err(Error::file(&file, "an atlas (--atlas) is for images (.nii, .nii.gz), surfaces (.gii) and CIFTI files (.dtseries.nii)"))
        }
        (_, None) if options.labels.is_some() => {
            Err(Error::file(&file, "a table of labels (--labels) names the regions of an atlas, and none is given (--atlas)"))
        }
        (Format::Hdf5, None) => of_array(path, hdf5::array(&file, wanted)?, options.layout),
        (Format::Matlab, None) => of_array(path, matlab::array(&file, wanted)?, options.layout),
        (Format::Npy, None) => {
            let series = read_series_bytes(path, &read_bytes(&file)?, options)?;
            Ok(Series { names: names_beside(&file, series.regions())?, ..series })
        }
        _ => read_series_bytes(path, &read_bytes(&file)?, options),
    }
}

/// Reads series from the bytes of a file, as [`read_series`] does; `name` stands for the file in errors, and its extension decides how it
/// is read. An image has no series without the files beside it.
pub fn read_series_bytes(name: impl AsRef<Path>, bytes: &[u8], options: impl Into<SeriesOptions>) -> Result<Series> {
    let options = options.into();
    let SeriesOptions { layout, table, .. } = &options;
    let layout = *layout;
    let (name, array) = file_and_array(name.as_ref());
    let name = name.as_path();
    let format = Format::read_as(name, Content::Series)?;
    let (values, names, read_as) = match format {
        Format::Gifti | Format::Cifti => return grayordinates::read(name, bytes, &options),
        Format::Nifti if is_cifti(bytes) => return grayordinates::read(name, bytes, &options),
        Format::Nifti => return Err(needs_an_atlas(name, bytes)),
        _ if !options.structures.is_empty() => return Err(no_structures(name)),
        Format::Npy => (read_npy_exact_bytes(name, bytes)?, None, None),
        Format::Npz => {
            let (name, bytes, names) = npz_member(name, bytes, array.as_deref(), SERIES)?;
            let values = read_npy_exact_bytes(&name, &bytes)?;
            let regions = values.shape().iter().rev().nth(usize::from(layout == Layout::RegionsTime)).copied();
            // An array of this name may hold the names of other things.
            (values, names.filter(|names| Some(names.len()) == regions), None)
        }
        Format::Hdf5 | Format::Matlab => {
            let wanted = Wanted { name: array.as_deref(), usual: SERIES, layout };
            let of_bytes = if format == Format::Hdf5 { hdf5::array_of_bytes } else { matlab::array_of_bytes };
            return of_array(name, of_bytes(name, bytes, wanted)?, layout);
        }
        Format::FreeSurfer => return Err(Error::file(name, "the mesh or the parcels of a surface: series are expected")),
        Format::GraphMl => return Err(Error::file(name, "a graph, which has no series")),
        Format::FslAtlas => return Err(Error::file(name, "names of an atlas' regions, and no series")),
        Format::Csv | Format::Tsv | Format::Text => {
            let missing = match layout {
                Layout::TimeRegions => Missing::Columns,
                Layout::RegionsTime => Missing::Rows,
            };
            let grid = read_grid(name, bytes, table, missing)?;
            (HostTensor::real([grid.rows, grid.columns], grid.values)?, grid.names, Some(grid.read_as))
        }
    };
    // In a table of regions by time, the header names frames and the index names regions.
    let names = match (layout, &read_as) {
        (Layout::RegionsTime, Some(read_as)) => Some(read_as.index.clone()).filter(|index| !index.is_empty()),
        _ => names,
    };
    arrange(values, names, layout).map(|series| Series { read_as, ..series }).map_err(|what| Error::file(name, what))
}

/// The error for structures where a file has none.
fn no_structures(name: &Path) -> Error {
    Error::file(name, "structures are chosen of a CIFTI file of vertices and voxels: .dtseries.nii is expected")
}

pub(super) fn of_array(name: &Path, array: Array, layout: Layout) -> Result<Series> {
    let series = arrange(array.values, array.names, layout).map_err(|what| Error::file(name, what))?;
    Ok(Series { step: array.step, remarks: array.remarks, ..series })
}

/// Reads one subject's series `[regions, time]` from an array `[subjects, time, regions]` (or with the last two axes in the order of
/// `layout`) that is read row by row.
///
/// # Errors
/// Returns the errors of [`NpyRows::read`], and those of [`read_series`].
pub fn read_series_row(rows: &NpyRows, subject: usize, layout: Layout) -> Result<Series> {
    let name = rows.path();
    let values = rows.read_exact(subject)?;
    if values.shape().rank() != 2 {
        return Err(Error::file(name, format!("an array of three axes is expected, a subject a row, found {:?}", rows.shape())));
    }
    let series = arrange(values, None, layout).map_err(|what| Error::file(name, format!("row {subject}: {what}")))?;
    Ok(Series { names: names_beside(name, series.regions())?, ..series })
}

/// Turns an array as a file has it, and finds the regions that have no value. Names that do not fit the regions are refused.
pub(super) fn arrange(values: HostTensor, names: Option<Vec<String>>, layout: Layout) -> Result<Series, String> {
    let [frames, regions] = check_extents(&values, layout)?;
    if let Some(names) = names.as_ref().filter(|names| names.len() != regions) {
        return Err(format!("{} names of {regions} regions: a name for each is expected", names.len()));
    }
    let values = match (layout, values.is_f64()) {
        (Layout::RegionsTime, _) => values,
        (_, true) => turned::<f64>(&values)?,
        (_, false) => turned::<f32>(&values)?,
    };
    let mut elements = values.to_f64_vec();
    let mut missing = Vec::with_capacity(elements.len() / frames);
    for (row, of) in elements.chunks_exact_mut(frames).enumerate() {
        missing.push(of.iter().all(|x| x.is_nan()));
        if missing[row] {
            of.fill(0.0);
        } else if let Some(frame) = of.iter().position(|&x| !(x as f32).is_finite()) {
            return Err(describe([row / regions, row % regions, frame], of[frame], layout, names.as_deref()));
        }
    }
    for (subject, of) in missing.chunks_exact(regions).enumerate() {
        if of.iter().all(|missing| *missing) {
            return Err(format!("no region of subject {subject}, counted from 0, has a value: numbers are expected"));
        }
    }
    let values = match (missing.contains(&true), values.is_f64()) {
        (false, _) => Ok(values),
        (true, true) => HostTensor::real(values.shape(), elements),
        (true, false) => HostTensor::f32(values.shape(), elements.iter().map(|&x| x as f32).collect()),
    };
    Ok(Series { names, missing, ..Series::new(values.map_err(|e| e.to_string())?) })
}

/// Checks the last two extents and returns the number of frames and of regions.
fn check_extents(values: &HostTensor, layout: Layout) -> Result<[usize; 2], String> {
    let expected = match layout {
        Layout::TimeRegions => "[time, regions] or [subjects, time, regions]",
        Layout::RegionsTime => "[regions, time] or [subjects, regions, time]",
    };
    let shape = values.shape();
    let extents = match shape[..] {
        [rows, columns] | [_, rows, columns] => [rows, columns],
        _ => return Err(format!("an array of shape {shape}: {expected} is expected")),
    };
    let [frames, regions] = if layout == Layout::TimeRegions { extents } else { [extents[1], extents[0]] };
    let none = [(frames, "frames"), (regions, "regions"), (shape[0], "subjects")].into_iter().find(|(n, _)| *n == 0);
    match none {
        Some((_, what)) => Err(format!("no {what} in an array of shape {shape}: {expected}, none of them 0, is expected")),
        None => Ok([frames, regions]),
    }
}

fn describe([subject, region, frame]: [usize; 3], value: f64, layout: Layout, names: Option<&[String]>) -> String {
    let [row, column] = if layout == Layout::TimeRegions { [frame, region] } else { [region, frame] };
    let name = names.and_then(|names| names.get(region)).map(|name| format!(" (`{name}`)")).unwrap_or_default();
    let place = format!("subject {subject}, frame {frame}, region {region}{name}, counted from 0 (row and column [{row}, {column}])");
    let whole = if value.is_nan() { "; a region without values is NaN at every frame" } else { "" };
    format!("the value at {place} is {value:e}: a finite number within the range of f32 is expected{whole}")
}

fn turned<R: Real>(values: &HostTensor) -> Result<HostTensor, String> {
    let mut view = values.view::<R>().map_err(|e| e.to_string())?;
    let rank = view.ndim();
    view.swap_axes(rank - 2, rank - 1);
    HostTensor::from_array(view.to_owned()).map_err(|e| e.to_string())
}
