//! The `tapetum` command: one file a subcommand.
//!
//! Exit codes: 0; 1 failure, one line on standard error; 2 usage; 3 a check or threshold missed.

mod bench;
mod check;
mod connectivity;
mod demo;
mod denoise;
mod devices;
mod parcellate;
mod parcels;
pub mod picture;
pub mod report;
mod run;
pub mod shaders;
mod topology;
mod tune;

use crate::data::Layout;
use crate::gpu::{Choice, Options};
use crate::{Device, Error, Result, Tuning};
use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Differentiable functional connectomics on any GPU.
#[derive(Debug, Parser)]
#[command(name = "tapetum", version, about, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every subcommand takes.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// Where to run: `auto` (a real GPU, else the host's cores), `cpu`, part of an adapter's name, or a row of `tapetum devices`;
    /// where it is not given, what TAPETUM_DEVICE says, else `auto`.
    #[arg(long, global = true, value_name = "auto|cpu|NAME|INDEX", value_parser = NonEmptyStringValueParser::new())]
    device: Option<String>,
    /// Run kernels in the variants that `tapetum tune` found on this adapter and driver and wrote to FILE; where it is not given, the
    /// file that TAPETUM_TUNING names.
    #[arg(long, global = true, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    tuning: Option<String>,
    /// Print one JSON object on standard output, and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    /// Seeds whatever is random.
    #[arg(long, global = true, default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List adapters: back ends, drivers, limits, features, and which one `auto` takes.
    Devices,
    /// Hold every kernel variant of every op to its f64 definition.
    Check(check::Check),
    /// Covariance or correlation of series in a file.
    Connectivity(connectivity::Connectivity),
    /// Regress confounds out of series, filter them, censor frames.
    Denoise(denoise::Denoise),
    /// Births and deaths of weighted graphs: distances, barycentres, clusters, tests.
    Topology(topology::Topology),
    /// List the kernels: workgroup, bindings, memory; or write them out.
    Shaders(shaders::Shaders),
    /// Learn a soft parcellation of the cortex from series of its vertices.
    Parcellate(parcellate::Parcellate),
    /// Run a workflow: a differentiable program described in JSON.
    Run(run::Run),
    /// Learn a soft parcellation of a cortex on the data inside this program.
    Demo(demo::Demo),
    /// Time every kernel and training step beside what the device can do.
    Bench(bench::Bench),
    /// Find the fastest variant of each kernel on this adapter.
    Tune(tune::Tune),
}

/// The axes of a file of series, after subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Axes {
    TimeRegions,
    RegionsTime,
}

impl Axes {
    fn layout(self) -> Layout {
        match self {
            Self::TimeRegions => Layout::TimeRegions,
            Self::RegionsTime => Layout::RegionsTime,
        }
    }
}

/// What a subcommand came to.
enum Done {
    Well,
    /// A check or threshold was missed.
    Missed,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    // A usage error leaves with 2, help with 0.
    let Arguments { common, command } = Arguments::parse();
    if let Err(conflict) = command.agrees() {
        Arguments::command().error(ErrorKind::ArgumentConflict, conflict).exit();
    }
    let done = match command {
        Command::Devices => devices::run(&common),
        Command::Check(check) => check.run(&common),
        Command::Connectivity(connectivity) => connectivity.run(&common),
        Command::Denoise(denoise) => denoise.run(&common),
        Command::Topology(topology) => topology.run(&common),
        Command::Shaders(shaders) => shaders.run(&common),
        Command::Parcellate(parcellate) => parcellate.run(&common),
        Command::Run(run) => run.run(&common),
        Command::Demo(demo) => demo.run(&common),
        Command::Bench(bench) => bench.run(&common),
        Command::Tune(tune) => tune.run(&common),
    };
    match done {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Missed) => ExitCode::from(3),
        Err(e) => {
            note(&format!("tapetum: {e}"));
            ExitCode::FAILURE
        }
    }
}

/// One line on standard error. `eprintln!` would panic where nobody reads it any more.
fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", line.replace(['\n', '\r'], " "));
}

impl Command {
    /// What no single argument can tell: whether they go together.
    fn agrees(&self) -> Result<(), &'static str> {
        match self {
            Self::Connectivity(connectivity) => connectivity.agrees(),
            _ => Ok(()),
        }
    }
}

impl Common {
    /// Which device is asked for, and by what: `--device`, else the environment (where it is empty it is not set), else `auto`.
    fn asked(&self) -> (&'static str, String) {
        let variable = || std::env::var_os("TAPETUM_DEVICE").filter(|v| !v.is_empty());
        match &self.device {
            Some(flag) => ("--device ", flag.clone()),
            None => variable().map_or(("", "auto".into()), |v| ("TAPETUM_DEVICE=", v.to_string_lossy().into_owned())),
        }
    }

    /// The device asked for.
    fn device(&self) -> Result<Device> {
        match self.asked() {
            (_, name) if name.eq_ignore_ascii_case("cpu") => Ok(Device::cpu()),
            (_, name) if name.eq_ignore_ascii_case("auto") => Ok(Device::auto()),
            (by, name) => open(by, &name, Choice::parse(&name), "`auto` and `cpu` are there too"),
        }
        .and_then(|device| self.tuned(device))
    }

    /// The device in the tuning asked for; the host executor has none.
    fn tuned(&self, device: Device) -> Result<Device> {
        let variable = || std::env::var_os("TAPETUM_TUNING").filter(|v| !v.is_empty());
        match (self.tuning.clone().map(OsString::from).or_else(variable), &device) {
            (Some(path), Device::Gpu(_)) => device.tuned(&Tuning::open(&path)?).map_err(|e| Error::file(&path, e.to_string())),
            _ => Ok(device),
        }
    }

    /// The same for what needs kernels: any adapter, software where there is nothing else.
    fn adapter(&self) -> Result<Device> {
        match self.asked() {
            (by, name) if name.eq_ignore_ascii_case("cpu") => {
                Err(Error::argument(format!("{by}{name}: a Vulkan, Metal or DX12 adapter is expected: `cpu` runs no kernels")))
            }
            (by, name) if name.eq_ignore_ascii_case("auto") => open(by, &name, Choice::Best, "a Vulkan, Metal or DX12 adapter is expected"),
            (by, name) => open(by, &name, Choice::parse(&name), "`auto` is there too"),
        }
        .and_then(|device| self.tuned(device))
    }

    /// The same for what the host executor does as well.
    fn any_device(&self) -> Result<Device> {
        if self.asked().1.eq_ignore_ascii_case("cpu") { Ok(Device::cpu()) } else { self.adapter() }
    }

    /// Says in one line which device it is. Said once nothing more is likely to fail: a failure is one line, its own.
    fn say(&self, device: &Device) {
        match device {
            Device::Gpu(context) => {
                let adapter = context.adapter();
                note(&format!("device: {} ({}, {})", adapter.name(), adapter.backend(), adapter.kind()));
            }
            Device::Cpu(_) if self.asked().1.eq_ignore_ascii_case("auto") => note("device: cpu (no GPU found)"),
            Device::Cpu(_) => note("device: cpu"),
        }
    }

    /// Prints the result: the object under `--json`, else the text. A reader that has gone away (`| head`) is no failure.
    fn print(&self, json: &serde_json::Value, text: impl FnOnce() -> String) -> Result<()> {
        let text = if self.json { format!("{json:#}") } else { text() };
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::argument(format!("standard output cannot be written: {e}"))),
            _ => Ok(()),
        }
    }
}

/// The adapter of this choice; where there is none, the message names what asked for it and `others` that may be asked for.
fn open(by: &str, name: &str, choice: Choice, others: &str) -> Result<Device> {
    let options = Options { choice, software: true, ..Options::from_env() };
    Device::gpu(&options).map_err(|e| Error::argument(format!("{by}{name}: {e}; {others}")))
}

/// A bar of `len` things done, with a message.
fn progress(len: u64, things: &str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {things}  {{msg}}  {{eta}}"));
    let bar = ProgressBar::new(len);
    bar.set_style(style.map_err(|e| Error::argument(e.to_string()))?);
    Ok(bar)
}

/// A table for people: columns as wide as their widest cell, the first to the left and the others to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).chain([header[c].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cell = |(c, text): (usize, &String)| match c {
            0 => format!("{text:<w$}", w = widths[c]),
            _ => format!("{text:>w$}", w = widths[c]),
        };
        cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
    [line(&head)].into_iter().chain(rows.iter().map(|r| line(r))).collect::<Vec<_>>().join("\n")
}
