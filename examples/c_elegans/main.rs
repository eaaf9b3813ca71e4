//! Interactions between neurons, inferred from activity alone.
//!
//! `cargo run --release --example c_elegans` simulates springs and coupled oscillators with known graphs, and scores the edges that neural
//! relational inference recovers without labels. With `--data DIR` (a folder with `kato2015/` or the published `WT_NoStim.mat` of OSF 2395t,
//! and `connectome/`) it predicts the neurons and behaviour of worms outside the training set, and compares the predictions with those of
//! linear models.
//!
//! `[--out DIR] [--steps N] [--seeds N] [--worms 0,3] [--device cpu|auto|ADAPTER]`; `--worms` limits the test worms to those given, and
//! with data `--steps` limits the steps of every training. `--data DIR --windows DIR` only writes the files that the workflow
//! `examples/c_elegans.json` reads.

mod behaviour;
mod choice;
mod forecast;
mod forecasts;
mod linear;
mod model;
mod neurons;
mod recordings;
mod relations;
mod states;
mod study;
mod systems;
mod transfer;
mod windows;

use clap::Parser;
use std::path::PathBuf;
use tapetum::file::OutputFolder;
use tapetum::report::{Section, report};
use tapetum::{Device, Result};

/// Infers interactions from activity alone: in simulated systems with known graphs, or in worms outside the training set.
#[derive(Debug, Parser)]
struct Arguments {
    /// A folder with `WT_NoStim.mat` or `kato2015/`, and with `connectome/`; or a file of worms, with `connectome/` beside it: the study of
    /// worms. Without it, systems are simulated.
    #[arg(long, value_name = "DIR|FILE")]
    data: Option<PathBuf>,
    /// Write what the workflow `examples/c_elegans.json` reads into a folder, and nothing else.
    #[arg(long, value_name = "DIR", requires = "data")]
    windows: Option<PathBuf>,
    /// The folder of the report.
    #[arg(long, default_value = "c-elegans", value_name = "DIR")]
    out: PathBuf,
    /// Steps of training [default: 2500 without data; with data the value is an upper limit]
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Seeds of every training [default: 1 without data, 3 with]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// The worms to leave out, one by one, counted from 0 [default: all]
    #[arg(long, value_name = "0,3", value_delimiter = ',')]
    worms: Vec<usize>,
    /// `cpu`, `auto`, or part of an adapter's name.
    #[arg(long, default_value = "cpu")]
    device: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let (Some(folder), Some(data)) = (&arguments.windows, &arguments.data) {
        return windows::write(data, folder);
    }
    let device = Device::named(&arguments.device)?;
    let mut folder = OutputFolder::new(&arguments.out)?;
    let sections: Vec<Section> = match &arguments.data {
        Some(data) => study::run(&device, data, arguments.steps, arguments.seeds.unwrap_or(3), &arguments.worms)?,
        None => relations::run(&device, arguments.steps.unwrap_or(2500), arguments.seeds.unwrap_or(1))?,
    };
    let (title, intro) = match arguments.data {
        Some(_) => ("Worms never seen", "Models are trained on four worms and tested on the fifth, each worm in turn: leave one worm out."),
        None => ("Relations recovered", "Simulated systems whose graphs are known to the judge alone."),
    };
    folder.add("report.html", report(title, intro, &sections).as_bytes())?;
    folder.commit()?;
    println!("everything is in {}", arguments.out.join("report.html").display());
    Ok(())
}
