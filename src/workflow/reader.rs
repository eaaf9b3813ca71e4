//! How one subject is read from the files of an entry.

use crate::connectome::confounds::{Column, Strategy, formula};
use crate::data::{self, Layout, NpyRows, read_confounds, read_series, read_series_row};
use crate::{DType, Error, HostTensor, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What an entry's subjects are read from.
#[derive(Debug)]
pub(super) enum Reader {
    SeriesRows(NpyRows, Layout, Option<Range<usize>>),
    SeriesFiles { files: Vec<PathBuf>, atlas: Option<PathBuf>, layout: Layout, frames: Option<Range<usize>> },
    Confounds(Vec<PathBuf>, Chosen),
    ArrayRows(NpyRows),
}

/// Which confounds.
#[derive(Debug)]
pub(super) enum Chosen {
    Strategy(Strategy),
    Columns(Vec<String>),
    Formula(String),
}

impl Reader {
    pub(super) fn subjects(&self) -> usize {
        match self {
            Self::SeriesRows(rows, ..) | Self::ArrayRows(rows) => rows.shape()[0],
            Self::SeriesFiles { files, .. } | Self::Confounds(files, _) => files.len(),
        }
    }

    pub(super) fn read(&self, subject: usize) -> Result<HostTensor> {
        match self {
            Self::SeriesRows(rows, layout, frames) => {
                let series = read_series_row(rows, subject, *layout)?;
                within(series, frames.as_ref())
            }
            Self::SeriesFiles { files, atlas, layout, frames } => {
                let path = &files[subject];
                let series = match atlas {
                    Some(atlas) => data::atlas_series(path, atlas)?,
                    None => read_series(path, *layout)?,
                };
                match series.values.shape().rank() {
                    2 => within(series.values, frames.as_ref()),
                    _ => Err(Error::file(path, format!("series of one subject are expected, found {}", series.values.shape()))),
                }
            }
            Self::Confounds(files, chosen) => confounds(&files[subject], chosen),
            Self::ArrayRows(rows) => finite(rows.path(), rows.read(subject)?),
        }
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

/// Series `[regions, time]` of some frames.
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

/// Confounds `[columns, time]`, each of mean 0 and standard deviation 1: of one size to what learns from them, and the same to a
/// regression with an intercept.
fn confounds(path: &Path, chosen: &Chosen) -> Result<HostTensor> {
    let table = read_confounds(path)?;
    let columns: Result<Vec<Column>> = match chosen {
        Chosen::Strategy(strategy) => strategy.columns(&table).and_then(|names| table.select(&names)),
        Chosen::Columns(names) => table.select(names),
        Chosen::Formula(text) => formula::columns(text, &table),
    };
    let columns = columns.map_err(|e| Error::file(path, e.to_string()))?;
    let standard = |column: &Column| {
        let n = column.values.len().max(1) as f64;
        let mean = column.values.iter().sum::<f64>() / n;
        let deviation = (column.values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
        column.values.iter().map(move |x| if deviation > 0.0 { ((x - mean) / deviation) as f32 } else { 0.0 }).collect::<Vec<f32>>()
    };
    HostTensor::f32([columns.len(), table.frames()], columns.iter().flat_map(standard).collect())
}
