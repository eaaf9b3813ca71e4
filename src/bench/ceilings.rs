//! The ceilings of a device, measured in the same run and by the same means as the kernels: the bytes it copies in a second, the fused
//! multiply-adds it computes in a second, and the fixed cost of a dispatch and of a round trip. Each rate is that of the fastest sample,
//! because slower samples show other load on the machine.

use super::job::{Direction, Job, RecordedWork};
use super::measure::{Effort, Stats, wall};
use crate::device::Device;
use crate::kernel::Cost;
use crate::ops::bench::{FMA_BLOCK, READ_BLOCK, SHARED_BLOCK, SHARED_LOADS, copy, empty, fma, read, shared, write};
use crate::ops::case::{Draw, f32s};
use crate::ops::work::Instance;
use crate::tape::{Tape, Var};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The ceilings of a device.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ceilings {
    /// Bytes read and written in a second by a copy that passes the caches.
    pub bytes_per_second: f64,
    /// Bytes loaded in a second by a kernel that stores next to nothing.
    pub read_bytes_per_second: f64,
    /// Bytes stored in a second by a kernel that loads nothing.
    pub write_bytes_per_second: f64,
    /// Bytes loaded from workgroup memory in a second; `None` on the host executor, which has none.
    pub workgroup_bytes_per_second: Option<f64>,
    /// FLOPs in a second by fused multiply-adds in f32; each counts as two.
    pub flops: f64,
    /// FLOPs in a second by fused multiply-adds in f16; `None` where the device does not compute in f16.
    pub flops_f16: Option<f64>,
    /// The time of a dispatch that writes one word, in a run of many such dispatches.
    pub dispatch: Stats,
    /// The time from the submission of such a dispatch until its word is on the host.
    pub round_trip: Stats,
}

impl Ceilings {
    /// The nanoseconds that work of this cost takes at least: its FLOPs at the peak rate, or its bytes at the bandwidth, whichever takes
    /// longer. `written` of the bytes are stored, and the bandwidth is that of the same mix of loads and stores: the time of a byte is
    /// interpolated between those of reading alone, of a copy, half of whose bytes are stored, and of writing alone.
    pub fn least_ns(&self, cost: Cost, written: f64) -> f64 {
        let stored = if cost.bytes > 0.0 { (written / cost.bytes).clamp(0.0, 1.0) } else { 0.5 };
        let alone = if stored < 0.5 { self.read_bytes_per_second } else { self.write_bytes_per_second };
        let mixed = 1.0 - (2.0 * stored - 1.0).abs();
        let seconds_a_byte = mixed / self.bytes_per_second + (1.0 - mixed) / alone;
        1e9 * (cost.flops / self.flops).max(cost.bytes * seconds_a_byte)
    }

    /// The percentage of the attainable roofline, min(peak FLOP/s, bandwidth × FLOPs per byte), that work of this cost reaches in `ns`;
    /// `written` of its bytes are stored. Work without FLOPs is compared with the bandwidth. Work whose data stay in a cache may exceed
    /// 100.
    pub fn percent(&self, cost: Cost, written: f64, ns: f64) -> f64 {
        100.0 * self.least_ns(cost, written) / ns
    }

    /// The ceilings as JSON.
    pub fn json(&self) -> Value {
        json!({
            "copy_bytes_per_second": self.bytes_per_second, "read_bytes_per_second": self.read_bytes_per_second,
            "write_bytes_per_second": self.write_bytes_per_second, "workgroup_bytes_per_second": self.workgroup_bytes_per_second,
            "fma_f32_flops": self.flops, "fma_f16_flops": self.flops_f16,
            "dispatch": self.dispatch.json(), "round_trip": self.round_trip.json(),
        })
    }
}

/// A kernel that measures a ceiling. It is kept, because it is timed again and again in the course of a run.
#[derive(Debug)]
pub struct Probe {
    job: Job,
    /// The work of one launch, in bytes or FLOPs.
    amount: f64,
    /// Nanoseconds of a launch in each measurement, and in the fastest.
    times: Vec<f64>,
    best: f64,
}

impl Probe {
    fn new(job: Job, amount: impl Fn(Cost) -> f64) -> Self {
        let amount = job.parts().iter().map(|p| amount(p.cost)).sum();
        Self { job, amount, times: Vec::new(), best: f64::INFINITY }
    }

    fn measure(&mut self, effort: &Effort) -> Result<()> {
        let stats = first(self.job.time(effort)?)?;
        self.times.push(stats.median);
        self.best = self.best.min(stats.min);
        Ok(())
    }

    /// Runs for a while, and measures nothing.
    fn work(&mut self, time: Duration) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < time {
            self.job.time(&Effort::QUICK)?;
        }
        Ok(())
    }

    fn rate(&self) -> f64 {
        1e9 * self.amount / self.best
    }

    /// Statistics of the nanoseconds of a launch, over the whole run.
    ///
    /// # Errors
    /// Returns an error where the probe was never measured.
    pub fn stats(&self) -> Result<Stats> {
        Stats::of(&self.times).ok_or_else(|| Error::argument("a ceiling was never measured"))
    }

    /// The work of one launch, in bytes or FLOPs.
    pub fn amount(&self) -> f64 {
        self.amount
    }
}

/// One sample.
const ONE: Effort = Effort { samples: 1, least: 1, ..Effort::QUICK };

/// The probes of all ceilings.
#[derive(Debug)]
pub struct Probes {
    copy: Probe,
    read: Probe,
    write: Probe,
    shared: Option<Probe>,
    f32: Probe,
    f16: Option<Probe>,
    dispatch: Stats,
    round_trip: Stats,
    /// True for software adapters and the host executor, which have no clocks to bring up.
    slow: bool,
}

/// The control's times beside a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The control's nanoseconds just before and just after it.
    pub control: Stats,
    /// False where they were longer than the control's best time by more than a few per cent on a GPU, whose clocks rise and fall.
    pub steady: bool,
}

/// The most of the control's best time that it takes beside a steady measurement.
const STEADY: f64 = 1.05;
/// The number of times that a measurement is taken in search of a steady one.
const ATTEMPTS: usize = 3;
/// The time of work that brings a GPU's clocks up.
const CLOCKS_UP: Duration = Duration::from_millis(250);

impl Probes {
    /// Measures all ceilings for the first time.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn new(device: &Device, effort: &Effort, seed: u64) -> Result<Self> {
        let fma = |half| -> Result<Probe> {
            let job = job(device, fma_elements(device), seed, move |t, x| fma(t, x[0], half))?;
            Ok(Probe::new(job, |cost| cost.flops))
        };
        // Arithmetic comes first, because it brings the clocks up; what was measured before they were up does not count.
        let mut f32 = fma(false)?;
        f32.work(if slow(device) { Duration::ZERO } else { CLOCKS_UP })?;
        f32.measure(effort)?;
        let computes_f16 = matches!(device, Device::Gpu(context) if context.target().f16);
        let mut f16 = computes_f16.then(|| fma(true)).transpose()?;
        f16.as_mut().map_or(Ok(()), |p| p.measure(effort))?;
        let mut copy = Probe::new(copy_job(device, seed)?, |cost| cost.bytes);
        copy.measure(effort)?;
        let elements = copied_elements(device);
        let mut read = Probe::new(job(device, elements / READ_BLOCK * READ_BLOCK, seed, |t, x| read(t, x[0]))?, |cost| cost.bytes);
        read.measure(effort)?;
        let mut write = Probe::new(job(device, 0, seed, move |t, _| write(t, elements))?, |cost| cost.bytes);
        write.measure(effort)?;
        // Half of the bytes are the operand's.
        let from_workgroups = || -> Result<Probe> {
            let job = job(device, shared_elements(device), seed, |t, x| shared(t, x[0]))?;
            Ok(Probe::new(job, |cost| SHARED_LOADS * cost.bytes / 2.0))
        };
        let mut shared = matches!(device, Device::Gpu(_)).then(from_workgroups).transpose()?;
        shared.as_mut().map_or(Ok(()), |p| p.measure(effort))?;

        let mut word = job(device, 0, seed, |t, _| empty(t))?;
        let dispatch = first(word.time(effort)?)?;
        let round_trip = wall(effort, || word.round_trip())?;
        Ok(Self { copy, read, write, shared, f32, f16, dispatch, round_trip, slow: slow(device) })
    }

    /// Takes one sample more of each rate. Samples spread over a run show the device's undisturbed rates, and how steady they are.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn measure(&mut self) -> Result<()> {
        let sure = [&mut self.copy, &mut self.read, &mut self.write, &mut self.f32];
        sure.into_iter().chain(self.f16.as_mut()).chain(self.shared.as_mut()).try_for_each(|p| p.measure(&ONE))
    }

    /// Takes a measurement between two samples of the control. Where the control, or arithmetic, is slower than at best by more than a few
    /// per cent, the device is kept at work until its clocks have risen, and the measurement is taken again; the steadiest of three is
    /// returned. Software adapters and the host executor have no clocks of their own to bring up: one measurement is taken there.
    ///
    /// # Errors
    /// The same as those of `measure`, and where the device reports a fault.
    pub fn steadily<T>(&mut self, mut measure: impl FnMut() -> Result<T>) -> Result<(T, Beside)> {
        let mut best: Option<(f64, T, Stats)> = None;
        for _ in 0..if self.slow { 1 } else { ATTEMPTS } {
            let mut before = self.control_now()?;
            if self.pace(before)? > STEADY {
                self.f32.work(CLOCKS_UP)?;
                before = self.control_now()?;
            }
            let measured = measure()?;
            let control = Stats::of(&[before, self.control_now()?]).ok_or_else(|| Error::argument("no samples"))?;
            let pace = self.pace(control.q3)?;
            if best.as_ref().is_none_or(|(least, ..)| pace < *least) {
                best = Some((pace, measured, control));
            }
            if pace <= STEADY {
                break;
            }
        }
        let (pace, measured, control) = best.ok_or_else(|| Error::argument("no samples"))?;
        // More samples may have found the control to be faster than it was known to be at first. A pace of NaN, of a clock that gives 0,
        // is not steady.
        let steady = pace <= STEADY && control.q3 <= STEADY * self.copy.best;
        Ok((measured, Beside { control, steady: self.slow || steady }))
    }

    /// The slowdown relative to the best time, of the control in this time of it or of multiply-adds now, the larger of the two: a copy
    /// does not show that the clock of the multiprocessors is low. It is 1 on devices without clocks of their own.
    fn pace(&mut self, control: f64) -> Result<f64> {
        if self.slow {
            return Ok(1.0);
        }
        self.f32.measure(&ONE)?;
        let arithmetic = self.f32.times.last().map_or(f64::INFINITY, |now| now / self.f32.best);
        let copying = control / self.copy.best;
        // NaN is handed on, which `max` would drop.
        Ok(if arithmetic.is_nan() || arithmetic > copying { arithmetic } else { copying })
    }

    /// The control's nanoseconds now.
    fn control_now(&mut self) -> Result<f64> {
        self.copy.measure(&ONE)?;
        Ok(self.copy.times.last().copied().unwrap_or(f64::INFINITY))
    }

    /// The ceilings by all samples so far.
    pub fn ceilings(&self) -> Ceilings {
        Ceilings {
            bytes_per_second: self.copy.rate(),
            read_bytes_per_second: self.read.rate(),
            write_bytes_per_second: self.write.rate(),
            workgroup_bytes_per_second: self.shared.as_ref().map(Probe::rate),
            flops: self.f32.rate(),
            flops_f16: self.f16.as_ref().map(Probe::rate),
            dispatch: self.dispatch,
            round_trip: self.round_trip,
        }
    }

    /// The control of a comparison, which should not move from run to run: the copy.
    pub fn control(&self) -> &Probe {
        &self.copy
    }
}

fn first(times: Vec<Stats>) -> Result<Stats> {
    times.into_iter().next().ok_or_else(|| Error::argument("a ceiling came to no dispatch"))
}

/// The copy of as much data as the device has memory for.
fn copy_job(device: &Device, seed: u64) -> Result<Job> {
    let mut elements = copied_elements(device);
    loop {
        match job(device, elements, seed, |t, x| copy(t, x[0])) {
            Err(Error::OutOfMemory { .. }) if elements > 1 << 20 => elements /= 2,
            made => return made,
        }
    }
}

/// The job of a ceiling's op over `elements` f32 elements; without operands where `elements` is 0.
fn job(
    device: &Device,
    elements: usize,
    seed: u64,
    build: impl Fn(&mut Tape, &[Var]) -> Result<Var> + Send + Sync + 'static,
) -> Result<Job> {
    let operands = if elements == 0 { vec![] } else { vec![f32s([elements], Draw::Normal)] };
    let instance = Instance::new(operands, move |t, x| Ok(vec![build(t, x)?]));
    Job::new(device, &RecordedWork::new(&instance, Direction::Forward)?, seed)
}

/// True where a device is so slow that less work is enough to time it.
fn slow(device: &Device) -> bool {
    match device {
        Device::Gpu(context) => context.target().software,
        Device::Cpu(_) => true,
    }
}

/// The number of f32 elements copied: 256 MiB on a GPU whose binding limit allows it, 128 MiB on a CPU. Read and written, this exceeds the
/// last-level cache of nearly all devices.
fn copied_elements(device: &Device) -> usize {
    let most = match device {
        Device::Gpu(context) => context.target().max_binding,
        Device::Cpu(_) => u64::MAX,
    };
    let wanted = if slow(device) { 128 << 20 } else { 256 << 20 };
    (most.min(wanted) / 4) as usize / 1024 * 1024
}

/// The number of elements of the multiply-add probe: enough invocations to fill the largest GPU many times over, and some milliseconds of
/// work for a CPU.
fn fma_elements(device: &Device) -> usize {
    FMA_BLOCK * if slow(device) { 256 } else { 16_384 }
}

/// The number of elements of the probe of workgroup memory: enough workgroups to fill the largest GPU many times over, and some
/// milliseconds of work for a CPU.
fn shared_elements(device: &Device) -> usize {
    SHARED_BLOCK * if slow(device) { 64 } else { 8192 }
}

#[cfg(test)]
mod tests {
    use super::{Ceilings, Cost};
    use crate::bench::measure::Stats;

    /// 100 GFLOP/s and 10 GB/s: the ridge is at 10 FLOPs a byte.
    fn ceilings() -> Ceilings {
        let none = Stats { median: 0.0, q1: 0.0, q3: 0.0, min: 0.0, samples: 1 };
        Ceilings {
            bytes_per_second: 1e10,
            read_bytes_per_second: 2e10,
            write_bytes_per_second: 5e9,
            workgroup_bytes_per_second: None,
            flops: 1e11,
            flops_f16: None,
            dispatch: none,
            round_trip: none,
        }
    }

    #[test]
    fn the_attainable_roofline_is_the_lower_of_both_ceilings() {
        // 1 GB at 1 FLOP a byte: 0.1 s by its bytes, 0.01 s by its FLOPs; in 0.2 s, half of what is attainable.
        let memory = Cost { flops: 1e9, bytes: 1e9 };
        assert!((ceilings().least_ns(memory, 5e8) - 1e8).abs() < 1e-3);
        assert!((ceilings().percent(memory, 5e8, 2e8) - 50.0).abs() < 1e-9);
        // 100 FLOPs a byte: 1 s by its FLOPs.
        let arithmetic = Cost { flops: 1e11, bytes: 1e9 };
        assert!((ceilings().least_ns(arithmetic, 5e8) - 1e9).abs() < 1e-3);
        assert!((ceilings().percent(arithmetic, 5e8, 4e9) - 25.0).abs() < 1e-9);
        // No FLOPs: the bandwidth alone.
        assert!((ceilings().percent(Cost { flops: 0.0, bytes: 1e10 }, 5e9, 1e9) - 100.0).abs() < 1e-9);
    }

    /// A byte takes 0.05 ns where all are read, 0.1 ns where half are written, 0.2 ns where all are.
    #[test]
    fn the_bandwidth_is_that_of_the_mix() {
        let bytes = Cost { flops: 0.0, bytes: 1e9 };
        for (written, ns) in [(0.0, 5e7), (2.5e8, 7.5e7), (5e8, 1e8), (7.5e8, 1.5e8), (1e9, 2e8)] {
            assert!((ceilings().least_ns(bytes, written) - ns).abs() < 1e-3, "{written}");
        }
        assert_eq!(ceilings().least_ns(Cost::default(), 0.0), 0.0);
    }
}
