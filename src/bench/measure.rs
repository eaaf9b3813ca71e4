//! Measurement of times by samples, after a warm-up. Where one launch is too short to time, a sample holds several. Samples are summarised
//! by their median and quartiles.

use crate::device::{Device, Program};
use crate::gpu;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The clock from which times are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Timestamps that the device writes.
    Gpu,
    /// The host's clock. On a GPU the time from submission to completion is divided among the launches; on the host executor each node is
    /// timed.
    Wall,
}

impl Timing {
    /// The most precise clock that `device` offers.
    pub fn of(device: &Device) -> Self {
        match device {
            Device::Gpu(context) if context.timestamps() => Self::Gpu,
            _ => Self::Wall,
        }
    }

    /// `gpu` or `wall`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Wall => "wall",
        }
    }
}

/// The limits on the time and the number of samples that a measurement takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// The largest number of samples.
    pub samples: usize,
    /// The smallest number of samples, however long one takes.
    pub least: usize,
    /// The time for which steps run before the first sample, so that clocks rise and caches fill; at least one step is run.
    pub warm_up: Duration,
    /// The time after which sampling ends, approximately.
    pub budget: Duration,
}

impl Effort {
    /// The limits for figures that are kept.
    pub const FULL: Self = Self { samples: 30, least: 3, warm_up: Duration::from_millis(20), budget: Duration::from_millis(600) };
    /// The limits for a quick first look.
    pub const QUICK: Self = Self { samples: 5, least: 3, warm_up: Duration::ZERO, budget: Duration::from_millis(50) };

    fn samples_of(&self, cost: Duration) -> usize {
        let fit = self.budget.as_secs_f64() / cost.as_secs_f64().max(1e-9);
        (fit as usize).clamp(self.least, self.samples.max(self.least))
    }
}

/// The median of some times and their spread, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    /// The median.
    pub median: f64,
    /// The lower quartile.
    pub q1: f64,
    /// The upper quartile.
    pub q3: f64,
    /// The shortest time.
    pub min: f64,
    /// The number of samples.
    pub samples: usize,
}

impl Stats {
    /// The statistics of `times`; a quartile that falls between two times is interpolated. `None` where there are no times.
    pub fn of(times: &[f64]) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |fraction: f64| {
            let place = fraction * last as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Some(Self { median: at(0.5), q1: at(0.25), q3: at(0.75), min: sorted[0], samples: sorted.len() })
    }

    /// The statistics as JSON.
    pub fn json(&self) -> Value {
        json!({ "median_ns": self.median, "q1_ns": self.q1, "q3_ns": self.q3, "min_ns": self.min, "samples": self.samples })
    }

    /// Reads statistics from JSON; `None` where the object does not hold them.
    pub fn parse(json: &Value) -> Option<Self> {
        let number = |key: &str| json.get(key)?.as_f64();
        let samples = json.get("samples")?.as_u64()? as usize;
        Some(Self { median: number("median_ns")?, q1: number("q1_ns")?, q3: number("q3_ns")?, min: number("min_ns")?, samples })
    }
}

/// The nanoseconds that a sample lasts where it is timed by the device's timestamps, whose resolution is up to a microsecond.
const GPU_SPAN: f64 = 200e3;
/// The nanoseconds that a sample lasts where it is timed by the host's clock: long enough that the tenths of a millisecond of a submission
/// do not matter.
const WALL_SPAN: f64 = 10e6;
/// The nanoseconds that a sample of a node lasts on the host executor: many runs of a small one, whose first few meet cold caches.
const NODE_SPAN: f64 = 2e6;
/// The nanoseconds that the runs last among which the fastest are looked for on the host executor: so few that a system which shares its
/// cores among many programs seldom takes the core away meanwhile, and so many that the resolution of a clock does not matter.
const GROUP_SPAN: f64 = 20e3;
/// The most launches of one dispatch in a sample.
const MOST_LAUNCHES: f64 = 2000.0;

/// The nanoseconds of each dispatch of a step, or of each node on the host executor.
#[derive(Debug)]
pub struct Times {
    /// One list for each sample.
    pub samples: Vec<Vec<f64>>,
    /// The shortest time of each: of all samples, or on the host executor of parts of samples.
    pub fastest: Vec<f64>,
}

impl Times {
    fn of(samples: Vec<Vec<f64>>) -> Self {
        let shorter = |a: Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a.min(*b)).collect();
        let first = samples.first().cloned().unwrap_or_default();
        Self { fastest: samples.iter().fold(first, shorter), samples }
    }
}

/// The times of the dispatches of a step, or of the nodes on the host executor.
///
/// # Errors
/// Returns an error where the device reports a fault.
pub fn times(program: &mut Program, timing: Timing, effort: &Effort) -> Result<Times> {
    match program.gpu_mut() {
        Some(program) => dispatches(program, timing, effort).map(Times::of),
        None => nodes(program, effort),
    }
}

fn nodes(program: &mut Program, effort: &Effort) -> Result<Times> {
    let mut once = || Ok(program.profile_nodes()?.iter().map(|d| d.as_nanos() as f64).collect::<Vec<f64>>());
    warm_up(effort, Instant::now(), || once().map(|_| ()))?;
    let start = Instant::now();
    once()?;
    let cost = start.elapsed();
    let runs = (NODE_SPAN / (cost.as_nanos() as f64).max(1.0)).clamp(1.0, MOST_LAUNCHES) as u32;
    let group = (GROUP_SPAN / (cost.as_nanos() as f64).max(1.0)).clamp(1.0, f64::from(runs)) as u32;
    let mut mean_of = |n: u32| -> Result<Vec<f64>> {
        let mut sums = once()?;
        for _ in 1..n {
            add(&mut sums, &once()?);
        }
        Ok(scaled(sums, n))
    };
    let groups = runs.div_ceil(group);
    let (mut samples, mut fastest) = (Vec::new(), Vec::new());
    for _ in 0..effort.samples_of(cost * runs) {
        let Times { samples: parts, fastest: of_parts } = Times::of((0..groups).map(|_| mean_of(group)).collect::<Result<_>>()?);
        let mut sums = vec![0.0; of_parts.len()];
        parts.iter().for_each(|part| add(&mut sums, part));
        samples.push(scaled(sums, groups));
        fastest.push(of_parts);
    }
    Ok(Times { samples, fastest: Times::of(fastest).fastest })
}

fn add(sums: &mut [f64], more: &[f64]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn scaled(sums: Vec<f64>, parts: u32) -> Vec<f64> {
    sums.into_iter().map(|sum| sum / f64::from(parts)).collect()
}

/// Calls `run`, at least once, until `effort`'s warm-up time has passed since `start`, and returns the duration of the last call.
fn warm_up(effort: &Effort, start: Instant, mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    loop {
        let before = Instant::now();
        run()?;
        if start.elapsed() >= effort.warm_up {
            return Ok(before.elapsed());
        }
    }
}

fn dispatches(program: &mut gpu::GpuProgram, timing: Timing, effort: &Effort) -> Result<Vec<Vec<f64>>> {
    let span = if timing == Timing::Gpu { GPU_SPAN } else { WALL_SPAN };
    let wanted = |times: &[f64]| times.iter().map(|ns| (span / ns.max(1.0)).clamp(1.0, MOST_LAUNCHES) as u32).collect::<Vec<_>>();
    let mut launches = vec![1; program.plan().steps.len()];
    // The time of a single launch includes the cost of its pass or submission, so the number of launches in a sample is found over a few
    // runs. These warm the device up as well.
    let (start, mut rounds) = (Instant::now(), 0);
    let cost = loop {
        let before = Instant::now();
        let next = wanted(&once(program, timing, &launches)?);
        let settled = rounds == 3 || next.iter().zip(&launches).all(|(next, now)| *next <= 2 * now);
        if settled && start.elapsed() >= effort.warm_up {
            break before.elapsed();
        }
        if !settled {
            launches = next;
            rounds += 1;
        }
    };
    (0..effort.samples_of(cost)).map(|_| once(program, timing, &launches)).collect()
}

/// The nanoseconds of one launch of each dispatch.
fn once(program: &mut gpu::GpuProgram, timing: Timing, launches: &[u32]) -> Result<Vec<f64>> {
    match timing {
        Timing::Gpu => {
            let profile = pollster::block_on(program.profile_launches(launches))?;
            Ok(profile.spans.iter().map(|s| s.duration_ns).collect())
        }
        Timing::Wall => {
            let each = launches.iter().enumerate();
            each.map(|(at, &n)| Ok(program.wall_time(at, n)?.as_nanos() as f64 / f64::from(n))).collect()
        }
    }
}

/// The wall times of `run` in nanoseconds, after a warm-up.
///
/// # Errors
/// The same as those of `run`.
pub fn wall(effort: &Effort, mut run: impl FnMut() -> Result<()>) -> Result<Stats> {
    let cost = warm_up(effort, Instant::now(), &mut run)?;
    let sample = |_| {
        let start = Instant::now();
        run().map(|()| start.elapsed().as_nanos() as f64)
    };
    let times = (0..effort.samples_of(cost)).map(sample).collect::<Result<Vec<_>>>()?;
    Stats::of(&times).ok_or_else(|| Error::argument("no samples"))
}

#[cfg(test)]
mod tests {
    use super::Stats;

    #[test]
    fn quartiles_lie_between_the_nearest_times() {
        let s = Stats::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((s.min, s.q1, s.median, s.q3, s.samples), (1.0, 1.75, 2.5, 3.25, 4));
        let s = Stats::of(&[50.0, 10.0, 20.0, 40.0, 30.0]).unwrap();
        assert_eq!((s.q1, s.median, s.q3), (20.0, 30.0, 40.0));
        let s = Stats::of(&[7.0]).unwrap();
        assert_eq!((s.q1, s.median, s.q3, s.samples), (7.0, 7.0, 7.0, 1));
        assert_eq!(Stats::of(&[]), None);
    }

    #[test]
    fn json_gives_back_what_it_was_given() {
        let s = Stats::of(&[1.5, 2.25, 1e9]).unwrap();
        assert_eq!(Stats::parse(&s.json()), Some(s));
        assert_eq!(Stats::parse(&serde_json::json!({ "median_ns": 1.0 })), None);
    }
}
