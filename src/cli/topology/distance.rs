//! `tapetum topology distance`.

use super::Which;
use super::graphs::{diagrams, read_one};
use crate::Result;
use crate::cli::common::{Common, Done};
use crate::report::table;
use crate::topology::{Fill, list_distance};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Distance {
    /// Weights `[n, n]`, symmetric; the diagonal is ignored.
    #[arg(value_name = "A.npy")]
    a: PathBuf,
    /// Weights of another graph. For graphs of different size the shorter lists are filled up: births with their greatest value, deaths
    /// with their least.
    #[arg(value_name = "B.npy")]
    b: PathBuf,
    /// The features that count: 0 for components, by their births; 1 for cycles, by their deaths.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    dimension: Which,
}

/// The reason given where there is no distance between cycles.
const NO_CYCLES: &str = "a graph of two nodes has no cycles, so that its deaths have no distance from another's";

impl Distance {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let (a, b) = (read_one(&self.a)?, read_one(&self.b)?);
        let device = common.device()?;
        let (x, y) = (diagrams(&device, &self.a, &a)?, diagrams(&device, &self.b, &b)?);
        let births = || list_distance(x.births(0), y.births(0), 2.0, Fill::Behind);
        let deaths = || list_distance(x.deaths(0), y.deaths(0), 2.0, Fill::InFront);
        let matched = x.deaths(0).is_empty() == y.deaths(0).is_empty();
        let [w0, w1] = [(self.dimension != Which::Cycles).then(births), (self.dimension != Which::Components && matched).then(deaths)];
        let undefined = self.dimension != Which::Components && !matched;
        let total = (!undefined).then(|| w0.iter().chain(&w1).sum::<f64>());
        common.say(&device);
        let root = |x: Option<f64>| x.map(f64::sqrt);
        let json = json!({
            "a": self.a.display().to_string(), "b": self.b.display().to_string(), "device": device.name(),
            "w0": root(w0), "w1": root(w1), "total": root(total), "squared": { "w0": w0, "w1": w1, "total": total },
            "undefined": undefined.then_some(NO_CYCLES),
        });
        common.print(&json, || {
            let both = total.filter(|_| self.dimension == Which::Both);
            let rows = [("components, by births (w0)", w0), ("cycles, by deaths (w1)", w1), ("both (total)", both)];
            let shown = |x: f64| format!("{x:.6}");
            let row = |(name, square): (&str, Option<f64>)| square.map(|x| vec![name.to_owned(), shown(x.sqrt()), shown(x)]);
            let lines = table(&["2-Wasserstein distance", "distance", "squared"], &rows.into_iter().filter_map(row).collect::<Vec<_>>());
            if undefined { format!("{lines}\n{NO_CYCLES}") } else { lines }
        })?;
        Ok(Done::Well)
    }
}
