//! `tapetum topology test`.

use super::graphs::{diagrams, read_stack};
use super::{Which, betti, embedding, section};
use crate::cli::common::{Common, Done};
use crate::file::OutputFolder;
use crate::report::{Section, p_value, picture, report};
use crate::topology::Diagrams;
use crate::topology::inference::{Tested, Transpositions, exact_inference, two_group_test};
use crate::{Error, HostTensor, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The reason given where the ratio is undefined.
const UNDEFINED: &str = "all distances within the groups are 0, so that the ratio is not defined";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Test {
    /// The graphs of one group, weights `[graphs, n, n]`, symmetric; diagonals are ignored.
    #[arg(value_name = "A_STACK.npy")]
    a: PathBuf,
    /// The graphs of the other group, with the same number of nodes.
    #[arg(value_name = "B_STACK.npy")]
    b: PathBuf,
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
        let (a, b) = (read_stack(&self.a)?, read_stack(&self.b)?);
        let [n, m] = [&a, &b].map(|w| w.shape()[1]);
        if n != m {
            return Err(Error::file(&self.b, format!("graphs of {m} nodes, and {} has {n}: as many expected", self.a.display())));
        }
        for (path, stack) in [(&self.a, &a), (&self.b, &b)] {
            if stack.shape()[0] < 2 {
                return Err(Error::file(path, "1 graph: at least 2 are expected in a group"));
            }
        }
        let sizes = [a.shape()[0], b.shape()[0]];
        let both = HostTensor::f32([sizes[0] + sizes[1], n, n], [a.elements::<f32>()?, b.elements::<f32>()?].concat())?;
        let device = common.device()?;
        let made = diagrams(&device, &self.a, &both)?;
        let how = Transpositions { count: self.transpositions as usize, seed: common.seed, ..Transpositions::default() };
        let found = two_group_test(&made, sizes[0], self.dimension.dimension(), &how)?;
        let [first, second] = names(&self.a, &self.b);
        let groups = [(first, (0..sizes[0]).collect::<Vec<_>>()), (second, (sizes[0]..sizes[0] + sizes[1]).collect())];
        let exact = barycentres_apart(&made, &groups)?;
        if let Some(out) = &self.out {
            let mut folder = OutputFolder::new(out)?;
            write(&mut folder, &made, &groups, &found)?;
            folder.commit()?;
        }
        common.say(&device);
        let [(d0, p0), (d1, p1)] = exact;
        let json = json!({
            "a": self.a.display().to_string(), "b": self.b.display().to_string(), "device": device.name(), "nodes": n, "graphs": sizes,
            "ratio": found.ratio, "ratio_undefined": found.ratio.is_none().then_some(UNDEFINED), "p": found.p, "transpositions": self.transpositions, "seed": common.seed,
            "barycentres": { "d0": d0, "p0": p0, "d1": d1, "p1": p1 },
            "out": self.out.as_ref().map(|out| out.display().to_string()),
        });
        common.print(&json, || {
            let ratio = found.ratio.map_or(UNDEFINED.to_owned(), |r| format!("distance between groups over distance within them: {r:.4}"));
            format!("{ratio}; p = {} by {} transpositions", p_value(found.p), self.transpositions)
        })?;
        Ok(Done::Well)
    }
}

/// The names of the groups: those of their files, with the folders where these do not tell them apart.
fn names(a: &Path, b: &Path) -> [String; 2] {
    let short = [a, b].map(|path| path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    if short[0] != short[1] { short } else { [a, b].map(|path| path.display().to_string()) }
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
