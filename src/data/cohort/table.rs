//! Cohorts in one table: a row for each frame, with its subject in a column of its own.

use super::super::series::arrange;
use super::super::table::{Missing, column_called, is_index_name, is_missing, read_grid};
use super::super::{Layout, Series, SeriesOptions, TableOptions, read_bytes};
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// Names of the column that says whose a row is.
const SUBJECT: [&str; 4] = ["participant_id", "subject", "subject_id", "sub"];

/// The subjects of a table in the order in which they appear; `None` for a table without a column of subjects.
pub(super) fn read(path: &Path, options: &SeriesOptions) -> Result<Option<Vec<(String, Series)>>> {
    if options.layout != Layout::TimeRegions || options.table.header == Some(false) {
        return Ok(None);
    }
    let bytes = read_bytes(path)?;
    let Some(column) = column_called(path, &bytes, &options.table, &SUBJECT)? else { return Ok(None) };
    let fail = |what: String| Error::file(path, what);
    let table = TableOptions { header: Some(true), index_column: Some(column.clone()), ..options.table.clone() };
    let grid = read_grid(path, &bytes, &table, Missing::Cells)?;
    let mut subjects: Vec<(&String, Vec<usize>)> = Vec::new();
    for (row, name) in grid.read_as.index.iter().enumerate() {
        if is_missing(name.as_bytes()) {
            return Err(fail(format!("row {} below the header has no subject in the column `{column}`", row + 1)));
        }
        match subjects.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => subjects.push((name, vec![row])),
        }
    }
    // A column that numbers or dates the frames is no region.
    let names = grid.names.unwrap_or_default();
    let is_region = |name: &String| !is_index_name(name) && options.table.index_column.as_ref() != Some(name);
    let kept: Vec<usize> = (0..grid.columns).filter(|&i| names.get(i).is_none_or(is_region)).collect();
    let regions: Vec<String> = kept.iter().filter_map(|&i| names.get(i).cloned()).collect();
    let left_out: Vec<&str> = names.iter().filter(|name| !is_region(name)).map(String::as_str).collect();
    let mut remarks = vec![format!("the column `{column}` says whose a row is")];
    if !left_out.is_empty() {
        remarks.push(format!("no regions by their names: {}", left_out.join(", ")));
    }
    let series = subjects.into_iter().map(|(name, rows)| {
        let frame = |row: &usize| &grid.values[row * grid.columns..][..grid.columns];
        let values: Vec<f64> = rows.iter().flat_map(|row| kept.iter().map(|&i| frame(row)[i]).collect::<Vec<_>>()).collect();
        let values = HostTensor::real([rows.len(), kept.len()], values)?;
        let series = arrange(values, Some(regions.clone()), Layout::TimeRegions);
        let series = series.map_err(|what| fail(format!("`{name}`: {what}")))?;
        Ok((name.clone(), Series { remarks: remarks.clone(), ..series }))
    });
    series.collect::<Result<_>>().map(Some)
}
