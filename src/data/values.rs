//! Writing of one number for each region.

use super::format::{Content, Format};
use super::table::{cell, number_cell};
use super::{names, npy_bytes};
use crate::file::write_file;
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// Writes the values of regions, f32 `[n]`, to a file of the format that its name says: `.npy`, with the regions' names in `NAME.names.txt`
/// beside it; or `.tsv` or `.csv`, with the columns `Node` and `column`, and `n/a` for NaN. Regions without names are numbered from 0 in a
/// table.
///
/// # Errors
/// Returns [`Error::File`] where the file's name has another extension, there is not a name for each value, or the file cannot be written.
pub fn write_values(path: impl AsRef<Path>, column: &str, values: &HostTensor, of: Option<&[String]>) -> Result<()> {
    let path = path.as_ref();
    let n = values.shape().elements();
    if values.shape().rank() != 1 || of.is_some_and(|names| names.len() != n) {
        return Err(Error::file(path, format!("values [n] and a name for each are expected, found {}", values.ty())));
    }
    let separator = match Format::written_as(path, Content::Values)? {
        Format::Npy => return names::write_with_names(path, npy_bytes(values)?, of, n),
        Format::Csv => ",",
        _ => "\t",
    };
    let name = |region: usize| of.map_or_else(|| region.to_string(), |names| cell(&names[region]));
    let lines = values.elements::<f32>()?.iter().enumerate();
    let lines: String = lines.map(|(region, value)| format!("{}{separator}{}\n", name(region), number_cell(*value))).collect();
    write_file(path, format!("Node{separator}{}\n{lines}", cell(column)).as_bytes())
}
