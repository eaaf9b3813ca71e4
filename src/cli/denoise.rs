//! `tapetum denoise`.

use super::common::{Common, Done, note};
use super::source::{Source, apart};
use crate::connectome::confounds::denoise::Denoise as Settings;
use crate::connectome::confounds::{Confounds, Selection, Strategy, censor};
use crate::connectome::signal::butterworth::Band;
use crate::data::{self, Content, Format, Series};
use crate::{Error, HostTensor, Result};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Denoise {
    #[command(flatten)]
    source: Source,
    /// The file for the clean series, in the layout of the input: `.npy` (f32, with the regions' names beside it in a
    /// `.names.txt`), `.npz`, `.csv` or `.tsv`.
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// The confounds of the run, as fMRIPrep writes them; a `.json` of the same name gives the masks of CompCor's columns.
    #[arg(long, value_name = "TSV", required_unless_present = "none")]
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
    /// Seconds from one frame to the next, for --band [default: those that the file of series states, as images do].
    #[arg(long, value_name = "S", requires = "band")]
    tr: Option<f64>,
    /// Keep frequencies from LOW to HIGH hertz of series and confounds: Butterworth, order 5, forward and backward.
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"])]
    band: Option<Vec<f64>>,
    /// Censor frames whose framewise displacement is above MM millimetres: they are left out of the fit and of OUT.
    #[arg(long, value_name = "MM", requires = "confounds")]
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
        self.check_out()?;
        let mut settings = self.settings()?;
        self.tr.map_or(Ok(None), |tr| self.band_at(tr))?;
        let series = self.source.read()?;
        settings.band = self.step(&series)?.map_or(Ok(None), |step| self.band_at(step))?;
        let values = self.one_run(&series)?;
        let [regions, time] = [values.shape()[0], values.shape()[1]];
        let (table, of) = match &self.confounds {
            Some(path) => (data::read_confounds(path)?, path.as_path()),
            None => (Confounds::default(), self.source.path()),
        };
        let model = settings.model(&table, time).map_err(|e| Error::file(of, e.to_string()))?;
        let computed = common.compute(|device| model.clean(device, &values)).map_err(|e| Error::file(self.source.path(), e.to_string()))?;
        let (clean, device) = (&computed.value, &computed.device);
        let written = Series { values: clean.series.clone(), ..series.clone() };
        data::write_series(&self.out, &written, self.source.layout())?;
        common.say_computed(&computed);
        self.source.say(&series);
        let warnings = self.source.warn(&series)?;
        let frames = clean.series.shape()[1];
        let marked = |kept: &[bool]| kept.iter().enumerate().filter(|(_, kept)| !**kept).map(|(t, _)| t).collect::<Vec<usize>>();
        let early = if self.keep_non_steady_state { Vec::new() } else { marked(&censor::steady_state(&table)?) };
        let mut json = json!({
            "confounds": self.confounds.as_ref().map(|path| path.display().to_string()),
            "out": self.out.display().to_string(), "device": device.name(), "columns": clean.columns, "regions": regions, "frames": time,
            "kept": frames, "censored": marked(&clean.kept), "non_steady_state": early, "rank": clean.rank,
            "tr": settings.band.map(|(_, tr)| tr), "degrees_of_freedom": frames - clean.rank, "warnings": warnings,
        });
        self.source.describe(&mut json, &series);
        common.print(&json, || {
            let of = if frames < time { format!("{frames} of {time} frames kept") } else { format!("{time} frames") };
            format!("{of}, {regions} regions, {} confounds, rank {} -> {}", clean.columns.len(), clean.rank, self.out.display())
        })?;
        self.remark(&series, &table, &early);
        Ok(Done::Well)
    }

    /// Prints remarks about a run that succeeded.
    fn remark(&self, series: &Series, table: &Confounds, early: &[usize]) {
        if let (Some(tr), Some(step)) = (self.tr, series.step)
            && (tr - step).abs() > 1e-3 * step
        {
            note(&format!("--tr {tr} is taken, where {} states {step} s", self.source.path().display()));
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
    fn step(&self, series: &Series) -> Result<Option<f64>> {
        match self.tr.or(series.step) {
            None if self.band.is_some() => {
                let what = "--band needs the repetition time, which the file does not state: --tr S is expected";
                Err(Error::file(self.source.path(), what))
            }
            step => Ok(step),
        }
    }

    fn check_out(&self) -> Result<()> {
        Format::written_as(&self.out, Content::Series)?;
        apart(&self.out, self.source.files().chain(self.confounds.as_deref()))
    }

    /// Checks that the series are of one run, as the confounds are.
    fn one_run(&self, series: &Series) -> Result<HostTensor> {
        match *series.values.shape() {
            [_, _] => Ok(series.values.clone()),
            [1, regions, time] => series.values.reshaped([regions, time]),
            _ => Err(Error::file(self.source.path(), format!("series of one run expected, found {}", series.values.shape()))),
        }
    }
}
