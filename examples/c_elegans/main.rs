//! Who acts on whom, inferred from activity alone.
//!
//! `cargo run --release --example c_elegans` simulates springs and coupled oscillators whose graphs are known, and scores the edges that
//! neural relational inference recovers without having seen one. With `--data DIR` (a folder with `kato2015/` and `connectome/`) it predicts
//! the neurons and behaviour of worms that it has never seen, beside linear models.
//!
//! `[--out DIR] [--steps N] [--seeds N] [--device cpu|auto|ADAPTER]`

mod behaviour;
mod forecast;
mod linear;
mod recordings;
mod relations;
mod study;
mod systems;

use std::path::PathBuf;
use tapetum::cli::report::{Section, report};
use tapetum::data::OutputFolder;
use tapetum::gpu::{Choice, Options};
use tapetum::{Device, Error, Result};

/// The command line.
struct Arguments {
    data: Option<PathBuf>,
    out: PathBuf,
    steps: Option<u32>,
    seeds: u64,
    device: Device,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut parsed = Self { data: None, out: "c-elegans".into(), steps: None, seeds: 1, device: Device::cpu() };
        let mut given = std::env::args().skip(1);
        while let Some(name) = given.next() {
            let value = given.next().ok_or_else(|| Error::argument(format!("{name}: a value expected")))?;
            let number = || value.parse().map_err(|_| Error::argument(format!("{name}: a whole number expected, found `{value}`")));
            match name.as_str() {
                "--data" => parsed.data = Some(value.into()),
                "--out" => parsed.out = value.into(),
                "--steps" => parsed.steps = Some(number()? as u32),
                "--seeds" => parsed.seeds = number()?,
                "--device" => parsed.device = device(&value)?,
                _ => return Err(Error::argument(format!("{name}: --data, --out, --steps, --seeds or --device expected"))),
            }
        }
        Ok(parsed)
    }
}

fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::cpu()),
        "auto" => Ok(Device::auto()),
        name => Device::gpu(&Options { choice: Choice::parse(name), software: true, ..Options::default() }),
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let mut folder = OutputFolder::new(&arguments.out)?;
    let sections: Vec<Section> = match &arguments.data {
        Some(data) => study::run(&arguments.device, data, arguments.steps.unwrap_or(300), arguments.seeds)?,
        None => relations::run(&arguments.device, arguments.steps.unwrap_or(2500), arguments.seeds)?,
    };
    let (title, intro) = match arguments.data {
        Some(_) => ("Worms never seen", "Models learn from four worms, and are judged on the fifth: leave one worm out."),
        None => ("Relations recovered", "Simulated systems whose graphs are known to the judge alone."),
    };
    folder.add("report.html", report(title, intro, &sections).as_bytes())?;
    folder.commit()?;
    println!("everything is in {}", arguments.out.join("report.html").display());
    Ok(())
}
