//! `tapetum denoise`.

use super::cohort::{self, Input};
use super::common::{Common, Done, note};
use super::source::apart;
use crate::connectome::confounds::denoise::{Denoise as Settings, Denoised};
use crate::connectome::confounds::{Confounds, Selection, Strategy, censor};
use crate::connectome::signal::butterworth::Band;
use crate::data::{self, Content, Format, Series};
use crate::{Device, Error, HostTensor, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("tables").args(["confounds", "bids"]).multiple(true))]
pub(super) struct Denoise {
    #[command(flatten)]
    input: Input,
    /// The file for the clean series, in the layout of the input: `.npy` (f32, with the regions' names beside it in a
    /// `.names.txt`), `.npz`, `.csv` or `.tsv`. With --bids, the folder for the results.
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// The confounds of the run, as fMRIPrep writes them; a `.json` of the same name gives the masks of CompCor's columns. With --bids, the
    /// tree that holds the confounds [default: the tree of the series].
    #[arg(long, value_name = "TSV", required_unless_present_any = ["none", "bids"])]
    confounds: Option<PathBuf>,
    /// Confounds by the name of a model. `scrubbing` censors frames too.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(Strategy::ALL.map(Strategy::name)))]
    strategy: Option<String>,
    /// Confounds by the names of columns in the table.
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', num_args = 1, conflicts_with = "strategy")]
    columns: Vec<String>,
    /// Confounds by a formula, such as `dd1((rps + wm + csf + gsr)^^2)`.
    #[arg(long, value_name = "F", conflicts_with_all = ["strategy", "columns"])]
    formula: Option<String>,
    /// No confounds: only an intercept and the regressors of other options are regressed out.
    #[arg(long, conflicts_with_all = ["strategy", "columns", "formula"])]
    none: bool,
    /// Remove a linear trend as well.
    #[arg(long)]
    detrend: bool,
    /// Seconds from one frame to the next, for --band [default: those that the file of series states, as images do, or its sidecar in a BIDS tree].
    #[arg(long, value_name = "S", requires = "band")]
    tr: Option<f64>,
    /// Keep frequencies from LOW to HIGH hertz of series and confounds: Butterworth, order 5, forward and backward.
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"])]
    band: Option<Vec<f64>>,
    /// Censor frames whose framewise displacement is above MM millimetres: they are left out of the fit and of OUT.
    #[arg(long, value_name = "MM", requires = "tables")]
    censor_fd: Option<f64>,
    /// Keep the volumes at the beginning that the table marks as not in the steady state (`non_steady_state_outlier..`). Without this
    /// option they are removed, whatever the model.
    #[arg(long)]
    keep_non_steady_state: bool,
    /// Add each region's mean over the frames kept to its residual.
    #[arg(long)]
    keep_mean: bool,
}

impl Denoise {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        if !self.input.tree.is_given() {
            self.check_out()?;
        }
        self.settings()?;
        self.tr.map_or(Ok(None), |tr| self.band_at(tr))?;
        if let Some(found) = self.input.find(&common.ranks)? {
            return cohort::denoise(&self, found, common);
        }
        if common.ranks.is_first() { self.of_run(common) } else { Ok(Done::Well) }
    }

    /// Denoises one run, which is not spread over ranks.
    fn of_run(self, common: &Common) -> Result<Done> {
        let series = self.input.source.read()?;
        let series = Series { values: self.one_run(&series)?, ..series };
        let [regions, time] = [series.values.shape()[0], series.values.shape()[1]];
        let table = self.confounds.as_ref().map_or_else(|| Ok(Confounds::default()), data::read_confounds)?;
        let of = self.confounds.as_deref().unwrap_or(self.input.source.path());
        let computed = common.compute(|device| self.clean(device, &series, &table, [of, self.input.source.path()]))?;
        let (cleaned, device) = (&computed.value, &computed.device);
        let written = Series { values: cleaned.clean.series.clone(), ..series.clone() };
        data::write_series(&self.out, &written, self.input.source.layout())?;
        common.say_computed(&computed);
        self.input.source.say(&series);
        let warnings = self.input.source.warn(&series)?;
        let frames = cleaned.frames();
        let mut json = json!({
            "confounds": self.confounds.as_ref().map(|path| path.display().to_string()),
            "out": self.out.display().to_string(), "device": device.name(), "columns": cleaned.clean.columns, "regions": regions,
            "frames": time, "kept": frames, "censored": cleaned.censored(), "non_steady_state": cleaned.early,
            "rank": cleaned.clean.rank, "tr": cleaned.tr, "degrees_of_freedom": frames - cleaned.clean.rank, "warnings": warnings,
        });
        self.input.source.describe(&mut json, &series);
        common.print(&json, || {
            let of = if frames < time { format!("{frames} of {time} frames kept") } else { format!("{time} frames") };
            let columns = cleaned.clean.columns.len();
            format!("{of}, {regions} regions, {columns} confounds, rank {} -> {}", cleaned.clean.rank, self.out.display())
        })?;
        self.remark(&series, &table, &cleaned.early);
        Ok(Done::Well)
    }

    /// Cleans series `[regions, time]` with a table of confounds. Errors name the files of the confounds and of the series.
    pub(super) fn clean(&self, device: &Device, series: &Series, table: &Confounds, [of, from]: [&Path; 2]) -> Result<Cleaned> {
        let mut settings = self.settings()?;
        settings.band = self.step(from, series)?.map_or(Ok(None), |step| self.band_at(step))?;
        let time = series.values.shape().last().copied().unwrap_or(0);
        let model = settings.model(table, time).map_err(|e| Error::file(of, e))?;
        let clean = model.clean(device, &series.values).map_err(|e| match e {
            Error::Argument { .. } | Error::Op { .. } => Error::file(from, e),
            other => other,
        })?;
        let early = if self.keep_non_steady_state { Vec::new() } else { unmarked(&censor::steady_state(table)?) };
        Ok(Cleaned { clean, early, tr: settings.band.map(|(_, tr)| tr) })
    }

    /// Prints remarks about a run that succeeded.
    fn remark(&self, series: &Series, table: &Confounds, early: &[usize]) {
        if let Some(what) = self.differs(series) {
            note(&format!("{}: {what}", self.input.source.path().display()));
        }
        if self.none {
            note("--none: no confounds were regressed out");
        }
        if !early.is_empty() {
            let count = early.len();
            note(&format!("{count} volumes before the steady state were left out (frames {early:?}); --keep-non-steady-state keeps them"));
        }
        if let Some(fault) = &table.sidecar {
            note(&format!("{fault}; nothing of it was needed"));
        }
    }

    /// The message that `--tr` is not what the file or its sidecar states.
    pub(super) fn differs(&self, series: &Series) -> Option<String> {
        let (tr, step) = self.tr.zip(series.step)?;
        let near = (tr - step).abs() <= 1e-3 * step;
        (!near).then(|| format!("--tr {tr} is taken, where {step} s are stated"))
    }

    fn settings(&self) -> Result<Settings> {
        if let Some(limit) = self.censor_fd.filter(|limit| limit.is_nan() || *limit <= 0.0) {
            return Err(Error::argument(format!("--censor-fd {limit}: a positive number of millimetres is expected")));
        }
        let strategy = Strategy::ALL.into_iter().find(|s| self.strategy.as_deref() == Some(s.name()));
        let confounds = match (strategy, &self.formula) {
            (Some(strategy), _) => Selection::Strategy(strategy),
            (_, Some(text)) => Selection::Formula(text.clone()),
            _ if !self.columns.is_empty() => Selection::Columns(self.columns.clone()),
            _ if self.none => Selection::None,
            _ => {
                let what = "no confounds are chosen: one of --strategy NAME, --columns A,B,.. and --formula F expected, or --none";
                return Err(Error::argument(what));
            }
        };
        Ok(Settings {
            confounds,
            detrend: self.detrend,
            band: None,
            censor_fd: self.censor_fd,
            keep_non_steady_state: self.keep_non_steady_state,
            keep_mean: self.keep_mean,
        })
    }

    /// The band to keep, checked against a repetition time.
    fn band_at(&self, step: f64) -> Result<Option<(Band, f64)>> {
        let Some(&[low, high]) = self.band.as_deref() else { return Ok(None) };
        let band = Band::Pass(low, high).checked(step).map_err(|e| Error::argument(format!("--band: {e}")))?;
        Ok(Some((band, step)))
    }

    /// The repetition time: that of `--tr`, else that of the file of series. It is needed for a band alone.
    fn step(&self, from: &Path, series: &Series) -> Result<Option<f64>> {
        match self.tr.or(series.step) {
            None if self.band.is_some() => {
                let what = "--band needs the repetition time, which the file does not state: --tr S is expected";
                Err(Error::file(from, what))
            }
            step => Ok(step),
        }
    }

    /// The file or the folder for the results.
    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// The file of confounds; with a BIDS tree, the tree that holds them.
    pub(super) fn confounds(&self) -> Option<&Path> {
        self.confounds.as_deref()
    }

    /// True where no confounds are regressed out and no frames are censored by them.
    pub(super) fn is_without_confounds(&self) -> bool {
        self.none && self.censor_fd.is_none() && self.confounds.is_none()
    }

    /// The seconds from frame to frame that are given.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.tr
    }

    /// The settings, for a sidecar.
    pub(super) fn described(&self) -> Value {
        json!({
            "Strategy": self.strategy, "Columns": self.columns, "Formula": self.formula, "Detrend": self.detrend, "BandHertz": self.band,
            "FramewiseDisplacementLimit": self.censor_fd, "KeepNonSteadyState": self.keep_non_steady_state, "KeepMean": self.keep_mean,
        })
    }

    fn check_out(&self) -> Result<()> {
        Format::written_as(&self.out, Content::Series)?;
        apart(&self.out, self.input.source.files().chain(self.confounds.as_deref()))
    }

    /// Checks that the series are of one run, as the confounds are.
    fn one_run(&self, series: &Series) -> Result<HostTensor> {
        match *series.values.shape() {
            [_, _] => Ok(series.values.clone()),
            [1, regions, time] => series.values.reshaped([regions, time]),
            _ => Err(Error::file(self.input.source.path(), format!("series of one run expected, found {}", series.values.shape()))),
        }
    }
}

/// Clean series, and what a user should know of them.
pub(super) struct Cleaned {
    pub(super) clean: Denoised,
    /// The frames before the steady state that were left out.
    pub(super) early: Vec<usize>,
    /// The repetition time at which series were filtered.
    pub(super) tr: Option<f64>,
}

impl Cleaned {
    /// The number of frames that were kept.
    pub(super) fn frames(&self) -> usize {
        self.clean.kept.iter().filter(|kept| **kept).count()
    }

    /// The frames that were left out, counted from 0.
    pub(super) fn censored(&self) -> Vec<usize> {
        unmarked(&self.clean.kept)
    }
}

fn unmarked(marks: &[bool]) -> Vec<usize> {
    (0..marks.len()).filter(|t| !marks[*t]).collect()
}
