//! Writing of tables.

use crate::{Error, HostTensor, Result};

/// The text of a table of f32 `[rows, columns]`, with a header where there are names. Each number is the shortest that reads back to it.
///
/// # Errors
/// Returns an error where the values are not f32 of two axes, or there is not a name for each column.
pub fn table_text(values: &HostTensor, names: Option<&[String]>, separator: &str) -> Result<String> {
    let columns = match *values.shape() {
        [_, columns] if names.is_none_or(|n| n.len() == columns) => columns,
        _ => return Err(Error::argument(format!("a table [rows, columns] and a name for each column expected, found {}", values.ty()))),
    };
    let quoted = |name: &String| match name.contains([',', '\t', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.clone(),
    };
    let header = names.map(|names| names.iter().map(quoted).collect::<Vec<_>>().join(separator));
    let line = |row: &[f32]| row.iter().map(f32::to_string).collect::<Vec<_>>().join(separator);
    let rows = values.elements::<f32>()?.chunks_exact(columns.max(1)).map(line);
    Ok(header.into_iter().chain(rows).map(|line| line + "\n").collect())
}
