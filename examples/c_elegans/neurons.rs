//! Inferred edges compared with known relations between the neurons: the functional atlas and the wiring.

use crate::forecasts::Found;
use crate::recordings::atlas;
use crate::study::{Setting, header, mean, spread};
use std::path::Path;
use tapetum::Result;
use tapetum::report::picture::{Matrix, network};
use tapetum::report::{Figure, ReportTable, Section};
use tapetum::statistics::metrics::auroc;
use tapetum::tensor::Philox;

/// The number of edges that are drawn.
const DRAWN: usize = 40;

/// The number of draws of each null distribution.
const NULLS: u32 = 500;

/// The agreement of inferred edges with known connections, as a table and figures.
pub fn run(setting: &Setting<'_>, folder: &Path, found: &Found<'_>) -> Result<Section> {
    let (names, edges) = (&setting.data.neurons, &found.edges);
    let n = names.len();
    let known: Vec<Option<bool>> = setting.known.iter().map(|&e| Some(e)).collect();
    let mut rows = Vec::new();
    for (name, truth) in [("wiring (Cook et al. 2019)", known), ("functional atlas, q < 0.05 (Randi et al. 2023)", atlas(folder, names)?)] {
        let found = against(edges, &truth, n, |i| i)?;
        let shuffled = |draw| {
            let order = Philox::new(0, 77, draw).shuffled(n);
            against(edges, &truth, n, |i| order[i])
        };
        let matched = |draw| against(edges, &rewired(&truth, n, &Philox::new(0, 78, draw)), n, |i| i);
        let nulls = [(0..NULLS).map(shuffled).collect::<Result<Vec<_>>>()?, (0..NULLS).map(matched).collect::<Result<_>>()?];
        let mut row = vec![name.into(), format!("{found:.3}")];
        for null in nulls {
            let above = null.iter().filter(|x| **x >= found).count();
            row.push(format!("{:.3} ± {:.3}", mean(&null), spread(&null)));
            row.push(format!("{:.3}", (above + 1) as f64 / (null.len() + 1) as f64));
        }
        rows.push(row);
        println!("{}", rows[rows.len() - 1].join(" | "));
    }
    let axes = ["neuron that receives", "neuron that sends"];
    let map = Matrix { title: "Inferred edges", axes, quantity: "weight of the edge", names: [names, names], rows: n, ..Matrix::default() };
    let figures = vec![
        Figure {
            svg: Matrix { values: edges, without_diagonal: true, ..map }.heat_map()?,
            caption: format!("The mean over windows, worms and seeds. In order: {}.", names.join(" ")),
        },
        Figure {
            svg: network("Inferred graph", names, edges, DRAWN)?,
            caption: "The same graph drawn: arrows point at the receiver, stronger edges are wider.".into(),
        },
    ];
    Ok(Section {
        heading: "Inferred relations".into(),
        text: "How well the weight of an inferred edge tells pairs that are known to be connected from others. Two nulls, with the \
               share of draws that do as well: the neurons' names shuffled, and the known relations rewired so that every neuron keeps how many it \
               sends to and hears from."
            .into(),
        table: Some(ReportTable { header: header(&["known relations", "AUROC", "names shuffled", "p", "degrees kept", "p"]), rows }),
        figures,
    })
}

/// The known relations with the ends of pairs of edges exchanged, a → b and c → d to a → d and c → b, where both new pairs are measured and
/// neither is an edge. Every neuron keeps its degrees.
fn rewired(truth: &[Option<bool>], n: usize, draws: &Philox) -> Vec<Option<bool>> {
    let mut rewired = truth.to_vec();
    let mut edges: Vec<usize> = (0..n * n).filter(|&at| at / n != at % n && truth[at] == Some(true)).collect();
    for draw in 0..20 * edges.len() {
        let [p, q] = [2 * draw, 2 * draw + 1].map(|i| draws.word(i) as usize % edges.len());
        let (a, b) = (edges[p], edges[q]);
        let crossed = [a / n * n + b % n, b / n * n + a % n];
        if crossed.iter().all(|&at| at / n != at % n && rewired[at] == Some(false)) {
            for (old, new) in [a, b].into_iter().zip(crossed) {
                (rewired[old], rewired[new]) = (Some(false), Some(true));
            }
            (edges[p], edges[q]) = (crossed[0], crossed[1]);
        }
    }
    rewired
}

/// The AUROC of the edges with neurons renamed, over the pairs whose relation is known.
fn against(edges: &[f32], truth: &[Option<bool>], n: usize, name: impl Fn(usize) -> usize) -> Result<f64> {
    let names: Vec<usize> = (0..n).map(name).collect();
    let pairs = (0..n * n).filter(|at| at / n != at % n);
    let known = pairs.filter_map(|at| truth[at].map(|t| (f64::from(edges[names[at / n] * n + names[at % n]]), t)));
    let (scores, truth): (Vec<f64>, Vec<bool>) = known.unzip();
    auroc(&scores, &truth)
}
