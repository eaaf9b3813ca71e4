//! Connectomes in tables: `n` rows of `n` numbers, with the regions' names above, at the left, or both; or a list of edges.

use super::super::TableOptions;
use super::super::table::{Index, Missing, is_text, read_grid_indexed, records};
use super::{Connectome, edges};
use crate::{Error, HostTensor, Result};
use csv::ByteRecord;
use std::path::Path;

pub(super) fn read(path: &Path, bytes: &[u8], options: &TableOptions) -> Result<Connectome> {
    let fail = |what: String| Error::file(path, what);
    let records = records(path, bytes, options)?;
    if let Some(columns) = edges::columns(&records, options.header).map_err(fail)? {
        return edges::read(&records, &columns).map_err(fail);
    }
    let said = options.header.is_some() || options.index_column.is_some();
    let (rows, columns) = extents(&records);
    // A table of one column has another delimiter, which the reader of tables says.
    if !said && columns > 1 && rows.abs_diff(columns) > 1 {
        return Err(fail(not_square(rows, columns)));
    }
    let [above, left] = names(&records);
    let index = options.index_column.as_deref().map_or(Index::First(left), Index::Called);
    let given = TableOptions { header: options.header.or(Some(above)), ..options.clone() };
    let grid = read_grid_indexed(path, bytes, &given, Missing::Cells, index)?;
    let n = grid.columns;
    if grid.rows != n {
        return Err(fail(not_square(grid.rows, n)));
    }
    let across = |at: usize| (grid.values[at], grid.values[at % n * n + at / n]);
    if options.header.is_none() && edges::may_be(&records) && (0..n * n).map(across).any(|(x, y)| x != y) {
        let what = "three columns of numbers may be a matrix or a list of edges: a header such as source, target, weight tells a list";
        return Err(fail(what.into()));
    }
    let index = Some(grid.read_as.index).filter(|index| !index.is_empty());
    if let (Some(above), Some(left)) = (&grid.names, &index)
        && let Some(i) = (0..n).find(|&i| above[i] != left[i])
    {
        let place = i + 1;
        return Err(fail(format!("row {place} is called `{}`, and column {place} `{}`: the same order is expected", left[i], above[i])));
    }
    let values = grid.values.iter().map(|&x| x as f32).collect();
    let made = Connectome::new(HostTensor::f32([n, n], values)?, grid.names.or(index));
    made.map_err(|e| fail(e.to_string()))
}

fn not_square(rows: usize, columns: usize) -> String {
    format!("{rows} rows of {columns} values: a square matrix of connections, or a list of edges, is expected")
}

/// The number of lines, and that of the cells of the second, since the first may lack a corner.
fn extents(records: &[ByteRecord]) -> (usize, usize) {
    (records.len(), records.get(1).or(records.first()).map_or(0, ByteRecord::len))
}

/// True where there are names above a matrix, and where there are at its left. Those above take a row, and those at the left a column; where both are there,
/// the corner between them is no number. A row or a column that the shape alone would make names is taken for names only where it can be
/// one: text, or distinct whole numbers.
fn names(records: &[ByteRecord]) -> [bool; 2] {
    let (rows, columns) = extents(records);
    let first = || records.first().map(|row| row.iter().collect::<Vec<_>>()).unwrap_or_default();
    let cell = |row: &ByteRecord| row.get(0).map(<[u8]>::to_vec).unwrap_or_default();
    let left: Vec<Vec<u8>> = records.iter().map(cell).collect();
    if rows == columns {
        let corner = left.first().is_some_and(|corner| corner.is_empty() || is_text(corner));
        return [corner; 2];
    }
    let left: Vec<&[u8]> = left.iter().map(Vec::as_slice).collect();
    [rows == columns + 1 && can_name(&first()), columns == rows + 1 && can_name(&left)]
}

/// True of cells that can be names: one is text, or all are distinct whole numbers.
fn can_name(cells: &[&[u8]]) -> bool {
    let label = |cell: &&[u8]| std::str::from_utf8(cell).ok()?.parse::<u64>().ok();
    let labels: Option<Vec<u64>> = cells.iter().map(label).collect();
    let distinct = |mut labels: Vec<u64>| {
        labels.sort_unstable();
        labels.windows(2).all(|pair| pair[0] != pair[1])
    };
    cells.iter().any(|cell| is_text(cell)) || labels.is_some_and(distinct)
}
