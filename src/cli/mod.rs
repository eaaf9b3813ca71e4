//! The `tapetum` command: one file a subcommand.
//!
//! Exit codes: 0; 1 failure, one line on standard error; 2 usage; 3 a check or threshold missed.

mod bench;
mod check;
mod common;
mod connectivity;
mod demo;
mod denoise;
mod devices;
mod parcellate;
mod parcels;
mod run;
mod shaders;
#[cfg(unix)]
mod signals;
mod topology;
mod tune;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use common::{Common, Done, note};
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

/// Runs the command line.
pub fn main() -> ExitCode {
    // A usage error leaves with 2, help with 0.
    let Arguments { common, command } = Arguments::parse();
    if let Err(conflict) = command.agrees() {
        Arguments::command().error(ErrorKind::ArgumentConflict, conflict).exit();
    }
    #[cfg(unix)]
    signals::end_between_writes();
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

impl Command {
    /// What no single argument can tell: whether they go together.
    fn agrees(&self) -> Result<(), &'static str> {
        match self {
            Self::Connectivity(connectivity) => connectivity.agrees(),
            _ => Ok(()),
        }
    }
}
