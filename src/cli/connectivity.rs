//! `tapetum connectivity`.

mod report;

use super::cohort::{self, Input};
use super::common::{Common, Done, note};
use super::large::{Keep, Written, in_panels, keep, write_in_panels};
use super::source::apart;
use super::subjects;
use crate::connectome::connectivity::mean::Ended;
use crate::connectome::connectivity::measure::{Connectivity as Measure, Kind};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::data::{self, Connectome, Content, Format, Series};
use crate::file::OutputFolder;
use crate::host::Precision;
use crate::{Device, Error, HostTensor, Result};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use report::Page;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Connectivity {
    #[command(flatten)]
    input: Input,
    /// The file for the matrices, f32 `[.., regions, regions]`: `.npy` (with the regions' names beside it in a `.names.txt`) or `.npz`; for one
    /// subject also `.tsv` or `.csv`, with the names in its header and first column. A file with an array for each subject by name (`.npz`,
    /// `FILE.h5:/group`, `FILE.mat:NAME`) gives a matrix for each, in the order of names, and `.npz` has the names in its array `subjects`.
    /// With --bids, the folder for the results.
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// Keep part of a matrix that would be too large, which is never made as a whole: `top-k=N`, the N strongest edges of each region, by
    /// value and not by magnitude; `threshold=R`, the pairs whose value is R or greater, each once; or `degree=R`, the number of others with
    /// which a region's value is R or greater. Edges go to `.npz`, as `scipy.sparse.load_npz` reads it, or to a `.tsv` or `.csv` of source,
    /// target and weight; degrees to `.npy`, `.tsv` or `.csv`. Regions that are constant or have no value have no edges.
    #[arg(long, value_name = "top-k=N|threshold=R|degree=R", value_parser = keep, conflicts_with = "bids")]
    keep: Option<Keep>,
    /// The matrices to compute; covariance divides by T - 1. With --bids, several kinds may be given: correlation,tangent.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 1, default_value = "correlation", value_name = "KIND")]
    kind: Vec<Kind>,
    /// Shrinkage of the covariance: `none`, `ledoit-wolf` or `oas` as in scikit-learn, or `ridge=X`, which adds X to its diagonal. As in
    /// nilearn, only a correlation standardises the series first [default: none; ledoit-wolf for tangent].
    #[arg(long, value_parser = shrinkage)]
    shrinkage: Option<Shrinkage>,
    /// Write Fisher's z of the correlations, with 0 on the diagonal.
    #[arg(long)]
    fisher_z: bool,
    /// Tolerance of the tangent's geometric mean: it has converged where the next step is no longer than this [default: 1e-7 times the
    /// number of entries, as in nilearn, where --shrinkage is not given either; otherwise 1e-10]. nilearn stops 1e-5 to 1e-4 short of the
    /// mean for a hundred regions: the default agrees with nilearn to 1e-6, and 1e-10 gives the mean itself.
    #[arg(long, value_name = "X", value_parser = positive)]
    tolerance: Option<f64>,
    /// Write the tangents even where the geometric mean has not converged.
    #[arg(long)]
    unconverged: bool,
    /// The folder for a report: the matrix as a picture with the regions in the order of clusters, the strongest connections by name, and
    /// the warnings.
    #[arg(long, value_name = "DIR", conflicts_with = "bids")]
    report: Option<PathBuf>,
}

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Correlation => "Pearson's",
            Self::Covariance => "Of the series as they are, in their units squared",
            Self::PartialCorrelation => "Of two regions given all others, from the inverse covariance",
            Self::Precision => "The inverse covariance",
            Self::Tangent => "Of a group: each subject's covariance as seen from their geometric mean, as nilearn's `tangent`",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|x| *x > 0.0 && x.is_finite()).ok_or_else(|| "a number above 0 is expected".to_owned())
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

fn is_correlation(kind: Kind) -> bool {
    matches!(kind, Kind::Correlation | Kind::PartialCorrelation)
}

pub(super) fn shrinkage_name(shrinkage: Shrinkage) -> String {
    match shrinkage {
        Shrinkage::None => "none".into(),
        Shrinkage::Ridge(ridge) => format!("ridge={ridge}"),
        Shrinkage::LedoitWolf => "ledoit-wolf".into(),
        Shrinkage::Oas => "oas".into(),
    }
}

impl Connectivity {
    pub(super) fn agrees(&self) -> Result<(), &'static str> {
        if !self.kind.contains(&Kind::Tangent) && (self.tolerance.is_some() || self.unconverged) {
            return Err("--tolerance and --unconverged are of --kind tangent: leave them out");
        }
        if self.fisher_z && !self.kind.iter().any(|kind| is_correlation(*kind)) {
            return Err("--fisher-z is of correlations: leave it out, or take --kind correlation or partial-correlation");
        }
        if self.kind.len() > 1 && !self.input.tree.is_given() {
            return Err("several kinds are for --bids, which writes a file of each: one kind is expected for a file");
        }
        if self.kind.iter().enumerate().any(|(i, kind)| self.kind[..i].contains(kind)) {
            return Err("--kind names a kind twice");
        }
        if self.keep.is_some() && self.report.is_some() {
            return Err("--report is of whole matrices: leave it or --keep out");
        }
        self.keep.map_or(Ok(()), |keep| keep.agrees(&self.only()))
    }

    pub(super) fn run(self, common: &Common) -> Result<Done> {
        if let Some(found) = self.input.find(&common.ranks)? {
            return cohort::connectivity(&self, found, common);
        }
        self.check_out()?;
        if let Some(cohort) = common.ranks.agree(self.input.source.cohort())? {
            return subjects::connectivity(&self, &cohort, common);
        }
        if common.ranks.is_first() { self.of_array(common) } else { Ok(Done::Well) }
    }

    /// Computes and writes the matrices of one array, which are not spread over ranks.
    fn of_array(self, common: &Common) -> Result<Done> {
        let measure = self.only();
        let series = self.input.source.read()?;
        let shape = series.values.shape();
        let [regions, frames] = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
        let subjects: usize = shape[..shape.rank() - 2].iter().product();
        if frames < 2 {
            return Err(Error::file(
                self.input.source.path(),
                format!("{frames} frame: at least 2 are needed for a {}", measure.kind.name()),
            ));
        }
        let folder = self.report.as_ref().map(OutputFolder::new).transpose()?;
        let computed = common.compute(|device| self.write(&measure, device, &series)).map_err(|e| match e {
            Error::Argument { .. } | Error::Op { .. } => Error::file(self.input.source.path(), e),
            other => other,
        })?;
        let (made, device) = (&computed.value, &computed.device);
        common.say_computed(&computed);
        self.input.source.say(&series);
        let warnings = self.warnings(&measure, &series, made);
        let reported = match (folder, &made.whole) {
            (Some(folder), Some(matrices)) => {
                self.report(folder, &series, matrices, &warnings)?;
                true
            }
            (Some(_), None) => {
                note("no report is written: the matrices are too large to be held");
                false
            }
            (None, _) => false,
        };
        for warning in &warnings {
            note(&format!("warning: {}: {warning}", self.input.source.path().display()));
        }
        let mut json = json!({
            "out": self.out.display().to_string(), "device": device.name(),
            "cooperative": device.cooperative(),
            "kind": measure.kind.name(), "shrinkage": shrinkage_name(measure.shrinkage()), "fisher_z": measure.fisher_z,
            "precision": precision(made.precision), "condition": made.condition,
            "residual": made.mean.map(|m| m.residual), "mean": made.mean.map(ended),
            "keep": self.keep.map(Keep::text), "edges": made.edges, "subjects": subjects, "frames": frames, "regions": regions,
            "warnings": warnings, "report": self.report.as_ref().filter(|_| reported).map(|report| report.display().to_string()),
        });
        self.input.source.describe(&mut json, &series);
        common.print(&json, || {
            let of = if subjects == 1 { String::new() } else { format!("{subjects} subjects of ") };
            let how = if made.precision == Precision::F64 { ", in f64 on the host" } else { "" };
            format!("{of}{frames} frames, {regions} regions -> {} {}{how}", self.out.display(), made.what)
        })?;
        Ok(Done::Well)
    }

    /// Computes what is asked for and writes it.
    fn write(&self, measure: &Measure, device: &Device, series: &Series) -> Result<Written> {
        if let Some(keep) = self.keep {
            return keep.write(measure, device, series, &self.out);
        }
        if in_panels(measure, device, series, &self.out)? {
            return write_in_panels(measure, device, series, &self.out);
        }
        let made = measure.compute_present(device, &series.values, &series.missing)?;
        let connectome = Connectome::new(made.values.clone(), series.names.clone())?;
        let connectome = Connectome { parcels: series.parcels().cloned(), ..connectome };
        data::write_connectome(&self.out, &connectome)?;
        Ok(Written::of(made))
    }

    /// Writes the report of the matrices.
    fn report(&self, mut folder: OutputFolder, series: &Series, matrices: &HostTensor, warnings: &[String]) -> Result<()> {
        let (regions, frames) = (series.regions(), series.values.shape().last().copied().unwrap_or(0));
        let of = match series.missing.len() / regions.max(1) {
            1 => "1 subject".to_owned(),
            subjects => format!("{subjects} subjects"),
        };
        let (file, quantity) = (self.input.source.path().display(), Self::quantity(&self.only()));
        let page = Page {
            intro: format!("{file}: {quantity} of {of} of {frames} frames and {regions} regions, in {}.", self.out.display()),
            quantity,
            names: series.names.clone().unwrap_or_else(|| (0..regions).map(|region| region.to_string()).collect()),
            values: matrices.elements::<f32>()?,
            warnings,
        };
        page.add_to(&mut folder)?;
        folder.commit().map(drop)
    }

    /// The measures that are asked for.
    pub(super) fn measures(&self) -> Vec<Measure> {
        self.kind.iter().map(|kind| self.measure(*kind)).collect()
    }

    /// The measure of a file, which has one kind.
    pub(super) fn only(&self) -> Measure {
        self.measure(self.kind.first().copied().unwrap_or(Kind::Correlation))
    }

    fn measure(&self, kind: Kind) -> Measure {
        let mut measure = Measure::new(kind);
        measure.shrinkage = self.shrinkage;
        measure.fisher_z = self.fisher_z && is_correlation(kind);
        measure.tolerance = self.tolerance;
        measure.unconverged = self.unconverged;
        measure
    }

    /// The quantity that the matrices hold, in words.
    fn quantity(measure: &Measure) -> String {
        let kind = measure.kind.name().replace('-', " ");
        if measure.fisher_z { format!("Fisher's z of the {kind}") } else { kind }
    }

    /// The warnings that a user should read before trusting the matrices.
    pub(super) fn warnings(&self, measure: &Measure, series: &Series, made: &Written) -> Vec<String> {
        let doubt = measure.doubt(&series.values).filter(|_| self.keep.is_none());
        let mut found: Vec<String> = doubt.into_iter().collect();
        found.extend(series.read_as.iter().flat_map(|read_as| read_as.doubts.clone()));
        found.extend(series.missing_warning());
        found.extend(made.rows.warnings(measure.kind, |row| series.row_name(row)));
        if let Some(mean) = made.mean.filter(|m| !m.converged) {
            found.push(format!("the geometric mean has not converged: a step of length {:.1e} is left", mean.residual));
        }
        if made.condition.is_some_and(|c| !c.is_finite()) {
            found.push("the condition is no finite number: what was inverted is not".to_owned());
        }
        found
    }

    /// True where whole matrices are asked for, without a report.
    pub(super) fn is_plain(&self) -> bool {
        self.keep.is_none() && self.report.is_none()
    }

    /// The file of series.
    pub(super) fn series(&self) -> &Path {
        self.input.source.path()
    }

    /// The file or the folder for the results.
    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    fn check_out(&self) -> Result<()> {
        Format::written_as(&self.out, self.keep.map_or(Content::Connectome, Keep::content))?;
        apart(&self.out, self.input.source.files())
    }
}

pub(super) fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::F64 => "f64",
    }
}

pub(super) fn ended(mean: Ended) -> Value {
    json!({ "steps": mean.steps, "residual": mean.residual, "tolerance": mean.tolerance, "converged": mean.converged })
}
