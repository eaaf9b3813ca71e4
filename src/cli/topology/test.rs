//! `tapetum topology test`.

use super::graphs::{Graphs, Reading, paths};
use super::labels::{Labelled, text};
use super::{Which, betti, embedding, section};
use crate::cli::common::{Common, Done, note};
use crate::cli::ranks::Ranks;
use crate::file::OutputFolder;
use crate::report::{Section, p_value, picture, report};
use crate::topology::Diagrams;
use crate::topology::inference::{Tested, Transpositions, exact_inference, two_group_test};
use crate::{Error, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The reason given where the ratio is undefined.
const UNDEFINED: &str = "all distances within the groups are 0, so that the ratio is not defined";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Test {
    /// Weights `[graphs, n, n]`, symmetric; diagonals are ignored. Two files are the two groups. With --against, these are the files of one
    /// group, of one graph each or of several; with --labels, those of both.
    #[arg(value_name = "GRAPHS", required = true)]
    graphs: Vec<PathBuf>,
    /// The files of the other group, with the same nodes.
    #[arg(long, value_name = "GRAPHS", num_args = 1.., conflicts_with = "labels")]
    against: Vec<PathBuf>,
    /// Labels of two groups.
    #[command(flatten)]
    labels: Labelled,
    #[command(flatten)]
    reading: Reading,
    /// The features that count: 0 for components, by their births; 1 for cycles, by their deaths.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    dimension: Which,
    /// The number of exchanges of members that draw the null distribution.
    #[arg(long, default_value_t = 200_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    transpositions: u32,
    /// The folder for a report.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Test {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let Some(Groups { graphs, names, members, remark }) = self.groups(&common.ranks)? else { return Ok(Done::Well) };
        let sizes = [members[0].len(), members[1].len()];
        if let Some(at) = (0..2).find(|&at| sizes[at] < 2) {
            return Err(graphs.error(format!("{}: {} graph, and at least 2 are expected in a group", names[at], sizes[at])));
        }
        let device = common.device()?;
        let both = graphs.ordered(&members.concat())?;
        let made = both.diagrams(&device)?;
        let how = Transpositions { count: self.transpositions as usize, seed: common.seed, ..Transpositions::default() };
        let found = two_group_test(&made, sizes[0], self.dimension.dimension(), &how)?;
        let [first, second] = names;
        let groups = [(first, (0..sizes[0]).collect::<Vec<_>>()), (second, (sizes[0]..sizes[0] + sizes[1]).collect())];
        let exact = barycentres_apart(&made, &groups)?;
        if let Some(out) = &self.out {
            let mut folder = OutputFolder::new(out)?;
            write(&mut folder, &made, &groups, &found)?;
            folder.commit()?;
        }
        common.say(&device);
        both.say();
        remark.iter().for_each(|remark| note(remark));
        let [(d0, p0), (d1, p1)] = exact;
        let (a, b) = match (&self.graphs[..], &self.against[..]) {
            ([a, b], []) if !self.labels.given() => (json!(a.display().to_string()), json!(b.display().to_string())),
            (a, b) => (paths(a.iter()), paths(b.iter())),
        };
        let mut json = json!({
            "a": a, "b": b, "device": device.name(), "nodes": both.nodes(), "graphs": sizes, "groups": [&groups[0].0, &groups[1].0],
            "ratio": found.ratio, "ratio_undefined": found.ratio.is_none().then_some(UNDEFINED), "p": found.p, "transpositions": self.transpositions, "seed": common.seed,
            "barycentres": { "d0": d0, "p0": p0, "d1": d1, "p1": p1 },
            "out": self.out.as_ref().map(|out| out.display().to_string()),
        });
        both.describe(&mut json);
        common.print(&json, || {
            let ratio = found.ratio.map_or(UNDEFINED.to_owned(), |r| format!("distance between groups over distance within them: {r:.4}"));
            format!("{ratio}; p = {} by {} transpositions", p_value(found.p), self.transpositions)
        })?;
        Ok(Done::Well)
    }
}

/// The graphs of both groups, the groups' names, and the graphs in each.
struct Groups {
    graphs: Graphs,
    names: [String; 2],
    members: [Vec<usize>; 2],
    remark: Option<String>,
}

impl Test {
    fn groups(&self, ranks: &Ranks) -> Result<Option<Groups>> {
        let (first, second) = match (&self.graphs[..], &self.against[..]) {
            _ if self.labels.given() => return self.labelled(ranks),
            ([a, b], []) => (std::slice::from_ref(a), std::slice::from_ref(b)),
            (_, []) => {
                let what = format!(
                    "files of graphs: {} given, where two, one for each group, or --against or --labels are expected",
                    self.graphs.len()
                );
                return Err(Error::argument(what));
            }
            both => both,
        };
        let Some(graphs) = self.reading.stack(&[first, second].concat(), ranks)? else { return Ok(None) };
        let of_first = graphs.files[..first.len()].iter().map(|(_, count)| count).sum();
        let members = [(0..of_first).collect(), (of_first..graphs.len()).collect()];
        Ok(Some(Groups { names: names(first, second), graphs, members, remark: None }))
    }

    /// Groups by their labels.
    fn labelled(&self, ranks: &Ranks) -> Result<Option<Groups>> {
        let Some(graphs) = self.reading.stack(&self.graphs, ranks)? else { return Ok(None) };
        let Some(labels) = self.labels.read(&graphs)? else { return Err(Error::argument("--labels is expected")) };
        let [first, second] = &labels.names[..] else {
            let found = labels.names.iter().map(text).collect::<Vec<_>>().join(", ");
            return Err(Error::argument(format!("--labels: two groups are expected, and there are {}: {found}", labels.names.len())));
        };
        let of = |label: usize| (0..graphs.len()).filter(|&graph| labels.places[graph] == label).collect();
        Ok(Some(Groups { names: [text(first), text(second)], members: [of(0), of(1)], graphs, remark: labels.remark }))
    }
}

/// The names of the groups: those of their files, or of the folders of several, with the folders above where they are the same.
fn names(a: &[PathBuf], b: &[PathBuf]) -> [String; 2] {
    let whole = |files: &[PathBuf]| match files {
        [one] => one.clone(),
        [first, ..] => first.parent().unwrap_or(Path::new("")).to_owned(),
        [] => PathBuf::new(),
    };
    let [a, b] = [whole(a), whole(b)];
    let short = [&a, &b].map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let long = [&a, &b].map(|path| path.display().to_string());
    let told = |[a, b]: &[String; 2]| a != b && !a.is_empty() && !b.is_empty();
    [short, long].into_iter().find(told).unwrap_or(["first group", "second group"].map(String::from))
}

/// For components and cycles, the largest difference between the Betti curves of the two barycentres, and its p-value.
fn barycentres_apart(made: &Diagrams, [(_, a), (_, b)]: &[(String, Vec<usize>); 2]) -> Result<[(usize, f64); 2]> {
    let (x, y) = (made.barycentre(a), made.barycentre(b));
    Ok([exact_inference(&x.0, &y.0)?, exact_inference(&x.1, &y.1)?])
}

fn write(folder: &mut OutputFolder, made: &Diagrams, groups: &[(String, Vec<usize>); 2], found: &Tested) -> Result<()> {
    let running = found.running.iter().map(|&(n, p)| (n as f64, p)).collect();
    let running = picture::line_chart("p as transpositions go on", "transpositions", "p", &[("p".into(), running)])?;
    let sections = [
        ratio(found)?,
        section("Running p", "The share of transposed ratios that are not below the observed one.", running),
        embedding(made, groups)?,
        betti(made, groups)?,
    ];
    let intro = format!("{} and {} graphs of {} nodes: p = {}.", groups[0].1.len(), groups[1].1.len(), made.nodes(), p_value(found.p));
    folder.add("report.html", report("Two groups of graphs", &intro, &sections).as_bytes())
}

/// The section on the observed ratio among those of the transpositions, or on the reason why it is undefined.
fn ratio(found: &Tested) -> Result<Section> {
    const EXCHANGED: &str = "Members of the two groups are exchanged one for one, at random, many times over.";
    let Some(observed) = found.ratio else {
        let text = format!("{EXCHANGED} Here {UNDEFINED}; p compares the distances between the groups.");
        return Ok(Section { heading: "Ratio".into(), text, ..Section::default() });
    };
    let null: Vec<f64> = found.null.iter().step_by(found.null.len().div_ceil(400).max(1)).copied().collect();
    let label = "mean squared distances: between groups / within groups";
    let title = "The observed ratio among those of exchanged groups";
    Ok(section("Ratio", EXCHANGED, picture::comparison(title, label, &[("observed".into(), observed)], ("exchanged", &null))?))
}
