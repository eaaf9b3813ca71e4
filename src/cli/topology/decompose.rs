//! `tapetum topology decompose`.

use super::graphs::{Graphs, Reading};
use super::{betti, section, weights};
use crate::cli::common::{Common, Done, note};
use crate::data::{cells_text, npy_bytes};
use crate::file::OutputFolder;
use crate::report::picture;
use crate::report::report;
use crate::topology::Diagrams;
use crate::{HostTensor, Result};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Decompose {
    /// Weights `[n, n]`, symmetric: `.npy`, `.npz`, a matrix in a table, or a list of edges (`tapetum formats`). The diagonal is ignored.
    #[arg(value_name = "GRAPH")]
    weights: PathBuf,
    /// The graph of a file of several, counted from 0.
    #[arg(long, value_name = "N")]
    index: Option<usize>,
    #[command(flatten)]
    reading: Reading,
    /// The folder for births.npy and deaths.npy, ascending; edges.npy (u32 [E, 2], row < column: births' edges, then deaths') and edges.tsv,
    /// the same with the nodes' names, weights and kinds; and a report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

/// The most edges of a table of edges.
const MOST: usize = 2_000_000;

impl Decompose {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let graph = self.reading.graphs(vec![self.reading.one(&self.weights, self.index)?])?;
        let n = graph.nodes();
        let device = common.device()?;
        let made = graph.diagrams(&device)?;
        let (births, deaths) = (made.births(0), made.deaths(0));
        // Nodes that are left out count: an edge is two places in the file.
        let edges: Vec<u32> = made.edges(0).flatten().map(|node| graph.kept[node as usize] as u32).collect();
        let mut folder = OutputFolder::new(&self.out)?;
        folder.add("births.npy", &npy_bytes(&HostTensor::f32([births.len()], births.to_vec())?)?)?;
        folder.add("deaths.npy", &npy_bytes(&HostTensor::f32([deaths.len()], deaths.to_vec())?)?)?;
        let listed = edges.len() / 2 <= MOST;
        if listed {
            folder.add("edges.tsv", table_of(&graph, &made).as_bytes())?;
        }
        folder.add("edges.npy", &npy_bytes(&HostTensor::u32([edges.len() / 2, 2], edges)?)?)?;
        let bars = picture::barcode("Barcode", births, deaths)?;
        let curves = betti(&made, &[("graph".into(), vec![0])])?;
        folder.add("barcode.svg", bars.as_bytes())?;
        let sections = [section("Barcode", BARCODE, bars), curves, weights(&graph)?];
        let intro = format!("{}: {n} nodes, {} births, {} deaths.", self.weights.display(), births.len(), deaths.len());
        folder.add("report.html", report("Births and deaths of a graph", &intro, &sections).as_bytes())?;
        folder.commit()?;
        common.say(&device);
        graph.say();
        if !listed {
            note(&format!("edges.tsv is left out, because it would have more than {MOST} rows; edges.npy holds the edges"));
        }
        let mut json = json!({
            "weights": self.weights.display().to_string(), "out": self.out.display().to_string(), "device": device.name(),
            "nodes": n, "births": births.len(), "deaths": deaths.len(),
        });
        graph.describe(&mut json);
        common.print(&json, || {
            let of = format!("{n} nodes: {} births, {} deaths", births.len(), deaths.len());
            format!("{of} -> {}", self.out.join("report.html").display())
        })?;
        Ok(Done::Well)
    }
}

/// A row for each edge: its nodes, its weight, and whether a component is born with it or a cycle dies.
fn table_of(graph: &Graphs, made: &Diagrams) -> String {
    let names = graph.node_names();
    let kinds = made.births(0).iter().map(|w| (w, "birth")).chain(made.deaths(0).iter().map(|w| (w, "death")));
    let row = |([from, to], (weight, kind)): ([u32; 2], (&f32, &str))| {
        vec![names[from as usize].clone(), names[to as usize].clone(), weight.to_string(), kind.to_owned()]
    };
    cells_text(&["source", "target", "weight", "kind"], made.edges(0).zip(kinds).map(row), "\t")
}

const BARCODE: &str = "Of the graph that keeps the edges above a threshold, components appear as the threshold rises, at the weights of the \
    maximum spanning tree; and cycles disappear, at the weights of all other edges.";
