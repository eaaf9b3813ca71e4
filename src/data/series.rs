//! Series of regions, from any file that holds them.

use super::gifti::read_gifti_bytes;
use super::nifti::needs_an_atlas;
use super::npz::file_and_array;
use super::{NpyRows, ReadAs, TableOptions, extension, is_nifti, read_bytes, read_npy_bytes, read_npz_bytes, read_table_bytes};
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// Which axis of a file's last two is time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// `[time, regions]`, a row per frame: nilearn's and fMRIPrep's way.
    #[default]
    TimeRegions,
    /// `[regions, time]`, a row per region.
    RegionsTime,
}

/// Series as the tape takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// f32 `[regions, time]` or `[subjects, regions, time]`; every value is finite.
    pub values: HostTensor,
    /// The regions' names, where the file gives them.
    pub names: Option<Vec<String>>,
    /// Of a table, what in it was taken for a header and an index.
    pub read_as: Option<ReadAs>,
}

/// What a user says of a file of series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesOptions {
    /// The axes of an array or a table.
    pub layout: Layout,
    /// What of a table is a header and an index.
    pub table: TableOptions,
}

impl From<Layout> for SeriesOptions {
    fn from(layout: Layout) -> Self {
        Self { layout, ..Self::default() }
    }
}

/// Reads series from a `.npy` array (`[subjects]` first where it has three axes; any type that [`read_npy`](super::read_npy) reads), an
/// array of a `.npz` file ([`read_npz`](super::read_npz); `FILE.npz:NAME` chooses one), a `.csv` or `.tsv` table
/// ([`read_table`](super::read_table)), or the maps of a surface in `.gii` ([`read_gifti_bytes`](super::read_gifti_bytes)), and turns them so
/// that time is last. `options` are a [`Layout`], or [`SeriesOptions`]. One frame is enough to be read.
///
/// # Errors
/// [`Error::File`] where the file cannot be read or has another extension, the array has fewer than two or more than three axes or
/// one of no extent, or a value is not a finite f32 (the message says where the first one is).
pub fn read_series(path: impl AsRef<Path>, options: impl Into<SeriesOptions>) -> Result<Series> {
    let path = path.as_ref();
    let (file, _) = file_and_array(path);
    check_extension(&file)?;
    read_series_bytes(path, &read_bytes(&file)?, options)
}

/// Reads series from the bytes of a file; `name` stands for the file in errors, and its extension tells how to read it. Otherwise as
/// [`read_series`].
pub fn read_series_bytes(name: impl AsRef<Path>, bytes: &[u8], options: impl Into<SeriesOptions>) -> Result<Series> {
    let SeriesOptions { layout, table } = options.into();
    let (name, array) = file_and_array(name.as_ref());
    let name = name.as_path();
    check_extension(name)?;
    let (values, names, read_as) = match extension(name).as_str() {
        "npy" => (single(name, &read_npy_bytes(name, bytes)?)?, None, None),
        "npz" => (single(name, &read_npz_bytes(name, bytes, array.as_deref())?)?, None, None),
        // A surface's arrays are by vertices, whatever the layout of other files.
        "gii" => return arrange(read_gifti_bytes(name, bytes)?, None, Layout::RegionsTime).map_err(|what| Error::file(name, what)),
        _ if is_nifti(name) => return Err(needs_an_atlas(name, bytes)),
        _ => read_table_bytes(name, bytes, &table).map(|t| (t.values, t.names, Some(t.read_as)))?,
    };
    // In a table of regions by time, what the header names is frames, and the index regions.
    let names = match (layout, &read_as) {
        (Layout::RegionsTime, Some(read_as)) => Some(read_as.index.clone()).filter(|index| !index.is_empty()),
        _ => names,
    };
    arrange(values, names, layout).map(|series| Series { read_as, ..series }).map_err(|what| Error::file(name, what))
}

/// One subject's series f32 `[regions, time]` of an array `[subjects, time, regions]` (or as `layout` has it) that is read by rows.
///
/// # Errors
/// As [`NpyRows::read`], and where a value is not finite or the row has not two axes.
pub fn read_series_row(rows: &NpyRows, subject: usize, layout: Layout) -> Result<HostTensor> {
    let name = rows.path();
    let values = single(name, &rows.read(subject)?)?;
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

fn single(name: &Path, tensor: &HostTensor) -> Result<HostTensor> {
    let elements = match (tensor.as_i32(), tensor.as_u32()) {
        (Some(v), _) => v.iter().map(|&x| x as f32).collect(),
        (_, Some(v)) => v.iter().map(|&x| x as f32).collect(),
        _ => return Ok(tensor.to_real::<f32>()),
    };
    HostTensor::f32(tensor.shape(), elements).map_err(|e| Error::file(name, e.to_string()))
}

fn arrange(values: HostTensor, names: Option<Vec<String>>, layout: Layout) -> Result<Series, String> {
    let extents = check_extents(&values, layout)?;
    let elements = values.as_f32().unwrap_or_default();
    if let Some(i) = elements.iter().position(|x| !x.is_finite()) {
        return Err(describe(i, elements[i], extents, layout, names.as_deref()));
    }
    let values = if layout == Layout::TimeRegions { turned(&values)? } else { values };
    Ok(Series { values, names, read_as: None })
}

/// The last two extents.
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

fn describe(element: usize, value: f32, [rows, columns]: [usize; 2], layout: Layout, names: Option<&[String]>) -> String {
    let (subject, row, column) = (element / (rows * columns), element / columns % rows, element % columns);
    let (frame, region) = if layout == Layout::TimeRegions { (row, column) } else { (column, row) };
    let name = names.and_then(|names| names.get(region)).map(|name| format!(" (`{name}`)")).unwrap_or_default();
    format!("the value at subject {subject}, frame {frame}, region {region}{name}, counted from 0, is {value}: a finite number is expected")
}

fn turned(values: &HostTensor) -> Result<HostTensor, String> {
    let mut view = values.view::<f32>().map_err(|e| e.to_string())?;
    let rank = view.ndim();
    view.swap_axes(rank - 2, rank - 1);
    HostTensor::from_array(view.to_owned()).map_err(|e| e.to_string())
}
