//! Who acts on whom, inferred from activity alone.
//!
//! `cargo run --release --example c_elegans` simulates springs and coupled oscillators whose graphs are known, and scores the edges that
//! neural relational inference recovers without having seen one. With `--data DIR` (a folder with `kato2015/` and `connectome/`) it predicts
//! the neurons and behaviour of worms that it has never seen, beside linear models.
//!
//! `[--out DIR] [--steps N] [--seeds N] [--worms 0,3] [--device cpu|auto|ADAPTER]`; `--worms` leaves only those out, one by one, and with data
//! `--steps` shortens every training to so many. `--data DIR --windows DIR` writes what the workflow
//! `examples/c_elegans.json` reads, and nothing else.

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

use std::path::PathBuf;
use tapetum::file::OutputFolder;
use tapetum::report::{Section, report};
use tapetum::{Device, Error, Result};

/// The command line.
struct Arguments {
    data: Option<PathBuf>,
    windows: Option<PathBuf>,
    out: PathBuf,
    steps: Option<u32>,
    seeds: Option<u64>,
    worms: Vec<usize>,
    device: Device,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut parsed =
            Self { data: None, windows: None, out: "c-elegans".into(), steps: None, seeds: None, worms: Vec::new(), device: Device::cpu() };
        let mut given = std::env::args().skip(1);
        while let Some(name) = given.next() {
            let value = given.next().ok_or_else(|| Error::argument(format!("{name}: a value expected")))?;
            let number = || value.parse().map_err(|_| number_expected(&name, &value));
            match name.as_str() {
                "--data" => parsed.data = Some(value.into()),
                "--windows" => parsed.windows = Some(value.into()),
                "--out" => parsed.out = value.into(),
                "--steps" => parsed.steps = Some(number()? as u32),
                "--seeds" => parsed.seeds = Some(number()?),
                "--worms" => {
                    parsed.worms = value.split(',').map(|w| w.parse().map_err(|_| number_expected(&name, w))).collect::<Result<_>>()?
                }
                "--device" => parsed.device = Device::named(&value)?,
                _ => {
                    return Err(Error::argument(format!(
                        "{name}: --data, --windows, --out, --steps, --seeds, --worms or --device expected"
                    )));
                }
            }
        }
        Ok(parsed)
    }
}

fn number_expected(name: &str, found: &str) -> Error {
    Error::argument(format!("{name}: a whole number expected, found `{found}`"))
}

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    if let Some(folder) = &arguments.windows {
        let data = arguments.data.as_ref().ok_or_else(|| Error::argument("--windows: --data expected beside it"))?;
        return windows::write(data, folder);
    }
    let mut folder = OutputFolder::new(&arguments.out)?;
    let sections: Vec<Section> = match &arguments.data {
        Some(data) => study::run(&arguments.device, data, arguments.steps, arguments.seeds.unwrap_or(3), &arguments.worms)?,
        None => relations::run(&arguments.device, arguments.steps.unwrap_or(2500), arguments.seeds.unwrap_or(1))?,
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
