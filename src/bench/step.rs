//! Whole training steps: the demo's step, steps of networks, and very small steps, with their costs apart from arithmetic.
//!
//! *Idle* is the part of a step in which the device runs no kernel: 1 − Σ kernels / step. The step is timed as it is replayed, in one
//! pass between two timestamps. The kernels are timed apart, each launched several times in a pass of its own: a profile with a pass for
//! each dispatch adds gaps that no step has, and its first launch in a pass waits for the pass. Launched back to back, a kernel is timed
//! with the barrier and the launch that follow it, which a step has as well; what is left is the time lost between different kernels.
//! Caches warmed by the dispatch before make Σ kernels a little less than in the step, and idle a little more, never less, than it is.

use super::measure::{Effort, Stats, Timing, times, wall};
use super::{networks, small};
use crate::connectome::parcels::learn_parcels::{Learner, Settings, Surface};
use crate::connectome::parcels::sphere;
use crate::data::shipped_cortex;
use crate::device::{Device, Program};
use crate::gpu;
use crate::kernel::Target;
use crate::plan::Plan;
use crate::tensor::{HostTensor, Philox};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The time for which steps are replayed in a row to measure their wall time, approximately.
const REPLAYED: Duration = Duration::from_millis(50);
/// The largest number of steps replayed in a row.
const MOST_REPLAYED: usize = 100;

/// The costs of a step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepRow {
    /// The name: `step/` followed by the program whose step it is.
    pub name: &'static str,
    /// The time from one step to the next in a replay of many, by the host's clock.
    pub wall: Stats,
    /// The memory that the step takes; on the host executor, the memory it would take on a GPU. `None` where it would not fit a GPU with
    /// the portable base limits.
    pub memory: Option<StepMemory>,
    /// The dispatches and other counts of the step on a GPU; `None` on the host executor.
    pub device: Option<OnDevice>,
}

/// The bytes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepMemory {
    /// The bytes of intermediate values in the plan's slots.
    pub planned: u64,
    /// The peak of the step: the bytes of intermediate values together with inputs, states and constants.
    pub peak: u64,
}

impl StepMemory {
    fn of(plan: &Plan) -> Self {
        let inputs = plan.inputs.iter().map(|(_, ty, _)| ty.bytes());
        let states = plan.states.iter().map(|(_, ty, _)| ty.bytes());
        let constants = plan.constants.iter().map(|c| c.ty().bytes());
        let planned = plan.memory.planned;
        Self { planned, peak: planned + inputs.chain(states).chain(constants).sum::<u64>() }
    }
}

/// The counts of a step on a GPU.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OnDevice {
    /// The number of dispatches.
    pub dispatches: usize,
    /// The host's time to record the step into an encoder and close it.
    pub encode: Stats,
    /// The device's time for the step; `None` where the device has no timestamps.
    pub gpu: Option<Stats>,
    /// The sum of the nanoseconds of its kernels, each timed on its own.
    pub kernels: f64,
    /// One step with timestamps around each dispatch; `None` without timestamps.
    pub profile: Option<gpu::Profile>,
}

impl OnDevice {
    /// The host's nanoseconds to encode one dispatch.
    pub fn encode_a_dispatch(&self) -> f64 {
        self.encode.median / self.dispatches.max(1) as f64
    }

    /// The fraction of the step in which no kernel runs, from 0 to 1; `None` without timestamps.
    pub fn idle(&self) -> Option<f64> {
        self.gpu.map(|gpu| (1.0 - self.kernels / gpu.median).max(0.0))
    }
}

impl StepRow {
    /// The costs as JSON.
    pub fn json(&self) -> Value {
        let mut json = json!({ "name": self.name, "wall": self.wall.json() });
        if let Some(d) = &self.device {
            json["dispatches"] = json!(d.dispatches);
            json["encode"] = d.encode.json();
            json["encode_ns_a_dispatch"] = json!(d.encode_a_dispatch());
            json["gpu"] = json!(d.gpu.map(|s| s.json()));
            json["kernels_ns"] = json!(d.kernels);
            json["idle"] = json!(d.idle());
        }
        if let Some(memory) = self.memory {
            json["planned_bytes"] = json!(memory.planned);
            json["peak_bytes"] = json!(memory.peak);
        }
        json
    }
}

/// A step that can be timed.
pub struct TimedStep {
    /// The name: `step/` followed by the program whose step it is.
    pub name: &'static str,
    /// True where the step takes seconds without a GPU.
    pub large: bool,
    make: fn(&Device, u64) -> Result<Program>,
}

/// All steps that can be timed: the demo's step, which is that of `examples/parcellation.rs`, two small ones, and large ones.
pub fn steps() -> Vec<TimedStep> {
    vec![
        TimedStep { name: "step/demo", large: false, make: demo },
        TimedStep { name: "step/parcels 3x90x120", large: false, make: small::parcels },
        TimedStep { name: "step/correlation 4x100", large: false, make: small::correlation },
        TimedStep { name: "step/full_resolution", large: true, make: full_resolution },
        TimedStep { name: "step/gru", large: true, make: networks::gru },
        TimedStep { name: "step/edges 32x100x64", large: true, make: |device, seed| networks::edges(device, [32, 100, 64], seed) },
        TimedStep { name: "step/edges 32x100x128", large: true, make: |device, seed| networks::edges(device, [32, 100, 128], seed) },
        TimedStep { name: "step/edges 32x100x256", large: true, make: |device, seed| networks::edges(device, [32, 100, 256], seed) },
        TimedStep { name: "step/edges 1x1000x64", large: true, make: |device, seed| networks::edges(device, [1, 1000, 64], seed) },
    ]
}

/// The demo's objective at full resolution: both hemispheres of fsaverage5, 652 frames, 400 parcels; series are noise.
fn full_resolution(device: &Device, seed: u64) -> Result<Program> {
    Ok(Learner::new(device, &whole_cortex(FRAMES, seed)?, &Settings { parcels: 400, seed, ..Settings::default() })?.into_program())
}

/// The number of vertices in each hemisphere of fsaverage5.
const HEMISPHERE: usize = 10_242;
/// The number of frames, equal to that of the shipped subject.
const FRAMES: usize = 652;

/// A surface of two hemispheres with noise as series. The vertices of each are spread evenly over a sphere by the golden angle, and both
/// are seen from a point between them as one sphere. Neighbours are the nearest vertices within a hemisphere.
///
/// # Errors
/// The same as those of the parts from which the surface is made.
pub fn whole_cortex(frames: usize, seed: u64) -> Result<Surface> {
    let golden = std::f64::consts::PI * (3.0 - 5.0f64.sqrt());
    let point = |i: usize| {
        let z = 1.0 - (2.0 * i as f64 + 1.0) / HEMISPHERE as f64;
        let (r, angle) = ((1.0 - z * z).sqrt(), golden * i as f64);
        [r * angle.cos(), r * angle.sin(), z]
    };
    let hemisphere: Vec<sphere::Point> = (0..HEMISPHERE).map(point).collect();
    let near = sphere::nearest_neighbours(&hemisphere, 6)?;
    let table = near.as_i32().unwrap_or_default();
    let both = table.iter().copied().chain(table.iter().map(|v| v + HEMISPHERE as i32)).collect();
    let draws = Philox::new(seed, 0, 0);
    let series = (0..2 * HEMISPHERE * frames).map(|i| draws.uniform(i)).collect();
    Ok(Surface {
        series: HostTensor::f32([2 * HEMISPHERE, frames], series)?,
        // Each hemisphere has its own half of the sphere, so that no initial parcel lies in both.
        directions: hemisphere.iter().map(|p| halved(p, 1.0)).chain(hemisphere.iter().map(|p| halved(p, -1.0))).collect(),
        neighbours: HostTensor::i32([2 * HEMISPHERE, near.shape()[1]], both)?,
    })
}

/// A point of a sphere, moved to the half on the given side.
fn halved([x, y, z]: &sphere::Point, side: f64) -> sphere::Point {
    let (from, to) = (z.clamp(-1.0, 1.0).acos(), z.clamp(-1.0, 1.0).acos() / 2.0);
    let shrink = if from > 0.0 { to.sin() / from.sin().max(1e-12) } else { 0.0 };
    [x * shrink, y * shrink, side * to.cos()]
}

fn demo(device: &Device, seed: u64) -> Result<Program> {
    let cortex = shipped_cortex()?;
    let surface = cortex.surface(0..cortex.frames() / 2)?;
    Ok(Learner::new(device, &surface, &Settings { seed, ..Settings::default() })?.into_program())
}

impl TimedStep {
    /// The plan of the step on `target`.
    ///
    /// # Errors
    /// Returns an error where the step has no plan there.
    pub fn plan(&self, target: &Target, seed: u64) -> Result<Plan> {
        (self.make)(&Device::cpu(), seed)?.plan_for(target)
    }

    /// The step's program on `device`, with its data.
    ///
    /// # Errors
    /// Returns an error where it does not compile there.
    pub(super) fn program(&self, device: &Device, seed: u64) -> Result<Program> {
        (self.make)(device, seed)
    }

    /// Times the step.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn time(&self, device: &Device, effort: &Effort, seed: u64) -> Result<StepRow> {
        let mut program = (self.make)(device, seed)?;
        program.step()?;
        let once = Instant::now();
        replay(&mut program, 1)?;
        let n = (REPLAYED.as_secs_f64() / once.elapsed().as_secs_f64().max(1e-9)).clamp(1.0, MOST_REPLAYED as f64) as usize;
        let many = wall(effort, || replay(&mut program, n))?;
        let [median, q1, q3, min] = [many.median, many.q1, many.q3, many.min].map(|ns| ns / n as f64);
        let on_device = if program.gpu().is_some() { Some(on_device(&mut program, Timing::of(device), effort)?) } else { None };
        let memory = match program.plan() {
            Some(plan) => Some(StepMemory::of(plan)),
            None => program.plan_for(&Target::portable()).ok().map(|plan| StepMemory::of(&plan)),
        };
        Ok(StepRow { name: self.name, wall: Stats { median, q1, q3, min, ..many }, memory, device: on_device })
    }
}

/// Runs `n` steps one after the other, submitted as a training loop submits them, and waits at the end.
fn replay(program: &mut Program, n: usize) -> Result<()> {
    (0..n).try_for_each(|_| program.step())?;
    program.wait()
}

fn on_device(program: &mut Program, timing: Timing, effort: &Effort) -> Result<OnDevice> {
    let none = || Error::argument("a program on a GPU, and samples of it, expected");
    let on_gpu = program.gpu_mut().ok_or_else(none)?;
    on_gpu.encode_time()?;
    let encoded = (0..effort.samples).map(|_| Ok(on_gpu.encode_time()?.as_nanos() as f64)).collect::<Result<Vec<_>>>()?;
    let gpu = if timing == Timing::Gpu { step_times(on_gpu, effort)? } else { None };
    let dispatches = on_gpu.plan().steps.len();
    let profile = if timing == Timing::Gpu { Some(pollster::block_on(on_gpu.profile())?) } else { None };
    // The kernels are timed last, because a kernel that is launched many times leaves its state far from where a step would leave it.
    let sums: Vec<f64> = times(program, timing, effort)?.samples.iter().map(|s| s.iter().sum()).collect();
    let kernels = Stats::of(&sums).ok_or_else(none)?.median;
    Ok(OnDevice { dispatches, encode: Stats::of(&encoded).ok_or_else(none)?, gpu, kernels, profile })
}

/// The device's time for a step in one pass.
fn step_times(program: &mut gpu::GpuProgram, effort: &Effort) -> Result<Option<Stats>> {
    let start = Instant::now();
    pollster::block_on(program.step_time())?;
    let fit = (effort.budget.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9)) as usize;
    let times = (0..fit.clamp(effort.least, effort.samples)).map(|_| pollster::block_on(program.step_time()));
    Ok(Stats::of(&times.collect::<Result<Vec<_>>>()?))
}
