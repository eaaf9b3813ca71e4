//! `tapetum denoise`.

use super::common::{Axes, Common, Done, Tables, note, say_table, table_json, warn_of};
use crate::connectome::confounds::denoise::Denoise as Settings;
use crate::connectome::confounds::{Confounds, Selection, Strategy, censor};
use crate::connectome::signal::butterworth::Band;
use crate::data::{self, Series};
use crate::file::write_file;
use crate::{Error, HostTensor, Result};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Denoise {
    /// Series of a run: `.npy` of 2 axes, `.csv` or `.tsv` whose rows are time, with or without a header, or `.func.gii`.
    series: PathBuf,
    /// The file for the clean series, in the layout of the input: `.npy` (f32), `.csv` or `.tsv`.
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
    /// Seconds from one frame to the next.
    #[arg(long, value_name = "S", requires = "band")]
    tr: Option<f64>,
    /// Keep frequencies from LOW to HIGH hertz of series and confounds: Butterworth, order 5, forward and backward.
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], requires = "tr")]
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
    /// The axes of the file.
    #[arg(long, value_enum, default_value_t = Axes::TimeRegions)]
    layout: Axes,
    #[command(flatten)]
    tables: Tables,
}

impl Denoise {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        self.check_out()?;
        let settings = self.settings()?;
        let series = data::read_series(&self.series, self.tables.options(self.layout))?;
        let values = self.one_run(&series)?;
        let [regions, time] = [values.shape()[0], values.shape()[1]];
        let (table, of) = match &self.confounds {
            Some(path) => (data::read_confounds(path)?, path),
            None => (Confounds::default(), &self.series),
        };
        let model = settings.model(&table, time).map_err(|e| Error::file(of, e.to_string()))?;
        let device = common.device()?;
        let clean = model.clean(&device, &values).map_err(|e| Error::file(&self.series, e.to_string()))?;
        self.write(&clean.series, series.names.as_deref())?;
        common.say(&device);
        say_table(&self.series, &series);
        let warnings = warn_of(&self.series, &series)?;
        let frames = clean.series.shape()[1];
        let marked = |kept: &[bool]| kept.iter().enumerate().filter(|(_, kept)| !**kept).map(|(t, _)| t).collect::<Vec<usize>>();
        let early = if self.keep_non_steady_state { Vec::new() } else { marked(&censor::steady_state(&table)?) };
        let json = json!({
            "series": self.series.display().to_string(), "confounds": self.confounds.as_ref().map(|path| path.display().to_string()),
            "out": self.out.display().to_string(), "device": device.name(), "columns": clean.columns, "regions": regions, "frames": time,
            "table": table_json(&series), "kept": frames, "censored": marked(&clean.kept), "non_steady_state": early, "rank": clean.rank,
            "degrees_of_freedom": frames - clean.rank, "warnings": warnings,
        });
        common.print(&json, || {
            let of = if frames < time { format!("{frames} of {time} frames kept") } else { format!("{time} frames") };
            format!("{of}, {regions} regions, {} confounds, rank {} -> {}", clean.columns.len(), clean.rank, self.out.display())
        })?;
        self.remark(&table, &early);
        Ok(Done::Well)
    }

    /// Prints remarks about a run that succeeded.
    fn remark(&self, table: &Confounds, early: &[usize]) {
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
        let band = match (self.tr, self.band.as_deref()) {
            (Some(tr), Some(&[low, high])) => {
                Some((Band::Pass(low, high).checked(tr).map_err(|e| Error::argument(format!("--band: {e}")))?, tr))
            }
            _ => None,
        };
        Ok(Settings {
            confounds,
            detrend: self.detrend,
            band,
            censor_fd: self.censor_fd,
            keep_non_steady_state: self.keep_non_steady_state,
            keep_mean: self.keep_mean,
        })
    }

    fn check_out(&self) -> Result<()> {
        if !["npy", "csv", "tsv"].iter().any(|e| self.out.extension().is_some_and(|x| x.eq_ignore_ascii_case(e))) {
            return Err(Error::file(&self.out, "an output ending in .npy, .csv or .tsv expected"));
        }
        for read in [Some(&self.series), self.confounds.as_ref()].into_iter().flatten() {
            if let (Ok(out), Ok(read)) = (fs::canonicalize(&self.out), fs::canonicalize(read))
                && out == read
            {
                return Err(Error::file(&self.out, "the output would replace what is read: another name expected"));
            }
        }
        Ok(())
    }

    /// Checks that the series are of one run, as the confounds are.
    fn one_run(&self, series: &Series) -> Result<HostTensor> {
        match *series.values.shape() {
            [_, _] => Ok(series.values.clone()),
            [1, regions, time] => series.values.reshaped([regions, time]),
            _ => Err(Error::file(&self.series, format!("series of one run expected, found {}", series.values.shape()))),
        }
    }

    /// Writes series `[regions, frames]` to a file in the input's layout.
    fn write(&self, series: &HostTensor, names: Option<&[String]>) -> Result<()> {
        // The columns of regions by time are frames.
        let names = names.filter(|_| self.layout == Axes::TimeRegions);
        let turned = match self.layout {
            Axes::TimeRegions => HostTensor::from_array(series.view::<f32>()?.reversed_axes().to_owned())?,
            Axes::RegionsTime => series.clone(),
        };
        let separator = match self.out.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
            Some("npy") => return data::write_npy(&self.out, &turned),
            Some("csv") => ",",
            _ => "\t",
        };
        write_file(&self.out, data::table_text(&turned, names, separator)?.as_bytes())
    }
}
