//! `tapetum topology barycenter`.

use super::graphs::Reading;
use super::{betti, section, weights};
use crate::cli::common::{Common, Done};
use crate::data::npy_bytes;
use crate::file::OutputFolder;
use crate::report::picture;
use crate::report::report;
use crate::{HostTensor, Result};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Barycenter {
    /// Weights `[graphs, n, n]`, symmetric, or files of one graph each, of the same nodes; diagonals are ignored.
    #[arg(value_name = "GRAPHS", required = true)]
    stack: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// The folder for births.npy and deaths.npy, the means over graphs rank by rank, and a report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

impl Barycenter {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let Some(stack) = self.reading.stack(&self.stack, &common.ranks)? else { return Ok(Done::Well) };
        let device = common.device()?;
        let made = stack.diagrams(&device)?;
        let all: Vec<usize> = (0..made.len()).collect();
        let (births, deaths) = made.barycentre(&all);
        let mut folder = OutputFolder::new(&self.out)?;
        folder.add("births.npy", &npy_bytes(&HostTensor::f32([births.len()], births.clone())?)?)?;
        folder.add("deaths.npy", &npy_bytes(&HostTensor::f32([deaths.len()], deaths.clone())?)?)?;
        let bars = picture::barcode("Barcode of the barycentre", &births, &deaths)?;
        folder.add("barcode.svg", bars.as_bytes())?;
        let text = "Each birth and each death is the mean of those of its rank: of all lists the one nearest to the graphs'.";
        let sections = [section("Barycentre", text, bars), betti(&made, &[("mean".into(), all)])?, weights(&stack)?];
        let intro = format!("{}: {} graphs of {} nodes.", stack.title(), made.len(), made.nodes());
        folder.add("report.html", report("Barycentre of graphs", &intro, &sections).as_bytes())?;
        folder.commit()?;
        common.say(&device);
        stack.say();
        let mut json = json!({
            "stack": stack.paths(), "out": self.out.display().to_string(), "device": device.name(),
            "graphs": made.len(), "nodes": made.nodes(), "births": births.len(), "deaths": deaths.len(),
        });
        stack.describe(&mut json);
        common.print(&json, || format!("{} graphs of {} nodes -> {}", made.len(), made.nodes(), self.out.join("report.html").display()))?;
        Ok(Done::Well)
    }
}
