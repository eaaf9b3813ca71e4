//! Benchmarks that compare the speed of the crate's kernels with the limits of the device. `tapetum bench` is the command.
//!
//! A run measures the device's [`ceilings`], then every kernel in the [works](crate::ops::work) listed in its op's file, forward and in
//! reverse, at three sizes, whole training [`step`]s, and the [`start`]s of programs. FLOPs and bytes follow the kernels' cost model: the
//! FLOPs of the op's definition, and the bytes of each binding counted once.

pub mod ceilings;
pub mod compare;
pub mod job;
pub mod machine;
pub mod measure;
mod networks;
pub mod own;
pub mod report;
mod run;
mod small;
pub mod start;
pub mod step;
pub mod traffic;
pub mod tune;

use crate::device::Device;
use crate::kernel::Target;
use crate::ops::work::{Size, Work};
use crate::plan::Plan;
use crate::{Error, Result, Shape};
use compare::{Baseline, Suspicion};
use job::{Direction, HOST, RecordedWork};
use machine::Machine;
use measure::{Effort, Timing};
use report::Report;
use run::Run;
use start::{TimedStart, starts};
use std::collections::BTreeSet;
use step::{TimedStep, steps};
use traffic::Traffic;

/// The choice of what a run measures.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Only works and steps whose names contain this, whatever its case; where there are none, the works of kernels whose names do.
    pub filter: Option<String>,
    /// True to take only a few samples of each, and to time only small sizes unless `size` names another.
    pub quick: bool,
    /// Only works of this size.
    pub size: Option<Size>,
    /// The shapes of the operands of the one work that is timed, in place of its own sizes.
    pub shapes: Option<Vec<Shape>>,
    /// A work of the user's own, in place of the crate's.
    pub own: Option<Work>,
    /// The seed of the random operands.
    pub seed: u64,
    /// True where traffic is counted and no step is timed.
    pub traffic: bool,
}

impl Settings {
    /// The work at the sizes that are wanted; `None` where it has none of them.
    fn sized(&self, mut work: Work) -> Result<Option<Work>> {
        if let Some(shapes) = &self.shapes {
            work = work.at(shapes)?;
            // An op that refuses the shapes does so before anything is measured.
            RecordedWork::new(&work.sizes[0].1, Direction::Forward)?;
        }
        let wanted = match self.size {
            Some(size) => Some(size),
            None if self.quick && self.shapes.is_none() => Some(Size::Small),
            None => None,
        };
        work.sizes.retain(|(size, _)| wanted.is_none_or(|wanted| *size == wanted));
        Ok(Some(work).filter(|w| !w.sizes.is_empty()))
    }
}

/// A run that has not begun, with the works and steps that match the filter.
pub struct Bench<'a> {
    device: &'a Device,
    settings: &'a Settings,
    wanted: String,
    works: Vec<Work>,
    steps: Vec<TimedStep>,
    starts: Vec<TimedStart>,
}

impl<'a> Bench<'a> {
    /// Chooses the works and steps that match the filter.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] where nothing matches.
    pub fn new(device: &'a Device, settings: &'a Settings) -> Result<Self> {
        if let Some(work) = &settings.own {
            return Ok(Self { device, settings, wanted: String::new(), works: vec![work.clone()], steps: Vec::new(), starts: Vec::new() });
        }
        let wanted = settings.filter.as_deref().unwrap_or_default().to_lowercase();
        // The kernels of a work are those that run where it is timed.
        let _ = device.prove_cooperative();
        let target = match device {
            device if settings.traffic => traffic::target(device)?,
            Device::Gpu(context) => context.target().clone(),
            Device::Cpu(_) => Target::portable(),
        };
        let (mut works, others): (Vec<_>, Vec<_>) = self::works().into_iter().partition(|w| contains(w.name, &wanted));
        let mut known: BTreeSet<String> = others.iter().map(|w| w.name.to_owned()).collect();
        // The names of kernels are known once the works are planned, which takes seconds: only a name that is no work's is looked up there.
        let named = steps().iter().any(|s| contains(s.name, &wanted)) || starts().iter().any(|s| contains(&s.name, &wanted));
        if works.is_empty() && !named {
            for work in others {
                let kernels = kernels(&work, &target)?;
                if kernels.iter().any(|k| contains(k, &wanted)) {
                    works.push(work);
                }
                known.extend(kernels);
            }
        }
        if settings.shapes.is_some() {
            // The name of a work may be part of the names of others.
            if works.iter().any(|w| w.name == wanted) {
                works.retain(|w| w.name == wanted);
            }
            if works.len() > 1 {
                let names: Vec<_> = works.iter().map(|w| w.name).collect();
                return Err(Error::argument(format!("shapes are those of one work, and `{wanted}` finds {}", names.join(", "))));
            }
        }
        let works = works.into_iter().filter_map(|w| settings.sized(w).transpose()).collect::<Result<Vec<_>>>()?;
        let whole = settings.size.is_none() && settings.shapes.is_none() && !settings.traffic;
        let steps: Vec<TimedStep> =
            steps().into_iter().filter(|_| whole).filter(|s| contains(s.name, &wanted) && (!s.large || !wanted.is_empty())).collect();
        let starts: Vec<TimedStart> = starts().into_iter().filter(|s| whole && contains(&s.name, &wanted)).collect();
        if works.is_empty() && steps.is_empty() && starts.is_empty() {
            let some: Vec<String> = known.into_iter().step_by(9).collect();
            let what = format!("no kernel, work or step has a name that contains `{wanted}`: there are {}, and more", some.join(", "));
            return Err(Error::argument(what));
        }
        Ok(Self { device, settings, wanted, works, steps, starts })
    }

    /// True where a kernel of a work is asked for: all of them where the filter matches the work's name, else those whose names it matches.
    /// On the host there are no kernels to choose from. The copy that gives a user's own kernel its contents is none of theirs.
    fn names(&self, work: &Work, kernel: &str) -> bool {
        if self.settings.own.is_some() {
            return kernel == work.name;
        }
        kernel == HOST || contains(work.name, &self.wanted) || contains(kernel, &self.wanted)
    }

    /// Counts the traffic of every kernel, at all sizes up to the medium one unless another is asked for; `progress` is called with the
    /// name of each work before it begins.
    ///
    /// # Errors
    /// Returns an error on the host executor, and where the device reports a fault.
    pub fn traffic(&self, progress: impl FnMut(&str)) -> Result<Traffic> {
        traffic::count(self, progress)
    }

    /// The number of times that [`Bench::run`] calls its argument `progress`.
    pub fn stages(&self) -> usize {
        1 + self.works.len() + self.steps.len() + self.starts.len()
    }

    /// True where training steps are timed, and not works alone.
    pub fn times_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Measures everything; `progress` is called with the name of each stage before it begins. A kernel that looks slower than in an
    /// earlier run by more than a threshold is timed again before the report says so.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn run(&self, earlier: Option<(&Baseline, f64)>, mut progress: impl FnMut(&str)) -> Result<Report> {
        let effort = if self.settings.quick { Effort::QUICK } else { Effort::FULL };
        let seed = self.settings.seed;
        progress("ceilings");
        let suspicion = earlier.map(|(baseline, threshold)| Suspicion::new(baseline, threshold));
        let mut run = Run::new(self, effort, suspicion.as_ref())?;
        for work in &self.works {
            progress(work.name);
            run.probes.measure()?;
            run.work(work)?;
        }
        run.suspects()?;
        let mut steps = Vec::new();
        for step in &self.steps {
            progress(step.name);
            steps.push(run.probes.steadily(|| step.time(self.device, &effort, seed))?.0);
        }
        let mut starts = Vec::new();
        for start in &self.starts {
            progress(&start.name);
            starts.push(start.time(self.device, &effort, seed)?);
        }
        let Run { probes, mut rows, left_out, .. } = run;
        // The ceilings are read last, because more samples make them more accurate.
        let ceilings = probes.ceilings();
        rows.iter_mut().for_each(|r| r.percent = ceilings.percent(r.cost, r.written, r.time.median));
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
            starts,
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
            let plan = match Plan::new(&recorded.tape, &recorded.outputs, target) {
                // A size that the device does not bind is left out of the run as well.
                Err(Error::TooLarge { .. }) => continue,
                planned => planned?,
            };
            let timed = plan.steps.iter().zip(recorded.timed(&plan)).filter(|(_, t)| *t);
            found.extend(timed.map(|(s, _)| s.kernel.name.to_string()));
        }
    }
    Ok(found)
}
