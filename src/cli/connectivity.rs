//! `tapetum connectivity`.

mod compute;
mod warnings;

use super::common::{Axes, Common, Done, Tables, note, say_table, table_json};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::data::{self, Series};
use crate::{Error, Result};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Connectivity {
    /// Series: `.npy` (or the one array of a `.npz`; `FILE.npz:NAME` names one of several) of 2 axes, or 3 with subjects first; `.csv` or
    /// `.tsv` whose rows are time, with or without a header; `.func.gii`, a region a vertex; or an image over time, `.nii` or `.nii.gz`, by an atlas.
    series: PathBuf,
    /// The atlas by which an image has series: an image of labels, or of maps along its fourth axis, of the same voxels.
    #[arg(long, value_name = "IMAGE")]
    atlas: Option<PathBuf>,
    /// Where the matrices go, f32 `[.., regions, regions]`.
    #[arg(short, long, value_name = "OUT.npy")]
    out: PathBuf,
    /// What to compute; covariance divides by T - 1.
    #[arg(long, value_enum, default_value_t = Kind::Correlation)]
    kind: Kind,
    /// How the covariance is shrunk: `none`, `ledoit-wolf` or `oas` as in scikit-learn, or `ridge=X`, added to its diagonal. As in
    /// nilearn, series are standardised before that for a correlation alone [default: none; ledoit-wolf for tangent].
    #[arg(long, value_parser = shrinkage)]
    shrinkage: Option<Shrinkage>,
    /// Fisher's z of the correlations, the diagonal 0.
    #[arg(long)]
    fisher_z: bool,
    /// The axes of the file, after subjects.
    #[arg(long, value_enum, default_value_t = Axes::TimeRegions)]
    layout: Axes,
    #[command(flatten)]
    tables: Tables,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Pearson's
    Correlation,
    /// Of the series as they are, in their units squared
    Covariance,
    /// Of two regions given all others, from the inverse covariance
    PartialCorrelation,
    /// The inverse covariance
    Precision,
    /// Of a group: each subject's covariance as seen from their geometric mean, as nilearn's `tangent`
    Tangent,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Correlation => "correlation",
            Self::Covariance => "covariance",
            Self::PartialCorrelation => "partial-correlation",
            Self::Precision => "precision",
            Self::Tangent => "tangent",
        }
    }
}

/// `none`, `ledoit-wolf`, `oas` or `ridge=X`.
fn shrinkage(text: &str) -> Result<Shrinkage, String> {
    match text.split_once('=') {
        None if text == "none" => Ok(Shrinkage::None),
        None if text == "ledoit-wolf" => Ok(Shrinkage::LedoitWolf),
        None if text == "oas" => Ok(Shrinkage::Oas),
        Some(("ridge", x)) => match x.parse::<f32>() {
            Ok(ridge) if ridge >= 0.0 && ridge.is_finite() => Ok(Shrinkage::Ridge(ridge)),
            _ => Err(format!("ridge={x}: a number of 0 or more is expected")),
        },
        _ => Err("none, ledoit-wolf, oas or ridge=X is expected".to_owned()),
    }
}

fn shrinkage_name(shrinkage: Shrinkage) -> String {
    match shrinkage {
        Shrinkage::None => "none".into(),
        Shrinkage::Ridge(ridge) => format!("ridge={ridge}"),
        Shrinkage::LedoitWolf => "ledoit-wolf".into(),
        Shrinkage::Oas => "oas".into(),
    }
}

impl Connectivity {
    pub(super) fn agrees(&self) -> Result<(), &'static str> {
        match (self.fisher_z, self.kind) {
            (true, Kind::Covariance | Kind::Precision | Kind::Tangent) => {
                Err("--fisher-z is of correlations: leave it out, or take --kind correlation or partial-correlation")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn run(self, common: &Common) -> Result<Done> {
        self.check_out()?;
        let series = self.read()?;
        let shape = series.values.shape();
        let [regions, frames] = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
        let subjects: usize = shape[..shape.rank() - 2].iter().product();
        if frames < 2 {
            return Err(Error::file(&self.series, format!("{frames} frame: at least 2 are needed for a {}", self.kind.name())));
        }
        if self.kind == Kind::Tangent && subjects < 2 {
            let what = format!("{subjects} subject: --kind tangent is of a group, [subjects, time, regions] of at least 2 is expected");
            return Err(Error::file(&self.series, what));
        }
        let mut warnings = self.warnings(&series, [regions, frames])?;
        let device = common.device()?;
        let compute::Matrices { values: matrices, residual } = self.compute(&device, &series.values)?;
        warnings.extend(self.left_out(&series, &matrices)?);
        warnings.extend(
            residual
                .filter(|r| *r > compute::CONVERGED * regions as f32)
                .map(|r| format!("the geometric mean has not converged: a step of length {r:.1e} is left")),
        );
        data::write_npy(&self.out, &matrices)?;
        common.say(&device);
        say_table(&self.series, &series);
        for warning in &warnings {
            note(&format!("warning: {}: {warning}", self.series.display()));
        }
        let json = json!({
            "series": self.series.display().to_string(), "out": self.out.display().to_string(), "device": device.name(),
            "kind": self.kind.name(), "shrinkage": shrinkage_name(self.shrinkage()), "fisher_z": self.fisher_z, "residual": residual,
            "subjects": subjects, "frames": frames, "regions": regions, "table": table_json(&series),
            "warnings": warnings,
        });
        common.print(&json, || {
            let of = if subjects == 1 { String::new() } else { format!("{subjects} subjects of ") };
            format!("{of}{frames} frames, {regions} regions -> {} {}", self.out.display(), matrices.ty())
        })?;
        Ok(Done::Well)
    }

    fn read(&self) -> Result<Series> {
        match &self.atlas {
            Some(atlas) if data::is_nifti(&self.series) => data::atlas_series(&self.series, atlas),
            Some(_) => Err(Error::file(&self.series, "--atlas is for images: .nii or .nii.gz is expected")),
            None => data::read_series(&self.series, self.tables.options(self.layout)),
        }
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

    /// Whether the result does not depend on each region's unit.
    fn scale_free(&self) -> bool {
        self.kind == Kind::Correlation || self.kind == Kind::PartialCorrelation && self.shrinkage() == Shrinkage::None
    }

    /// What was asked for, or what the kind takes.
    fn shrinkage(&self) -> Shrinkage {
        self.shrinkage.unwrap_or(if self.kind == Kind::Tangent { Shrinkage::LedoitWolf } else { Shrinkage::None })
    }
}
