//! Benchmarks that compare the speed of the crate's kernels with the limits of the device. `tapetum bench` is the command.
//!
//! A run measures the device's [`ceilings`], then every kernel in the [works](crate::ops::work) listed in its op's file, forward and in
//! reverse, at three sizes, and then whole training [`step`]s. FLOPs and bytes follow the kernels' cost model: the FLOPs of the op's
//! definition, and the bytes of each binding counted once.

pub mod ceilings;
pub mod compare;
pub mod job;
pub mod machine;
pub mod measure;
mod networks;
pub mod report;
mod small;
pub mod step;
pub mod tune;

use crate::device::Device;
use crate::kernel::Target;
use crate::ops::work::{Instance, Size, Work};
use crate::plan::Plan;
use crate::{Error, Result};
use ceilings::Probes;
use job::{Direction, HOST, Job, RecordedWork};
use machine::Machine;
use measure::{Effort, Timing};
use report::{LeftOut, Report, Row};
use std::collections::BTreeSet;
use step::{TimedStep, steps};

/// The choice of what a run measures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Only kernels, works and steps whose names contain this, whatever its case.
    pub filter: Option<String>,
    /// True to time only small sizes, with a few samples each.
    pub quick: bool,
    /// The seed of the random operands.
    pub seed: u64,
}

/// The nanoseconds that one dispatch may take; a size that would take longer is left out. On a CPU the user would wait too long, and a
/// driver resets a GPU that does not answer for two seconds.
const LONGEST_NS: f64 = 2e9;

/// A run that has not begun, with the works and steps that match the filter.
pub struct Bench<'a> {
    device: &'a Device,
    settings: &'a Settings,
    wanted: String,
    works: Vec<Work>,
    steps: Vec<TimedStep>,
}

impl<'a> Bench<'a> {
    /// Chooses the works and steps that match the filter.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] where nothing matches.
    pub fn new(device: &'a Device, settings: &'a Settings) -> Result<Self> {
        let wanted = settings.filter.as_deref().unwrap_or_default().to_lowercase();
        // The kernels of a work are those that run where it is timed.
        let _ = device.prove_cooperative();
        let target = match device {
            Device::Gpu(context) => context.target().clone(),
            Device::Cpu(_) => Target::portable(),
        };
        let (mut works, mut known) = (Vec::new(), BTreeSet::new());
        for work in self::works() {
            let kernels = kernels(&work, &target)?;
            if contains(work.name, &wanted) || kernels.iter().any(|k| contains(k, &wanted)) {
                works.push(work);
            } else {
                known.extend([work.name.to_owned()].into_iter().chain(kernels));
            }
        }
        let steps: Vec<TimedStep> = steps().into_iter().filter(|s| contains(s.name, &wanted) && (!s.large || !wanted.is_empty())).collect();
        if works.is_empty() && steps.is_empty() {
            let some: Vec<String> = known.into_iter().step_by(9).collect();
            let what = format!("no kernel, work or step has a name that contains `{wanted}`: there are {}, and more", some.join(", "));
            return Err(Error::argument(what));
        }
        Ok(Self { device, settings, wanted, works, steps })
    }

    /// The number of times that [`Bench::run`] calls its argument `progress`.
    pub fn stages(&self) -> usize {
        1 + self.works.len() + self.steps.len()
    }

    /// Measures everything; `progress` is called with the name of each stage before it begins.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> Result<Report> {
        let effort = if self.settings.quick { Effort::QUICK } else { Effort::FULL };
        let seed = self.settings.seed;
        progress("ceilings");
        let mut run = Run { bench: self, effort, probes: Probes::new(self.device, &effort, seed)?, rows: Vec::new(), left_out: Vec::new() };
        for work in &self.works {
            progress(work.name);
            run.probes.measure()?;
            run.work(work)?;
        }
        let mut steps = Vec::new();
        for step in &self.steps {
            progress(step.name);
            run.probes.measure()?;
            steps.push(step.time(self.device, &effort, seed)?);
        }
        let Run { probes, mut rows, left_out, .. } = run;
        // The ceilings are read last, because more samples make them more accurate.
        let ceilings = probes.ceilings();
        rows.iter_mut().for_each(|r| r.percent = ceilings.percent(r.cost, r.time.median));
        Ok(Report {
            machine: Machine::of(self.device),
            timing: Timing::of(self.device),
            quick: self.settings.quick,
            seed,
            control: probes.control().stats()?,
            control_bytes: probes.control().amount(),
            ceilings,
            rows,
            steps,
            left_out,
        })
    }
}

fn contains(name: &str, wanted: &str) -> bool {
    name.to_lowercase().contains(wanted)
}

/// Every work that can be timed: those of ops and those of blocks.
pub fn works() -> Vec<Work> {
    [crate::ops::works(), crate::connectome::works()].concat()
}

/// The directions of a work.
pub fn directions(work: &Work) -> &'static [Direction] {
    if work.differentiable { &[Direction::Forward, Direction::Reverse] } else { &[Direction::Forward] }
}

/// The timed kernels of a work on `target`, over all sizes and directions; a kernel may occur several times.
///
/// # Errors
/// Returns an error where a work cannot be planned, which is a fault of the crate.
pub fn kernels(work: &Work, target: &Target) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (_, instance) in &work.sizes {
        for &direction in directions(work) {
            let recorded = RecordedWork::new(instance, direction)?;
            let plan = Plan::new(&recorded.tape, &recorded.outputs, target)?;
            let timed = plan.steps.iter().zip(recorded.timed(&plan)).filter(|(_, t)| *t);
            found.extend(timed.map(|(s, _)| s.kernel.name.to_string()));
        }
    }
    Ok(found)
}

/// The measurements so far.
struct Run<'a> {
    bench: &'a Bench<'a>,
    effort: Effort,
    probes: Probes,
    rows: Vec<Row>,
    left_out: Vec<LeftOut>,
}

impl Run<'_> {
    fn work(&mut self, work: &Work) -> Result<()> {
        for &direction in directions(work) {
            // The time of the last size, as a multiple of the least time that the ceilings allow.
            let mut slowdown = 1.0;
            for (size, instance) in work.sizes.iter().filter(|(size, _)| !self.bench.settings.quick || *size == Size::Small) {
                let before = self.rows.len();
                if let Some(why) = self.size(work, *size, instance, direction, slowdown)? {
                    self.left_out.push(LeftOut { work: work.name.into(), direction, size: *size, why });
                    continue;
                }
                if *size == Size::Medium {
                    slowdown = self.rows[before..].iter().map(|r| 100.0 / r.percent).fold(1.0, f64::max);
                }
            }
        }
        Ok(())
    }

    /// Times a work at one size, or returns the reason why it is left out.
    fn size(&mut self, work: &Work, size: Size, instance: &Instance, direction: Direction, slowdown: f64) -> Result<Option<String>> {
        let recorded = RecordedWork::new(instance, direction)?;
        if let Some(why) = self.too_long(&recorded, slowdown)? {
            return Ok(Some(why));
        }
        let mut job = match Job::new(self.bench.device, &recorded, self.bench.settings.seed) {
            Err(e @ (Error::TooLarge { .. } | Error::OutOfMemory { .. })) => return Ok(Some(e.to_string())),
            made => made?,
        };
        let times = job.time(&self.effort)?;
        let ceilings = self.probes.ceilings();
        // Where the work's name does not match the filter, only those of its kernels that match are reported. On the host there are no
        // kernels to choose from.
        let wanted = &self.bench.wanted;
        let named = |kernel: &str| kernel == HOST || contains(work.name, wanted) || contains(kernel, wanted);
        for (part, time) in job.parts().iter().zip(times).filter(|(p, _)| named(&p.kernel)) {
            self.rows.push(Row {
                kernel: part.kernel.clone(),
                family: part.family.clone(),
                variant: part.variants.iter().cloned().collect::<Vec<_>>().join(", "),
                work: work.name.into(),
                direction,
                shape: recorded.shape(),
                size,
                launches: part.units.len(),
                workgroup: part.workgroup,
                time,
                cost: part.cost,
                percent: ceilings.percent(part.cost, time.median),
            });
        }
        Ok(None)
    }

    /// The reason why a work would take too long, if it would: the least time of its dispatches at the ceilings, times `slowdown`, exceeds
    /// the limit.
    fn too_long(&self, recorded: &RecordedWork, slowdown: f64) -> Result<Option<String>> {
        let target = match self.bench.device {
            Device::Gpu(context) => context.target().clone(),
            Device::Cpu(_) => Target { max_binding: u64::MAX, ..Target::portable() },
        };
        let plan = match Plan::new(&recorded.tape, &recorded.outputs, &target) {
            Err(e @ Error::TooLarge { .. }) => return Ok(Some(e.to_string())),
            planned => planned?,
        };
        let ceilings = self.probes.ceilings();
        let longest = plan.steps.iter().map(|s| ceilings.least_ns(s.cost) * slowdown).fold(0.0, f64::max);
        Ok((longest > LONGEST_NS).then(|| format!("a dispatch would take about {:.1} s", longest / 1e9)))
    }
}
