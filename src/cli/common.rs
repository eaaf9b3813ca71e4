//! What subcommands share: the global options, the device they mean, and how a command speaks to people.

use crate::data::{Layout, Series, SeriesOptions, TableOptions};
use crate::gpu::{Choice, Options};
use crate::{Device, Error, Result, Tuning};
use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

/// What every subcommand takes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Common {
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
    pub(super) json: bool,
    /// Seeds whatever is random.
    #[arg(long, global = true, default_value_t = 0)]
    pub(super) seed: u64,
}

/// The axes of a file of series, after subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Axes {
    TimeRegions,
    RegionsTime,
}

impl Axes {
    pub(super) fn layout(self) -> Layout {
        match self {
            Self::TimeRegions => Layout::TimeRegions,
            Self::RegionsTime => Layout::RegionsTime,
        }
    }
}

/// What a user says of tables.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Tables {
    /// Whether the first row of a table is a header; where this is not given it is recognised, and said.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    header: Option<bool>,
    /// The column of a table that numbers or dates its rows and is no series: its name, its place from 1, or `none`; where this is not
    /// given it is recognised, and said.
    #[arg(long, value_name = "NAME|PLACE|none", value_parser = NonEmptyStringValueParser::new())]
    index_column: Option<String>,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no is expected"),
    }
}

impl Tables {
    pub(super) fn options(&self, layout: Axes) -> SeriesOptions {
        let table = TableOptions { header: self.header, index_column: self.index_column.clone() };
        SeriesOptions { layout: layout.layout(), table }
    }
}

/// Says what was taken for what in a table of series, and what is doubtful about it.
pub(super) fn say_table(path: &Path, series: &Series) {
    let Some(read_as) = &series.read_as else { return };
    note(&format!("{}: {}", path.display(), read_as.summary()));
    read_as.doubts.iter().for_each(|doubt| note(&format!("warning: {}: {doubt}", path.display())));
}

/// The same for `--json`.
pub(super) fn table_json(series: &Series) -> serde_json::Value {
    let of = |r: &crate::data::ReadAs| serde_json::json!({ "header": r.header, "index_column": r.index_column, "doubts": r.doubts });
    series.read_as.as_ref().map_or(serde_json::Value::Null, of)
}

/// What a subcommand came to.
pub(super) enum Done {
    Well,
    /// A check or threshold was missed.
    Missed,
}

/// One line on standard error. `eprintln!` would panic where nobody reads it any more.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", line.replace(['\n', '\r'], " "));
}

impl Common {
    /// Which device is asked for, and by what: `--device`, else the environment (where it is empty it is not set), else `auto`.
    pub(super) fn asked(&self) -> (&'static str, String) {
        let variable = || std::env::var_os("TAPETUM_DEVICE").filter(|v| !v.is_empty());
        match &self.device {
            Some(flag) => ("--device ", flag.clone()),
            None => variable().map_or(("", "auto".into()), |v| ("TAPETUM_DEVICE=", v.to_string_lossy().into_owned())),
        }
    }

    /// The device asked for.
    pub(super) fn device(&self) -> Result<Device> {
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
    pub(super) fn adapter(&self) -> Result<Device> {
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
    pub(super) fn any_device(&self) -> Result<Device> {
        if self.asked().1.eq_ignore_ascii_case("cpu") { Ok(Device::cpu()) } else { self.adapter() }
    }

    /// Says in one line which device it is. Said once nothing more is likely to fail: a failure is one line, its own.
    pub(super) fn say(&self, device: &Device) {
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
    pub(super) fn print(&self, json: &serde_json::Value, text: impl FnOnce() -> String) -> Result<()> {
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
pub(super) fn progress(len: u64, things: &str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {things}  {{msg}}  {{eta}}"));
    let bar = ProgressBar::new(len);
    bar.set_style(style.map_err(|e| Error::argument(e.to_string()))?);
    Ok(bar)
}
