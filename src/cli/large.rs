//! `tapetum connectivity` where the matrix is not held as a whole: `--keep`, and matrices that are too large for memory.

use super::common::{Progress, progress};
use crate::connectome::connectivity::large::Edges;
use crate::connectome::connectivity::mean::Ended;
use crate::connectome::connectivity::measure::{Connectivity as Measure, Kind, Matrices, Rows};
use crate::data::{ConnectomeWriter, Content, Format, Series, SparseWriter, write_values};
use crate::host::Precision;
use crate::{Device, Error, HostTensor, Result};
use std::path::Path;

/// Matrices of more bytes than this are written in panels of rows, and not held.
const LARGE: u64 = 1 << 30;

/// The part of a matrix that is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Keep {
    TopK(usize),
    Threshold(f32),
    Degree(f32),
}

/// `top-k=N`, `threshold=R` or `degree=R`.
pub(super) fn keep(text: &str) -> Result<Keep, String> {
    let number = |r: &str| {
        let r = r.parse::<f32>().ok().filter(|r| r.is_finite());
        r.ok_or_else(|| format!("{text}: a finite number is expected"))
    };
    match text.split_once('=') {
        Some(("top-k", k)) => match k.parse::<usize>() {
            Ok(k) if k > 0 => Ok(Keep::TopK(k)),
            _ => Err(format!("{text}: a whole number above 0 is expected")),
        },
        Some(("threshold", r)) => number(r).map(Keep::Threshold),
        Some(("degree", r)) => number(r).map(Keep::Degree),
        _ => Err("top-k=N, threshold=R or degree=R is expected".to_owned()),
    }
}

/// The outcome of writing, and the numerical findings of the computation.
pub(super) struct Written {
    /// The type of the array, or the number of edges in words.
    pub(super) what: String,
    /// The matrices, where they were held as a whole.
    pub(super) whole: Option<HostTensor>,
    pub(super) edges: Option<usize>,
    pub(super) precision: Precision,
    pub(super) condition: Option<f64>,
    pub(super) mean: Option<Ended>,
    pub(super) rows: Rows,
}

impl Written {
    /// Of whole matrices.
    pub(super) fn of(made: Matrices) -> Self {
        let Matrices { values, precision, condition, mean, rows } = made;
        Self { what: values.ty().to_string(), whole: Some(values), edges: None, precision, condition, mean, rows }
    }

    /// Of what was computed in panels, which are in f32.
    fn of_panels(what: String, rows: Rows) -> Self {
        Self { what, whole: None, edges: None, precision: Precision::F32, condition: None, mean: None, rows }
    }
}

impl Keep {
    /// The option as it is given.
    pub(super) fn text(self) -> String {
        match self {
            Self::TopK(k) => format!("top-k={k}"),
            Self::Threshold(r) => format!("threshold={r}"),
            Self::Degree(r) => format!("degree={r}"),
        }
    }

    /// The content of the file that is written.
    pub(super) fn content(self) -> Content {
        if matches!(self, Self::Degree(_)) { Content::Values } else { Content::Edges }
    }

    /// Checks that the options go together.
    pub(super) fn agrees(self, measure: &Measure) -> Result<(), &'static str> {
        if !measure.has_panels() {
            return Err("--keep is of --kind correlation or covariance without --shrinkage: others need the whole matrix");
        }
        if measure.fisher_z && matches!(self, Self::Degree(_)) {
            return Err("--fisher-z is of the values that are kept, and a degree keeps none: leave it out");
        }
        Ok(())
    }

    /// Computes what is kept and writes it.
    pub(super) fn write(self, measure: &Measure, device: &Device, series: &Series, out: &Path) -> Result<Written> {
        let shape = series.values.shape();
        let values = match shape[..] {
            [_, _] => series.values.clone(),
            [1, regions, frames] => series.values.reshaped([regions, frames])?,
            _ => return Err(Error::argument(format!("--keep is of the series of one subject, found series {shape}"))),
        };
        let names = series.names.as_deref();
        let edges = match self {
            Self::TopK(k) => Edges::TopK(k),
            Self::Threshold(r) => Edges::Threshold(r),
            Self::Degree(r) => {
                let (degrees, rows) = measure.degrees(device, &values, &series.missing, r)?;
                write_values(out, "degree", &degrees, names)?;
                return Ok(Written::of_panels(degrees.ty().to_string(), rows));
            }
        };
        let bar = progress(values.shape()[0] as u64, "regions")?;
        let mut writer = SparseWriter::new(out, values.shape()[0], names)?;
        let rows = measure.edges(device, &values, &series.missing, edges, |region, columns, values| {
            bar.at(region as u64, "");
            writer.row(columns, values)
        });
        bar.finish();
        let (rows, count) = (rows?, writer.entries());
        writer.finish()?;
        Ok(Written { edges: Some(count), ..Written::of_panels(format!("{count} edges"), rows) })
    }
}

/// True where the matrices of these series are written in panels of rows: they are large, or more than the device binds at once.
///
/// # Errors
/// Returns an error where a matrix is so large, and the measure cannot be computed in panels.
pub(super) fn in_panels(measure: &Measure, device: &Device, series: &Series, out: &Path) -> Result<bool> {
    let n = series.regions() as u64;
    let (one, all) = (4 * n * n, 4 * n * series.missing.len() as u64);
    if all > LARGE && (!measure.has_panels() || Format::of(out) != Some(Format::Npy)) {
        return match measure.has_panels() {
            true => Err(Error::file(
                out,
                format!("the matrices take {all} bytes: an output ending in .npy, which is written row by row, is expected"),
            )),
            // Many matrices of moderate size are no worse than their sum.
            false if one <= LARGE => Ok(false),
            false => Err(Error::argument(needs(measure.kind, n))),
        };
    }
    Ok(all > LARGE || measure.has_panels() && all > device.max_binding() && Format::of(out) == Some(Format::Npy))
}

/// The reason to refuse a matrix that cannot be computed in panels.
fn needs(kind: Kind, n: u64) -> String {
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    let (matrix, all) = (gigabytes(8 * n * n), gigabytes(32 * n * n));
    format!(
        "a {} of {n} regions needs {matrix:.1} GB for each matrix in f64, and four of them: {all:.1} GB; at most {} regions are possible, and \
         --kind correlation or covariance without --shrinkage of more",
        kind.name(),
        (LARGE / 4).isqrt()
    )
}

/// Computes matrices in panels of rows and writes each row as it is made.
pub(super) fn write_in_panels(measure: &Measure, device: &Device, series: &Series, out: &Path) -> Result<Written> {
    let shape = series.values.shape();
    let [.., n, _] = shape[..] else { return Err(Error::argument("series [.., regions, time] are expected")) };
    let subjects = series.missing.len() / n;
    let extents = [&shape[..shape.rank() - 2], &[n, n]].concat();
    let mut writer = ConnectomeWriter::new(out, &extents, series.names.as_deref())?;
    let bar = progress(series.missing.len() as u64, "rows")?;
    let mut found = Rows::default();
    for subject in 0..subjects {
        let (values, missing) = (series.subject(subject)?, &series.missing[subject * n..][..n]);
        let rows = measure.rows(device, &values, missing, |row| {
            bar.next(None, "");
            writer.add(row)
        });
        let Rows { constant, far, .. } = ended(&bar, rows)?;
        found.constant.extend(constant.iter().map(|row| subject * n + row));
        found.far.extend(far.iter().map(|row| subject * n + row));
    }
    bar.finish();
    writer.finish()?;
    let what = format!("f32{extents:?}");
    Ok(Written::of_panels(what, found))
}

/// The result, with the bar taken away where it is an error.
fn ended<T>(bar: &Progress, result: Result<T>) -> Result<T> {
    result.inspect_err(|_| bar.finish())
}
