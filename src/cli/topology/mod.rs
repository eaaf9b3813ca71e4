//! `tapetum topology`: graphs by their births and deaths.

mod barycenter;
mod cluster;
mod decompose;
mod distance;
mod graphs;
mod labels;
mod test;

use super::common::{Common, Done};
use crate::Result;
use crate::report::picture;
use crate::report::{ConnectomeView, Figure, Section};
use crate::topology::{Curves, Diagrams, Dimension, group_curves};

/// Persistent graph homology of complete weighted graphs: births (of components, the maximum spanning tree) and deaths (of cycles, all
/// other edges).
#[derive(Debug, clap::Args)]
pub(super) struct Topology {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Births and deaths of a graph, and the edges behind them.
    #[command(after_help = "Example: tapetum topology decompose sub-01_relmat.tsv -o decomposed")]
    Decompose(decompose::Decompose),
    /// The distance between two graphs.
    #[command(after_help = "Example: tapetum topology distance a.tsv b.tsv --dimension 0")]
    Distance(distance::Distance),
    /// Births and deaths of the barycentre of graphs.
    #[command(after_help = "Example: tapetum topology barycenter stack.npy -o mean")]
    Barycenter(barycenter::Barycenter),
    /// Clusters of graphs.
    #[command(
        after_help = "Example: tapetum topology cluster sub-*_relmat.tsv --clusters 2 --labels participants.tsv --column group -o clusters"
    )]
    Cluster(cluster::Cluster),
    /// Test two groups of graphs for a difference.
    #[command(after_help = "Example: tapetum topology test patients/*.tsv --against controls/*.tsv -o tested")]
    Test(test::Test),
}

impl Topology {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        match self.what {
            // One graph or two: there is nothing to spread over ranks.
            What::Decompose(_) | What::Distance(_) if !common.ranks.is_first() => Ok(Done::Well),
            What::Decompose(decompose) => decompose.run(common),
            What::Distance(distance) => distance.run(common),
            What::Barycenter(barycenter) => barycenter.run(common),
            What::Cluster(cluster) => cluster.run(common),
            What::Test(test) => test.run(common),
        }
    }
}

/// The features that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Components, by their births
    #[value(name = "0")]
    Components,
    /// Cycles, by their deaths
    #[value(name = "1")]
    Cycles,
    /// Both, summed
    Both,
}

impl Which {
    fn dimension(self) -> Dimension {
        match self {
            Self::Components => Dimension::Components,
            Self::Cycles => Dimension::Cycles,
            Self::Both => Dimension::Both,
        }
    }
}

/// The number of thresholds in the curves of a picture.
const STEPS: usize = 240;
/// The margin of the thresholds at both ends, as a fraction of the range of all births and deaths.
const MARGIN: f32 = 0.04;

/// Mean Betti curves of named groups of graphs, with their spread.
fn betti(diagrams: &Diagrams, groups: &[(String, Vec<usize>)]) -> Result<Section> {
    let lists = |g: usize| [diagrams.births(g), diagrams.deaths(g)].concat();
    let all = groups.iter().flat_map(|(_, members)| members).flat_map(|&g| lists(g));
    let (low, high) = all.fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)));
    // The thresholds extend a little beyond both ends, like the axis of a barcode.
    let (low, range) = (low - MARGIN * (high - low), (1.0 + 2.0 * MARGIN) * (high - low));
    let thresholds: Vec<f32> = (0..=STEPS).map(|i| low + range * i as f32 / STEPS as f32).collect();
    let (mut components, mut cycles) = (Vec::new(), Vec::new());
    for (name, members) in groups.iter().filter(|(_, members)| !members.is_empty()) {
        let (mean, _) = group_curves(diagrams, members, &thresholds);
        let points = |curve: &[f64]| thresholds.iter().zip(curve).map(|(&t, &y)| (f64::from(t), y)).collect::<Vec<_>>();
        let Curves { components: first, cycles: second } = &mean;
        components.push((name.clone(), points(first)));
        cycles.push((name.clone(), points(second)));
    }
    let figure = |title: &str, y: &str, lines: &[(String, Vec<(f64, f64)>)]| -> Result<Figure> {
        Ok(Figure { svg: picture::line_chart(title, "threshold (weight of an edge)", y, lines)?, caption: String::new() })
    };
    Ok(Section {
        heading: "Betti curves".into(),
        text: "How many components and independent cycles are left when only the edges above a threshold are kept; of groups, the mean."
            .into(),
        table: None,
        figures: vec![
            figure("Components above a threshold", "connected components", &components)?,
            figure("Cycles above a threshold", "independent cycles", &cycles)?,
        ],
    })
}

/// Named groups of graphs in the plane of their mean births and deaths.
fn embedding(diagrams: &Diagrams, groups: &[(String, Vec<usize>)]) -> Result<Section> {
    let places = diagrams.embedding();
    let points: Vec<_> = groups.iter().map(|(name, members)| (name.clone(), members.iter().map(|&g| places[g]).collect())).collect();
    let [x, y] = ["mean birth − mean birth of all graphs", "mean death − mean death of all graphs"];
    let map = picture::scatter("Graphs by their births and deaths", x, y, &points)?;
    let text = "Each graph by how far its births and its deaths lie, on average, from those of the barycentre of all graphs.";
    Ok(section("Graphs", text, map))
}

/// The weights, of several graphs their means, with the nodes in the order of clusters.
fn weights(graphs: &graphs::Graphs) -> Result<Section> {
    let (names, mean) = (graphs.node_names(), graphs.mean()?);
    let view = ConnectomeView { title: "Weights", quantity: "weight", names: &names, values: &mean, without_diagonal: true };
    let of = if graphs.len() > 1 { "The means over graphs." } else { "The graph that was decomposed." };
    let text = format!("{of} The diagonal does not count, and is grey.");
    Ok(Section { heading: "Weights".into(), text, table: None, figures: vec![view.map(&view.order()?)?] })
}

/// A section of one picture.
fn section(heading: &str, text: &str, svg: String) -> Section {
    Section { heading: heading.into(), text: text.into(), table: None, figures: vec![Figure { svg, caption: String::new() }] }
}
