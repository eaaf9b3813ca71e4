//! `tapetum series`.

use super::common::{Common, Done};
use super::source::{Source, apart};
use crate::Result;
use crate::data::{self, Content, Format};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Series {
    #[command(flatten)]
    source: Source,
    /// The file for the series, in the layout of the input: `.npy` (f32, with the regions' names beside it in a `.names.txt`), `.npz`,
    /// `.csv` or `.tsv`.
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
}

impl Series {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        Format::written_as(&self.out, Content::Series)?;
        apart(&self.out, self.source.files())?;
        let series = self.source.read()?;
        data::write_series(&self.out, &series, self.source.layout())?;
        self.source.say(&series);
        let warnings = self.source.warn(&series)?;
        let shape = series.values.shape();
        let (regions, frames) = (series.regions(), shape.last().copied().unwrap_or(0));
        let subjects: usize = shape.iter().rev().skip(2).product();
        let mut json = json!({
            "out": self.out.display().to_string(), "subjects": subjects, "frames": frames, "regions": regions, "warnings": warnings,
        });
        self.source.describe(&mut json, &series);
        common.print(&json, || {
            let of = if subjects == 1 { String::new() } else { format!("{subjects} subjects of ") };
            format!("{of}{frames} frames, {regions} regions -> {}", self.out.display())
        })?;
        Ok(Done::Well)
    }
}
