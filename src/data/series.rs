//! Reading of series of regions from every supported kind of file.

use super::gifti;
use super::nifti::needs_an_atlas;
use super::npy::read_npy_exact_bytes;
use super::npz::{file_and_array, npz_member};
use super::table::read_grid;
use super::{NpyRows, ReadAs, TableOptions, extension, is_nifti, read_bytes};
use crate::statistics::centre::{Centred, Constant, far_warning};
use crate::tensor::Real;
use crate::{Error, HostTensor, Result};
use std::path::Path;

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
    /// For a table, the header and the index column that were recognised; `None` for other files.
    pub read_as: Option<ReadAs>,
}

impl Series {
    /// The name of a row of the values: its region, or the region's number where regions have no names, with the subject where there are
    /// several.
    pub fn row_name(&self, row: usize) -> String {
        let shape = self.values.shape();
        let regions = shape[shape.rank() - 2];
        let region = match self.names.as_ref().and_then(|names| names.get(row % regions)) {
            Some(name) => format!("`{name}`"),
            None => format!("region {} (counted from 0)", row % regions),
        };
        if shape.rank() > 2 { format!("subject {} {region}", row / regions) } else { region }
    }

    /// Warnings that a user should read before trusting what is computed from the series, one line each: doubts about the header and the
    /// index column of a table, and regions whose mean is so large beside their variation ([`Centred::far`]) that few digits of it are
    /// left.
    ///
    /// # Errors
    /// The same as those of [`Centred::new`].
    pub fn doubts(&self) -> Result<Vec<String>> {
        let far = Centred::new(&self.values, Constant::ToRounding)?.far;
        let of_table = self.read_as.iter().flat_map(|read_as| read_as.doubts.iter().cloned());
        Ok(of_table.chain(far_warning(&far, |row| self.row_name(row))).collect())
    }
}

/// The options for reading a file of series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesOptions {
    /// The axes of an array or a table.
    pub layout: Layout,
    /// The header and the index column of a table.
    pub table: TableOptions,
}

impl From<Layout> for SeriesOptions {
    fn from(layout: Layout) -> Self {
        Self { layout, ..Self::default() }
    }
}

/// Reads series from a `.npy` array (`[subjects]` first where it has three axes; any type that [`read_npy`](super::read_npy) reads), an
/// array of a `.npz` file ([`read_npz`](super::read_npz); `FILE.npz:NAME` chooses one), a `.csv` or `.tsv` table
/// ([`read_table`](super::read_table)), or the maps of a surface in `.gii` ([`read_gifti_bytes`](super::read_gifti_bytes)), and turns them
/// so that time is last. `options` are a [`Layout`], or [`SeriesOptions`]. A file of a single frame is accepted.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read or has another extension, the array has fewer than two or more than three axes or
/// an axis of extent 0, or a value is not a finite f32 (the message says where the first one is).
pub fn read_series(path: impl AsRef<Path>, options: impl Into<SeriesOptions>) -> Result<Series> {
    let path = path.as_ref();
    let (file, _) = file_and_array(path);
    check_extension(&file)?;
    read_series_bytes(path, &read_bytes(&file)?, options)
}

/// Reads series from the bytes of a file, as [`read_series`] does; `name` stands for the file in errors, and its extension decides how it
/// is read.
pub fn read_series_bytes(name: impl AsRef<Path>, bytes: &[u8], options: impl Into<SeriesOptions>) -> Result<Series> {
    let SeriesOptions { layout, table } = options.into();
    let (name, array) = file_and_array(name.as_ref());
    let name = name.as_path();
    check_extension(name)?;
    let (values, names, read_as) = match extension(name).as_str() {
        "npy" => (read_npy_exact_bytes(name, bytes)?, None, None),
        "npz" => {
            let (name, bytes) = npz_member(name, bytes, array.as_deref())?;
            (read_npy_exact_bytes(&name, &bytes)?, None, None)
        }
        // A surface's arrays are always ordered by vertices, whatever the layout of other files.
        "gii" => {
            let found = gifti::arrays(name, bytes).map_err(|what| Error::file(name, what))?;
            let values = HostTensor::real([found.rows, found.columns], found.values)?;
            let names = found.vertices.map(|v| v.iter().map(usize::to_string).collect());
            return arrange(values, names, Layout::RegionsTime).map_err(|what| Error::file(name, what));
        }
        _ if is_nifti(name) => return Err(needs_an_atlas(name, bytes)),
        _ => {
            let grid = read_grid(name, bytes, &table)?;
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

/// Reads one subject's series `[regions, time]`, as [`Series::values`] holds them, from an array `[subjects, time, regions]` (or with the
/// last two axes in the order of `layout`) that is read row by row.
///
/// # Errors
/// Returns the errors of [`NpyRows::read`], and an error where a value is not finite or the row does not have two axes.
pub fn read_series_row(rows: &NpyRows, subject: usize, layout: Layout) -> Result<HostTensor> {
    let name = rows.path();
    let values = rows.read_exact(subject)?;
    if values.shape().rank() != 2 {
        return Err(Error::file(name, format!("an array of three axes is expected, a subject a row, found {:?}", rows.shape())));
    }
    let series = arrange(values, None, layout);
    series.map(|s| s.values).map_err(|what| Error::file(name, format!("row {subject}: {what}")))
}

fn check_extension(path: &Path) -> Result<()> {
    match extension(path).as_str() {
        "npy" | "npz" | "csv" | "tsv" | "gii" => Ok(()),
        _ if is_nifti(path) => Ok(()),
        _ => Err(Error::file(path, "not a file of series by its extension: .npy, .npz, .csv, .tsv and .gii are read")),
    }
}

fn arrange(values: HostTensor, names: Option<Vec<String>>, layout: Layout) -> Result<Series, String> {
    let extents = check_extents(&values, layout)?;
    let elements = values.to_f64_vec();
    if let Some(i) = elements.iter().position(|&x| !(x as f32).is_finite()) {
        return Err(describe(i, elements[i], extents, layout, names.as_deref()));
    }
    let values = match (layout, values.is_f64()) {
        (Layout::RegionsTime, _) => values,
        (_, true) => turned::<f64>(&values)?,
        (_, false) => turned::<f32>(&values)?,
    };
    Ok(Series { values, names, read_as: None })
}

/// Checks the last two extents and returns them.
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
        None => Ok(extents),
    }
}

fn describe(element: usize, value: f64, [rows, columns]: [usize; 2], layout: Layout, names: Option<&[String]>) -> String {
    let (subject, row, column) = (element / (rows * columns), element / columns % rows, element % columns);
    let (frame, region) = if layout == Layout::TimeRegions { (row, column) } else { (column, row) };
    let name = names.and_then(|names| names.get(region)).map(|name| format!(" (`{name}`)")).unwrap_or_default();
    let place = format!("subject {subject}, frame {frame}, region {region}{name}, counted from 0 (row and column [{row}, {column}])");
    format!("the value at {place} is {value:e}: a finite number within the range of f32 is expected")
}

fn turned<R: Real>(values: &HostTensor) -> Result<HostTensor, String> {
    let mut view = values.view::<R>().map_err(|e| e.to_string())?;
    let rank = view.ndim();
    view.swap_axes(rank - 2, rank - 1);
    HostTensor::from_array(view.to_owned()).map_err(|e| e.to_string())
}
