//! Writing of series.

use super::super::format::{Content, Format};
use super::super::npz::SERIES;
use super::super::{names, npy_bytes, npz, table_text};
use super::{Layout, Series};
use crate::file::write_file;
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// Writes the series of one run in f32 to a file of the format that its name says, with its last two axes in the order of `layout`: `.npy`,
/// with the regions' names in `NAME.names.txt` beside it; `.npz`, with the arrays `series` and `names`; or `.tsv` or `.csv`, with the names as
/// the header. A region without values is NaN, in a table `n/a`.
///
/// # Errors
/// Returns [`Error::File`] where the file's name has another extension, a table would hold several runs, or the file cannot be written.
pub fn write_series(path: impl AsRef<Path>, series: &Series, layout: Layout) -> Result<()> {
    let path = path.as_ref();
    let format = Format::written_as(path, Content::Series)?;
    let values = laid_out(series, layout)?;
    let of = series.names.as_deref();
    match format {
        Format::Npy => names::write_with_names(path, npy_bytes(&values)?, of, series.regions()),
        Format::Npz => npz::write_with_names(path, SERIES, &values, of),
        _ if values.shape().rank() > 2 => {
            let shape = values.shape();
            Err(Error::file(path, format!("a table holds the series of one run, and there are {shape}: .npy or .npz is expected")))
        }
        // The columns of regions by time are frames.
        Format::Csv => write_file(path, table_text(&values, of.filter(|_| layout == Layout::TimeRegions), ",")?.as_bytes()),
        _ => write_file(path, table_text(&values, of.filter(|_| layout == Layout::TimeRegions), "\t")?.as_bytes()),
    }
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
