//! `tapetum connectivity`.

use super::{Axes, Common, Done, note};
use crate::data::{self, Series};
use crate::{Error, HostTensor, Result, Tape};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Connectivity {
    /// Series: `.npy` of 2 axes, or 3 with subjects first; or `.csv` or `.tsv` whose rows are time, with or without a header.
    series: PathBuf,
    /// Where the matrices go, f32 `[.., regions, regions]`.
    #[arg(short, long, value_name = "OUT.npy")]
    out: PathBuf,
    /// What to compute; covariance divides by T - 1.
    #[arg(long, value_enum, default_value_t = Kind::Correlation)]
    kind: Kind,
    /// Fisher's z of the correlations, the diagonal 0.
    #[arg(long)]
    fisher_z: bool,
    /// The axes of the file, after subjects.
    #[arg(long, value_enum, default_value_t = Axes::TimeRegions)]
    layout: Axes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Covariance,
    Correlation,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Covariance => "covariance",
            Self::Correlation => "correlation",
        }
    }
}

impl Connectivity {
    pub(super) fn agrees(&self) -> Result<(), &'static str> {
        match (self.fisher_z, self.kind) {
            (true, Kind::Covariance) => Err("--fisher-z is of correlations: leave it out, or take --kind correlation"),
            _ => Ok(()),
        }
    }

    pub(super) fn run(self, common: &Common) -> Result<Done> {
        self.check_out()?;
        let series = data::read_series(&self.series, self.layout.layout())?;
        let shape = series.values.shape();
        let [regions, frames] = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
        let subjects: usize = shape[..shape.rank() - 2].iter().product();
        if frames < 2 {
            return Err(Error::file(&self.series, format!("{frames} frame: at least 2 are needed for a {}", self.kind.name())));
        }
        let warnings = self.warnings(&series, [regions, frames])?;
        let device = common.device()?;
        let matrices = self.compute(&device, &series.values)?;
        data::write_npy(&self.out, &matrices)?;
        common.say(&device);
        for warning in &warnings {
            note(&format!("warning: {}: {warning}", self.series.display()));
        }
        let json = json!({
            "series": self.series.display().to_string(), "out": self.out.display().to_string(), "device": device.name(),
            "kind": self.kind.name(), "fisher_z": self.fisher_z, "subjects": subjects, "frames": frames, "regions": regions,
            "warnings": warnings,
        });
        common.print(&json, || {
            let of = if subjects == 1 { String::new() } else { format!("{subjects} subjects of ") };
            format!("{of}{frames} frames, {regions} regions -> {} {}", self.out.display(), matrices.ty())
        })?;
        Ok(Done::Well)
    }

    fn check_out(&self) -> Result<()> {
        if self.out.extension().is_none_or(|e| !e.eq_ignore_ascii_case("npy")) {
            return Err(Error::file(&self.out, "an output ending in .npy expected"));
        }
        match (fs::canonicalize(&self.out), fs::canonicalize(&self.series)) {
            (Ok(out), Ok(series)) if out == series => {
                Err(Error::file(&self.out, "the output would replace the series: another name expected"))
            }
            _ => Ok(()),
        }
    }

    fn compute(&self, device: &crate::Device, series: &HostTensor) -> Result<HostTensor> {
        let series = &match self.kind {
            Kind::Covariance => series.clone(),
            Kind::Correlation => balanced(series)?,
        };
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let r = match self.kind {
            Kind::Covariance => tape.covariance(x, None, 1)?,
            Kind::Correlation => tape.correlation(x, None, self.fisher_z)?,
        };
        let mut program = device.compile(&tape, &[r])?;
        program.write(x, series)?;
        program.step()?;
        let matrices = program.read(r)?;
        match self.beyond_range(series, &matrices)? {
            Some(what) => Err(Error::file(&self.series, format!("{what} for their {} in f32: other units are expected", self.kind.name()))),
            None => Ok(matrices),
        }
    }

    /// Whether single precision lost the result, and how.
    fn beyond_range(&self, series: &HostTensor, matrices: &HostTensor) -> Result<Option<&'static str>> {
        let (found, n) = (matrices.elements::<f32>()?, matrices.shape()[matrices.shape().rank() - 1]);
        if found.iter().any(|x| !x.is_finite()) {
            return Ok(Some("values too large"));
        }
        let time = series.shape()[series.shape().rank() - 1];
        let variances = (0..found.len() / n).map(|row| found[row * n + row % n]);
        let rows = series.elements::<f32>()?.chunks_exact(time);
        let lost = rows.zip(variances).any(|(row, v)| v < f32::MIN_POSITIVE && !constant(row, self.kind));
        Ok((self.kind == Kind::Covariance && lost).then_some("values too small"))
    }

    /// What a user should know of the series before trusting the result.
    fn warnings(&self, series: &Series, [regions, frames]: [usize; 2]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        if frames < regions {
            found.push(format!("fewer frames ({frames}) than regions ({regions}): the matrix is singular; is the layout right?"));
        }
        let rows = series.values.elements::<f32>()?;
        if self.of_table() {
            found.extend(doubtful_header(series.names.as_deref(), rows, frames));
        }
        let flat = |i: &usize| constant(&rows[i * frames..(i + 1) * frames], self.kind);
        let flat: Vec<String> = (0..rows.len() / frames).filter(flat).map(|i| name(series, i, regions)).collect();
        if !flat.is_empty() {
            let more = if flat.len() > 10 { format!(" and {} more", flat.len() - 10) } else { String::new() };
            let listed = flat.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            found.push(format!("constant series get zeros: {listed}{more}"));
        }
        Ok(found)
    }

    /// Whether the series come from a table with regions in columns.
    fn of_table(&self) -> bool {
        self.layout == Axes::TimeRegions && self.series.extension().is_some_and(|e| !e.eq_ignore_ascii_case("npy"))
    }
}

/// Rows whose squares f32 would not hold, times the power of two that brings their largest value near 1: exact, and their correlations
/// are the same. Files hold such values where a missing one is marked by 1e20, or currents are in amperes.
fn balanced(series: &HostTensor) -> Result<HostTensor> {
    let time = series.shape()[series.shape().rank() - 1];
    let mut values = series.elements::<f32>()?.to_vec();
    for row in values.chunks_exact_mut(time) {
        let largest = f64::from(row.iter().fold(0.0, |m: f32, x| m.max(x.abs())));
        if largest > 0.0 && !(1e-12..1e12).contains(&largest) {
            let factor = (-largest.log2().floor()).exp2();
            row.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32);
        }
    }
    HostTensor::f32(series.shape(), values)
}

/// A first row that is not surely what it was taken for. Tables written by programs are often headed 0, 1, 2, …
fn doubtful_header(names: Option<&[String]>, rows: &[f32], frames: usize) -> Option<String> {
    let Some(names) = names else {
        let counts = |from: f32| rows.iter().step_by(frames).enumerate().all(|(i, x)| *x == from + i as f32);
        let many = rows.len() > 2 * frames;
        return (many && (counts(0.0) || counts(1.0)))
            .then(|| "the first row counts the columns and was read as a frame: if it is a header, remove it".to_owned());
    };
    let number = names.iter().find(|n| n.parse::<f64>().is_ok())?;
    Some(format!("the first row was read as a header, and holds the number {number}: if it is a frame, mend the cell that is no number"))
}

/// Whether a row gets zeros: for correlations by the rule of the op, Σ(x − μ)² ≤ (8 ε max|x|)² T with ε of f32; a covariance is zero
/// only where the row is.
fn constant(row: &[f32], kind: Kind) -> bool {
    if kind == Kind::Covariance {
        return row.iter().all(|x| *x == row[0]);
    }
    let time = row.len() as f64;
    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / time;
    let power: f64 = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    let largest = row.iter().fold(0.0, |m: f64, &x| m.max(f64::from(x).abs()));
    power <= (8.0 * f64::from(f32::EPSILON) * largest).powi(2) * time
}

fn name(series: &Series, row: usize, regions: usize) -> String {
    let region = match series.names.as_ref().and_then(|n| n.get(row % regions)) {
        Some(name) => format!("`{name}`"),
        None => format!("region {} (counted from 0)", row % regions),
    };
    if series.values.shape().rank() > 2 { format!("subject {} {region}", row / regions) } else { region }
}
