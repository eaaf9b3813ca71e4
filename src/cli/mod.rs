//! The `tapetum` command, with one file for each subcommand.
//!
//! Exit codes: 0 for success; 1 for a failure, with one line on standard error; 2 for a usage error; 3 for a missed check or threshold.

mod bench;
mod cache;
mod check;
mod cohort;
mod common;
mod connectivity;
mod demo;
mod denoise;
mod devices;
mod formats;
mod large;
mod parcellate;
mod parcels;
mod ranks;
mod run;
mod series;
mod shaders;
#[cfg(unix)]
mod signals;
mod source;
mod subjects;
mod topology;
mod traffic;
mod tune;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use common::{Common, Done};
use std::process::ExitCode;

/// Differentiable functional connectomics on GPUs and CPUs.
#[derive(Debug, Parser)]
#[command(name = "tapetum", version, about, propagate_version = true)]
#[command(after_help = "Example: tapetum demo\nExample: tapetum connectivity series.csv -o correlation.npy")]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List adapters: back ends, drivers, limits, features, and which one `auto` takes.
    #[command(after_help = "Example: tapetum devices --json")]
    Devices,
    /// List the file formats: what is read from each, and what is written.
    #[command(after_help = "Example: tapetum formats")]
    Formats,
    /// Compare every kernel variant of every op with its f64 definition.
    #[command(after_help = "Example: tapetum check softmax --device llvmpipe")]
    Check(check::Check),
    /// Connectivity of the regions whose series are in a file: correlation, partial correlation, covariance, precision, tangent.
    #[command(after_help = "Example: tapetum connectivity series.csv -o partial.npy --kind partial-correlation --shrinkage ledoit-wolf")]
    Connectivity(connectivity::Connectivity),
    /// Regress confounds out of series, filter them, censor frames.
    #[command(
        after_help = "Example: tapetum denoise series.csv --confounds confounds.tsv --strategy 36p --band 0.01 0.1 --tr 2 -o clean.csv"
    )]
    Denoise(denoise::Denoise),
    /// Series of regions from an image by an atlas, or from any file of series, written to a file.
    #[command(after_help = "Example: tapetum series bold.nii.gz --atlas atlas.nii.gz -o series.tsv")]
    Series(series::Series),
    /// Births and deaths of weighted graphs: distances, barycentres, clusters, tests.
    #[command(after_help = "Example: tapetum topology test patients/*.tsv --against controls/*.tsv -o tested")]
    Topology(topology::Topology),
    /// List the kernels: workgroup, bindings, memory; or write them out.
    #[command(after_help = "Example: tapetum shaders softmax --emit wgsl kernels")]
    Shaders(shaders::Shaders),
    /// Learn a soft parcellation of the cortex from series of its vertices.
    #[command(after_help = "Example: tapetum parcellate series.npy --coordinates sphere.npy --faces faces.npy --parcels 100 -o parcels")]
    Parcellate(parcellate::Parcellate),
    /// Run a workflow: a differentiable program described in JSON.
    #[command(after_help = "Example: tapetum run examples/brain_states.json -o states --set train.steps=100\n\
        Example: mpirun -n 4 tapetum run WORKFLOW.json --set train.microbatches=8")]
    Run(run::Run),
    /// Learn a soft parcellation of a cortex on the data inside this program.
    #[command(after_help = "Example: tapetum demo --out parcels --seed 1")]
    Demo(demo::Demo),
    /// Time every kernel and training step, and compare them with what the device can do.
    #[command(after_help = "Example: tapetum bench matmul --quick -o timings")]
    Bench(bench::Bench),
    /// Find the fastest variant of each kernel on this adapter.
    #[command(after_help = "Example: tapetum tune matmul -o tuning.json")]
    Tune(tune::Tune),
}

/// Subcommands in which nothing is random, and those that run no program on a device. The options of others are taken there, for scripts
/// that give them to all, but the help page does not show them.
const SEEDLESS: [&str; 10] = [
    "devices",
    "formats",
    "check",
    "connectivity",
    "denoise",
    "series",
    "shaders",
    "topology decompose",
    "topology distance",
    "topology barycenter",
];
const UNTUNED: [&str; 6] = ["devices", "formats", "check", "series", "shaders", "tune"];
const DEVICELESS: [&str; 4] = ["devices", "formats", "series", "shaders"];
/// Subcommands whose users do not change kernels.
const SHADERLESS: [&str; 13] = [
    "devices",
    "formats",
    "connectivity",
    "denoise",
    "series",
    "parcellate",
    "run",
    "demo",
    "topology decompose",
    "topology distance",
    "topology barycenter",
    "topology cluster",
    "topology test",
];

/// The command line, each help page with the options that mean something there.
fn arguments() -> clap::Command {
    let hidden = [
        ("seed", &SEEDLESS[..]),
        ("tuning", &UNTUNED[..]),
        ("device", &DEVICELESS[..]),
        ("shaders", &SHADERLESS[..]),
        ("precision", &["formats", "series", "shaders"]),
    ];
    let root = Arguments::command();
    let options: Vec<_> = root.get_arguments().cloned().collect();
    hidden.into_iter().fold(root, |root, (name, subcommands)| {
        let option = options.iter().find(|a| a.get_id() == name).map(|a| a.clone().hide(true));
        subcommands.iter().fold(root, |root, path| with(root, path, option.clone()))
    })
}

/// The command with an option at the subcommand of this path.
fn with(command: clap::Command, path: &str, option: Option<clap::Arg>) -> clap::Command {
    match path.split_once(' ') {
        Some((first, rest)) => command.mut_subcommand(first, |c| with(c, rest, option)),
        None => command.mut_subcommand(path, |c| c.args(option)),
    }
}

/// Leaves with the usage of a subcommand and what is wrong.
fn misused(subcommand: &str, kind: ErrorKind, what: impl std::fmt::Display) -> ! {
    let mut root = arguments();
    root.build();
    match root.find_subcommand_mut(subcommand) {
        Some(command) => wrong(command.error(kind, what)),
        None => wrong(root.error(kind, what)),
    }
}

/// The time in which the first of several processes prints what is wrong with their command line.
const SAID_BY: std::time::Duration = std::time::Duration::from_secs(2);

/// Leaves with a message about the command line, a help page say. Of several processes that a launcher has started, one prints it.
fn wrong(error: clap::Error) -> ! {
    if !ranks::follows() {
        error.exit();
    }
    // A launcher ends all processes when one fails, and the first is to print before.
    if error.exit_code() != 0 {
        std::thread::sleep(SAID_BY);
    }
    std::process::exit(error.exit_code())
}

/// Runs the command line.
pub fn main() -> ExitCode {
    // A usage error leaves with 2, help with 0.
    let parsed = Arguments::from_arg_matches(&arguments().try_get_matches().unwrap_or_else(|e| wrong(e)));
    let Arguments { mut common, command } = parsed.unwrap_or_else(|e| wrong(e.format(&mut arguments())));
    if let Command::Connectivity(connectivity) = &command
        && let Err(conflict) = connectivity.agrees()
    {
        misused("connectivity", ErrorKind::ArgumentConflict, conflict);
    }
    #[cfg(unix)]
    signals::end_between_writes();
    match ranks::Ranks::start() {
        Ok(ranks) => common.ranks = ranks,
        Err(e) => return failed(&common, &e),
    }
    // A tuning that cannot be read is an error for every subcommand, on the host executor too.
    let done = common.tuning().and_then(|_| common.replace_shaders()).and_then(|()| command.run(&common));
    match done {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Missed) => ExitCode::from(3),
        Ok(Done::Failed) => ExitCode::FAILURE,
        Err(e) => failed(&common, &e),
    }
}

fn failed(common: &Common, error: &crate::Error) -> ExitCode {
    common.ranks.fail(error);
    ExitCode::FAILURE
}

impl Command {
    /// The name of a subcommand that has nothing to spread over ranks.
    fn alone(&self) -> Option<&'static str> {
        match self {
            Self::Run(_) | Self::Connectivity(_) | Self::Denoise(_) | Self::Topology(_) => None,
            Self::Devices => Some("devices"),
            Self::Formats => Some("formats"),
            Self::Check(_) => Some("check"),
            Self::Series(_) => Some("series"),
            Self::Shaders(_) => Some("shaders"),
            Self::Parcellate(_) => Some("parcellate"),
            Self::Demo(_) => Some("demo"),
            Self::Bench(_) => Some("bench"),
            Self::Tune(_) => Some("tune"),
        }
    }

    fn run(self, common: &Common) -> crate::Result<Done> {
        if let Some(name) = self.alone() {
            common.ranks.only_one(name)?;
        }
        match self {
            Self::Devices => devices::run(common),
            Self::Formats => formats::run(common),
            Self::Check(check) => check.run(common),
            Self::Connectivity(connectivity) => common.ranks.settle(connectivity.run(common)),
            Self::Denoise(denoise) => common.ranks.settle(denoise.run(common)),
            Self::Series(series) => series.run(common),
            Self::Topology(topology) => common.ranks.settle(topology.run(common)),
            Self::Shaders(shaders) => shaders.run(common),
            Self::Parcellate(parcellate) => parcellate.run(common),
            Self::Run(run) => run.run(common),
            Self::Demo(demo) => demo.run(common),
            Self::Bench(bench) => bench.run(common),
            Self::Tune(tune) => tune.run(common),
        }
    }
}
