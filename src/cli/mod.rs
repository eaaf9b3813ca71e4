//! The `tapetum` command: one file a subcommand.
//!
//! Exit codes: 0; 1 failure, one line on standard error; 2 usage; 3 a check or threshold missed.

mod check;
mod connectivity;
mod demo;
mod devices;
pub mod picture;
pub mod report;
pub mod shaders;

use crate::gpu::{Choice, Options};
use crate::{Device, Error, Result};
use clap::{Parser, Subcommand};
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
    /// Where to run: `auto` (a real GPU, else the host's cores), `cpu`, part of an adapter's name, or a row of `tapetum devices`.
    #[arg(long, global = true, env = "TAPETUM_DEVICE", default_value = "auto", value_name = "auto|cpu|NAME|INDEX")]
    device: String,
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
    /// Learn a soft parcellation of a cortex on the data inside this program.
    Demo(demo::Demo),
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
    let done = match command {
        Command::Devices => devices::run(&common),
        Command::Check(check) => check.run(&common),
        Command::Connectivity(connectivity) => connectivity.run(&common),
        Command::Demo(demo) => demo.run(&common),
    };
    match done {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Missed) => ExitCode::from(3),
        Err(e) => {
            eprintln!("tapetum: {}", e.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

impl Common {
    /// The device asked for; says in one line on standard error which it is.
    fn device(&self) -> Result<Device> {
        let device = match self.device.as_str() {
            "cpu" => Device::cpu(),
            "auto" => Device::auto(),
            other => Device::gpu(&Options { choice: Choice::parse(other), ..Options::from_env() })?,
        };
        self.say(&device);
        Ok(device)
    }

    /// The same for what needs kernels: any adapter, software where there is nothing else.
    fn adapter(&self) -> Result<Device> {
        let choice = match self.device.as_str() {
            "cpu" => return Err(Error::argument("this needs a Vulkan, Metal or DX12 adapter: `cpu` has no kernels")),
            "auto" => Choice::Best,
            other => Choice::parse(other),
        };
        let device = Device::gpu(&Options { choice, software: true, ..Options::from_env() })?;
        self.say(&device);
        Ok(device)
    }

    fn say(&self, device: &Device) {
        match device {
            Device::Gpu(context) => {
                let adapter = context.adapter();
                eprintln!("device: {} ({}, {})", adapter.name(), adapter.backend(), adapter.kind());
            }
            Device::Cpu(_) if self.device == "auto" => eprintln!("device: cpu (no GPU found)"),
            Device::Cpu(_) => eprintln!("device: cpu"),
        }
    }

    /// Prints the result: the object under `--json`, else the text.
    fn print(&self, json: &serde_json::Value, text: impl FnOnce() -> String) {
        if self.json {
            println!("{json:#}");
        } else {
            println!("{}", text());
        }
    }
}

/// A table for people: columns as wide as their widest cell, the first to the left and the others to the right.
fn table(header: &[&str], rows: &[Vec<String>]) -> String {
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
