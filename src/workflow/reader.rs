//! Readers: one subject from the files of an entry.

use super::given;
use crate::connectome::confounds::{Column, Confounds, Selection, Strategy, censor};
use crate::data::{
    Cohort, Connectome, Layout, NpyRows, Series, SeriesOptions, TableOptions, read_confounds, read_connectome, read_series, read_series_row,
};
use crate::error::Reason;
use crate::statistics::centre::listed;
use crate::statistics::missing::regions_without_values;
use crate::statistics::standardise::standardised;
use crate::{DType, Error, HostTensor, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The source that the subjects of an entry are read from.
#[derive(Debug)]
pub(super) enum Reader {
    SeriesRows(NpyRows, Layout, Option<Range<usize>>),
    /// The subjects of one file, which are held in memory.
    Cohort {
        path: PathBuf,
        cohort: Cohort,
        frames: Option<Range<usize>>,
    },
    SeriesFiles {
        files: Vec<PathBuf>,
        options: Box<SeriesOptions>,
        frames: Option<Range<usize>>,
    },
    Confounds {
        files: Vec<PathBuf>,
        selection: Selection,
        frames: Option<Range<usize>>,
        keep_non_steady_state: bool,
    },
    /// 1 for the frames that the strategy `scrubbing` keeps, 0 for those that it censors.
    Scrubbed {
        files: Vec<PathBuf>,
        frames: Option<Range<usize>>,
        keep_non_steady_state: bool,
    },
    ArrayRows(NpyRows),
    /// The matrices of one file, one a subject.
    MatrixRows(Connectome, PathBuf),
    MatrixFiles {
        files: Vec<PathBuf>,
        options: TableOptions,
    },
    /// An array in memory with a row for each subject; series where it has a layout. The name is for messages.
    Given {
        name: PathBuf,
        values: HostTensor,
        layout: Option<Layout>,
    },
}

/// One subject of an entry.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) value: HostTensor,
    /// The names of the regions, where the file gives them.
    pub(super) names: Option<Vec<String>>,
    /// For series and matrices, true for each region that has no value.
    pub(super) missing: Vec<bool>,
    /// Messages about the header and the index column recognised in a table of series, and about doubts.
    pub(super) notes: Vec<String>,
}

impl From<HostTensor> for Subject {
    fn from(value: HostTensor) -> Self {
        Self { value, names: None, missing: Vec::new(), notes: Vec::new() }
    }
}

impl Reader {
    /// The subjects of a file, or those that are named. Without `frames`, all must have the same number of frames.
    pub(super) fn cohort(path: PathBuf, cohort: Cohort, subjects: Option<&[String]>, frames: Option<Range<usize>>) -> Result<Self> {
        let fail = |e: Error| Error::file(&path, e);
        let cohort = match subjects {
            Some(names) => cohort.selected(names).map_err(fail)?,
            None => cohort,
        };
        if frames.is_none() {
            cohort.frames().map_err(|e| fail(Error::argument(format!("{e}, or `frames` that all have"))))?;
        }
        Ok(Self::Cohort { path, cohort, frames })
    }

    /// True where the values are series, whose means may be taken off.
    pub(super) fn is_of_series(&self) -> bool {
        matches!(self, Self::SeriesRows(..) | Self::Cohort { .. } | Self::SeriesFiles { .. } | Self::Given { layout: Some(_), .. })
    }

    /// True where one file holds all subjects.
    pub(super) fn one_file(&self) -> bool {
        matches!(self, Self::SeriesRows(..) | Self::Cohort { .. } | Self::ArrayRows(_) | Self::MatrixRows(..) | Self::Given { .. })
    }

    /// The file that a subject is read from.
    pub(super) fn path(&self, subject: usize) -> &Path {
        match self {
            Self::SeriesRows(rows, ..) | Self::ArrayRows(rows) => rows.path(),
            Self::Given { name, .. } => name,
            Self::MatrixRows(_, path) | Self::Cohort { path, .. } => path,
            Self::SeriesFiles { files, .. }
            | Self::Confounds { files, .. }
            | Self::Scrubbed { files, .. }
            | Self::MatrixFiles { files, .. } => &files[subject],
        }
    }

    pub(super) fn subjects(&self) -> usize {
        match self {
            Self::SeriesRows(rows, ..) | Self::ArrayRows(rows) => rows.shape()[0],
            Self::Given { values, .. } => values.shape()[0],
            Self::MatrixRows(matrices, _) => matrices.graphs(),
            Self::Cohort { cohort, .. } => cohort.subjects.len(),
            Self::SeriesFiles { files, .. }
            | Self::Confounds { files, .. }
            | Self::Scrubbed { files, .. }
            | Self::MatrixFiles { files, .. } => files.len(),
        }
    }

    pub(super) fn read(&self, subject: usize) -> Result<Subject> {
        match self {
            Self::SeriesRows(rows, layout, frames) => {
                let series = read_series_row(rows, subject, *layout)?;
                let notes = missing_note(&series).map(|what| format!("warning: {}: row {subject}: {what}", rows.path().display()));
                let value = within(series.values, frames.as_ref())?;
                Ok(Subject { value, names: series.names, missing: series.missing, notes: notes.into_iter().collect() })
            }
            Self::Cohort { path, cohort, frames } => {
                let (name, series) = &cohort.subjects[subject];
                let value = within(series.values.clone(), frames.as_ref())
                    .map_err(|e| Error::file(path, Reason::from(e).at(format_args!("`{name}`"))))?;
                let warning = missing_note(series).map(|what| format!("warning: {}: `{name}`: {what}", path.display()));
                let notes = series.remarks.iter().map(|what| format!("{}: {what}", path.display())).chain(warning).collect();
                Ok(Subject { value, names: series.names.clone(), missing: series.missing.clone(), notes })
            }
            Self::SeriesFiles { files, options, frames } => {
                let path = &files[subject];
                let series = read_series(path, SeriesOptions::clone(options))?;
                if series.values.shape().rank() != 2 {
                    return Err(Error::file(path, format!("series of one subject are expected, found {}", series.values.shape())));
                }
                let missing = missing_note(&series);
                let read_as = series.read_as.unwrap_or_default();
                let doubts = read_as.doubts.into_iter().chain(missing).map(|doubt| format!("warning: {}: {doubt}", path.display()));
                let said = read_as.recognised.into_iter().chain(series.remarks);
                let notes = said.map(|what| format!("{}: {what}", path.display())).chain(doubts).collect();
                let value = within(series.values, frames.as_ref())?;
                Ok(Subject { value, names: series.names, missing: series.missing, notes })
            }
            Self::Confounds { files, selection, frames, keep_non_steady_state } => {
                let (path, table) = (&files[subject], read_confounds(&files[subject])?);
                let confounds = confounds(&table, selection, frames.as_ref(), *keep_non_steady_state);
                confounds.map(Subject::from).map_err(|e| Error::file(path, e))
            }
            Self::Scrubbed { files, frames, keep_non_steady_state } => {
                let (path, table) = (&files[subject], read_confounds(&files[subject])?);
                let kept = scrubbed(&table, frames.as_ref(), *keep_non_steady_state).map_err(|e| Error::file(path, e))?;
                let censored = kept.iter().filter(|k| !**k).count();
                let note = format!("{}: {censored} of {} frames are censored", path.display(), kept.len());
                let value = HostTensor::f32([kept.len()], kept.iter().map(|k| f32::from(u8::from(*k))).collect())?;
                Ok(Subject { notes: vec![note], ..value.into() })
            }
            Self::ArrayRows(rows) => finite(rows.path(), rows.read(subject)?).map(Subject::from),
            Self::MatrixRows(matrices, path) => matrix(path, matrices, subject, subject == 0),
            Self::MatrixFiles { files, options } => {
                let (path, read) = (&files[subject], read_connectome(&files[subject], options)?);
                match read.graphs() {
                    1 => matrix(path, &read, 0, true),
                    graphs => Err(Error::file(path, format!("one matrix is expected for a subject, found {graphs}"))),
                }
            }
            Self::Given { values, layout, .. } => given::row(values, subject, *layout).map(Subject::from),
        }
    }
}

/// The note about regions of one subject that have no value, which are 0.
fn missing_note(series: &Series) -> Option<String> {
    let rows: Vec<usize> = (0..series.missing.len()).filter(|row| series.missing[*row]).collect();
    (!rows.is_empty()).then(|| format!("regions without values: {}", listed(&rows, |row| series.row_name(row))))
}

/// A matrix `[regions, regions]` of a file, in which regions without a value are 0. Where `first`, the remarks about the file are told.
fn matrix(path: &Path, of: &Connectome, at: usize, first: bool) -> Result<Subject> {
    let n = of.regions();
    let mut values = of.values.elements::<f32>()?[at * n * n..][..n * n].to_vec();
    let missing = regions_without_values(&values, n);
    let without = |region: usize| missing.get(region) == Some(&true);
    (0..n * n).filter(|&at| without(at / n) || without(at % n)).for_each(|at| values[at] = 0.0);
    let left: Vec<usize> = (0..n).filter(|region| without(*region)).collect();
    let whose = if of.graphs() > 1 { format!("row {at}: ") } else { String::new() };
    let name = |region: usize| match &of.names {
        Some(names) => format!("`{}`", names[region]),
        None => format!("region {region} (counted from 0)"),
    };
    let warning = format!("warning: {}: {whose}regions without values: {}", path.display(), listed(&left, name));
    let remarks = of.remarks.iter().filter(|_| first).map(|remark| format!("{}: {remark}", path.display()));
    let notes = remarks.chain(Some(warning).filter(|_| !left.is_empty())).collect();
    if left.len() == n {
        return Err(Error::file(path, format!("{whose}no region has a value: numbers are expected")));
    }
    let value = finite(path, HostTensor::f32([n, n], values)?)?;
    Ok(Subject { value, names: of.names.clone(), missing, notes })
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

/// The frames that are taken of a table.
fn frames_of(table: &Confounds, frames: Option<&Range<usize>>) -> Result<Range<usize>> {
    let frames = frames.cloned().unwrap_or(0..table.frames());
    if frames.end > table.frames() {
        return Err(Error::argument(format!("frames {} to {} of a table of {}", frames.start, frames.end, table.frames())));
    }
    Ok(frames)
}

/// For each of some frames, whether the strategy `scrubbing` keeps it, as `tapetum denoise` has it.
fn scrubbed(table: &Confounds, frames: Option<&Range<usize>>, keep_non_steady_state: bool) -> Result<Vec<bool>> {
    let kept = if keep_non_steady_state { censor::motionless(table)? } else { censor::scrubbed(table)? };
    let kept = kept[frames_of(table, frames)?].to_vec();
    if kept.contains(&true) { Ok(kept) } else { Err(Error::argument("all frames are censored: one at least must be kept")) }
}

/// Confounds `[columns, time]`, held in double precision, restricted to some frames, each standardised to mean 0 and standard deviation 1. Learning then sees all
/// confounds on one scale, and a regression with an intercept gives the same residuals as without standardising.
fn confounds(table: &Confounds, selection: &Selection, frames: Option<&Range<usize>>, keep_non_steady_state: bool) -> Result<HostTensor> {
    let frames = frames_of(table, frames)?;
    let steady = censor::steady_state(table)?;
    // Scrubbing censors such frames with the others.
    let keep_non_steady_state = keep_non_steady_state || *selection == Selection::Strategy(Strategy::Scrubbing);
    if let Some(frame) = frames.clone().find(|&t| !steady[t] && !keep_non_steady_state) {
        let what = format!("frame {frame}, counted from 0, is not in the steady state (`non_steady_state_outlier..`)");
        let how = "take later `frames` of confounds and series alike, or say `keep_non_steady_state`: true";
        return Err(Error::argument(format!("{what}: {how}")));
    }
    let columns = selection.of(table)?;
    let standard = |column: &Column| standardised(&column.values[frames.clone()]);
    HostTensor::real([columns.len(), frames.len()], columns.iter().flat_map(standard).collect::<Vec<f64>>())
}
