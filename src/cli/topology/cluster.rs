//! `tapetum topology cluster`.

use super::graphs::{diagrams, read_stack};
use super::{betti, embedding};
use crate::cli::common::{Common, Done, note};
use crate::data::{self, npy_bytes};
use crate::file::OutputFolder;
use crate::report::{ReportTable, Section, report};
use crate::statistics::agreement;
use crate::statistics::lloyd::Clustering;
use crate::topology::Diagrams;
use crate::topology::clustering::Top;
use crate::{DType, Error, HostTensor, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Cluster {
    /// Weights `[graphs, n, n]`, symmetric; diagonals are ignored.
    #[arg(value_name = "STACK.npy")]
    stack: PathBuf,
    /// The number of clusters.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    clusters: u32,
    /// The weight of topology against the weights of edges: from 0 to 1.
    #[arg(long, default_value_t = 1.0, value_name = "W", value_parser = share)]
    weight: f32,
    /// Stop after this many rounds of assignment, even if clusters still change [default: 300 rounds, and an error if they still change].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Whole numbers, one for each graph, with which clusters are compared: for purity, accuracy and confusion.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// The folder for clusters.npy (i32, one a graph) and a report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

fn share(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|w| (0.0..=1.0).contains(w)).ok_or_else(|| "a number from 0 to 1 is expected".to_owned())
}

/// The agreement of clusters with labels.
struct Scores {
    names: Vec<i64>,
    table: Vec<Vec<usize>>,
    purity: f64,
    accuracy: f64,
}

impl Cluster {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let stack = read_stack(&self.stack)?;
        let graphs = stack.shape()[0];
        let mut top = Top { weight: self.weight, ..Top::new(self.clusters as usize, common.seed) };
        top.rounds = self.rounds.map_or(top.rounds, |rounds| rounds as usize);
        if top.clusters > graphs {
            let what = format!("{graphs} graphs: --clusters {} is more than there are", top.clusters);
            return Err(Error::file(&self.stack, what));
        }
        let labels = self.labels.as_deref().map(|path| read_labels(path, graphs)).transpose()?;
        let device = common.device()?;
        let made = diagrams(&device, &self.stack, &stack)?;
        let found = top.run(&stack, &made)?;
        if !found.converged && self.rounds.is_none() {
            let what = format!(
                "the clusters still changed in round {}: --rounds N allows another number, and takes what it leads to",
                found.rounds
            );
            return Err(Error::file(&self.stack, what));
        }
        let scores = labels.map(|labels| Scores::new(&labels, &found)).transpose()?;
        let mut folder = OutputFolder::new(&self.out)?;
        let clusters: Vec<i32> = found.clusters.iter().map(|&c| c as i32).collect();
        folder.add("clusters.npy", &npy_bytes(&HostTensor::i32([graphs], clusters)?)?)?;
        self.write(&mut folder, &made, &found, scores.as_ref())?;
        folder.commit()?;
        common.say(&device);
        if !found.converged {
            note(&format!("the clusters still changed in round {}, the last that --rounds allows", found.rounds));
        }
        let mut json = json!({
            "stack": self.stack.display().to_string(), "out": self.out.display().to_string(), "device": device.name(),
            "graphs": graphs, "nodes": made.nodes(), "clusters": found.clusters, "weight": self.weight, "seed": common.seed,
            "inertia": found.inertia, "rounds": found.rounds, "converged": found.converged,
        });
        if let Some(s) = &scores {
            json["purity"] = s.purity.into();
            json["accuracy"] = s.accuracy.into();
            json["confusion"] = json!({ "labels": s.names, "table": s.table });
        }
        common.print(&json, || {
            let of = format!("{graphs} graphs of {} nodes in {} clusters", made.nodes(), self.clusters);
            let scores = scores.as_ref().map(|s| format!(", purity {:.3}, accuracy {:.3}", s.purity, s.accuracy)).unwrap_or_default();
            format!("{of}{scores} -> {}", self.out.join("report.html").display())
        })?;
        Ok(Done::Well)
    }

    fn write(&self, folder: &mut OutputFolder, made: &Diagrams, found: &Clustering, scores: Option<&Scores>) -> Result<()> {
        let members = |c: usize| (0..made.len()).filter(|&g| found.clusters[g] == c).collect::<Vec<_>>();
        let groups: Vec<(String, Vec<usize>)> = (0..self.clusters as usize).map(|c| (format!("cluster {c}"), members(c))).collect();
        let map = embedding(made, &groups)?;
        folder.add("embedding.svg", map.figures.iter().map(|f| f.svg.as_str()).collect::<String>().as_bytes())?;
        let mut sections = vec![map];
        if let Some(scores) = scores {
            sections.insert(0, scores.section());
        }
        sections.push(betti(made, &groups)?);
        let intro = format!("{}: {} graphs of {} nodes, {} rounds.", self.stack.display(), made.len(), made.nodes(), found.rounds);
        folder.add("report.html", report("Clusters of graphs", &intro, &sections).as_bytes())
    }
}

impl Scores {
    fn new(labels: &[i64], found: &Clustering) -> Result<Self> {
        let mut names = labels.to_vec();
        names.sort_unstable();
        names.dedup();
        let places: Vec<usize> = labels.iter().map(|l| names.partition_point(|name| name < l)).collect();
        Ok(Self {
            names,
            table: agreement::Confusion::between(&places, &found.clusters)?.counts,
            purity: agreement::purity(&places, &found.clusters)?,
            accuracy: agreement::accuracy(&places, &found.clusters)?,
        })
    }

    fn section(&self) -> Section {
        let columns = self.table.first().map_or(0, Vec::len);
        let header = std::iter::once("label".to_owned()).chain((0..columns).map(|c| format!("cluster {c}"))).collect();
        let row = |(name, counts): (&i64, &Vec<usize>)| [name.to_string()].into_iter().chain(counts.iter().map(usize::to_string)).collect();
        Section {
            heading: "Clusters and labels".into(),
            text: format!(
                "Purity {:.3}: the share of graphs that have the commonest label of their cluster. Accuracy {:.3}: the share that have the \
                 one label their cluster is given.",
                self.purity, self.accuracy
            ),
            table: Some(ReportTable { header, rows: self.names.iter().zip(&self.table).map(row).collect() }),
            figures: Vec::new(),
        }
    }
}

fn read_labels(path: &Path, graphs: usize) -> Result<Vec<i64>> {
    let labels = data::read_npy(path)?;
    let whole = matches!(labels.dtype(), DType::I32 | DType::U32);
    if !whole || *labels.shape() != [graphs] {
        return Err(Error::file(path, format!("labels {}: {graphs} whole numbers expected, one a graph", labels.ty())));
    }
    Ok(labels.to_f64_vec().into_iter().map(|x| x as i64).collect())
}
