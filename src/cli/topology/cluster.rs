//! `tapetum topology cluster`.

use super::graphs::{Graphs, Reading};
use super::labels::{Labelled, Labels, text};
use super::{betti, embedding, weights};
use crate::cli::common::{Common, Done, note};
use crate::data::npy_bytes;
use crate::file::OutputFolder;
use crate::report::{ReportTable, Section, report};
use crate::statistics::agreement;
use crate::statistics::lloyd::Clustering;
use crate::topology::Diagrams;
use crate::topology::clustering::Top;
use crate::{HostTensor, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Cluster {
    /// Weights `[graphs, n, n]`, symmetric, or files of one graph each, of the same nodes; diagonals are ignored.
    #[arg(value_name = "GRAPHS", required = true)]
    stack: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// The number of clusters.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    clusters: u32,
    /// The weight of topology against the weights of edges: from 0 to 1.
    #[arg(long, default_value_t = 1.0, value_name = "W", value_parser = share)]
    weight: f32,
    /// Stop after this many rounds of assignment, even if clusters still change [default: 300 rounds, and an error if they still change].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Labels with which clusters are compared: for purity, accuracy and confusion.
    #[command(flatten)]
    labels: Labelled,
    /// The folder for clusters.npy (i32, one a graph) and a report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

fn share(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|w| (0.0..=1.0).contains(w)).ok_or_else(|| "a number from 0 to 1 is expected".to_owned())
}

/// The agreement of clusters with labels.
struct Scores {
    names: Vec<Value>,
    table: Vec<Vec<usize>>,
    purity: f64,
    accuracy: f64,
}

impl Cluster {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let Some(stack) = self.reading.stack(&self.stack, &common.ranks)? else { return Ok(Done::Well) };
        let graphs = stack.len();
        let mut top = Top { weight: self.weight, ..Top::new(self.clusters as usize, common.seed) };
        top.rounds = self.rounds.map_or(top.rounds, |rounds| rounds as usize);
        if top.clusters > graphs {
            let what = format!("{graphs} graphs: --clusters {} is more than there are", top.clusters);
            return Err(stack.error(what));
        }
        let labels = self.labels.read(&stack)?;
        let device = common.device()?;
        let made = stack.diagrams(&device)?;
        let found = top.run(&stack.weights, &made)?;
        if !found.converged && self.rounds.is_none() {
            let what = format!(
                "the clusters still changed in round {}: --rounds N allows another number, and takes what it leads to",
                found.rounds
            );
            return Err(stack.error(what));
        }
        let scores = labels.as_ref().map(|labels| Scores::new(labels, &found)).transpose()?;
        let mut folder = OutputFolder::new(&self.out)?;
        let clusters: Vec<i32> = found.clusters.iter().map(|&c| c as i32).collect();
        folder.add("clusters.npy", &npy_bytes(&HostTensor::i32([graphs], clusters)?)?)?;
        self.write(&mut folder, &stack, &made, &found, scores.as_ref())?;
        folder.commit()?;
        common.say(&device);
        stack.say();
        labels.iter().flat_map(|labels| &labels.remark).for_each(|remark| note(remark));
        if !found.converged {
            note(&format!("the clusters still changed in round {}, the last that --rounds allows", found.rounds));
        }
        let mut json = json!({
            "stack": stack.paths(), "out": self.out.display().to_string(), "device": device.name(),
            "graphs": graphs, "nodes": made.nodes(), "clusters": found.clusters, "weight": self.weight, "seed": common.seed,
            "inertia": found.inertia, "rounds": found.rounds, "converged": found.converged,
        });
        stack.describe(&mut json);
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

    fn write(&self, folder: &mut OutputFolder, stack: &Graphs, made: &Diagrams, found: &Clustering, scores: Option<&Scores>) -> Result<()> {
        let members = |c: usize| (0..made.len()).filter(|&g| found.clusters[g] == c).collect::<Vec<_>>();
        let groups: Vec<(String, Vec<usize>)> = (0..self.clusters as usize).map(|c| (format!("cluster {c}"), members(c))).collect();
        let map = embedding(made, &groups)?;
        folder.add("embedding.svg", map.figures.iter().map(|f| f.svg.as_str()).collect::<String>().as_bytes())?;
        let mut sections = vec![map];
        if let Some(scores) = scores {
            sections.insert(0, scores.section());
        }
        sections.push(betti(made, &groups)?);
        sections.push(weights(stack)?);
        let intro = format!("{}: {} graphs of {} nodes, {} rounds.", stack.title(), made.len(), made.nodes(), found.rounds);
        folder.add("report.html", report("Clusters of graphs", &intro, &sections).as_bytes())
    }
}

impl Scores {
    fn new(labels: &Labels, found: &Clustering) -> Result<Self> {
        Ok(Self {
            names: labels.names.clone(),
            table: agreement::Confusion::between(&labels.places, &found.clusters)?.counts,
            purity: agreement::purity(&labels.places, &found.clusters)?,
            accuracy: agreement::accuracy(&labels.places, &found.clusters)?,
        })
    }

    fn section(&self) -> Section {
        let columns = self.table.first().map_or(0, Vec::len);
        let header = std::iter::once("label".to_owned()).chain((0..columns).map(|c| format!("cluster {c}"))).collect();
        let row = |(name, counts): (&Value, &Vec<usize>)| [text(name)].into_iter().chain(counts.iter().map(usize::to_string)).collect();
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
