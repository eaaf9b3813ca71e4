//! Prediction of group (child or adult) and of age from series by a differentiable workflow (`prediction.json`). Its parcels and frame
//! weights are trained together with the readout, and it is compared with the same workflow with both fixed: a plain correlation and a
//! linear model.
//!
//! `cargo run --release --example prediction [-- --data DIR --seeds 3 --out DIR --device cpu|auto|NAME --set KEY=VALUE]`
//!
//! DIR holds the film data of Richardson et al. 2018 (`timeseries_f32.npy` `[155, 168, 64]`, `participants.csv`). Its label is partly
//! confounded with the head coil: most children were scanned with another coil than adults, so predictions may partly reflect the coil.
//! Without `--data` a cohort is simulated whose connectomes change with age, in some frames more than in others.

use clap::Parser;
use std::path::{Path, PathBuf};
use tapetum::data::npy_bytes;
use tapetum::file::{OutputFolder, write_file};
use tapetum::report::picture::line_chart;
use tapetum::report::{Figure, ReportTable, Section, report, table};
use tapetum::tensor::Philox;
use tapetum::workflow::{RunResult, Value, Workflow, over_folds, setting};
use tapetum::{Device, Error, HostTensor, Result};

#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with `timeseries_f32.npy` and `participants.csv`.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The number of divisions into five folds, each with its own seed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The folder of the report and of the simulated cohort.
    #[arg(long, default_value = "tapetum-prediction")]
    out: PathBuf,
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Set what the workflow says at a place, as `tapetum run --set`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
}

/// The arms of the comparison, each with the parameters that it keeps fixed.
const ARMS: [(&str, &[&str]); 4] = [
    ("fixed correlation, linear readout", &["maps", "frames"]),
    ("learnt frame weights", &["maps"]),
    ("learnt parcels", &["frames"]),
    ("learnt parcels and frame weights", &[]),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let device = Device::named(&arguments.device)?;
    let mut folder = OutputFolder::new(&arguments.out)?;
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None => simulated(&arguments.out)?,
    };
    // Files are looked for beside the workflow, unless their folder is an absolute path.
    let data = std::path::absolute(&data).map_err(|e| Error::file(&data, e.to_string()))?;
    let mut options = Workflow::options().set("folder", data.display().to_string());
    for (place, value) in &arguments.set {
        options = options.set(place, value.clone());
    }
    let mut arms = Vec::new();
    for (arm, fixed) in ARMS {
        let options = fixed.iter().fold(options.clone(), |options, name| options.set(format!("parameters.{name}.learn"), false));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/prediction.json");
        let run = |seed: u64| options.clone().seed(seed).read(&path)?.run(&device);
        let results = (0..arguments.seeds).map(run).collect::<Result<Vec<_>>>()?;
        println!("{arm}: trained");
        arms.push((arm, results));
    }
    let made = result(&arms);
    println!("\n{}\n", table(&made.header.iter().map(String::as_str).collect::<Vec<_>>(), &made.rows));
    let sections = sections(&arms)?;
    folder.add("report.html", report("Child or adult, and how old", INTRO, &sections).as_bytes())?;
    folder.commit()?;
    println!("everything is in {}", arguments.out.join("report.html").display());
    Ok(())
}

const INTRO: &str = "One workflow, of which more or less is learnt. Five folds, stratified by group; every figure is pooled over all subjects, each \
    tested by the fold that had not seen them, mean and standard deviation over seeds (each another division into folds). In the film's data \
    the label is partly confounded with the head coil, so part of what is predicted may be the coil.";

/// The mean and standard deviation of each metric over seeds.
fn cells(results: &[RunResult]) -> Vec<String> {
    let metrics = results.first().map_or(0, |result| result.metrics.len());
    let cell = |i: usize| {
        let pooled: Vec<_> = results.iter().map(|result| result.metrics[i].pooled.clone()).collect();
        match over_folds(&pooled) {
            None => "–".to_owned(),
            Some((mean, None)) => format!("{mean:.3}"),
            Some((mean, Some(deviation))) => format!("{mean:.3} ± {deviation:.3}"),
        }
    };
    (0..metrics).map(cell).collect()
}

/// The pooled metrics of every arm.
fn result(arms: &[(&str, Vec<RunResult>)]) -> ReportTable {
    let names = arms.first().and_then(|(_, o)| o.first()).map(|o| o.metrics.iter().map(|m| m.name.clone()).collect::<Vec<_>>());
    let header = [vec!["what is learnt".to_owned()], names.unwrap_or_default()].concat();
    let rows = arms.iter().map(|(arm, results)| [vec![(*arm).to_owned()], cells(results)].concat()).collect();
    ReportTable { header, rows }
}

fn sections(arms: &[(&str, Vec<RunResult>)]) -> Result<Vec<Section>> {
    let mut sections = vec![Section { heading: "Result".into(), table: Some(result(arms)), ..Section::default() }];
    let last = arms.last().and_then(|(_, results)| results.first());
    if let Some(frames) = last.and_then(|o| o.values.iter().find(|v| v.name == "frames")) {
        let time = frames.value.shape().last().copied().unwrap_or(1);
        let line =
            |(i, row): (usize, &[f32])| (format!("fold {i}"), row.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect());
        let lines: Vec<_> = frames.value.elements::<f32>()?.chunks_exact(time).enumerate().map(line).collect();
        let svg = line_chart("Weights of the frames", "frame", "weight", &lines)?;
        let text = "What each fold of the first seed learnt: 1 is what a plain correlation gives every frame.".into();
        sections.push(Section { heading: "Frames".into(), text, table: None, figures: vec![Figure { svg, caption: String::new() }] });
    }
    Ok(sections)
}

/// A cohort of 80 subjects from 5 to 35 years, with 120 frames of 24 regions. In the middle third of the frames, correlations within
/// networks increase with age; in the other frames they do not depend on it.
fn simulated(out: &Path) -> Result<PathBuf> {
    const SUBJECTS: usize = 80;
    const FRAMES: usize = 120;
    const REGIONS: usize = 24;
    let folder = out.join("simulated");
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, format!("the folder cannot be made: {e}")))?;
    let draws = Philox::new(7, 0, 0);
    let mut series = vec![0.0f32; SUBJECTS * FRAMES * REGIONS];
    let mut table = String::from("participant,Age,Child_Adult\n");
    let mut next = 0;
    let mut normal = || {
        next += 1;
        draws.normal(next)
    };
    for (s, subject) in series.chunks_exact_mut(FRAMES * REGIONS).enumerate() {
        let age = 5.0 + 30.0 * (s as f64 + 0.5) / SUBJECTS as f64;
        table += &format!("sub-{s:02},{age:.2},{}\n", if age < 18.0 { "child" } else { "adult" });
        for (t, frame) in subject.chunks_exact_mut(REGIONS).enumerate() {
            let together = if (FRAMES / 3..2 * FRAMES / 3).contains(&t) { 0.3 + 0.5 * age / 35.0 } else { 0.5 };
            let networks: [f64; 3] = std::array::from_fn(|_| normal());
            for (region, x) in frame.iter_mut().enumerate() {
                *x = (together * networks[region % 3] + (1.0 - together) * normal()) as f32;
            }
        }
    }
    write_file(folder.join("timeseries_f32.npy"), &npy_bytes(&HostTensor::f32([SUBJECTS, FRAMES, REGIONS], series)?)?)?;
    write_file(folder.join("participants.csv"), table.as_bytes())?;
    Ok(folder)
}
