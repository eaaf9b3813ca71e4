//! Recognition of a table's header and index column, where the user has not named them.

use super::{Index, ReadAs, is_missing, is_unnamed, number};
use csv::ByteRecord;
use std::ops::Range;

/// Names of columns that number or date the rows.
const INDEX_NAMES: [&str; 11] = ["index", "idx", "row", "time", "times", "timepoint", "time_point", "frame", "frames", "volume", "scan"];

/// True for the name of a column that numbers or dates the rows.
pub(in super::super) fn is_index_name(name: &str) -> bool {
    INDEX_NAMES.iter().any(|index| name.eq_ignore_ascii_case(index))
}

/// The number of rows from which a column that rises in equal steps cannot be a measured series.
const COUNTED: usize = 10;

/// The number of rows from which such a column is doubtful.
const DOUBTFUL: usize = 4;

/// Returns true where the first row is a header.
///
/// A row of numbers with one missing is data with an error and not a header: if it were taken for a header, a frame would be lost in
/// silence. A row of distinct whole numbers may be a header of labels. It is a header where the values below are so seldom whole that a
/// frame of whole values alone would occur in fewer than one of a thousand such tables; where the row counts the columns, a chance of one
/// in ten is enough. It is a row of values where the values below are whole too. Between these cases the user is asked.
pub(super) fn header(rows: &[ByteRecord], said: Option<bool>, read_as: &mut ReadAs) -> Result<bool, String> {
    let Some((first, below)) = rows.split_first() else { return Ok(false) };
    if let Some(said) = said {
        return Ok(said);
    }
    if first.iter().any(|cell| number(cell).is_none() && !is_missing(cell)) {
        if let Some(cell) = first.iter().find(|cell| number(cell).is_some()) {
            let cell = String::from_utf8_lossy(cell);
            let what = "if it is a frame, mend the cell that is no number, or say --header no";
            read_as.doubts.push(format!("the first row was read as a header, and holds the number {cell}: {what}"));
        }
        return Ok(true);
    }
    // The cell above an index column is empty.
    let from = usize::from(first.len() > 1 && first[0].is_empty());
    let Some(labels) = labels(first, from) else { return Ok(false) };
    let counts = labels.iter().enumerate().all(|(i, n)| *n == labels[0] + i as u64) && labels[0] <= 1;
    let whole = chance_of_whole(from..first.len(), below);
    if below.is_empty() || whole >= 0.1 {
        if counts && labels.len() > 2 {
            read_as.doubts.push("the first row counts the columns and was read as a frame: if it is a header, say --header yes".into());
        }
        return Ok(false);
    }
    let shown = labels.iter().take(5).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let shown = if labels.len() > 5 { format!("{shown}, ...") } else { shown };
    if whole < 1e-3 || counts {
        read_as.recognised.push(format!("the first row ({shown}) is a header and no frame"));
        return Ok(true);
    }
    Err(format!("the first row ({shown}) may be a header of labels or the first frame: --header yes or --header no is expected"))
}

/// The labels in a row from column `from` on: distinct whole numbers of 0 or more; `None` where the cells are not such numbers.
fn labels(row: &ByteRecord, from: usize) -> Option<Vec<u64>> {
    let label = |cell: &[u8]| number(cell).filter(|x| x.fract() == 0.0 && (0.0..1e15).contains(x)).map(|x| x as u64);
    let labels = row.iter().skip(from).map(label).collect::<Option<Vec<u64>>>()?;
    let mut sorted = labels.clone();
    sorted.sort_unstable();
    (!labels.is_empty() && sorted.windows(2).all(|pair| pair[0] < pair[1])).then_some(labels)
}

/// The probability that all values of a row are whole numbers, estimated from the number of whole values in each column by Laplace's rule
/// of succession.
fn chance_of_whole(columns: Range<usize>, rows: &[ByteRecord]) -> f64 {
    let whole = |row: &&ByteRecord, i: usize| row.get(i).and_then(number).is_some_and(|x| x.fract() == 0.0);
    let chance = |i: usize| (rows.iter().filter(|row| whole(row, i)).count() + 1) as f64 / (rows.len() + 2) as f64;
    columns.map(chance).product()
}

/// The column that is an index, if there is one.
pub(super) fn index(
    names: Option<&[String]>,
    rows: &[ByteRecord],
    said: Index<'_>,
    doubts: &mut Vec<String>,
) -> Result<Option<usize>, String> {
    let columns = rows.first().map_or(0, ByteRecord::len);
    match said {
        Index::Called(said) => return column(names, columns, said),
        Index::First(first) => return Ok(first.then_some(0)),
        Index::Recognised => {}
    }
    if let Some(first) = names.and_then(|names| names.first()) {
        if columns > 1 && is_unnamed(first) {
            return Ok(Some(0));
        }
        if is_index_name(first) {
            if names_rows(rows, 0) {
                return Ok(Some(0));
            }
            return Err(format!(
                "column 1 (`{first}`) is called as an index is, and does not rise from row to row: --index-column {first} or \
                 --index-column none is expected"
            ));
        }
    }
    let rising = |i: &usize| rows.len() >= DOUBTFUL && rises_evenly(rows, *i);
    let found: Vec<usize> = (0..columns).filter(rising).collect();
    let called = |i: usize| names.map_or_else(|| format!("column {}", i + 1), |names| format!("column {} (`{}`)", i + 1, names[i]));
    let index = found.iter().copied().find(|_| rows.len() >= COUNTED && columns > 1);
    for i in found.into_iter().filter(|i| Some(*i) != index && counts(rows, *i)) {
        doubts.push(format!("{} counts the rows and was read as values: if it is an index, say --index-column", called(i)));
    }
    Ok(index)
}

/// The column that the user's option names, counted from 0; `None` for the option `none`.
fn column(names: Option<&[String]>, columns: usize, said: &str) -> Result<Option<usize>, String> {
    if let Some(i) = names.and_then(|names| names.iter().position(|name| name == said)) {
        return Ok(Some(i));
    }
    match said.parse::<usize>() {
        Ok(place) if (1..=columns).contains(&place) => Ok(Some(place - 1)),
        _ if said == "none" => Ok(None),
        _ => Err(format!("--index-column {said}: the name of a column, a place from 1 to {columns}, or none is expected")),
    }
}

/// True where a column's cells can tell rows apart: all are text, or all are numbers that rise.
pub(super) fn names_rows(rows: &[ByteRecord], column: usize) -> bool {
    let cells = || rows.iter().filter_map(|row| row.get(column));
    if cells().all(|cell| number(cell).is_none() && !is_missing(cell)) {
        return true;
    }
    let numbers: Option<Vec<f64>> = cells().map(number).collect();
    numbers.is_some_and(|n| n.windows(2).all(|pair| pair[0] < pair[1]) && n.iter().all(|x| x.is_finite()))
}

/// True where a column counts the rows, or rises with them in equal steps.
fn rises_evenly(rows: &[ByteRecord], column: usize) -> bool {
    let numbers: Option<Vec<f64>> = rows.iter().map(|row| row.get(column).and_then(number).filter(|x| x.is_finite())).collect();
    let Some(numbers) = numbers else { return false };
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    let step = (last - first) / (numbers.len() - 1) as f64;
    step > 0.0 && numbers.iter().enumerate().all(|(i, x)| (x - (first + i as f64 * step)).abs() <= 1e-3 * step)
}

/// True where a column that rises in equal steps counts from 0 or 1.
fn counts(rows: &[ByteRecord], column: usize) -> bool {
    let value = |row: usize| rows.get(row).and_then(|r| r.get(column)).and_then(number);
    matches!(value(0), Some(0.0 | 1.0)) && value(0).map(|first| first + 1.0) == value(1)
}
