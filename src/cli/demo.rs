//! `tapetum demo`: learn a soft parcellation of the cortex that ships with the crate, and compare it with others on test frames.

use super::common::{Common, Done};
use super::parcels::Parcels;
use crate::Result;
use crate::connectome::parcels::learn_parcels::Settings;
use crate::data::shipped_cortex;
use crate::report::picture::Hemisphere;
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// The folder for labels, memberships, pictures and the report.
    #[arg(short, long, default_value = "tapetum-demo", value_name = "DIR")]
    out: PathBuf,
    /// Steps of Adam.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
}

impl Demo {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let cortex = shipped_cortex()?;
        let parcels = Parcels {
            train: cortex.frames() / 2,
            cortex,
            settings: Settings { steps: self.steps, seed: common.seed, ..Settings::default() },
            hemisphere: Hemisphere::Left,
            structure: "CORTEX_LEFT",
            models: None,
            out: &self.out,
            title: "A cortex, parcellated by gradient descent",
            next: "Next: open the report in a browser; `tapetum parcellate --help` says how to learn parcels from series of your own.",
            read: Value::Null,
        };
        parcels.learn(common)
    }
}
