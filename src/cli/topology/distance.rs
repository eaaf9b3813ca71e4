//! `tapetum topology distance`.

use super::Which;
use super::graphs::{diagrams, read_one};
use crate::Result;
use crate::cli::common::{Common, Done};
use crate::topology::{Fill, list_distance};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Distance {
    /// Weights `[n, n]`, symmetric; the diagonal is ignored.
    #[arg(value_name = "A.npy")]
    a: PathBuf,
    /// Weights of another graph. Of graphs of different size the shorter lists are filled up: births with the greatest, deaths with the
    /// least of them.
    #[arg(value_name = "B.npy")]
    b: PathBuf,
    /// Which features: 0 for components, by their births; 1 for cycles, by their deaths.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    dimension: Which,
    /// The root of the sum of squares, the 2-Wasserstein distance; else the sum itself.
    #[arg(long)]
    root: bool,
}

impl Distance {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let (a, b) = (read_one(&self.a)?, read_one(&self.b)?);
        let device = common.device()?;
        let (x, y) = (diagrams(&device, &self.a, &a)?, diagrams(&device, &self.b, &b)?);
        let squares = [
            (self.dimension != Which::Cycles).then(|| list_distance(x.births(0), y.births(0), 2.0, Fill::Behind)),
            (self.dimension != Which::Components).then(|| list_distance(x.deaths(0), y.deaths(0), 2.0, Fill::InFront)),
        ];
        let shown = |x: f64| if self.root { x.sqrt() } else { x };
        let [w0, w1] = squares.map(|x| x.map(shown));
        let total = shown(squares.iter().flatten().sum());
        common.say(&device);
        let json = json!({
            "a": self.a.display().to_string(), "b": self.b.display().to_string(), "device": device.name(), "root": self.root,
            "w0": w0, "w1": w1, "total": total,
        });
        common.print(&json, || {
            let line = |(name, value): (&str, f64)| format!("{name} {value}");
            let parts = [("w0", w0), ("w1", w1)].into_iter().filter_map(|(name, value)| Some((name, value?)));
            parts.chain([("total", total)]).map(line).collect::<Vec<_>>().join("\n")
        })?;
        Ok(Done::Well)
    }
}
