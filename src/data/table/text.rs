//! Writing of tables.

use crate::{Error, HostTensor, Result};

/// The text of a table of f32 `[rows, columns]`, with a header where there are names. Each number is the shortest that reads back to it, and
/// NaN is `n/a`.
///
/// # Errors
/// Returns an error where the values are not f32 of two axes, or there is not a name for each column.
pub fn table_text(values: &HostTensor, names: Option<&[String]>, separator: &str) -> Result<String> {
    let columns = match *values.shape() {
        [_, columns] if names.is_none_or(|n| n.len() == columns) => columns,
        _ => return Err(Error::argument(format!("a table [rows, columns] and a name for each column expected, found {}", values.ty()))),
    };
    let header = names.map(|names| names.iter().map(|name| cell(name)).collect::<Vec<_>>().join(separator));
    let line = |row: &[f32]| row.iter().map(|x| number_cell(*x)).collect::<Vec<_>>().join(separator);
    let rows = values.elements::<f32>()?.chunks_exact(columns.max(1)).map(line);
    Ok(header.into_iter().chain(rows).map(|line| line + "\n").collect())
}

/// The text of a table of cells with a header.
pub fn cells_text(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, separator: &str) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| cells.map(|text| cell(&text)).collect::<Vec<_>>().join(separator) + "\n";
    let header = line(&mut header.iter().map(|name| (*name).to_owned()));
    rows.into_iter().fold(header, |text, row| text + &line(&mut row.into_iter()))
}

/// A name as a cell, in quotes where it holds a separator.
pub(in super::super) fn cell(name: &str) -> String {
    match name.contains([',', '\t', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}

/// A number as a cell: the shortest text that reads back to it, and `n/a`, as in BIDS, for a value that is missing.
pub(in super::super) fn number_cell(x: f32) -> String {
    if x.is_nan() { "n/a".to_owned() } else { x.to_string() }
}
