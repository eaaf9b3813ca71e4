//! `tapetum topology decompose`.

use super::graphs::{diagrams, read_one};
use super::{betti, section};
use crate::cli::common::{Common, Done};
use crate::data::npy_bytes;
use crate::file::OutputFolder;
use crate::report::picture::{self, Matrix};
use crate::report::report;
use crate::{HostTensor, Result};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Decompose {
    /// Weights `[n, n]`, symmetric; the diagonal is ignored.
    #[arg(value_name = "W.npy")]
    weights: PathBuf,
    /// The folder for births.npy and deaths.npy, ascending, edges.npy (u32 [E, 2], row < column: births' edges, then deaths'), and a
    /// report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

impl Decompose {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let w = read_one(&self.weights)?;
        let n = w.shape()[0];
        let device = common.device()?;
        let made = diagrams(&device, &self.weights, &w)?;
        let (births, deaths) = (made.births(0), made.deaths(0));
        let edges: Vec<u32> = made.edges(0).flatten().collect();
        let mut folder = OutputFolder::new(&self.out)?;
        folder.add("births.npy", &npy_bytes(&HostTensor::f32([births.len()], births.to_vec())?)?)?;
        folder.add("deaths.npy", &npy_bytes(&HostTensor::f32([deaths.len()], deaths.to_vec())?)?)?;
        folder.add("edges.npy", &npy_bytes(&HostTensor::u32([edges.len() / 2, 2], edges)?)?)?;
        let bars = picture::barcode("Barcode", births, deaths)?;
        let curves = betti(&made, &[("graph".into(), vec![0])])?;
        folder.add("barcode.svg", bars.as_bytes())?;
        let mut sections = vec![section("Barcode", BARCODE, bars), curves];
        if n <= picture::MAX_SIDE {
            let values = w.elements::<f32>()?;
            let map = Matrix { title: "Weights", axes: ["node"; 2], quantity: "weight", rows: n, values, ..Matrix::default() };
            let heat = Matrix { without_diagonal: true, ..map }.heat_map()?;
            sections.push(section("Weights", "The graph that was decomposed. The diagonal does not count, and is grey.", heat));
        }
        let intro = format!("{}: {n} nodes, {} births, {} deaths.", self.weights.display(), births.len(), deaths.len());
        folder.add("report.html", report("Births and deaths of a graph", &intro, &sections).as_bytes())?;
        folder.commit()?;
        common.say(&device);
        let json = json!({
            "weights": self.weights.display().to_string(), "out": self.out.display().to_string(), "device": device.name(),
            "nodes": n, "births": births.len(), "deaths": deaths.len(),
        });
        common.print(&json, || {
            let of = format!("{n} nodes: {} births, {} deaths", births.len(), deaths.len());
            format!("{of} -> {}", self.out.join("report.html").display())
        })?;
        Ok(Done::Well)
    }
}

const BARCODE: &str = "Of the graph that keeps the edges above a threshold, components appear as the threshold rises, at the weights of the \
    maximum spanning tree; and cycles disappear, at the weights of all other edges.";
