//! The traffic of kernels, counted: the bytes that the invocations of a kernel load and store, beside the bytes of its operands and
//! results, which are compulsory.
//!
//! Each kernel is rewritten so that it counts while it runs, so any adapter counts the same. What is counted are the loads and stores that
//! the shader states: those that a compiler or a cache saves are in it, and neither the width of a transaction nor coalescing is. A
//! software adapter runs the kernels that a GPU would be given.

mod instrument;

use super::job::{Direction, RecordedWork};
use super::report::LeftOut;
use super::{Bench, directions};
use crate::blocking::block_on;
use crate::device::{Device, State};
use crate::gpu::Context;
use crate::kernel::{LOOP_LIMIT, Target};
use crate::ops::work::{Instance, Size, Work};
use crate::plan::{Plan, Step, Storage};
use crate::tape::Init;
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result};
use instrument::{BARRIERS, BINDINGS, ITERATIONS, SHARED_LOADED, SHARED_STORED, STORED, WORDS};
use serde_json::{Value, json};

/// Bytes loaded and stored, and barriers, over all invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The bytes loaded from storage buffers.
    pub loaded: u64,
    /// The bytes stored to storage buffers.
    pub stored: u64,
    /// The bytes loaded from workgroup memory.
    pub shared_loaded: u64,
    /// The bytes stored to workgroup memory.
    pub shared_stored: u64,
    /// The barriers that invocations passed.
    pub barriers: u64,
    /// The invocations.
    pub invocations: u64,
}

/// The counted traffic of one kernel in one work, direction and size.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `family/kernel`.
    pub kernel: String,
    /// The variant, with the further choices of lowering.
    pub variant: String,
    /// The work.
    pub work: String,
    /// The direction.
    pub direction: Direction,
    /// The shapes of the operands.
    pub shape: String,
    /// The size's name.
    pub size: Size,
    /// The number of dispatches of this kernel.
    pub launches: usize,
    /// The counts over these dispatches.
    pub counts: Counts,
    /// The bytes of their operands and results, as [`Cost::bytes`](crate::kernel::Cost::bytes).
    pub compulsory: f64,
}

impl Row {
    /// The bytes loaded from and stored to storage buffers, divided by the compulsory bytes.
    pub fn ratio(&self) -> f64 {
        (self.counts.loaded + self.counts.stored) as f64 / self.compulsory
    }

    /// The barriers that an invocation passes, on average over the invocations of all launches.
    pub fn barriers(&self) -> f64 {
        self.counts.barriers as f64 / self.counts.invocations.max(1) as f64
    }

    /// The row as JSON.
    pub fn json(&self) -> Value {
        let c = &self.counts;
        json!({
            "kernel": self.kernel, "variant": self.variant, "work": self.work, "direction": self.direction.name(), "shape": self.shape,
            "size": self.size.name(), "launches": self.launches, "loaded": c.loaded, "stored": c.stored, "compulsory": self.compulsory,
            "ratio": self.ratio(), "workgroup_loaded": c.shared_loaded, "workgroup_stored": c.shared_stored, "barriers": self.barriers(),
        })
    }
}

/// The traffic of the works of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traffic {
    /// The kernels.
    pub rows: Vec<Row>,
    /// The works that were not counted, with the reasons.
    pub left_out: Vec<LeftOut>,
}

impl Traffic {
    /// The rows as lines of tab-separated values, under a header.
    pub fn tsv(&self) -> String {
        let names = "kernel\tvariant\twork\tdirection\tshape\tsize\tlaunches\tloaded\tstored\tcompulsory\tratio\tworkgroup_loaded";
        let mut lines = vec![format!("{names}\tworkgroup_stored\tbarriers")];
        lines.extend(self.rows.iter().map(|r| {
            let Counts { loaded, stored, shared_loaded, shared_stored, .. } = r.counts;
            let names = [&r.kernel, &r.variant, &r.work, r.direction.name(), &r.shape, r.size.name()].join("\t");
            let (ratio, barriers) = (r.ratio(), r.barriers());
            let (launches, compulsory) = (r.launches, r.compulsory);
            format!("{names}\t{launches}\t{loaded}\t{stored}\t{compulsory}\t{ratio:.3}\t{shared_loaded}\t{shared_stored}\t{barriers:.2}")
        }));
        lines.join("\n") + "\n"
    }
}

/// The target whose kernels are counted on a device: on a software adapter, those that a GPU would be given.
///
/// # Errors
/// Returns an error on the host executor, which has no kernels.
pub(super) fn target(device: &Device) -> Result<Target> {
    match device {
        Device::Gpu(context) => Ok(Target { software: false, cooperative: None, ..context.target().clone() }),
        Device::Cpu(_) => Err(Error::argument("the host executor has no kernels whose traffic could be counted: an adapter is expected")),
    }
}

/// The device as one that binds no more buffers than can be counted, for which a plan has no kernels of more.
fn countable(target: Target) -> Target {
    Target { bindings: instrument::BINDINGS, ..target }
}

/// Counts the traffic of the works of a run, at all sizes up to the medium one unless another is asked for.
pub(super) fn count(bench: &Bench, mut progress: impl FnMut(&str)) -> Result<Traffic> {
    let Device::Gpu(context) = bench.device else { return target(bench.device).map(|_| Traffic::default()) };
    let target = countable(target(bench.device)?);
    let mut traffic = Traffic::default();
    for work in &bench.works {
        progress(work.name);
        for &direction in directions(work) {
            for (size, instance) in work.sizes.iter().filter(|(size, _)| *size != Size::Large || bench.settings.size == Some(Size::Large)) {
                let of = Counted { context, device: bench.device, target: &target, seed: bench.settings.seed };
                match of.work(work, *size, instance, direction) {
                    Ok(rows) => traffic.rows.extend(rows.into_iter().filter(|r| bench.names(work, &r.kernel))),
                    Err(e @ (Error::TooLarge { .. } | Error::OutOfMemory { .. } | Error::Op { .. })) => {
                        traffic.left_out.push(LeftOut { work: work.name.into(), direction, size: *size, why: e.to_string() });
                    }
                    Err(e) => return Err(e),
                }
            }
        }
    }
    Ok(traffic)
}

/// A device on which works are counted.
struct Counted<'a> {
    context: &'a Context,
    device: &'a Device,
    target: &'a Target,
    seed: u64,
}

impl Counted<'_> {
    fn work(&self, work: &Work, size: Size, instance: &Instance, direction: Direction) -> Result<Vec<Row>> {
        let recorded = RecordedWork::new(instance, direction)?;
        let plan = Plan::new(&recorded.tape, &recorded.outputs, self.target)?;
        let (counts, _) = self.run(&recorded, &plan, true)?;
        let mut rows: Vec<Row> = Vec::new();
        for ((step, counts), _) in plan.steps.iter().zip(counts).zip(recorded.timed(&plan)).filter(|(_, timed)| *timed) {
            let kernel = &step.kernel;
            let row = match rows.iter().position(|r| (&*r.kernel, &*r.variant) == (&*kernel.name, &*kernel.variant)) {
                Some(at) => &mut rows[at],
                None => {
                    rows.push(Row {
                        kernel: kernel.name.to_string(),
                        variant: kernel.variant.to_string(),
                        work: work.name.into(),
                        direction,
                        shape: recorded.shape(),
                        size,
                        launches: 0,
                        counts: Counts::default(),
                        compulsory: 0.0,
                    });
                    let last = rows.len() - 1;
                    &mut rows[last]
                }
            };
            row.launches += 1;
            row.compulsory += step.cost.bytes;
            row.counts = row.counts.and(counts);
        }
        Ok(rows)
    }

    /// Runs a plan once, with kernels that count or as it is. Returns the counts of each step, none where nothing counts, and the results.
    fn run(&self, recorded: &RecordedWork, plan: &Plan, counting: bool) -> Result<(Vec<Counts>, Vec<HostTensor>)> {
        let mut counted = plan.clone();
        if counting {
            let totals = TensorType::new(DType::U32, [WORDS]);
            for (i, step) in counted.steps.iter_mut().enumerate() {
                step.kernel = instrument::counting(&step.kernel, step.bindings.len())?;
                step.bindings.push((Storage::State(counted.states.len()), true));
                counted.states.push((total(i), totals, Init::Zeros));
            }
        }
        let state = State::new(self.device);
        let mut program = block_on(crate::device::bind(self.context, counted, &state))??;
        for (var, value) in recorded.drawn(self.seed)? {
            if plan.inputs.iter().any(|(_, _, input)| *input == var) {
                program.write(var, &value)?;
            }
        }
        program.steps(1)?;
        program.wait()?;
        let results = recorded.outputs.iter().map(|&v| block_on(program.read(v))?).collect::<Result<_>>()?;
        let steps = plan.steps.iter().enumerate().filter(|_| counting);
        let counts = steps.map(|(i, step)| self.counts(step, &state.read(&total(i))?)).collect::<Result<_>>()?;
        Ok((counts, results))
    }

    fn counts(&self, step: &Step, totals: &HostTensor) -> Result<Counts> {
        let words = totals.as_u32().unwrap_or_default();
        let of = |counter: usize| u64::from(words[2 * counter]) | u64::from(words[2 * counter + 1]) << 32;
        if self.context.target().software && words[ITERATIONS] as usize > LOOP_LIMIT {
            let what = format!("an invocation of `{}` takes more iterations than a software adapter runs", step.kernel.name);
            return Err(Error::op(step.label.clone(), what));
        }
        let module = step.kernel.parse()?;
        let group = module.entry_points.first().map_or(1, |e| e.workgroup_size.iter().map(|&n| u64::from(n)).product());
        Ok(Counts {
            loaded: (0..BINDINGS).map(of).sum(),
            stored: (STORED..STORED + BINDINGS).map(of).sum(),
            shared_loaded: of(SHARED_LOADED),
            shared_stored: of(SHARED_STORED),
            barriers: of(BARRIERS),
            invocations: group * step.grid.iter().map(|&n| u64::from(n)).product::<u64>(),
        })
    }
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            loaded: self.loaded + other.loaded,
            stored: self.stored + other.stored,
            shared_loaded: self.shared_loaded + other.shared_loaded,
            shared_stored: self.shared_stored + other.shared_stored,
            barriers: self.barriers + other.barriers,
            invocations: self.invocations + other.invocations,
        }
    }
}

/// The name of the state that holds the totals of a step.
fn total(step: usize) -> String {
    format!("traffic of dispatch {step}")
}

#[cfg(test)]
mod tests {
    use super::{Counted, RecordedWork, Size, countable, directions, instrument, target};
    use crate::device::Device;
    use crate::gpu::Options;
    use crate::plan::Plan;

    /// Works whose kernels have loops, barriers, atomics, subranges and several passes.
    const WORKS: [&str; 9] =
        ["matmul", "softmax rows", "sort", "rfft", "scatter_rows", "top_k_neighbours", "compact", "confound_regression", "sparse_matmul"];

    #[test]
    fn a_kernel_that_counts_computes_the_same() {
        let device = Device::gpu(&Options { software: true, ..Options::from_env() }).unwrap();
        let Device::Gpu(context) = &device else { panic!("a GPU expected") };
        let target = countable(target(&device).unwrap());
        let counted = Counted { context, device: &device, target: &target, seed: 1 };
        let works = crate::bench::works().into_iter().filter(|w| WORKS.contains(&w.name)).collect::<Vec<_>>();
        assert_eq!(works.len(), WORKS.len(), "{:?}", crate::bench::works().iter().map(|w| w.name).collect::<Vec<_>>());
        for work in works {
            let (_, instance) = work.sizes.iter().find(|(size, _)| *size == Size::Small).unwrap();
            for &direction in directions(&work) {
                let recorded = RecordedWork::new(instance, direction).unwrap();
                let plan = Plan::new(&recorded.tape, &recorded.outputs, &target).unwrap();
                let (counts, with) = counted.run(&recorded, &plan, true).unwrap();
                let (_, without) = counted.run(&recorded, &plan, false).unwrap();
                let bits = |values: &[crate::HostTensor]| values.iter().map(|v| v.bytes().map(<[u8]>::to_vec)).collect::<Vec<_>>();
                assert_eq!(bits(&with), bits(&without), "{} {direction:?}", work.name);
                for (step, counts) in plan.steps.iter().zip(counts) {
                    assert!(counts.stored > 0, "{} of {} {direction:?} stores nothing: {counts:?}", step.kernel.name, work.name);
                }
            }
        }
    }

    /// Every kernel of the crate can count, but for joined steps of an optimiser, which are for devices that bind more buffers.
    #[test]
    fn every_kernel_can_count() {
        for kernel in crate::registry::kernels().unwrap().iter().filter(|k| !k.cooperative() && !k.variant.contains("+tensors=")) {
            instrument::counting(kernel, kernel.parse().unwrap().global_variables.len()).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}
