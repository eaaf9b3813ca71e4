//! Parts that subcommands share: the global options, the choice of the device, and messages to the user.

use super::cache;
use super::ranks::Ranks;
use crate::communicator::Communicator;
use crate::gpu::{Choice, Options, Products};
use crate::{Device, Error, Result, Tuning};
use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The options of every subcommand.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = GLOBAL)]
pub(super) struct Common {
    /// Where to run [default: TAPETUM_DEVICE, else a GPU, else the CPU]
    #[arg(long, global = true, value_name = "auto|cpu|NAME|INDEX", value_parser = NonEmptyStringValueParser::new(), display_order = 100)]
    device: Option<String>,
    /// Kernel variants that `tapetum tune` found [default: TAPETUM_TUNING]
    #[arg(long, global = true, value_name = "FILE", value_parser = NonEmptyStringValueParser::new(), display_order = 101)]
    tuning: Option<String>,
    /// WGSL files, laid out as the crate's `shaders`, that stand in for the built-in ones: kernels are changed, checked and timed without
    /// building anything. They are compiled without runtime checks.
    #[arg(long, global = true, value_name = "DIR", display_order = 104)]
    shaders: Option<PathBuf>,
    /// Arithmetic of large matrix products: `auto` takes cooperative matrices (tensor cores) where the device proves that they are as
    /// accurate as f32
    #[arg(long, global = true, value_enum, default_value_t, value_name = "auto|f32", hide_possible_values = true, display_order = 105)]
    precision: Precision,
    /// Seed of everything random
    #[arg(long, global = true, default_value_t = 0, value_name = "N", display_order = 102)]
    pub(super) seed: u64,
    /// Print one JSON object on standard output
    #[arg(long, global = true, display_order = 103)]
    pub(super) json: bool,
    /// The processes of this run, where a launcher of MPI has started several.
    #[arg(skip)]
    pub(super) ranks: Ranks,
}

/// The section of a help page in which the options of all subcommands stand.
pub(super) const GLOBAL: &str = "Global options";

/// The arithmetic of large matrix products.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Precision {
    #[default]
    Auto,
    F32,
}

/// A computed value, and the device that computed it.
#[derive(Debug)]
pub(super) struct Computed<T> {
    pub(super) value: T,
    pub(super) device: Device,
    /// The reason why the device that `auto` took did not compute it.
    refused: Option<String>,
}

impl<T> Computed<T> {
    /// The reason why the device that `auto` took did not compute it.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.as_ref().map(|why| format!("computed on the host's cores, for {why}"))
    }
}

/// Computes something on a device, or on the host's cores where `auto` chose the device and it has no room.
fn computed<T>(device: Device, auto: bool, compute: impl Fn(&Device) -> Result<T>) -> Result<Computed<T>> {
    let refused = match (compute(&device), auto) {
        (Ok(value), _) => return Ok(Computed { value, device, refused: None }),
        (Err(Error::TooLarge { name, bytes, limit }), true) => {
            format!("`{name}` needs {bytes} bytes in one binding, {} allows {limit}", device.name())
        }
        (Err(e @ Error::OutOfMemory { .. }), true) => format!("{}: {e}", device.name()),
        (Err(e @ (Error::TooLarge { .. } | Error::OutOfMemory { .. })), false) => {
            return Err(Error::argument(format!("{}: {e}; --device cpu has no such limit", device.name())));
        }
        (Err(e), _) => return Err(e),
    };
    let device = Device::cpu();
    Ok(Computed { value: compute(&device)?, device, refused: Some(refused) })
}

/// The outcome of a subcommand that did not fail.
pub(super) enum Done {
    Well,
    /// A check or threshold was missed.
    Missed,
    /// It failed, and the error is printed.
    Failed,
}

/// True in a process that prints nothing but its own failure: every rank but the first.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Keeps this process from printing anything but its own failure.
pub(super) fn quieten() {
    QUIET.store(true, Ordering::Relaxed);
}

fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints one line on standard error, from rank 0 alone.
pub(super) fn note(line: &str) {
    if !is_quiet() {
        fault(line);
    }
}

/// Prints one line on standard error, from any rank. `eprintln!` would panic where the reader has gone away.
pub(super) fn fault(line: &str) {
    let _ = writeln!(io::stderr(), "{}", line.replace(['\n', '\r'], " "));
}

impl Common {
    /// The source of the choice of a device, and the device chosen: by `--device`, else by the environment (an empty variable counts as not
    /// set), else `auto`.
    pub(super) fn asked(&self) -> (&'static str, String) {
        let variable = || std::env::var_os("TAPETUM_DEVICE").filter(|v| !v.is_empty());
        match &self.device {
            Some(flag) => ("--device ", flag.clone()),
            None => variable().map_or(("", "auto".into()), |v| ("TAPETUM_DEVICE=", v.to_string_lossy().into_owned())),
        }
    }

    /// The ranks of this run. Rank 0 alone prints and writes files.
    pub(super) fn communicator(&self) -> &dyn Communicator {
        &*self.ranks.communicator
    }

    /// Makes the kernels of `--shaders` stand in for the built-in ones, and says how many.
    pub(super) fn replace_shaders(&self) -> Result<()> {
        let Some(dir) = &self.shaders else { return Ok(()) };
        let files = crate::registry::replace(dir)?;
        note(&format!("{}: {files} WGSL files stand in for built-in ones", dir.display()));
        Ok(())
    }

    /// The device asked for. The pipelines that it compiles are kept for the next run.
    pub(super) fn device(&self) -> Result<Device> {
        match self.asked() {
            (_, name) if name.eq_ignore_ascii_case("cpu") => Ok(Device::cpu()),
            (_, name) if name.eq_ignore_ascii_case("auto") => {
                let options =
                    Options { products: self.products(), pipelines: cache::folder(), turn: self.ranks.local, ..Options::default() };
                Ok(Device::gpu(&options).unwrap_or_else(|_| Device::cpu()))
            }
            (by, name) => self.open(by, &name, Choice::parse(&name), cache::folder(), "`auto` and `cpu` are there too"),
        }
        .and_then(|device| self.tuned(device))
    }

    /// The tuning chosen by `--tuning`, or else by the environment (an empty variable counts as not set), read and checked.
    pub(super) fn tuning(&self) -> Result<Option<(OsString, Tuning)>> {
        let variable = || std::env::var_os("TAPETUM_TUNING").filter(|v| !v.is_empty());
        let path = self.tuning.clone().map(OsString::from).or_else(variable);
        path.map(|path| Tuning::open(&path).map(|tuning| (path, tuning))).transpose()
    }

    /// The device with the chosen tuning applied. The host executor has no kernels, so it is returned unchanged.
    fn tuned(&self, device: Device) -> Result<Device> {
        match (self.tuning()?, &device) {
            (Some((path, tuning)), Device::Gpu(_)) => device.tuned(&tuning).map_err(|e| Error::file(&path, e)),
            _ => Ok(device),
        }
    }

    /// The chosen device for commands that try or time kernels, which compile too many pipelines to keep them. `auto` means any adapter, a
    /// software adapter where there is no other.
    pub(super) fn adapter(&self) -> Result<Device> {
        match self.asked() {
            (by, name) if name.eq_ignore_ascii_case("cpu") => {
                Err(Error::argument(format!("{by}{name}: a Vulkan, Metal or DX12 adapter is expected: `cpu` runs no kernels")))
            }
            (by, name) if name.eq_ignore_ascii_case("auto") => {
                self.open(by, &name, Choice::Best, None, "a Vulkan, Metal or DX12 adapter is expected")
            }
            (by, name) => self.open(by, &name, Choice::parse(&name), None, "`auto` is there too"),
        }
        .and_then(|device| self.tuned(device))
    }

    /// The chosen device for commands that the host executor can run as well.
    pub(super) fn any_device(&self) -> Result<Device> {
        if self.asked().1.eq_ignore_ascii_case("cpu") { Ok(Device::cpu()) } else { self.adapter() }
    }

    /// Opens the adapter of this choice. Where there is none, the message names the source of the choice and the alternatives `others`.
    fn open(&self, by: &str, name: &str, choice: Choice, pipelines: Option<PathBuf>, others: &str) -> Result<Device> {
        let options =
            Options { choice, software: true, products: self.products(), pipelines, turn: self.ranks.local, ..Options::from_env() };
        Device::gpu(&options).map_err(|e| Error::argument(format!("{by}{name}: {e}; {others}")))
    }

    /// The arithmetic of products that is asked for.
    pub(super) fn products(&self) -> Products {
        match self.precision {
            Precision::Auto => Products::Auto,
            Precision::F32 => Products::F32,
        }
    }

    /// Computes something on the device asked for. Where `auto` took a GPU that has no room for it, the host's cores compute it.
    ///
    /// # Errors
    /// Returns the errors of `compute`, and says what to do where a device that was named has no room.
    pub(super) fn compute<T>(&self, compute: impl Fn(&Device) -> Result<T>) -> Result<Computed<T>> {
        computed(self.device()?, self.asked().1.eq_ignore_ascii_case("auto"), compute)
    }

    /// Computes on a device that is open, as [`Common::compute`] does.
    pub(super) fn compute_on<T>(&self, device: &Device, compute: impl Fn(&Device) -> Result<T>) -> Result<Computed<T>> {
        computed(device.clone(), self.asked().1.eq_ignore_ascii_case("auto"), compute)
    }

    /// Prints the device on which something was computed in one line, as [`Common::say`] does, and why it is not the one that `auto` took.
    pub(super) fn say_computed<T>(&self, computed: &Computed<T>) {
        match &computed.refused {
            Some(why) => note(&format!("device: {} ({why})", computed.device.name())),
            None => self.say(&computed.device),
        }
    }

    /// Prints the device in one line. It is called once no further failure is likely, because a failure prints exactly one line.
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

    /// Prints the result: the object under `--json`, else the text.
    pub(super) fn print(&self, json: &serde_json::Value, text: impl FnOnce() -> String) -> Result<()> {
        print(&if self.json { format!("{json:#}") } else { text() })
    }

    /// Prints a line before the result is complete; `--json` suppresses it.
    pub(super) fn print_ahead(&self, line: &str) -> Result<()> {
        if self.json { Ok(()) } else { print(line) }
    }
}

/// Prints a text and a line break on standard output. A reader that has gone away (`| head`) is no failure.
fn print(text: &str) -> Result<()> {
    if is_quiet() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::argument(format!("standard output cannot be written: {e}"))),
        _ => Ok(()),
    }
}

/// The progress of a command: a bar on a terminal, a line every ten seconds where standard error goes elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    things: String,
    said: Cell<Instant>,
}

/// The progress of `len` things.
pub(super) fn progress(len: u64, things: &str) -> Result<Progress> {
    let style = format!("{{bar:40}} {{pos}}/{{len}} {things}  {{msg}}  {{elapsed}} elapsed, {{eta}} left");
    let bar = if is_quiet() { ProgressBar::hidden() } else { ProgressBar::new(len) };
    bar.set_style(ProgressStyle::with_template(&style).map_err(|e| Error::argument(e.to_string()))?);
    Ok(Progress { bar, things: things.to_owned(), said: Cell::new(Instant::now()) })
}

impl Progress {
    /// Shows that `done` things are done, with a message.
    pub(super) fn at(&self, done: u64, message: impl Into<String>) {
        const SILENT: Duration = Duration::from_secs(10);
        self.bar.set_position(done);
        self.bar.set_message(message.into());
        if self.bar.is_hidden() && self.said.get().elapsed() >= SILENT {
            self.said.set(Instant::now());
            let (bar, things) = (&self.bar, &self.things);
            let length = bar.length().unwrap_or(done);
            note(&format!("{done}/{length} {things}  {}  {} s elapsed", bar.message(), bar.elapsed().as_secs()));
        }
    }

    /// Shows that one more thing is done; `of` is the total, where it has changed.
    pub(super) fn next(&self, of: Option<u64>, message: impl Into<String>) {
        of.into_iter().for_each(|of| self.bar.set_length(of));
        self.at(self.bar.position() + 1, message);
    }

    /// Prints something without disturbing the bar.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device in f64 stands for a GPU that has no room.
    fn refusing(device: &Device) -> Result<&'static str> {
        match device {
            Device::Cpu(crate::host::Precision::F64) => Err(Error::TooLarge { name: "matmul".into(), bytes: 400, limit: 100 }),
            _ => Ok("made"),
        }
    }

    #[test]
    fn the_cores_compute_what_the_device_that_auto_took_refuses() {
        let made = computed(Device::oracle(), true, refusing).unwrap();
        assert_eq!((made.value, made.refused.as_deref()), ("made", Some("`matmul` needs 400 bytes in one binding, cpu allows 100")));
        assert!(matches!(made.device, Device::Cpu(crate::host::Precision::F32)));
        let full = |device: &Device| match refusing(device) {
            Err(_) => Err(Error::OutOfMemory { what: "a buffer".into() }),
            made => made,
        };
        assert!(computed(Device::oracle(), true, full).unwrap().refused.unwrap().contains("out of memory: a buffer"));
    }

    #[test]
    fn a_device_that_was_named_fails_and_says_what_to_do() {
        let message = computed(Device::oracle(), false, refusing).unwrap_err().to_string();
        assert!(message.contains("binds at most 100") && message.ends_with("--device cpu has no such limit"), "{message}");
        let other = |_: &Device| Err::<(), _>(Error::argument("other"));
        assert_eq!(computed(Device::oracle(), true, other).unwrap_err().to_string(), "other");
    }
}
