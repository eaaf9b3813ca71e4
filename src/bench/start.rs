//! Starts of programs: the time to a device, to a compiled step and to the end of the first step, without and with the pipelines that an
//! earlier start kept ([`Options::pipelines`]).
//!
//! Each start opens a device of its own. The process has opened one before, so that the driver's libraries are loaded. A driver that keeps
//! pipelines in files of its own makes every start but the first a warm one, whatever this crate keeps; Mesa's files are turned off by
//! MESA_SHADER_CACHE_DISABLE=true, NVIDIA's by __GL_SHADER_DISK_CACHE=0.

use super::measure::{Effort, Stats};
use super::step::{TimedStep, steps};
use crate::device::Device;
use crate::gpu::{Choice, Options};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The steps whose starts are timed.
const STARTED: [&str; 2] = ["step/demo", "step/parcels 3x90x120"];

/// The most starts of one program, each of which takes a cold and a warm one.
const MOST: usize = 5;

/// The times of one start, in nanoseconds since it began.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Start {
    /// Until the device is there; 0 on the host executor.
    pub device: Stats,
    /// Until the step is recorded and compiled, and its data are on the device.
    pub compiled: Stats,
    /// Until the first step is done.
    pub step: Stats,
}

/// The starts of one program.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StartRow {
    /// The name: `start/` followed by the program.
    pub name: String,
    /// Starts in an empty folder.
    pub cold: Start,
    /// Starts in the folder that a cold start left; `None` where a device gives no pipelines to keep.
    pub warm: Option<Start>,
    /// The bytes that a cold start left in the folder.
    pub kept: u64,
}

impl Start {
    fn of(samples: &[[f64; 3]]) -> Option<Self> {
        let at = |i: usize| Stats::of(&samples.iter().map(|sample| sample[i]).collect::<Vec<_>>());
        Some(Self { device: at(0)?, compiled: at(1)?, step: at(2)? })
    }

    fn json(&self) -> Value {
        json!({ "device": self.device.json(), "compiled": self.compiled.json(), "step": self.step.json() })
    }
}

impl StartRow {
    /// The times as JSON.
    pub fn json(&self) -> Value {
        json!({ "name": self.name, "cold": self.cold.json(), "warm": self.warm.map(|warm| warm.json()), "kept_bytes": self.kept })
    }
}

/// A program whose start can be timed.
pub struct TimedStart {
    /// The name: `start/` followed by the program.
    pub name: String,
    step: TimedStep,
}

/// All programs whose starts can be timed: the demo, and a small one.
pub fn starts() -> Vec<TimedStart> {
    let found = steps().into_iter().filter(|step| STARTED.contains(&step.name));
    found.map(|step| TimedStart { name: step.name.replacen("step/", "start/", 1), step }).collect()
}

impl TimedStart {
    /// Times cold and warm starts in turn, on devices as `device` is.
    pub(super) fn time(&self, device: &Device, effort: &Effort, seed: u64) -> Result<StartRow> {
        let (mut cold, mut warm, mut kept) = (Vec::new(), Vec::new(), 0);
        for _ in 0..effort.samples.min(MOST) {
            let folder = Temporary::new();
            cold.push(self.start(device, &folder.0, seed)?);
            kept = folder.bytes();
            if kept > 0 {
                warm.push(self.start(device, &folder.0, seed)?);
            }
        }
        let none = || Error::argument("a start takes at least one sample");
        Ok(StartRow { name: self.name.clone(), cold: Start::of(&cold).ok_or_else(none)?, warm: Start::of(&warm), kept })
    }

    /// The nanoseconds of one start until the device, the compiled step, and the end of the first step.
    fn start(&self, like: &Device, folder: &Path, seed: u64) -> Result<[f64; 3]> {
        let began = Instant::now();
        let elapsed = || began.elapsed().as_nanos() as f64;
        let device = opened(like, folder)?;
        let on_device = if matches!(device, Device::Gpu(_)) { elapsed() } else { 0.0 };
        let mut program = self.step.program(&device, seed)?;
        let compiled = elapsed();
        program.step()?;
        program.wait()?;
        Ok([on_device, compiled, elapsed()])
    }
}

/// A new device as another is, which keeps its pipelines in a folder.
fn opened(like: &Device, folder: &Path) -> Result<Device> {
    let Device::Gpu(context) = like else { return Ok(like.clone()) };
    let target = context.target();
    let options = Options {
        choice: Choice::Name(context.adapter().name().to_owned()),
        software: true,
        checks: target.checked,
        variants: target.variants.iter().map(|(kernel, variant)| (kernel.clone(), variant.clone())).collect(),
        pipelines: Some(folder.to_owned()),
        ..Options::default()
    };
    Device::gpu(&options)
}

/// A new folder, removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        let nanoseconds = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
        Self(std::env::temp_dir().join(format!("tapetum-start-{}-{nanoseconds}", std::process::id())))
    }

    /// The bytes of the files in it; it is made when the first is written.
    fn bytes(&self) -> u64 {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).sum()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A folder that was never made cannot be removed, and one that stays lies among temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
