//! Leave one worm out: tables, pictures, and inferred edges beside what is known of the neurons.

use crate::behaviour::{Classifier, Task, classes};
use crate::forecast::{Fold, Scores};
use crate::model::{Design, Kind};
use crate::recordings::{HORIZON, Recording, Recordings, atlas, wiring};
use std::path::Path;
use std::time::Instant;
use tapetum::cli::picture::{heat_map, line_chart};
use tapetum::cli::report::{Figure, ReportTable, Section};
use tapetum::nn::metrics::{Confusion, auroc};
use tapetum::tensor::Philox;
use tapetum::{Device, Error, HostTensor, Result};

const fn alone(kind: Kind) -> Design {
    Design { kind, corrects: false }
}

const fn corrects(kind: Kind) -> Design {
    Design { kind, corrects: true }
}

const DESIGNS: [(&str, Design); 11] = [
    ("linear VAR(16), ridge", alone(Kind::Linear)),
    ("linear, tuned through roll-outs", corrects(Kind::Linear)),
    ("MLP", alone(Kind::Mlp)),
    ("GRU", alone(Kind::Gru)),
    ("LSTM", alone(Kind::Lstm)),
    ("GNN, inferred edges", alone(Kind::Gnn)),
    ("linear + MLP", corrects(Kind::Mlp)),
    ("linear + GRU", corrects(Kind::Gru)),
    ("linear + GNN, inferred edges", corrects(Kind::Gnn)),
    ("linear + GNN, all edges alike", corrects(Kind::GnnComplete)),
    ("linear + GNN, wiring", corrects(Kind::GnnWiring)),
];

/// Neurons the states were made from (Kato et al. 2015).
const LABELLING: [&str; 3] = ["AVA", "SMD", "RIB"];

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len().max(1) as f64
}

fn spread(x: &[f64]) -> f64 {
    let m = mean(x);
    (x.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / x.len().saturating_sub(1).max(1) as f64).sqrt()
}

fn cells(list: &[f64]) -> String {
    list.iter().map(|x| format!("{x:.3}")).collect::<Vec<_>>().join(" ")
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// What every run of the study is given.
struct Setting<'a> {
    device: &'a Device,
    /// Worms left out, one by one.
    folds: Vec<usize>,
    steps: u32,
    seeds: u64,
}

/// The whole study, of every worm left out or of those in `worms`.
///
/// # Errors
/// Where a file is not as it should be, or there is no such worm.
pub fn run(device: &Device, folder: &Path, steps: u32, seeds: u64, worms: &[usize]) -> Result<Vec<Section>> {
    let data = Recordings::read(folder)?;
    if let Some(worm) = worms.iter().find(|w| **w >= data.worms.len()) {
        return Err(Error::argument(format!("--worms {worm}: there are {}", data.worms.len())));
    }
    let folds = if worms.is_empty() { (0..data.worms.len()).collect() } else { worms.to_vec() };
    let setting = Setting { device, folds, steps, seeds };
    let known = wiring(folder, &data.neurons)?;
    let (forecast, edges) = forecasts(&setting, &data, &known)?;
    let mut sections = vec![forecast, behaviours(&setting, &data)?];
    if let Some(edges) = edges {
        sections.push(relations(folder, &data, &known, &edges)?);
    }
    Ok(sections)
}

/// Prediction, every design on every fold; and the inferred edges, the mean over folds.
fn forecasts(setting: &Setting<'_>, data: &Recordings, known: &[bool]) -> Result<(Section, Option<Vec<f32>>)> {
    let Setting { device, folds, steps, seeds } = setting;
    let n = data.neurons.len();
    let weights = HostTensor::f32([n, n], known.iter().map(|&e| f32::from(u8::from(e))).collect())?;
    let mut found: Vec<Vec<Scores>> = vec![Vec::new(); DESIGNS.len()];
    for &left_out in folds {
        let fold = Fold::new(device, data, left_out, &weights)?;
        println!("worm {left_out} left out: ridge penalty {}", fold.alpha);
        for ((name, design), found) in DESIGNS.iter().zip(&mut found) {
            let seeds = if *design == alone(Kind::Linear) { 1 } else { *seeds };
            for seed in 0..seeds {
                let begun = Instant::now();
                let scores = fold.run(*design, *steps, seed)?;
                let seconds = begun.elapsed().as_secs_f64();
                println!(
                    "  {name}, seed {seed}: one step {:.4}, {HORIZON} steps {:.4}, score {:.3}; {seconds:.0} s",
                    scores.one_step,
                    scores.all_steps,
                    scores.score()
                );
                found.push(scores);
            }
        }
    }
    let copied = |i: usize| mean(&found[0].iter().map(|s| s.copied[i]).collect::<Vec<_>>());
    let mut rows =
        vec![vec!["copy".into(), format!("{:.4}", copied(0)), format!("{:.4}", copied(1)), "0".into(), "0".into(), String::new()]];
    for ((name, _), all) in DESIGNS.iter().zip(&found) {
        let each = |f: fn(&Scores) -> f64| all.iter().map(f).collect::<Vec<f64>>();
        let scores = each(Scores::score);
        // Runs come worm by worm, seed by seed within.
        let worms: Vec<f64> = scores.chunks(scores.len() / folds.len()).map(mean).collect();
        rows.push(vec![
            (*name).into(),
            format!("{:.4}", mean(&each(|s| s.one_step))),
            format!("{:.4}", mean(&each(|s| s.all_steps))),
            format!("{:.3}", mean(&scores)),
            format!("{:.3}", spread(&worms)),
            cells(&scores),
        ]);
    }
    rows.iter().for_each(|row| println!("{}", row.join(" | ")));
    let gnn = &found[DESIGNS.iter().position(|(_, d)| *d == corrects(Kind::Gnn)).unwrap_or(0)];
    let edges = average(gnn.iter().filter_map(|s| s.edges.as_ref()));
    let figures = roll_outs(data, &found[0][0], &gnn[0])?;
    let text = format!(
        "{n} neurons shared by all worms, each standardised by worm; 16 frames seen, {HORIZON} predicted from own predictions. Linear and network \
         models learn from the first 80 % of the training worms; penalties and when to stop are chosen on the rest of them. Score: 1 − MSE / MSE of \
         copying the last frame, over all {HORIZON} steps."
    );
    let header = header(&["model", "one-step MSE", "16-step MSE", "score", "spread over worms", "score of each worm and seed"]);
    Ok((Section { heading: "Prediction".into(), text, table: Some(ReportTable { header, rows }), figures }, edges))
}

fn average<'a>(all: impl Iterator<Item = &'a Vec<f32>>) -> Option<Vec<f32>> {
    let mut count = 0.0;
    let sum = all.inspect(|_| count += 1.0).cloned().reduce(|a, b| a.iter().zip(b).map(|(a, b)| a + b).collect())?;
    Some(sum.into_iter().map(|x| x / count).collect())
}

/// Three neurons of the first test window: the truth, the linear model, the network.
fn roll_outs(data: &Recordings, linear: &Scores, gnn: &Scores) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for neuron in (0..data.neurons.len()).step_by(data.neurons.len().div_ceil(3)) {
        let line = |name: &str, x: &[f64]| (name.to_owned(), (0..HORIZON).map(|t| (t as f64 + 1.0, x[neuron * HORIZON + t])).collect());
        let lines = [line("truth", &linear.shown[0]), line("linear", &linear.shown[1]), line("linear + GNN", &gnn.shown[1])];
        let svg = line_chart(&data.neurons[neuron], "frames ahead", "standard deviations", &lines)?;
        figures.push(Figure { svg, caption: "The first window of a worm that no model has seen.".into() });
    }
    Ok(figures)
}

/// Classification, 4 and 7 states, with the neurons the states were made from and without.
fn behaviours(setting: &Setting<'_>, data: &Recordings) -> Result<Section> {
    let Setting { device, folds, steps, seeds } = setting;
    let without = left(data);
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for (seen, data) in [("all", data), ("without AVA, SMD, RIB", &without)] {
        for merged in [true, false] {
            let (class, names) = classes(&data.states, merged);
            for classifier in [Classifier::Logistic, Classifier::Mlp, Classifier::Gru, Classifier::Gnn] {
                let mut found: Vec<Confusion> = Vec::new();
                for &left_out in folds {
                    let task = Task { device, data, left_out, class: &class, count: names.len() };
                    for seed in 0..*seeds {
                        found.push(task.run(classifier, *steps, seed)?);
                    }
                }
                let each = |f: fn(&Confusion) -> f64| found.iter().map(f).collect::<Vec<f64>>();
                let accuracy = each(Confusion::accuracy);
                let name = if classifier == Classifier::Logistic { "logistic".into() } else { format!("logistic + {classifier:?}") };
                rows.push(vec![
                    format!("{} states, {seen}: {name}", names.len()),
                    format!("{:.1} %", 100.0 * mean(&accuracy)),
                    format!("{:.1}", 100.0 * spread(&accuracy)),
                    format!("{:.1} %", 100.0 * mean(&each(Confusion::balanced_accuracy))),
                    format!("{:.3}", mean(&each(Confusion::macro_f1))),
                    cells(&accuracy),
                ]);
                println!("{}", rows[rows.len() - 1].join(" | "));
                if classifier == Classifier::Gnn && seen == "all" {
                    figures.push(confusion(&names, &found)?);
                }
            }
        }
    }
    let header = header(&["task: model", "accuracy", "spread", "balanced", "macro F1", "accuracy of each worm and seed"]);
    let text = "Behaviour at the last of 16 frames, of worms never seen. The states were inferred from AVA, SMD and RIB, so that with those neurons in \
                sight the task is partly circular. Every network adds to the logistic model's logits.";
    Ok(Section { heading: "Behaviour".into(), text: text.into(), table: Some(ReportTable { header, rows }), figures })
}

/// The recordings without the neurons that the states were made from.
fn left(data: &Recordings) -> Recordings {
    let kept: Vec<usize> = (0..data.neurons.len()).filter(|&i| !LABELLING.iter().any(|l| data.neurons[i].starts_with(l))).collect();
    let worm = |w: &Recording| Recording { series: kept.iter().map(|&i| w.series[i].clone()).collect(), states: w.states.clone() };
    Recordings {
        worms: data.worms.iter().map(worm).collect(),
        neurons: kept.iter().map(|&i| data.neurons[i].clone()).collect(),
        states: data.states.clone(),
    }
}

/// Shares of each true class, over all runs.
fn confusion(names: &[&str], found: &[Confusion]) -> Result<Figure> {
    let n = names.len();
    let mut shares = Vec::with_capacity(n * n);
    for truth in 0..n {
        let row: Vec<usize> = (0..n).map(|p| found.iter().map(|c| c.counts[truth][p]).sum()).collect();
        let all = row.iter().sum::<usize>().max(1) as f32;
        shares.extend(row.into_iter().map(|x| x as f32 / all));
    }
    let svg = heat_map(&format!("{n} states by the GNN"), "class", "share of the true class", n, &shares, (0.0, 1.0))?;
    Ok(Figure { svg, caption: format!("Rows are true classes, columns predicted: {}.", names.join(", ")) })
}

/// Inferred edges beside the functional atlas and the wiring.
fn relations(folder: &Path, data: &Recordings, known: &[bool], edges: &[f32]) -> Result<Section> {
    let n = data.neurons.len();
    let known: Vec<Option<bool>> = known.iter().map(|&e| Some(e)).collect();
    let mut rows = Vec::new();
    for (name, truth) in
        [("wiring (Cook et al. 2019)", known), ("functional atlas, q < 0.05 (Randi et al. 2023)", atlas(folder, &data.neurons)?)]
    {
        let found = against(edges, &truth, n, |i| i)?;
        // Neurons' names shuffled: the graph keeps its degrees, and knows nobody.
        let renamed = |draw| {
            let order = Philox::new(0, 77, draw).shuffled(n);
            against(edges, &truth, n, |i| order[i])
        };
        let null: Vec<f64> = (0..500).map(renamed).collect::<Result<_>>()?;
        let above = null.iter().filter(|x| **x >= found).count();
        let p = (above + 1) as f64 / (null.len() + 1) as f64;
        rows.push(vec![name.into(), format!("{found:.3}"), format!("{:.3} ± {:.3}", mean(&null), spread(&null)), format!("{p:.3}")]);
        println!("{}", rows[rows.len() - 1].join(" | "));
    }
    let most = edges.iter().copied().fold(1e-6, f32::max);
    let svg = heat_map("Inferred edges", "neuron", "weight", n, edges, (0.0, most))?;
    let caption = format!("Rows receive, columns send; the mean over windows and folds. In order: {}.", data.neurons.join(" "));
    Ok(Section {
        heading: "Inferred relations".into(),
        text: "How well the weight of an inferred edge tells pairs that are known to be connected from others. The null has the neurons' names shuffled, \
               which keeps every degree."
            .into(),
        table: Some(ReportTable { header: header(&["known relations", "AUROC", "null", "p"]), rows }),
        figures: vec![Figure { svg, caption }],
    })
}

/// AUROC of edges between neurons renamed, for pairs that are known about.
fn against(edges: &[f32], truth: &[Option<bool>], n: usize, name: impl Fn(usize) -> usize) -> Result<f64> {
    let names: Vec<usize> = (0..n).map(name).collect();
    let pairs = (0..n * n).filter(|at| at / n != at % n);
    let known = pairs.filter_map(|at| truth[at].map(|t| (f64::from(edges[names[at / n] * n + names[at % n]]), t)));
    let (scores, truth): (Vec<f64>, Vec<bool>) = known.unzip();
    auroc(&scores, &truth)
}
