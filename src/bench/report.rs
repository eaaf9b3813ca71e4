//! The results of a run, as JSON and as CSV.

use super::ceilings::{Beside, Ceilings};
use super::job::Direction;
use super::machine::Machine;
use super::measure::{Stats, Timing};
use super::start::StartRow;
use super::step::StepRow;
use crate::kernel::Cost;
use crate::ops::work::Size;
use serde_json::{Value, json};

/// The version of the layout of `bench.json`. It is raised where a reader of the old layout would misread the new one.
pub const FORMAT: u64 = 2;

/// The result of one kernel in one work, direction and size.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `family/kernel`; `host` on the host executor.
    pub kernel: String,
    /// The folder of its shader; on the host executor, of the shader that would do most of the work.
    pub family: String,
    /// The variants that were chosen, each with the further choices of lowering.
    pub variant: String,
    /// The work.
    pub work: String,
    /// The direction.
    pub direction: Direction,
    /// The shapes of the operands.
    pub shape: String,
    /// The size's name.
    pub size: Size,
    /// The number of dispatches of this kernel, or of ops on the host executor.
    pub launches: usize,
    /// The invocations of a workgroup along each dimension; `None` on the host executor.
    pub workgroup: Option<[u32; 3]>,
    /// The time of all these launches together.
    pub time: Stats,
    /// The control beside this row.
    pub beside: Beside,
    /// The FLOPs and bytes of these launches by the op's definition.
    pub cost: Cost,
    /// The bytes that are written, among those of the cost.
    pub written: f64,
    /// The percentage of the attainable roofline that was reached.
    pub percent: f64,
}

impl Row {
    /// The FLOPs per second.
    pub fn flops_rate(&self) -> f64 {
        1e9 * self.cost.flops / self.time.median
    }

    /// The bytes per second.
    pub fn bytes_rate(&self) -> f64 {
        1e9 * self.cost.bytes / self.time.median
    }

    fn workgroup_text(&self) -> String {
        self.workgroup.map_or_else(String::new, |[x, y, z]| format!("{x}x{y}x{z}"))
    }
}

/// A work that was not timed at a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The work.
    pub work: String,
    /// The direction.
    pub direction: Direction,
    /// The size's name.
    pub size: Size,
    /// The reason.
    pub why: String,
}

/// Everything measured in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The machine that was measured.
    pub machine: Machine,
    /// The clock by which the kernels were timed.
    pub timing: Timing,
    /// True where only small sizes were timed, with a few samples each.
    pub quick: bool,
    /// The seed of the random operands.
    pub seed: u64,
    /// The ceilings of the device.
    pub ceilings: Ceilings,
    /// The times of the copy that measures the bandwidth, repeated in the course of the run.
    pub control: Stats,
    /// The bytes that the control reads and writes.
    pub control_bytes: f64,
    /// The kernels.
    pub rows: Vec<Row>,
    /// The training steps.
    pub steps: Vec<StepRow>,
    /// The starts of programs.
    pub starts: Vec<StartRow>,
    /// The works that were not timed, with the reasons.
    pub left_out: Vec<LeftOut>,
}

impl LeftOut {
    /// The work as JSON.
    pub fn json(&self) -> Value {
        json!({ "work": self.work, "direction": self.direction.name(), "size": self.size.name(), "why": self.why })
    }
}

impl Report {
    /// The report as JSON, the contents of `bench.json`.
    pub fn json(&self) -> Value {
        let mut control = self.control.json();
        control["kernel"] = json!("bench/copy");
        control["bytes"] = json!(self.control_bytes);
        json!({
            "format": FORMAT, "machine": self.machine.json(), "timing": self.timing.name(), "quick": self.quick, "seed": self.seed,
            "ceilings": self.ceilings.json(), "control": control,
            "rows": self.rows.iter().map(|r| self.row(r)).collect::<Vec<_>>(),
            "steps": self.steps.iter().map(StepRow::json).collect::<Vec<_>>(),
            "starts": self.starts.iter().map(StartRow::json).collect::<Vec<_>>(),
            "left_out": self.left_out.iter().map(LeftOut::json).collect::<Vec<_>>(),
        })
    }

    /// One step of each training step that was timed, as a Chrome / Perfetto trace: a process for each. `None` where no step was profiled.
    pub fn trace(&self) -> Option<Value> {
        let profiles = self.steps.iter().filter_map(|s| Some((s.name, s.device.as_ref()?.profile.as_ref()?)));
        let mut events = Vec::new();
        for (pid, (name, profile)) in profiles.enumerate() {
            events.push(json!({ "name": "process_name", "ph": "M", "pid": pid, "args": { "name": name } }));
            events.extend(profile.events(pid));
        }
        (!events.is_empty()).then(|| json!({ "displayTimeUnit": "ns", "traceEvents": events }))
    }

    fn row(&self, r: &Row) -> Value {
        json!({
            "kernel": r.kernel, "variant": r.variant, "work": r.work, "direction": r.direction.name(), "shape": r.shape,
            "size": r.size.name(), "launches": r.launches, "workgroup": r.workgroup, "median_ns": r.time.median, "q1_ns": r.time.q1,
            "q3_ns": r.time.q3, "min_ns": r.time.min, "samples": r.time.samples, "flops": r.cost.flops, "bytes": r.cost.bytes,
            "written": r.written, "gflops_per_second": r.flops_rate() / 1e9, "gigabytes_per_second": r.bytes_rate() / 1e9,
            "percent_of_roofline": r.percent,
            "control": r.beside.control.json(), "steady": r.beside.steady, "timing": self.timing.name(),
        })
    }

    /// The kernels as CSV with a header, one line for each.
    ///
    /// # Errors
    /// No report causes an error, because writing to memory does not fail.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record([
            "kernel",
            "variant",
            "work",
            "direction",
            "shape",
            "size",
            "launches",
            "workgroup",
            "median_ns",
            "q1_ns",
            "q3_ns",
            "min_ns",
            "samples",
            "flops",
            "bytes",
            "gflops_per_second",
            "gigabytes_per_second",
            "percent_of_roofline",
            "control_ns",
            "steady",
            "timing",
        ])?;
        for r in &self.rows {
            let names = [&r.kernel, &r.variant, &r.work, r.direction.name(), &r.shape, r.size.name()].map(str::to_owned);
            let numbers = [r.time.median, r.time.q1, r.time.q3, r.time.min, r.time.samples as f64, r.cost.flops, r.cost.bytes];
            let rates = [r.flops_rate() / 1e9, r.bytes_rate() / 1e9, r.percent, r.beside.control.median];
            out.write_record(
                names
                    .into_iter()
                    .chain([r.launches.to_string(), r.workgroup_text()])
                    .chain(numbers.into_iter().chain(rates).map(|x| x.to_string()))
                    .chain([r.beside.steady.to_string(), self.timing.name().to_owned()]),
            )?;
        }
        out.into_inner().map_err(|e| e.into_error().into())
    }
}
