//! Connectomes in tables: `n` rows of `n` numbers, with the regions' names above, at the left, or both.

use super::super::TableOptions;
use super::super::table::{Missing, outline, read_grid};
use super::Connectome;
use crate::{Error, HostTensor, Result};
use std::path::Path;

pub(super) fn read(path: &Path, bytes: &[u8], options: &TableOptions) -> Result<Connectome> {
    let fail = |what: String| Error::file(path, what);
    let outline = outline(path, bytes, options)?;
    // The names above take a row, and those at the left a column; where both are there, the corner between them is no number.
    let [above, left] = match (outline.rows, outline.columns) {
        (rows, columns) if rows == columns => [outline.corner_is_text; 2],
        (rows, columns) => [rows == columns + 1, columns == rows + 1],
    };
    let given = TableOptions {
        header: options.header.or(Some(above)),
        index_column: options.index_column.clone().or(Some(if left { "1" } else { "none" }.into())),
        ..options.clone()
    };
    let grid = read_grid(path, bytes, &given, Missing::Cells)?;
    if grid.rows != grid.columns {
        return Err(fail(format!("{} rows of {} values: a square matrix of connections is expected", grid.rows, grid.columns)));
    }
    let index = Some(grid.read_as.index).filter(|index| !index.is_empty());
    if let (Some(above), Some(left)) = (&grid.names, &index)
        && let Some(i) = (0..above.len()).find(|&i| above[i] != left[i])
    {
        let place = i + 1;
        return Err(fail(format!("row {place} is called `{}`, and column {place} `{}`: the same order is expected", left[i], above[i])));
    }
    let values = grid.values.iter().map(|&x| x as f32).collect();
    let made = Connectome::new(HostTensor::f32([grid.rows, grid.columns], values)?, grid.names.or(index));
    made.map_err(|e| fail(e.to_string()))
}
