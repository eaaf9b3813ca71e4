//! Confound tables as fMRIPrep writes them: `.tsv` with a header and `n/a`, and beside it a `.json` that says what CompCor's columns are.

use super::table::is_unnamed;
use super::{Delimiter, extension, read_bytes, sidecar};
use crate::connectome::confounds::{Column, Confounds};
use crate::{Error, Result};
use csv::{ReaderBuilder, Trim};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads a table of confounds, `.tsv` or `.csv`, with a header of names; an empty cell, `n/a` and `NaN` are missing values. A first
/// column without a name, or called `Unnamed: 0`, is an index and left out. Where there is a `.json` of the same name, the `Mask` and the `CumulativeVarianceExplained` of each column are read from it; older versions of fMRIPrep
/// write the numbers of columns there without leading zeros. Most strategies do not need this file, so one that cannot be read is no error
/// here: [`Confounds::sidecar`] gives the reason. `NaN` and `Infinity`, as Python writes them, and a byte-order mark are read.
///
/// # Errors
/// Returns [`Error::File`] where a file cannot be read, the table has another extension, no header, a name twice, no frames, rows of
/// unequal length, or a cell that is neither a finite number nor missing (the message gives line and column).
pub fn read_confounds(path: impl AsRef<Path>) -> Result<Confounds> {
    let path = path.as_ref();
    let mut table = read_confounds_bytes(path, &read_bytes(path)?)?;
    let beside = path.with_extension("json");
    if beside.exists() {
        match components(&beside, &table) {
            Ok((masks, variance)) => (table.masks, table.variance) = (masks, variance),
            Err(fault) => table.sidecar = Some(fault.to_string()),
        }
    }
    Ok(table)
}

/// Reads a table of confounds from the bytes of a file, as [`read_confounds`] does, without the file beside it; `name` stands for the file in
/// errors.
///
/// # Errors
/// The same as those of [`read_confounds`].
pub fn read_confounds_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Confounds> {
    let name = name.as_ref();
    let columns = parse(name, bytes).map_err(|what| Error::file(name, what))?;
    Ok(Confounds { columns, ..Confounds::default() })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Column>, String> {
    let (delimiter, by) = match extension(path).as_str() {
        "csv" => (b',', Delimiter::Comma),
        "tsv" => (b'\t', Delimiter::Tab),
        _ => return Err("not a table of confounds by its extension: .tsv and .csv are read".into()),
    };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    if let Some(other) = header.get(0).filter(|_| header.len() == 1).and_then(|name| by.seems(name.as_bytes())) {
        return Err(format!("one column: {other}"));
    }
    // The index that pandas writes has no name, and so can be no confound.
    let from = usize::from(header.len() > 1 && header.get(0).is_some_and(is_unnamed));
    let mut columns: Vec<Column> = header.iter().skip(from).map(|name| Column { name: name.into(), values: Vec::new() }).collect();
    for (i, c) in columns.iter().enumerate() {
        if c.name.is_empty() || number(&c.name).is_some() {
            return Err(format!("column {} of the header is `{}`: the name of a confound is expected", from + i + 1, c.name));
        }
        if columns[..i].iter().any(|other| other.name == c.name) {
            return Err(format!("two columns are called `{}`", c.name));
        }
    }
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        for (column, cell) in columns.iter_mut().zip(record.iter().skip(from)) {
            let found = || format!("line {line}, column `{}`: `{cell}` where a number or `n/a` is expected", column.name);
            column.values.push(number(cell).ok_or_else(found)?);
        }
    }
    match columns.first().is_some_and(|c| !c.values.is_empty()) {
        true => Ok(columns),
        false => Err("no frames: a header and a row for each frame are expected".into()),
    }
}

/// A finite number, or NaN for one that is missing.
fn number(cell: &str) -> Option<f64> {
    if ["", "n/a", "nan"].iter().any(|mark| cell.eq_ignore_ascii_case(mark)) {
        return Some(f64::NAN);
    }
    cell.parse().ok().filter(|x: &f64| x.is_finite())
}

/// Mask and cumulative variance of each column that has them.
fn components(path: &Path, table: &Confounds) -> Result<(BTreeMap<String, String>, BTreeMap<String, f64>)> {
    let entries = sidecar::read(path)?;
    let column = |name: &String| match table.get(name) {
        Some(_) => name.clone(),
        None => table.columns.iter().find(|c| numbered(&c.name) == numbered(name)).map_or_else(|| name.clone(), |c| c.name.clone()),
    };
    let masks = entries.iter().filter_map(|(name, of)| Some((column(name), of.get("Mask")?.as_str()?.to_owned())));
    let variance = entries.iter().filter_map(|(name, of)| Some((column(name), of.get("CumulativeVarianceExplained")?.as_f64()?)));
    Ok((masks.collect(), variance.collect()))
}

/// The stem of a name and the number at its end; a name without a number is its own stem.
fn numbered(name: &str) -> (&str, Option<u32>) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem, name[stem.len()..].parse().ok())
}
