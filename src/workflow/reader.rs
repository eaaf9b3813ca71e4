//! Readers: one subject from the files of an entry.

use crate::connectome::confounds::{Column, Confounds, Selection, censor};
use crate::data::{self, Layout, NpyRows, SeriesOptions, is_table, read_confounds, read_series, read_series_row};
use crate::{DType, Error, HostTensor, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The source that the subjects of an entry are read from.
#[derive(Debug)]
pub(super) enum Reader {
    SeriesRows(NpyRows, Layout, Option<Range<usize>>),
    SeriesFiles { files: Vec<PathBuf>, atlas: Option<PathBuf>, options: SeriesOptions, frames: Option<Range<usize>> },
    Confounds { files: Vec<PathBuf>, selection: Selection, frames: Option<Range<usize>>, keep_non_steady_state: bool },
    ArrayRows(NpyRows),
}

impl Reader {
    pub(super) fn subjects(&self) -> usize {
        match self {
            Self::SeriesRows(rows, ..) | Self::ArrayRows(rows) => rows.shape()[0],
            Self::SeriesFiles { files, .. } | Self::Confounds { files, .. } => files.len(),
        }
    }

    pub(super) fn read(&self, subject: usize) -> Result<HostTensor> {
        match self {
            Self::SeriesRows(rows, layout, frames) => {
                let series = read_series_row(rows, subject, *layout)?;
                within(series, frames.as_ref())
            }
            Self::SeriesFiles { files, atlas, options, frames } => {
                let path = &files[subject];
                let series = match atlas {
                    Some(atlas) => data::atlas_series(path, atlas)?,
                    None => read_series(path, options.clone())?,
                };
                match series.values.shape().rank() {
                    2 => within(series.values, frames.as_ref()),
                    _ => Err(Error::file(path, format!("series of one subject are expected, found {}", series.values.shape()))),
                }
            }
            Self::Confounds { files, selection, frames, keep_non_steady_state } => {
                let (path, table) = (&files[subject], read_confounds(&files[subject])?);
                let confounds = confounds(&table, selection, frames.as_ref(), *keep_non_steady_state);
                confounds.map_err(|e| Error::file(path, e.to_string()))
            }
            Self::ArrayRows(rows) => finite(rows.path(), rows.read(subject)?),
        }
    }

    /// Messages about the header and the index column recognised in a subject's table of series, and about doubts.
    pub(super) fn notes(&self, subject: usize) -> Result<Vec<String>> {
        let Self::SeriesFiles { files, options, .. } = self else { return Ok(Vec::new()) };
        let path = &files[subject];
        if !is_table(path) {
            return Ok(Vec::new());
        }
        let read_as = read_series(path, options.clone())?.read_as.unwrap_or_default();
        let doubts = read_as.doubts.iter().map(|doubt| format!("warning: {}: {doubt}", path.display()));
        Ok(read_as.recognised.iter().map(|what| format!("{}: {what}", path.display())).chain(doubts).collect())
    }
}

/// The array, f16 as f32, where every value is a number.
pub(super) fn finite(path: &Path, array: HostTensor) -> Result<HostTensor> {
    let array = if array.dtype() == DType::F16 { array.to_real::<f32>() } else { array };
    match array.as_f32().and_then(|x| x.iter().position(|x| !x.is_finite()).map(|i| (i, x[i]))) {
        Some((i, x)) => Err(Error::file(
            path,
            format!("element {i} of {}, row by row and counted from 0, is {x}: a finite number is expected", array.shape()),
        )),
        None => Ok(array),
    }
}

/// The series `[regions, time]` restricted to some frames.
fn within(series: HostTensor, frames: Option<&Range<usize>>) -> Result<HostTensor> {
    let Some(frames) = frames else { return Ok(series) };
    let [regions, time] = [series.shape()[0], series.shape()[1]];
    if frames.end > time {
        return Err(Error::argument(format!("frames {} to {} of series of {time}", frames.start, frames.end)));
    }
    let shape = [regions, frames.len()];
    let cut = |values: &[f64]| values.chunks_exact(time).flat_map(|row| row[frames.clone()].iter().copied()).collect();
    let cut: Vec<f64> = cut(&series.to_f64_vec());
    if series.is_f64() { HostTensor::real(shape, cut) } else { HostTensor::f32(shape, cut.into_iter().map(|x| x as f32).collect()) }
}

/// Confounds `[columns, time]` restricted to some frames, each standardised to mean 0 and standard deviation 1. Learning then sees all
/// confounds on one scale, and a regression with an intercept gives the same residuals as without standardising.
fn confounds(table: &Confounds, selection: &Selection, frames: Option<&Range<usize>>, keep_non_steady_state: bool) -> Result<HostTensor> {
    let frames = frames.cloned().unwrap_or(0..table.frames());
    if frames.end > table.frames() {
        return Err(Error::argument(format!("frames {} to {} of a table of {}", frames.start, frames.end, table.frames())));
    }
    let steady = censor::steady_state(table)?;
    if let Some(frame) = frames.clone().find(|&t| !steady[t] && !keep_non_steady_state) {
        let what = format!("frame {frame}, counted from 0, is not in the steady state (`non_steady_state_outlier..`)");
        let how = "take later `frames` of confounds and series alike, or say `keep_non_steady_state`: true";
        return Err(Error::argument(format!("{what}: {how}")));
    }
    let columns = selection.of(table)?;
    let standard = |column: &Column| {
        let values = &column.values[frames.clone()];
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
        values.iter().map(|x| if deviation > 0.0 { ((x - mean) / deviation) as f32 } else { 0.0 }).collect::<Vec<f32>>()
    };
    HostTensor::f32([columns.len(), frames.len()], columns.iter().flat_map(standard).collect())
}
