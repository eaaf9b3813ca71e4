//! A run in progress: each work is recorded, compiled, and timed beside the control.

use super::ceilings::Probes;
use super::compare::Suspicion;
use super::job::{Direction, Job, RecordedWork};
use super::measure::{Effort, Stats};
use super::report::{LeftOut, Row};
use super::{Bench, directions};
use crate::device::Device;
use crate::kernel::{Cost, Target};
use crate::ops::work::{Instance, Size, Work};
use crate::plan::Plan;
use crate::{Error, Result};
use std::collections::BTreeSet;

/// The nanoseconds that one dispatch may take; a size that would take longer is left out. On a CPU the user would wait too long, and a
/// driver resets a GPU that does not answer for two seconds.
const LONGEST_NS: f64 = 2e9;

/// The times that a row which looks slower than in an earlier run is timed at once.
const REPEATED: usize = 3;
/// The times that rows which still look slower are timed again after all others: what disturbed them has often passed by then.
const ROUNDS: usize = 3;

/// The measurements so far.
pub(super) struct Run<'a> {
    bench: &'a Bench<'a>,
    effort: Effort,
    suspicion: Option<&'a Suspicion<'a>>,
    pub(super) probes: Probes,
    pub(super) rows: Vec<Row>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A work as it was timed at the size before: the cost, the bytes written and the nanoseconds of its longest dispatch.
#[derive(Debug, Clone, Copy)]
struct Before {
    cost: Cost,
    written: f64,
    ns: f64,
}

impl<'a> Run<'a> {
    /// A run that has measured its ceilings.
    pub(super) fn new(bench: &'a Bench<'a>, effort: Effort, suspicion: Option<&'a Suspicion<'a>>) -> Result<Self> {
        let probes = Probes::new(bench.device, &effort, bench.settings.seed)?;
        Ok(Self { bench, effort, suspicion, probes, rows: Vec::new(), left_out: Vec::new() })
    }

    /// Times a work in each of its directions and sizes.
    pub(super) fn work(&mut self, work: &Work) -> Result<()> {
        for &direction in directions(work) {
            let mut before = None;
            for (size, instance) in &work.sizes {
                match self.size(work, *size, instance, direction, before)? {
                    Ok(timed) => before = timed.or(before),
                    Err(why) => self.left_out.push(LeftOut { work: work.name.into(), direction, size: *size, why }),
                }
            }
        }
        Ok(())
    }

    /// Times a work at one size, or returns the reason why it is left out.
    fn size(
        &mut self,
        work: &Work,
        size: Size,
        instance: &Instance,
        direction: Direction,
        before: Option<Before>,
    ) -> Result<Result<Option<Before>, String>> {
        let recorded = RecordedWork::new(instance, direction)?;
        if let Some(why) = self.too_long(&recorded, before)? {
            return Ok(Err(why));
        }
        let mut job = match Job::new(self.bench.device, &recorded, self.bench.settings.seed) {
            Err(e @ (Error::TooLarge { .. } | Error::OutOfMemory { .. })) => return Ok(Err(e.to_string())),
            made => made?,
        };
        let mut rows = self.time(work, size, direction, &recorded, &mut job)?;
        // The job is at hand, so a suspect costs no more than its samples.
        for _ in 1..REPEATED {
            if !self.suspicion.is_some_and(|s| rows.iter().any(|row| s.slower(row))) {
                break;
            }
            let again = self.time(work, size, direction, &recorded, &mut job)?;
            rows.iter_mut().zip(again).for_each(|(row, again)| keep_faster(row, again));
        }
        let longest = |a: &Row, b: &Row| (a.time.median / a.launches as f64).total_cmp(&(b.time.median / b.launches as f64));
        let timed = rows.iter().max_by(|a, b| longest(a, b)).map(|row| {
            let each = 1.0 / row.launches as f64;
            let cost = Cost { flops: row.cost.flops * each, bytes: row.cost.bytes * each };
            Before { cost, written: row.written * each, ns: row.time.median * each }
        });
        self.rows.extend(rows);
        Ok(Ok(timed))
    }

    /// Times the works again that have rows which look slower than in the earlier run.
    pub(super) fn suspects(&mut self) -> Result<()> {
        for _ in 0..ROUNDS {
            let Some(suspicion) = self.suspicion else { break };
            let suspects = |r: &&Row| suspicion.slower(r);
            let of: BTreeSet<_> =
                self.rows.iter().filter(suspects).map(|r| (r.work.clone(), r.direction == Direction::Reverse, r.size)).collect();
            for (name, reverse, size) in of {
                let direction = if reverse { Direction::Reverse } else { Direction::Forward };
                let Some(work) = self.bench.works.iter().find(|w| w.name == name) else { continue };
                let Some((_, instance)) = work.sizes.iter().find(|(s, _)| *s == size) else { continue };
                let recorded = RecordedWork::new(instance, direction)?;
                let mut job = Job::new(self.bench.device, &recorded, self.bench.settings.seed)?;
                for again in self.time(work, size, direction, &recorded, &mut job)? {
                    let same = |r: &&mut Row| (&r.work, r.direction, r.size, &r.kernel) == (&again.work, direction, size, &again.kernel);
                    if let Some(row) = self.rows.iter_mut().find(same) {
                        keep_faster(row, again);
                    }
                }
            }
        }
        Ok(())
    }

    /// Times a job, and makes a row of each of its parts that are asked for.
    fn time(&mut self, work: &Work, size: Size, direction: Direction, recorded: &RecordedWork, job: &mut Job) -> Result<Vec<Row>> {
        let effort = self.effort;
        let (times, beside) = self.probes.steadily(|| job.time(&effort))?;
        let ceilings = self.probes.ceilings();
        let parts = job.parts().iter().zip(times).filter(|(p, _)| self.bench.names(work, &p.kernel));
        let row = |(part, time): (&super::job::Part, Stats)| Row {
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
            beside,
            cost: part.cost,
            written: part.written,
            percent: ceilings.percent(part.cost, part.written, time.median),
        };
        Ok(parts.map(row).collect())
    }

    /// The reason why a work would take too long, if it would: its longest dispatch, estimated from the time of the size before by the
    /// cost model, exceeds the limit. Nothing is known before the first size but the ceilings.
    fn too_long(&self, recorded: &RecordedWork, before: Option<Before>) -> Result<Option<String>> {
        let target = match self.bench.device {
            Device::Gpu(context) => context.target().clone(),
            Device::Cpu(_) => Target { max_binding: u64::MAX, ..Target::portable() },
        };
        let plan = match Plan::new(&recorded.tape, &recorded.outputs, &target) {
            Err(e @ Error::TooLarge { .. }) => return Ok(Some(e.to_string())),
            planned => planned?,
        };
        let ceilings = self.probes.ceilings();
        // The time that even an empty launch takes is subtracted: it is no measure of the time of a larger one.
        let slowdown = before.map_or(1.0, |b| (b.ns - ceilings.dispatch.median).max(0.0) / ceilings.least_ns(b.cost, b.written).max(1.0));
        let longest = plan.steps.iter().map(|s| ceilings.least_ns(s.cost, plan.written(s)) * slowdown.max(1.0)).fold(0.0, f64::max);
        Ok((longest > LONGEST_NS).then(|| format!("a dispatch would take about {:.1} s", longest / 1e9)))
    }
}

/// Keeps the faster of two timings of a row, a steady one before all others, with the fastest sample of both.
fn keep_faster(row: &mut Row, mut again: Row) {
    let fastest = row.time.min.min(again.time.min);
    if (!row.beside.steady, row.time.median) > (!again.beside.steady, again.time.median) {
        std::mem::swap(row, &mut again);
    }
    row.time.min = fastest;
}
