//! `tapetum tune`.

use super::common::{Common, Done, progress};
use crate::Result;
use crate::bench::Settings;
use crate::bench::tune::{Trial, Tuner};
use crate::file::write_file;
use crate::report::table;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Tune {
    /// Only the kernels whose names contain this.
    filter: Option<String>,
    /// Write the tuning to a file, for `--tuning` and `Device::tuned`.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Time only small sizes, with a few samples each.
    #[arg(long)]
    quick: bool,
}

impl Tune {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let device = common.adapter()?;
        let settings = Settings { filter: self.filter, quick: self.quick, seed: common.seed, ..Settings::default() };
        let tuner = Tuner::new(&device, &settings)?;
        common.say(&device);
        let bar = progress(1, "works")?;
        let (tuning, trials) = tuner.run(|work, of| bar.next(Some(of as u64), work))?;
        bar.finish();
        if let Some(path) = &self.out {
            write_file(path, format!("{:#}\n", tuning.json()).as_bytes())?;
        }
        let trial = |t: &Trial| json!({ "kernel": t.pin, "rule": t.rule, "chosen": t.chosen, "times": t.times });
        let json = json!({ "tuning": tuning.json(), "trials": trials.iter().map(trial).collect::<Vec<_>>() });
        common.print(&json, || text(&trials))?;
        Ok(Done::Well)
    }
}

fn text(trials: &[Trial]) -> String {
    let row = |t: &Trial| {
        let others = t.times.iter().filter(|(v, _)| **v != t.rule).map(|(v, time)| format!("{v} {time:.2}")).collect::<Vec<_>>();
        vec![t.pin.clone(), t.rule.clone(), t.chosen.clone(), others.join("  ")]
    };
    let header = ["kernel", "by rule", "chosen", "time / time of the variant by rule"];
    table(&header, &trials.iter().map(row).collect::<Vec<_>>())
}
