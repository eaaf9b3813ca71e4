//! `tapetum topology barycenter`.

use super::graphs::{diagrams, read_stack};
use super::{betti, section};
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
    /// Weights `[graphs, n, n]`, symmetric; diagonals are ignored.
    #[arg(value_name = "STACK.npy")]
    stack: PathBuf,
    /// The folder for births.npy and deaths.npy, the means over graphs rank by rank, and a report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

impl Barycenter {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let stack = read_stack(&self.stack)?;
        let device = common.device()?;
        let made = diagrams(&device, &self.stack, &stack)?;
        let all: Vec<usize> = (0..made.len()).collect();
        let (births, deaths) = made.barycentre(&all);
        let mut folder = OutputFolder::new(&self.out)?;
        folder.add("births.npy", &npy_bytes(&HostTensor::f32([births.len()], births.clone())?)?)?;
        folder.add("deaths.npy", &npy_bytes(&HostTensor::f32([deaths.len()], deaths.clone())?)?)?;
        let bars = picture::barcode("Barcode of the barycentre", &births, &deaths)?;
        folder.add("barcode.svg", bars.as_bytes())?;
        let text = "Each birth and each death is the mean of those of its rank: of all lists the one nearest to the graphs'.";
        let sections = [section("Barycentre", text, bars), betti(&made, &[("mean".into(), all)])?];
        let intro = format!("{}: {} graphs of {} nodes.", self.stack.display(), made.len(), made.nodes());
        folder.add("report.html", report("Barycentre of graphs", &intro, &sections).as_bytes())?;
        folder.commit()?;
        common.say(&device);
        let json = json!({
            "stack": self.stack.display().to_string(), "out": self.out.display().to_string(), "device": device.name(),
            "graphs": made.len(), "nodes": made.nodes(), "births": births.len(), "deaths": deaths.len(),
        });
        common.print(&json, || format!("{} graphs of {} nodes -> {}", made.len(), made.nodes(), self.out.join("report.html").display()))?;
        Ok(Done::Well)
    }
}
