//! A work that is recorded, compiled and filled with data. Its dispatches are grouped by kernel, and each group becomes a row.

use super::measure::{Effort, Stats, Times, Timing, times};
use crate::device::{Device, Program};
use crate::kernel::{Access, Cost, Kernel, Target};
use crate::ops::case::Draw;
use crate::ops::work::Instance;
use crate::plan::{Plan, Step};
use crate::tape::{Origin, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The name in place of a kernel's on the host executor, which has no kernels.
pub const HOST: &str = "host";

/// The direction in which an op is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The op's results are computed from its operands.
    Forward,
    /// The gradients of the op's operands are computed from the cotangents of its results.
    Reverse,
}

impl Direction {
    /// `forward` or `reverse`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        }
    }
}

/// A work on a tape, forward or reverse. In reverse the cotangents are inputs, so that nothing but the reverse sweep is timed.
#[derive(Debug)]
pub struct RecordedWork {
    /// The tape.
    pub tape: Tape,
    /// The values that a run of the tape must compute.
    pub outputs: Vec<Var>,
    /// The operands, followed by the cotangents.
    inputs: Vec<(Var, TensorType, Draw)>,
    operands: usize,
    /// The numbers of values and of nodes on the tape that come before the timed ones.
    before: (usize, usize),
}

impl RecordedWork {
    /// Records a work at one size.
    ///
    /// # Errors
    /// Returns an error where an op refuses its operands, or has no reverse rule.
    pub fn new(instance: &Instance, direction: Direction) -> Result<Self> {
        let mut tape = Tape::new();
        let mut inputs = Vec::new();
        for (i, &(ty, draw)) in instance.operands.iter().enumerate() {
            inputs.push((tape.input(&format!("operand {i}"), ty)?, ty, draw));
        }
        let operands: Vec<Var> = inputs.iter().map(|i| i.0).collect();
        let results = (instance.build)(&mut tape, &operands)?;
        if direction == Direction::Forward {
            return Ok(Self { tape, outputs: results, operands: operands.len(), inputs, before: (0, 0) });
        }
        let mut seeds = Vec::new();
        for (i, &result) in results.iter().enumerate() {
            let ty = tape.ty(result);
            let cotangent = tape.input(&format!("cotangent {i}"), ty)?;
            inputs.push((cotangent, ty, Draw::Normal));
            seeds.push((result, cotangent));
        }
        let before = (tape.len(), tape.nodes().len());
        let real: Vec<Var> = operands.iter().copied().filter(|&v| tape.ty(v).dtype == DType::F32).collect();
        let outputs = tape.vjp(&seeds, &real)?;
        Ok(Self { tape, outputs, operands: operands.len(), inputs, before })
    }

    /// The shapes of the work's operands, or of its results where it has no operands.
    pub fn shape(&self) -> String {
        let operands = self.inputs[..self.operands].iter().map(|i| i.1.shape.to_string());
        let results = self.outputs.iter().map(|&v| self.tape.shape(v).to_string());
        let shapes: Vec<String> = if self.operands > 0 { operands.collect() } else { results.collect() };
        shapes.join(" ")
    }

    /// The operands and cotangents, drawn from `seed`.
    pub(super) fn drawn(&self, seed: u64) -> Result<Vec<(Var, HostTensor)>> {
        self.inputs.iter().enumerate().map(|(i, &(var, ty, draw))| Ok((var, drawn(ty, draw, stream(seed, i))?))).collect()
    }

    /// One flag for each dispatch of `plan`: true where it is timed. A dispatch that writes scratch alone is timed with the dispatch that
    /// reads it.
    pub fn timed(&self, plan: &Plan) -> Vec<bool> {
        let mut timed = vec![false; plan.steps.len()];
        for at in (0..plan.steps.len()).rev() {
            let written = || plan.steps[at].values.iter().filter(|b| b.access != Access::Read).map(|b| b.buffer);
            let on_tape = written().map(|b| b.index()).filter(|&b| b < self.tape.len()).max();
            let reads = |later: &usize| plan.steps[*later].values.iter().any(|b| written().any(|w| w == b.buffer));
            timed[at] = match on_tape {
                Some(value) => value >= self.before.0,
                None => (at + 1..plan.steps.len()).find(reads).is_some_and(|later| timed[later]),
            };
        }
        timed
    }

    fn parts(&self, plan: &Plan) -> Result<Vec<Part>> {
        let timed = self.timed(plan);
        let mut parts: Vec<Part> = Vec::new();
        for (at, step) in plan.steps.iter().enumerate().filter(|(at, _)| timed[*at]) {
            let found = parts.iter_mut().find(|p| p.kernel == step.kernel.name);
            match found {
                Some(part) => part.join(at, step),
                None => parts.push(Part::of(at, step)?),
            }
            if let Some(part) = parts.iter_mut().find(|p| p.kernel == step.kernel.name) {
                part.written += plan.written(step);
            }
        }
        Ok(parts)
    }

    /// The host executor runs ops and not kernels, so a whole direction is one part. Its FLOPs are those of the kernels on a device without
    /// limits; its bytes are those of each op's operands and results, each counted once.
    fn host_part(&self) -> Result<Option<Part>> {
        let plan = Plan::new(&self.tape, &self.outputs, &Target { max_binding: u64::MAX, ..Target::portable() })?;
        let timed = self.timed(&plan);
        let flops = plan.steps.iter().zip(&timed).filter(|(_, t)| **t).map(|(s, _)| s.cost.flops).sum();
        let needed = self.tape.needed(&self.outputs);
        let runs = |i: &usize| needed[*i] && matches!(self.tape.nodes()[*i].origin, Origin::Op(_));
        let units: Vec<usize> = (self.before.1..self.tape.nodes().len()).filter(runs).collect();
        let bytes_of = |i: usize| self.tape.ty(self.tape.var(i)).bytes() as f64;
        let nodes = || units.iter().map(|&i| &self.tape.nodes()[i]);
        let read: f64 = nodes().flat_map(|n| n.inputs.iter().map(|v| bytes_of(v.index()))).sum();
        let written: f64 = nodes().flat_map(|n| n.outputs.clone().map(bytes_of)).sum();
        let most = |a: &&Step, b: &&Step| a.cost.flops.total_cmp(&b.cost.flops).then(a.cost.bytes.total_cmp(&b.cost.bytes));
        let most = plan.steps.iter().zip(&timed).filter(|(_, t)| **t).map(|(s, _)| s).max_by(most);
        let family = most.map_or_else(String::new, |s| family(&s.kernel.name));
        let (cost, variants) = (Cost { flops, bytes: read + written }, ["f32".into()].into());
        let part = Part { kernel: HOST.into(), family, variants, workgroup: None, cost, written, units };
        Ok(Some(part).filter(|p| !p.units.is_empty()))
    }
}

/// The dispatches of one kernel in a work, or all of a work's ops on the host executor.
#[derive(Debug, Clone)]
pub struct Part {
    /// `family/kernel`, or `host`.
    pub kernel: String,
    /// The folder of its shader; on the host executor, of the shader that would do most of the work.
    pub family: String,
    /// The variants that were chosen for its dispatches.
    pub variants: BTreeSet<String>,
    /// The invocations of a workgroup along each dimension; `None` on the host executor.
    pub workgroup: Option<[u32; 3]>,
    /// The FLOPs and bytes of all its dispatches together.
    pub cost: Cost,
    /// The bytes that are written, among those of the cost.
    pub written: f64,
    /// The indices of its dispatches in the plan, or of its nodes on the tape on the host executor.
    pub units: Vec<usize>,
}

fn family(kernel: &str) -> String {
    kernel.split('/').next().unwrap_or(kernel).to_owned()
}

impl Part {
    fn of(at: usize, step: &Step) -> Result<Self> {
        let Kernel { name, variant, .. } = &step.kernel;
        let family = family(name);
        let workgroup = Some(workgroup(&step.kernel)?);
        let (kernel, variants) = (name.to_string(), [variant.to_string()].into());
        Ok(Self { kernel, family, variants, workgroup, cost: step.cost, written: 0.0, units: vec![at] })
    }

    fn join(&mut self, at: usize, step: &Step) {
        self.variants.insert(step.kernel.variant.to_string());
        self.cost.flops += step.cost.flops;
        self.cost.bytes += step.cost.bytes;
        self.units.push(at);
    }
}

/// Invocations of a workgroup along each dimension, as the shader says.
fn workgroup(kernel: &Kernel) -> Result<[u32; 3]> {
    let module = kernel.parse()?;
    let entry = module.entry_points.first().ok_or_else(|| kernel.error("an entry point expected"))?;
    Ok(entry.workgroup_size)
}

/// A recorded work ready to be timed.
#[derive(Debug)]
pub struct Job {
    program: Program,
    outputs: Vec<Var>,
    parts: Vec<Part>,
    timing: Timing,
}

impl Job {
    /// Compiles the work, fills its inputs with data drawn from `seed`, and runs it once.
    ///
    /// # Errors
    /// Returns an error where a tensor is larger than the device binds, memory runs out, or the device reports a fault.
    pub fn new(device: &Device, recorded: &RecordedWork, seed: u64) -> Result<Self> {
        let mut program = device.compile(&recorded.tape, &recorded.outputs)?;
        for (var, value) in recorded.drawn(seed)? {
            program.write(var, &value)?;
        }
        program.step()?;
        let parts = match program.plan() {
            Some(plan) => recorded.parts(plan)?,
            None => recorded.host_part()?.into_iter().collect(),
        };
        Ok(Self { program, outputs: recorded.outputs.clone(), parts, timing: Timing::of(device) })
    }

    /// The parts that are timed, one for each row.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Runs it once and fetches its first result, if it has one.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn round_trip(&mut self) -> Result<()> {
        self.program.step()?;
        self.outputs.first().map_or(Ok(()), |&v| self.program.read(v).map(|_| ()))
    }

    /// The median nanoseconds of the dispatches of each kernel and class of work, by [`Kernel::pin`]; empty on the host executor.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn by_pin(&mut self, effort: &Effort) -> Result<BTreeMap<String, f64>> {
        let pins: Vec<String> = self.program.plan().map_or_else(Vec::new, |plan| plan.steps.iter().map(|s| s.kernel.pin()).collect());
        let samples = times(&mut self.program, self.timing, effort)?.samples;
        let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for units in &samples {
            let mut sums: BTreeMap<&String, f64> = BTreeMap::new();
            pins.iter().zip(units).for_each(|(pin, ns)| *sums.entry(pin).or_default() += ns);
            sums.into_iter().for_each(|(pin, ns)| found.entry(pin.clone()).or_default().push(ns));
        }
        Ok(found.into_iter().filter_map(|(pin, ns)| Some((pin, Stats::of(&ns)?.median))).collect())
    }

    /// The time of each part, in the order of [`Job::parts`].
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn time(&mut self, effort: &Effort) -> Result<Vec<Stats>> {
        if self.parts.is_empty() {
            return Ok(Vec::new());
        }
        let Times { samples, fastest } = times(&mut self.program, self.timing, effort)?;
        let of = |part: &Part| {
            let sum = |units: &Vec<f64>| part.units.iter().map(|&u| units[u]).sum::<f64>();
            let stats = Stats::of(&samples.iter().map(sum).collect::<Vec<_>>()).ok_or_else(|| Error::argument("no samples"))?;
            Ok(Stats { min: stats.min.min(sum(&fastest)), ..stats })
        };
        self.parts.iter().map(of).collect()
    }
}

/// The random stream of operand `i` in a run with this seed.
fn stream(seed: u64, i: usize) -> u32 {
    (seed as u32).wrapping_mul(0x9E37_79B9).wrapping_add(i as u32)
}

/// Draws an operand. In a large one the drawn numbers are repeated, whole rows at a time, because drawing every element would take longer
/// than timing the kernel.
fn drawn(ty: TensorType, draw: Draw, stream: u32) -> Result<HostTensor> {
    const ENOUGH: usize = 1 << 18;
    let n = ty.shape.elements();
    let width = ty.shape.last().copied().unwrap_or(1).max(1);
    let rows = (ENOUGH / width).max(1);
    if n <= rows * width {
        return draw.value(ty, stream);
    }
    let block = draw.value(TensorType::new(ty.dtype, [rows, width]), stream)?;
    HostTensor::from_bytes(ty, &block.bytes().unwrap_or(&[]).repeat(n.div_ceil(rows * width)))
}
