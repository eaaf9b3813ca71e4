//! Tables of numbers: `.csv` and `.tsv`.

use super::{extension, read_bytes};
use crate::{Error, HostTensor, Result};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::path::Path;

/// Numbers in rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// f32 `[rows, columns]`.
    pub values: HostTensor,
    /// The columns' names, where the file has a header.
    pub names: Option<Vec<String>>,
}

/// Reads a `.csv` (commas) or `.tsv` (tabs) of numbers. The first row is a header where a cell of it is neither a number nor a mark
/// of a missing value. A byte-order mark, CRLF line ends, quotes and blank lines are tolerated.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, has another extension, no rows, rows of unequal length, a column without a name
/// under a header, or a cell that is not a finite f32: empty, `n/a` and NaN too. The message gives line and column, from 1, and the
/// text found.
pub fn read_table(path: impl AsRef<Path>) -> Result<Table> {
    let path = path.as_ref();
    read_table_bytes(path, &read_bytes(path)?)
}

/// Reads a table from the bytes of a file; `name` stands for the file in errors, and its extension tells commas from tabs. Otherwise
/// as [`read_table`].
pub fn read_table_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Table> {
    let name = name.as_ref();
    parse(name, bytes).map_err(|what| Error::file(name, what))
}

/// The cells of one column as text, a row each, of a `.csv` or `.tsv` with a header: participants' groups, sessions, names of files.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, has another extension or no rows, no column of that name, or a row too short.
pub fn read_column(path: impl AsRef<Path>, column: &str) -> Result<Vec<String>> {
    let path = path.as_ref();
    cells(path, &read_bytes(path)?, column).map_err(|what| Error::file(path, what))
}

fn cells(name: &Path, bytes: &[u8], column: &str) -> Result<Vec<String>, String> {
    let delimiter = delimiter(name)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).trim(Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let found = header.iter().position(|name| name == column);
    let at = found.ok_or_else(|| format!("no column `{column}`: there are {}", header.iter().collect::<Vec<_>>().join(", ")))?;
    let mut cells = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| e.to_string())?;
        let cell = record.get(at).ok_or_else(|| format!("row {} below the header has no column `{column}`", row + 1))?;
        cells.push(cell.to_owned());
    }
    if cells.is_empty() { Err("holds a header and no rows".into()) } else { Ok(cells) }
}

/// The text of a table of f32 `[rows, columns]`, with a header where there are names. Each number is the shortest that reads back to it.
///
/// # Errors
/// Where the values are not f32 of two axes, or there is not a name for each column.
pub fn table_text(values: &HostTensor, names: Option<&[String]>, separator: &str) -> Result<String> {
    let columns = match *values.shape() {
        [_, columns] if names.is_none_or(|n| n.len() == columns) => columns,
        _ => return Err(Error::argument(format!("a table [rows, columns] and a name for each column expected, found {}", values.ty()))),
    };
    let quoted = |name: &String| match name.contains([',', '\t', '"', '\n']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.clone(),
    };
    let header = names.map(|names| names.iter().map(quoted).collect::<Vec<_>>().join(separator));
    let line = |row: &[f32]| row.iter().map(f32::to_string).collect::<Vec<_>>().join(separator);
    let rows = values.elements::<f32>()?.chunks_exact(columns.max(1)).map(line);
    Ok(header.into_iter().chain(rows).map(|line| line + "\n").collect())
}

fn parse(name: &Path, bytes: &[u8]) -> Result<Table, String> {
    let delimiter = delimiter(name)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).trim(Trim::All).from_reader(bytes);
    let rows: Vec<ByteRecord> = reader.byte_records().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let named = rows.first().is_some_and(is_header);
    let (header, rows) = rows.split_at(usize::from(named));
    let Some(first) = rows.first() else {
        return Err("holds no rows of numbers: at least one is expected".into());
    };
    let columns = header.first().unwrap_or(first).len();
    let names = header.first().map(|row| names(row, bytes)).transpose()?;
    let mut values = Vec::with_capacity(rows.len() * columns);
    for row in rows {
        append(&mut values, row, columns, names.as_deref(), bytes)?;
    }
    let values = HostTensor::f32([rows.len(), columns], values).map_err(|e| e.to_string())?;
    Ok(Table { values, names })
}

fn delimiter(name: &Path) -> Result<u8, String> {
    match extension(name).as_str() {
        "csv" => Ok(b','),
        "tsv" => Ok(b'\t'),
        _ => Err("not a table by its extension: .csv and .tsv are read".into()),
    }
}

/// A first row of numbers with one missing is data with an error in it, not a header: taken for one, a frame would be lost in silence.
fn is_header(row: &ByteRecord) -> bool {
    row.iter().any(|cell| number(cell).is_none() && !is_missing(cell))
}

fn is_missing(cell: &[u8]) -> bool {
    ["", "n/a", "na", "nan", "null", "none", "-"].iter().any(|mark| cell.eq_ignore_ascii_case(mark.as_bytes()))
}

fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

fn names(row: &ByteRecord, bytes: &[u8]) -> Result<Vec<String>, String> {
    if let Some(i) = row.iter().position(<[u8]>::is_empty) {
        return Err(format!("line {}, column {}: a column without a name (row numbers?); name or remove it", line(row, bytes), i + 1));
    }
    Ok(row.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect())
}

fn append(values: &mut Vec<f32>, row: &ByteRecord, columns: usize, names: Option<&[String]>, bytes: &[u8]) -> Result<(), String> {
    if row.len() != columns {
        return Err(format!("line {}: {} columns where the first row has {columns}", line(row, bytes), row.len()));
    }
    for (i, cell) in row.iter().enumerate() {
        let Some(x) = number(cell).map(|x| x as f32).filter(|x| x.is_finite()) else {
            let name = names.map(|names| format!(" (`{}`)", names[i])).unwrap_or_default();
            return Err(format!("line {}, column {}{name}: {} where a number is expected", line(row, bytes), i + 1, found(cell)));
        };
        values.push(x);
    }
    Ok(())
}

fn found(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    match cell {
        [] => "an empty cell".into(),
        _ if is_missing(cell) => format!("`{text}`, a missing value,"),
        _ if number(cell).is_some_and(f64::is_finite) => format!("`{text}`, too large for f32,"),
        _ => format!("`{}`", text.chars().take(40).collect::<String>()),
    }
}

/// The line a row starts on, from 1. The reader's own count lags behind at CRLF and blank lines, which it skips with the next row.
fn line(row: &ByteRecord, bytes: &[u8]) -> usize {
    let from = row.position().map_or(0, |p| p.byte() as usize).min(bytes.len());
    let skipped = bytes[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    1 + bytes[..from + skipped].iter().filter(|&&b| b == b'\n').count()
}
