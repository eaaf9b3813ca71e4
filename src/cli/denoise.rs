//! `tapetum denoise`.

use super::common::{Axes, Common, Done, Tables, note, say_table, table_json};
use crate::connectome::confounds::denoise::Model;
use crate::connectome::confounds::{Column, Confounds, Strategy, censor, formula};
use crate::connectome::signal::butterworth::{Band, butterworth, padding};
use crate::data::{self, Series};
use crate::file::write_file;
use crate::{Error, HostTensor, Result};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

/// As nilearn's.
const ORDER: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Denoise {
    /// Series of a run: `.npy` of 2 axes, `.csv` or `.tsv` whose rows are time, with or without a header, or `.func.gii`.
    series: PathBuf,
    /// Where the clean series go, in the layout of the input: `.npy` (f32), `.csv` or `.tsv`.
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// The confounds of the run, as fMRIPrep writes them; of the `.json` of the same name, the masks of CompCor's columns are taken.
    #[arg(long, value_name = "TSV")]
    confounds: PathBuf,
    /// Which confounds: a model by its name. `scrubbing` censors frames too.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(Strategy::ALL.map(Strategy::name)))]
    strategy: Option<String>,
    /// Which confounds: columns of the table.
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', num_args = 1, conflicts_with = "strategy")]
    columns: Vec<String>,
    /// Which confounds: a formula, such as `dd1((rps + wm + csf + gsr)^^2)`.
    #[arg(long, value_name = "F", conflicts_with_all = ["strategy", "columns"])]
    formula: Option<String>,
    /// Take a linear trend out as well.
    #[arg(long)]
    detrend: bool,
    /// Seconds from one frame to the next.
    #[arg(long, value_name = "S", requires = "band")]
    tr: Option<f64>,
    /// Keep frequencies from LOW to HIGH hertz of series and confounds: Butterworth, order 5, forward and backward.
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], requires = "tr")]
    band: Option<Vec<f64>>,
    /// Censor frames whose framewise displacement is above MM millimetres: nothing is fitted to them, and they are not in OUT.
    #[arg(long, value_name = "MM")]
    censor_fd: Option<f64>,
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
        if let Some(limit) = self.censor_fd.filter(|limit| limit.is_nan() || *limit <= 0.0) {
            return Err(Error::argument(format!("--censor-fd {limit}: a positive number of millimetres is expected")));
        }
        let series = data::read_series(&self.series, self.tables.options(self.layout))?;
        let values = self.one_run(&series)?;
        let time = values.shape()[1];
        let table = data::read_confounds(&self.confounds)?;
        if table.frames() != time {
            let what = format!("{} frames, and {} has {time}: a row for each frame is expected", table.frames(), self.series.display());
            return Err(Error::file(&self.confounds, what));
        }
        let named = |e: Error| Error::file(&self.confounds, e.to_string());
        let confounds = self.chosen(&table).map_err(named)?;
        let kept = self.kept(&table).map_err(named)?;
        let names: Vec<String> = confounds.iter().map(|c| c.name.clone()).collect();
        let model = Model { confounds, detrend: self.detrend, filter: self.filter(time)?, kept: kept.clone() };
        let device = common.device()?;
        let clean = model.clean(&device, &values).map_err(|e| Error::file(&self.series, e.to_string()))?;
        let mut residual = clean.series.elements::<f32>()?.to_vec();
        if residual.iter().any(|x| !x.is_finite()) {
            return Err(Error::file(&self.series, "values too large for f32: other units are expected"));
        }
        if self.keep_mean {
            add_means(&mut residual, values.elements::<f32>()?, &kept)?;
        }
        let frames = clean.series.shape()[1];
        self.write(&HostTensor::f32(clean.series.shape(), residual)?, series.names.as_deref())?;
        common.say(&device);
        say_table(&self.series, &series);
        let censored: Vec<usize> = (0..time).filter(|&t| !kept[t]).collect();
        let json = json!({
            "series": self.series.display().to_string(), "confounds": self.confounds.display().to_string(),
            "out": self.out.display().to_string(), "device": device.name(), "columns": names, "regions": values.shape()[0],
            "frames": time, "table": table_json(&series), "kept": frames, "censored": censored, "rank": clean.rank, "degrees_of_freedom": frames - clean.rank,
        });
        common.print(&json, || {
            let of = if frames < time { format!("{frames} of {time} frames kept") } else { format!("{time} frames") };
            let (regions, columns) = (values.shape()[0], names.len());
            format!("{of}, {regions} regions, {columns} confounds, rank {} -> {}", clean.rank, self.out.display())
        })?;
        if names.is_empty() {
            note("no --strategy, --columns or --formula: no confounds were regressed out");
        }
        Ok(Done::Well)
    }

    fn check_out(&self) -> Result<()> {
        if !["npy", "csv", "tsv"].iter().any(|e| self.out.extension().is_some_and(|x| x.eq_ignore_ascii_case(e))) {
            return Err(Error::file(&self.out, "an output ending in .npy, .csv or .tsv expected"));
        }
        for read in [&self.series, &self.confounds] {
            if let (Ok(out), Ok(read)) = (fs::canonicalize(&self.out), fs::canonicalize(read))
                && out == read
            {
                return Err(Error::file(&self.out, "the output would replace what is read: another name expected"));
            }
        }
        Ok(())
    }

    /// Confounds are of one run.
    fn one_run(&self, series: &Series) -> Result<HostTensor> {
        match *series.values.shape() {
            [_, _] => Ok(series.values.clone()),
            [1, regions, time] => series.values.reshaped([regions, time]),
            _ => Err(Error::file(&self.series, format!("series of one run expected, found {}", series.values.shape()))),
        }
    }

    fn chosen(&self, table: &Confounds) -> Result<Vec<Column>> {
        if let Some(text) = &self.formula {
            return formula::columns(text, table);
        }
        match self.strategy() {
            Some(strategy) => table.select(&strategy.columns(table)?),
            None => table.select(&self.columns),
        }
    }

    fn strategy(&self) -> Option<Strategy> {
        Strategy::ALL.into_iter().find(|s| self.strategy.as_deref() == Some(s.name()))
    }

    fn kept(&self, table: &Confounds) -> Result<Vec<bool>> {
        let mut kept = vec![true; table.frames()];
        let mut censor = |other: Vec<bool>| kept.iter_mut().zip(other).for_each(|(kept, other)| *kept &= other);
        if self.strategy() == Some(Strategy::Scrubbing) {
            censor(censor::scrubbed(table)?);
        }
        if let Some(limit) = self.censor_fd {
            censor(censor::kept_below(table, limit)?);
        }
        Ok(kept)
    }

    fn filter(&self, time: usize) -> Result<Vec<crate::connectome::signal::butterworth::Section>> {
        let (Some(tr), Some(&[low, high])) = (self.tr, self.band.as_deref().and_then(|b| b.first_chunk())) else { return Ok(Vec::new()) };
        let filter = butterworth(ORDER, Band::Pass(low, high), tr).map_err(|e| Error::argument(format!("--band: {e}")))?;
        let least = padding(&filter) + 1;
        if time < least {
            return Err(Error::file(&self.series, format!("{time} frames: at least {least} are needed for --band")));
        }
        Ok(filter)
    }

    /// Series `[regions, frames]` into a file of the input's layout.
    fn write(&self, series: &HostTensor, names: Option<&[String]>) -> Result<()> {
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

/// Adds to each residual row the mean of the series over the frames kept.
fn add_means(residual: &mut [f32], series: &[f32], kept: &[bool]) -> Result<()> {
    let frames = kept.iter().filter(|k| **k).count();
    for (row, series) in residual.chunks_mut(frames.max(1)).zip(series.chunks(kept.len())) {
        let sum: f64 = series.iter().zip(kept).filter(|(_, k)| **k).map(|(&x, _)| f64::from(x)).sum();
        row.iter_mut().for_each(|x| *x = (f64::from(*x) + sum / frames as f64) as f32);
    }
    Ok(())
}
