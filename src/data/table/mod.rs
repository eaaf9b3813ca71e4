//! Tables of numbers, `.csv`, `.tsv` and `.txt`. The header, the index column and the values of a table are recognised here and nowhere else.

mod delimiter;
mod guess;
mod text;

pub use delimiter::Delimiter;

pub(super) use guess::is_index_name;
pub(super) use text::{cell, number_cell};
pub use text::{cells_text, table_text};

use super::read_bytes;
use crate::{Error, HostTensor, Result};
use csv::ByteRecord;
use std::path::Path;

/// A table of numbers in rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// f32 `[rows, columns]`, without the index.
    pub values: HostTensor,
    /// The columns' names, where the file has a header.
    pub names: Option<Vec<String>>,
    /// The header and the index column that were recognised.
    pub read_as: ReadAs,
}

/// The options for reading a table. An option left open is decided from the contents. Where they leave a doubt, a message says so
/// ([`ReadAs::doubts`]), or reading fails with an error that names the option to give.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// `Some(true)` where the first row is a header, `Some(false)` where it is not, `None` to recognise it.
    pub header: Option<bool>,
    /// The column that numbers or dates the rows and does not hold values: its name, its place counted from 1, or `none`.
    pub index_column: Option<String>,
    /// The separator of cells; `None` for commas in `.csv`, tabs in `.tsv` and spaces in `.txt`.
    pub delimiter: Option<Delimiter>,
}

/// The header and the index column that were recognised in a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadAs {
    /// True where the first row is a header.
    pub header: bool,
    /// The column that was left out as an index: its name, or its place counted from 1 where it has none.
    pub index_column: Option<String>,
    /// The cells of the index column, one for each row; empty where there is none.
    pub index: Vec<String>,
    /// Messages to the user: decisions that were not given as options and that no text in the first row makes evident.
    pub recognised: Vec<String>,
    /// Messages to the user: doubtful decisions, each with the option that settles it.
    pub doubts: Vec<String>,
}

/// Reads a `.csv` (commas), `.tsv` (tabs) or `.txt` (spaces) of numbers. A byte-order mark, CRLF line ends, quotes and blank lines are
/// tolerated; in a table with spaces, so are lines that begin with `#`.
///
/// Options left open are decided as follows. The first row is a header where one of its cells is neither a number nor a mark of a missing
/// value. It is also a header where all its cells are distinct whole numbers, such as the labels of an atlas, and the values below are
/// clearly not of this kind. A column is an index, and not a value, where its name is empty, `Unnamed: 0`, `index`, `time`, `frame` or the
/// like, or where it counts ten rows or more, or rises with them in equal steps.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, has another extension or another delimiter, no rows, rows of unequal length, a
/// column without a name under a header, or a cell that is not a finite f32: empty, `n/a` and NaN too (the message gives line and column,
/// from 1, and the text found); and where it is not clear whether the first row is a header or a column is an index.
pub fn read_table(path: impl AsRef<Path>, options: &TableOptions) -> Result<Table> {
    let path = path.as_ref();
    read_table_bytes(path, &read_bytes(path)?, options)
}

/// Reads a table from the bytes of a file, as [`read_table`] does; `name` stands for the file in errors, and its extension decides between
/// commas and tabs.
pub fn read_table_bytes(name: impl AsRef<Path>, bytes: &[u8], options: &TableOptions) -> Result<Table> {
    let name = name.as_ref();
    let grid = read_grid(name, bytes, options, Missing::Refused)?;
    let values = grid.values.iter().map(|&x| x as f32).collect();
    let values = HostTensor::f32([grid.rows, grid.columns], values).map_err(|e| Error::file(name, e))?;
    Ok(Table { values, names: grid.names, read_as: grid.read_as })
}

/// A table in double precision.
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The values, row by row; each is finite when rounded to single precision, or NaN where a whole row or column is missing.
    pub(super) values: Vec<f64>,
    pub(super) names: Option<Vec<String>>,
    pub(super) read_as: ReadAs,
}

/// The cells that may be marks of a missing value, which are read as NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Refused,
    /// Throughout a column.
    Columns,
    /// Throughout a row.
    Rows,
    /// Anywhere.
    Cells,
}

pub(super) fn read_grid(name: &Path, bytes: &[u8], options: &TableOptions, missing: Missing) -> Result<Grid> {
    let index = options.index_column.as_deref().map_or(Index::Recognised, Index::Called);
    read_grid_indexed(name, bytes, options, missing, index)
}

/// The column of a table that holds no values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Index<'a> {
    /// It is recognised.
    Recognised,
    /// It has this name, stands at this place from 1, or there is `none`.
    Called(&'a str),
    /// It is the first column, or there is none.
    First(bool),
}

/// Reads a grid as [`read_grid`] does, with this index column.
pub(super) fn read_grid_indexed(name: &Path, bytes: &[u8], options: &TableOptions, missing: Missing, index: Index<'_>) -> Result<Grid> {
    parse(name, bytes, options, missing, index).map_err(|what| Error::file(name, what))
}

/// The lines of a table as they stand, those that are blank left out: cells of text, before anything is recognised.
pub(super) fn records(name: &Path, bytes: &[u8], options: &TableOptions) -> Result<Vec<ByteRecord>> {
    let read = || -> Result<Vec<ByteRecord>, String> {
        let delimiter = Delimiter::of(name, options.delimiter)?;
        let bytes = &*delimiter.lines(bytes);
        let mut reader = delimiter.reader().has_headers(false).flexible(true).from_reader(bytes);
        reader.byte_records().collect::<Result<_, _>>().map_err(|e| e.to_string())
    };
    read().map_err(|what| Error::file(name, what))
}

/// True of a cell that is neither a number nor the mark of a missing value.
pub(super) fn is_text(cell: &[u8]) -> bool {
    number(cell).is_none() && !is_missing(cell)
}

/// The name of the first column, as the header has it, that is called by one of these names in any case; `None` where no column is.
pub(super) fn column_called(name: &Path, bytes: &[u8], options: &TableOptions, called: &[&str]) -> Result<Option<String>> {
    let read = || -> Result<Option<String>, String> {
        let delimiter = Delimiter::of(name, options.delimiter)?;
        let bytes = &*delimiter.lines(bytes);
        let mut reader = delimiter.reader().flexible(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(|e| e.to_string())?;
        let names = header.iter().map(|cell| String::from_utf8_lossy(cell).into_owned());
        Ok(names.into_iter().find(|name| called.iter().any(|known| name.eq_ignore_ascii_case(known))))
    };
    read().map_err(|what| Error::file(name, what))
}

/// Reads one column of a `.csv` or `.tsv` with a header as text, one cell for each row: participants' groups, sessions, names of files.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, has another extension or no rows, no column of that name or two, or a row too
/// short.
pub fn read_column(path: impl AsRef<Path>, column: &str) -> Result<Vec<String>> {
    let path = path.as_ref();
    cells(path, &read_bytes(path)?, column).map_err(|what| Error::file(path, what))
}

fn cells(name: &Path, bytes: &[u8], column: &str) -> Result<Vec<String>, String> {
    let delimiter = Delimiter::of(name, None)?;
    let bytes = delimiter.lines(bytes);
    let mut reader = delimiter.reader().flexible(true).from_reader(&*bytes);
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let at = match header.iter().filter(|name| *name == column).count() {
        1 => header.iter().position(|name| name == column).unwrap_or_default(),
        0 => {
            let hint = header.get(0).filter(|_| header.len() == 1).and_then(|h| delimiter.seems(h.as_bytes()));
            let hint = hint.map(|other| format!("; {other}")).unwrap_or_default();
            return Err(format!("no column `{column}`: there are {}{hint}", header.iter().collect::<Vec<_>>().join(", ")));
        }
        n => return Err(format!("{n} columns are called `{column}`")),
    };
    let mut cells = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| e.to_string())?;
        let cell = record.get(at).ok_or_else(|| format!("row {} below the header has no column `{column}`", row + 1))?;
        cells.push(cell.to_owned());
    }
    if cells.is_empty() { Err("holds a header and no rows".into()) } else { Ok(cells) }
}

fn parse(name: &Path, bytes: &[u8], options: &TableOptions, missing: Missing, index: Index<'_>) -> Result<Grid, String> {
    let delimiter = Delimiter::of(name, options.delimiter)?;
    let bytes = &*delimiter.lines(bytes);
    let mut reader = delimiter.reader().has_headers(false).flexible(true).from_reader(bytes);
    let rows: Vec<ByteRecord> = reader.byte_records().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let mut read_as = ReadAs::default();
    read_as.header = guess::header(&rows, options.header, &mut read_as)?;
    let (header, rows) = rows.split_at(usize::from(read_as.header));
    let header = header.first();
    let Some(first) = rows.first() else {
        return Err("holds no rows of numbers: at least one is expected".into());
    };
    let file = File { bytes, delimiter, columns: header.unwrap_or(first).len() };
    // R writes no column name above the names of rows.
    let above = header.filter(|h| rows.iter().all(|row| row.len() == h.len() + 1) && guess::names_rows(rows, 0));
    let file = File { columns: file.columns + usize::from(above.is_some()), ..file };
    rows.iter().try_for_each(|row| file.check_length(row))?;
    let names: Option<Vec<String>> = header.map(|row| {
        let names = row.iter().map(|cell| String::from_utf8_lossy(cell).into_owned());
        above.map(|_| String::new()).into_iter().chain(names).collect()
    });
    let said = matches!(index, Index::Called(_) | Index::First(_));
    let index = guess::index(names.as_deref(), rows, index, &mut read_as.doubts)?;
    if let (Some(names), Some(row)) = (&names, header)
        && let Some(i) = names.iter().enumerate().position(|(i, name)| name.is_empty() && Some(i) != index)
    {
        return Err(format!("line {}, column {}: a column without a name (row numbers?); name or remove it", file.line(row), i + 1));
    }
    let whole = |i: usize| rows.iter().all(|row| is_missing(&row[i]));
    // A column of empty cells without a name is what a comma at the end of each line makes.
    let named = |i: usize| names.is_some() || rows.iter().any(|row| !row[i].is_empty());
    let columns_missing: Vec<bool> = (0..file.columns).map(|i| missing == Missing::Columns && whole(i) && named(i)).collect();
    let mut values = Vec::new();
    for row in rows {
        let row_missing = missing == Missing::Rows && row.iter().enumerate().all(|(i, cell)| Some(i) == index || is_missing(cell));
        let may_miss = |i: usize| missing == Missing::Cells || row_missing || columns_missing[i];
        file.append(&mut values, row, index, names.as_deref(), may_miss)?;
    }
    let columns = file.columns - usize::from(index.is_some());
    if columns == 0 {
        return Err("holds an index and no column of values".into());
    }
    if let Some(i) = index {
        let name = names.as_ref().map(|names| names[i].clone()).filter(|name| !name.is_empty());
        let column = name.map_or_else(|| format!("{}", i + 1), |name| format!("`{name}`"));
        if !said {
            read_as.recognised.push(format!("column {column} is an index and no value"));
        }
        read_as.index = rows.iter().map(|row| String::from_utf8_lossy(&row[i]).into_owned()).collect();
        read_as.index_column = Some(column);
    }
    let kept = |names: Vec<String>| names.into_iter().enumerate().filter(|(i, _)| Some(*i) != index).map(|(_, name)| name).collect();
    Ok(Grid { rows: rows.len(), columns, values, names: names.map(kept), read_as })
}

pub(super) fn is_missing(cell: &[u8]) -> bool {
    ["", "n/a", "na", "nan", "null", "none", "-"].iter().any(|mark| cell.eq_ignore_ascii_case(mark.as_bytes()))
}

/// True for the name of a column without a name: pandas reads one as `Unnamed: 0`, and writes it so.
pub(super) fn is_unnamed(name: &str) -> bool {
    name.is_empty() || name.to_lowercase().starts_with("unnamed: ")
}

fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// The properties of a table's file that error messages need.
struct File<'a> {
    bytes: &'a [u8],
    delimiter: Delimiter,
    columns: usize,
}

impl File<'_> {
    fn check_length(&self, row: &ByteRecord) -> Result<(), String> {
        if row.len() == self.columns {
            return Ok(());
        }
        let hint = row.get(0).and_then(|cell| self.delimiter.other(cell)).map(|o| format!("; {o}")).unwrap_or_default();
        Err(format!("line {}: {} columns where the first row has {}{hint}", self.line(row), row.len(), self.columns))
    }

    fn append(
        &self,
        values: &mut Vec<f64>,
        row: &ByteRecord,
        index: Option<usize>,
        names: Option<&[String]>,
        may_miss: impl Fn(usize) -> bool,
    ) -> Result<(), String> {
        for (i, cell) in row.iter().enumerate().filter(|(i, _)| Some(*i) != index) {
            if is_missing(cell) && may_miss(i) {
                values.push(f64::NAN);
                continue;
            }
            let Some(x) = number(cell).filter(|x| (*x as f32).is_finite()) else {
                let name = names.map(|names| format!(" (`{}`)", names[i])).unwrap_or_default();
                let found = self.found(cell);
                return Err(format!("line {}, column {}{name}: {found} where a number is expected", self.line(row), i + 1));
            };
            values.push(x);
        }
        Ok(())
    }

    fn found(&self, cell: &[u8]) -> String {
        let text = String::from_utf8_lossy(cell).chars().take(40).collect::<String>();
        match cell {
            [] => "an empty cell".into(),
            _ if is_missing(cell) => format!("`{text}`, a missing value,"),
            _ if number(cell).is_some_and(f64::is_finite) => format!("`{text}`, too large for f32,"),
            _ => match self.delimiter.other(cell) {
                Some(hint) => format!("`{text}` ({hint})"),
                None => format!("`{text}`"),
            },
        }
    }

    /// The line a row starts on, from 1. The reader's own count lags behind at CRLF and blank lines, which it skips with the next row.
    fn line(&self, row: &ByteRecord) -> usize {
        let from = row.position().map_or(0, |p| p.byte() as usize).min(self.bytes.len());
        let skipped = self.bytes[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        1 + self.bytes[..from + skipped].iter().filter(|&&b| b == b'\n').count()
    }
}
