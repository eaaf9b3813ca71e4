//! `tapetum connectivity`.

use super::{Common, Done};
use crate::data::{self, Layout, Series};
use crate::{Error, HostTensor, Result, Tape};
use serde_json::json;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Axes {
    TimeRegions,
    RegionsTime,
}

impl Connectivity {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        if self.fisher_z && self.kind == Kind::Covariance {
            return Err(Error::argument("--fisher-z is of correlations: leave it out, or take --kind correlation"));
        }
        if self.out.extension().is_none_or(|e| e != "npy") {
            return Err(Error::file(&self.out, "an output ending in .npy expected"));
        }
        let layout = match self.layout {
            Axes::TimeRegions => Layout::TimeRegions,
            Axes::RegionsTime => Layout::RegionsTime,
        };
        let series = data::read_series(&self.series, layout)?;
        let shape = series.values.shape();
        let [regions, frames] = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
        let subjects: usize = shape[..shape.rank() - 2].iter().product();
        if frames < 2 {
            return Err(Error::file(&self.series, format!("{frames} frame: at least 2 are needed for a {:?}", self.kind).to_lowercase()));
        }
        let warnings = warnings(&series, [regions, frames])?;
        let device = common.device()?;
        let matrices = self.compute(&device, &series.values)?;
        data::write_npy(&self.out, &matrices)?;
        for warning in &warnings {
            eprintln!("warning: {}: {warning}", self.series.display());
        }
        let json = json!({
            "series": self.series, "out": self.out, "device": device.name(), "kind": format!("{:?}", self.kind).to_lowercase(),
            "fisher_z": self.fisher_z, "subjects": subjects, "frames": frames, "regions": regions, "warnings": warnings,
        });
        common.print(&json, || {
            let of = if subjects == 1 { String::new() } else { format!("{subjects} subjects of ") };
            format!("{of}{frames} frames, {regions} regions -> {} {}", self.out.display(), matrices.ty())
        });
        Ok(Done::Well)
    }

    fn compute(&self, device: &crate::Device, series: &HostTensor) -> Result<HostTensor> {
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let r = match self.kind {
            Kind::Covariance => tape.covariance(x, None, 1)?,
            Kind::Correlation => tape.correlation(x, None, self.fisher_z)?,
        };
        let mut program = device.compile(&tape, &[r])?;
        program.write(x, series)?;
        program.step()?;
        program.read(r)
    }
}

/// What a user should know of the series before trusting the result.
fn warnings(series: &Series, [regions, frames]: [usize; 2]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    if frames < regions {
        found.push(format!("fewer frames ({frames}) than regions ({regions}): the matrix is singular; is the layout right?"));
    }
    let rows = series.values.elements::<f32>()?;
    let constant = |i: &usize| rows[i * frames..(i + 1) * frames].windows(2).all(|w| w[0] == w[1]);
    let flat: Vec<String> = (0..rows.len() / frames).filter(constant).map(|i| name(series, i, regions)).collect();
    if !flat.is_empty() {
        let more = if flat.len() > 10 { format!(" and {} more", flat.len() - 10) } else { String::new() };
        let listed = flat.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        found.push(format!("constant series get zeros: {listed}{more}"));
    }
    Ok(found)
}

fn name(series: &Series, row: usize, regions: usize) -> String {
    let region = match series.names.as_ref().and_then(|n| n.get(row % regions)) {
        Some(name) => format!("`{name}`"),
        None => format!("region {}", row % regions),
    };
    if series.values.shape().rank() > 2 { format!("subject {} {region}", row / regions) } else { region }
}
