//! `tapetum topology distance`.

use super::Which;
use super::graphs::{Graphs, Reading};
use crate::cli::common::{Common, Done};
use crate::report::table;
use crate::topology::{Fill, list_distance};
use crate::{Error, Result};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Distance {
    /// Weights `[n, n]`, symmetric, in a file as `decompose` reads it; the diagonal is ignored.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Weights of another graph. For graphs of different size the shorter lists are filled up: births with their greatest value, deaths
    /// with their least.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// The graph of a file of several, counted from 0: one number for both files, or one for each.
    #[arg(long, value_name = "N[,M]", value_delimiter = ',', num_args = 1)]
    index: Vec<usize>,
    #[command(flatten)]
    reading: Reading,
    /// The features that count: 0 for components, by their births; 1 for cycles, by their deaths.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    dimension: Which,
}

/// The reason given where there is no distance between cycles.
const NO_CYCLES: &str = "a graph of two nodes has no cycles, so that its deaths have no distance from another's";

impl Distance {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let graphs = self.read()?;
        let device = common.device()?;
        let made = graphs.iter().map(|graphs| graphs.diagrams(&device)).collect::<Result<Vec<_>>>()?;
        // Both graphs stand in one stack, or each in its own.
        let (x, y, last) = match &made[..] {
            [both] => (both, both, 1),
            [x, y, ..] => (x, y, 0),
            [] => return Err(Error::argument("no graphs: two are expected")),
        };
        let births = || list_distance(x.births(0), y.births(last), 2.0, Fill::Behind);
        let deaths = || list_distance(x.deaths(0), y.deaths(last), 2.0, Fill::InFront);
        let matched = x.deaths(0).is_empty() == y.deaths(last).is_empty();
        let [w0, w1] = [(self.dimension != Which::Cycles).then(births), (self.dimension != Which::Components && matched).then(deaths)];
        let undefined = self.dimension != Which::Components && !matched;
        let total = (!undefined).then(|| w0.iter().chain(&w1).sum::<f64>());
        common.say(&device);
        graphs.iter().for_each(Graphs::say);
        let root = |x: Option<f64>| x.map(f64::sqrt);
        let mut json = json!({
            "a": self.a.display().to_string(), "b": self.b.display().to_string(), "device": device.name(),
            "w0": root(w0), "w1": root(w1), "total": root(total), "squared": { "w0": w0, "w1": w1, "total": total },
            "undefined": undefined.then_some(NO_CYCLES),
        });
        json["graphs"] = graphs.iter().map(Graphs::described).collect();
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

    /// The two graphs in one stack where they have the same nodes, so that regions without values in one are left out of both; else each in
    /// a stack of its own.
    fn read(&self) -> Result<Vec<Graphs>> {
        let [first, second] = match self.index[..] {
            [] => [None; 2],
            [both] => [Some(both); 2],
            [first, second] => [Some(first), Some(second)],
            _ => return Err(Error::argument("--index: one number, or one for each of the two files, is expected")),
        };
        let (a, b) = (self.reading.one(&self.a, first)?, self.reading.one(&self.b, second)?);
        match b.differs(&a) {
            None => Ok(vec![self.reading.graphs(vec![a, b])?]),
            Some(_) => [a, b].into_iter().map(|file| self.reading.graphs(vec![file])).collect(),
        }
    }
}
