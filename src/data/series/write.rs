//! Writing of series.

use super::super::format::{Content, Format};
use super::super::named::SERIES;
use super::super::{names, npy_bytes, npz, series_gifti, table_text};
use super::{Layout, Series, grayordinates};
use crate::file::write_file;
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// Writes the series of one run in f32 to a file of the format that its name says, with its last two axes in the order of `layout`: `.npy`,
/// with the regions' names in `NAME.names.txt` beside it; `.npz`, with the arrays `series` and `names`; `.tsv` or `.csv`, with the names as
/// the header; `.ptseries.nii` and `.pscalar.nii`, with the parcels where they are known; `.dtseries.nii` and `.dscalar.nii`, where regions
/// are known grayordinates; or `.func.gii`, whose regions are vertices. A region without values is NaN, in a table `n/a`.
///
/// # Errors
/// Returns [`Error::File`] where the file's name has another extension, a table would hold several runs, or the file cannot be written.
pub fn write_series(path: impl AsRef<Path>, series: &Series, layout: Layout) -> Result<()> {
    let path = path.as_ref();
    let format = Format::written_as(path, Content::Series)?;
    if matches!(format, Format::Cifti | Format::Gifti) {
        return regions_first(path, series, format);
    }
    let values = laid_out(series, layout)?;
    let of = series.names.as_deref();
    match format {
        Format::Npy => names::write_with_names(path, npy_bytes(&values)?, of, series.regions()),
        Format::Npz => npz::write_with_names(path, SERIES, &values, of),
        _ if values.shape().rank() > 2 => {
            let shape = values.shape();
            Err(Error::file(path, format!("a table holds the series of one run, and there are {shape}: .npy or .npz is expected")))
        }
        Format::Csv => write_file(path, series_text(series, layout, ",")?.as_bytes()),
        _ => write_file(path, series_text(series, layout, "\t")?.as_bytes()),
    }
}

/// Writes a file whose rows are regions, whatever the layout.
fn regions_first(path: &Path, series: &Series, format: Format) -> Result<()> {
    let values = laid_out(series, Layout::RegionsTime)?;
    let fail = |e: Error| Error::file(path, e);
    if values.shape().rank() > 2 {
        return Err(Error::file(
            path,
            format!("one run is expected for such a file, and there are {}: .npy or .npz is expected", values.shape()),
        ));
    }
    if format == Format::Gifti {
        let vertices = series.names.as_deref().map(vertices).transpose().map_err(|what| Error::file(path, what))?;
        return write_file(path, series_gifti(&values, vertices.as_deref()).map_err(fail)?.as_bytes());
    }
    let kind = grayordinates::Written::of(path);
    write_file(path, &grayordinates::bytes(series, values.elements::<f32>()?, kind).map_err(fail)?)
}

/// The vertices whose numbers are the names of regions.
fn vertices(names: &[String]) -> Result<Vec<i32>, String> {
    let vertex = |name: &String| name.parse::<i32>().ok().filter(|v| *v >= 0);
    let vertices =
        names.iter().map(|name| vertex(name).ok_or_else(|| format!("a surface holds vertices, and `{name}` is the number of none")));
    vertices.collect()
}

/// The text of a table of the series of one run, with its axes in the order of `layout`. The regions' names are the header where rows are
/// frames. A region without values is `n/a`.
///
/// # Errors
/// Returns an error where the series are of several runs.
pub fn series_text(series: &Series, layout: Layout, separator: &str) -> Result<String> {
    // The columns of regions by time are frames.
    let names = series.names.as_deref().filter(|_| layout == Layout::TimeRegions);
    table_text(&laid_out(series, layout)?, names, separator)
}

/// The values in f32 in this layout, with NaN for regions that have none.
fn laid_out(series: &Series, layout: Layout) -> Result<HostTensor> {
    let single = series.values.to_real::<f32>();
    let mut values = single.elements::<f32>()?.to_vec();
    let frames = series.values.shape().last().copied().unwrap_or(1).max(1);
    for (row, _) in series.missing.iter().enumerate().filter(|(_, missing)| **missing) {
        values[row * frames..][..frames].fill(f32::NAN);
    }
    let values = HostTensor::f32(single.shape(), values)?;
    match layout {
        Layout::RegionsTime => Ok(values),
        Layout::TimeRegions => super::turned::<f32>(&values).map_err(Error::argument),
    }
}
