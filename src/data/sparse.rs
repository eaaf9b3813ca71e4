//! Writing of sparse matrices, row by row, of any number of entries: as SciPy's `.npz`, or as a table of edges.

use super::format::{Content, Format};
use super::named::NAMES;
use super::npz::NpzWriter;
use super::table::cell;
use crate::file::{FileWriter, Spool};
use crate::{Error, Result};
use std::fmt::Write;
use std::path::Path;

/// A writer of a sparse matrix `[n, n]` of f32, whose file appears whole when [`SparseWriter::finish`] succeeds, and not at all otherwise.
/// Its memory does not grow with the entries.
///
/// A `.npz` file has the arrays of `scipy.sparse.save_npz` for compressed sparse rows: `data` (f32), `indices` (the column of each entry),
/// `indptr` (where each row begins among the entries, and where the last ends), `shape` and `format`. `scipy.sparse.load_npz` reads it. An
/// array `names` holds the names of the regions, where there are names. A `.tsv` or `.csv` table has a line for each entry, with the columns
/// `source`, `target` and `weight`: names, or numbers from 0 where there are no names.
#[derive(Debug)]
pub struct SparseWriter {
    n: usize,
    names: Option<Vec<String>>,
    rows: usize,
    entries: usize,
    to: Form,
}

/// The form in which the entries are written.
#[derive(Debug)]
enum Form {
    Compressed(Box<Compressed>),
    Table(Box<Table>),
}

/// A table with a line for each entry.
#[derive(Debug)]
struct Table {
    file: FileWriter,
    separator: char,
    line: String,
}

/// Compressed sparse rows. The number of entries stands before them in the file, so that they are kept beside it until it is known.
#[derive(Debug)]
struct Compressed {
    file: NpzWriter,
    columns: Spool,
    values: Spool,
    begins: Vec<usize>,
}

impl SparseWriter {
    /// Begins a matrix `[n, n]` without entries.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the name of the file ends in none of `.npz`, `.tsv` and `.csv`, n is beyond what `indices` can hold,
    /// there is not a name for each region, or no file can be written there.
    pub fn new(path: impl AsRef<Path>, n: usize, names: Option<&[String]>) -> Result<Self> {
        let path = path.as_ref();
        if n > i32::MAX as usize {
            return Err(Error::file(path, format!("a sparse matrix of {n} rows: at most {} are possible", i32::MAX)));
        }
        if let Some(names) = names.filter(|names| names.len() != n) {
            return Err(Error::file(path, format!("{} names of {n} regions: a name for each is expected", names.len())));
        }
        let to = match Format::written_as(path, Content::Edges)? {
            Format::Npz => Form::Compressed(Box::new(Compressed::new(path)?)),
            Format::Csv => Form::Table(Box::new(Table::new(path, ',')?)),
            _ => Form::Table(Box::new(Table::new(path, '\t')?)),
        };
        Ok(Self { n, names: names.map(<[String]>::to_vec), rows: 0, entries: 0, to })
    }

    /// The number of entries so far.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Adds the next row: its columns in ascending order, and the value of each.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written, and an error where there is no such row, a column is not in the matrix or
    /// not after the one before it, or there is not a value for each column.
    pub fn row(&mut self, columns: &[usize], values: &[f32]) -> Result<()> {
        let ascending = columns.windows(2).all(|pair| pair[0] < pair[1]) && columns.last().is_none_or(|&last| last < self.n);
        if self.rows >= self.n || columns.len() != values.len() || !ascending {
            let what = format!("{} values at {} columns: ascending columns of {}", values.len(), columns.len(), self.n);
            return Err(Error::argument(format!("row {} of a sparse matrix: {what} and a value for each are expected", self.rows)));
        }
        match &mut self.to {
            Form::Compressed(compressed) => compressed.row(columns, values)?,
            Form::Table(table) => table.row(self.names.as_deref(), self.rows, columns, values)?,
        }
        self.rows += 1;
        self.entries += columns.len();
        Ok(())
    }

    /// Puts the file in its place. Rows that were not added are empty.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written.
    pub fn finish(self) -> Result<()> {
        match self.to {
            Form::Table(table) => table.file.finish(),
            Form::Compressed(compressed) => compressed.finish(self.n, self.entries, self.names.as_deref()),
        }
    }
}

/// The name of a region in a cell of a table, or its number.
fn label(names: Option<&[String]>, region: usize) -> String {
    names.and_then(|names| names.get(region)).map_or_else(|| region.to_string(), |name| cell(name))
}

impl Table {
    fn new(path: &Path, separator: char) -> Result<Self> {
        let mut file = FileWriter::new(path)?;
        file.add(format!("source{separator}target{separator}weight\n").as_bytes())?;
        Ok(Self { file, separator, line: String::new() })
    }

    fn row(&mut self, names: Option<&[String]>, row: usize, columns: &[usize], values: &[f32]) -> Result<()> {
        let (source, separator) = (label(names, row), self.separator);
        for (&column, value) in columns.iter().zip(values) {
            let target = label(names, column);
            self.line.clear();
            // Writing to a text does not fail.
            let _ = writeln!(self.line, "{source}{separator}{target}{separator}{value}");
            self.file.add(self.line.as_bytes())?;
        }
        Ok(())
    }
}

impl Compressed {
    fn new(path: &Path) -> Result<Self> {
        Ok(Self { file: NpzWriter::new(path)?, columns: Spool::new(path)?, values: Spool::new(path)?, begins: vec![0] })
    }

    fn row(&mut self, columns: &[usize], values: &[f32]) -> Result<()> {
        for (&column, value) in columns.iter().zip(values) {
            self.columns.add(&(column as i32).to_le_bytes())?;
            self.values.add(&value.to_le_bytes())?;
        }
        self.begins.push(self.begins.last().copied().unwrap_or(0) + columns.len());
        Ok(())
    }

    fn finish(mut self, n: usize, entries: usize, names: Option<&[String]>) -> Result<()> {
        self.begins.resize(n + 1, entries);
        let file = &mut self.file;
        file.elements("data", "<f4", &[entries], self.values.read()?)?;
        file.elements("indices", "<i4", &[entries], self.columns.read()?)?;
        // SciPy wants 64 bits where there are more entries than 32 bits count.
        if entries <= i32::MAX as usize {
            let begins: Vec<u8> = self.begins.iter().flat_map(|&at| (at as i32).to_le_bytes()).collect();
            file.elements("indptr", "<i4", &[n + 1], begins.as_slice())?;
        } else {
            let begins: Vec<u8> = self.begins.iter().flat_map(|&at| (at as i64).to_le_bytes()).collect();
            file.elements("indptr", "<i8", &[n + 1], begins.as_slice())?;
        }
        let shape = [n as i64; 2].map(i64::to_le_bytes).concat();
        file.elements("shape", "<i8", &[2], shape.as_slice())?;
        file.elements("format", "|S3", &[], b"csr".as_slice())?;
        names.map_or(Ok(()), |names| file.texts(NAMES, names))?;
        self.file.finish()
    }
}
