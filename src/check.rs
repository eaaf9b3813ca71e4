//! Checks that compare an op's kernels on a device with its f64 definition, and its reverse rule with finite differences.

use crate::blocking::block_on;
use crate::device::{Device, Program, State};
use crate::kernel::{Target, Variant};
use crate::ops::case::{Case, Draw};
use crate::plan::Plan;
use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// A case recorded on a tape: its operands, results, cotangents of the results, and gradients.
#[derive(Debug)]
struct RecordedCase {
    tape: Tape,
    operands: Vec<(Var, HostTensor)>,
    cotangents: Vec<(Var, HostTensor)>,
    results: Vec<Var>,
    gradients: Vec<(usize, Var)>,
}

impl RecordedCase {
    /// Records a case. Every result is differentiated under a cotangent drawn at random, so that a reverse rule that assumes a cotangent of
    /// 1 is found.
    fn new(case: &Case) -> Result<Self> {
        let mut tape = Tape::new();
        let mut operands = Vec::new();
        for (i, &(ty, draw)) in case.operands.iter().enumerate() {
            operands.push((tape.input(&format!("operand {i}"), ty)?, draw.value(ty, i as u32)?));
        }
        let vars: Vec<Var> = operands.iter().map(|(v, _)| *v).collect();
        let results = (case.build)(&mut tape, &vars)?;
        let (mut cotangents, mut gradients) = (Vec::new(), Vec::new());
        if case.differentiable {
            for (i, &result) in results.iter().enumerate() {
                let ty = tape.ty(result);
                cotangents.push((tape.input(&format!("cotangent {i}"), ty)?, Draw::Normal.value(ty, 100 + i as u32)?));
            }
            let seeds: Vec<_> = results.iter().zip(&cotangents).map(|(&r, (c, _))| (r, *c)).collect();
            let real: Vec<usize> = (0..vars.len()).filter(|&i| tape.ty(vars[i]).dtype == crate::DType::F32).collect();
            let wrt: Vec<Var> = real.iter().map(|&i| vars[i]).collect();
            gradients = real.into_iter().zip(tape.vjp(&seeds, &wrt)?).collect();
        }
        Ok(Self { tape, operands, cotangents, results, gradients })
    }

    fn outputs(&self) -> Vec<Var> {
        self.results.iter().copied().chain(self.gradients.iter().map(|(_, g)| *g)).collect()
    }

    async fn run(&self, device: &Device) -> Result<(Program, Vec<HostTensor>)> {
        let mut program = device.compile_async(&self.tape, &self.outputs(), &State::new(device)).await?;
        let inputs: Vec<_> = self.operands.iter().chain(&self.cotangents).map(|(v, t)| (*v, t)).collect();
        let values = program.run_async(&inputs).await?;
        Ok((program, values))
    }
}

/// The plan of a case and its gradients on `target`.
///
/// # Errors
/// Returns an error where the case cannot be recorded or planned.
pub fn plan(case: &Case, target: &Target) -> Result<Plan> {
    let recorded = RecordedCase::new(case)?;
    Plan::new(&recorded.tape, &recorded.outputs(), target)
}

/// The errors of a kernel on a case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The case.
    pub case: String,
    /// The pinned variants as `kernel=variant`, or `default` where none was pinned.
    pub variant: String,
    /// The largest error of the results, as [`error`] measures it.
    pub forward: f64,
    /// The largest error of the results that is allowed.
    pub tolerance: f64,
    /// The largest error of the gradients; `None` where the case has none.
    pub reverse: Option<f64>,
    /// The largest error of the gradients that is allowed.
    pub reverse_tolerance: f64,
}

impl Outcome {
    /// True where both errors are within their tolerances.
    pub fn passed(&self) -> bool {
        self.forward <= self.tolerance && self.reverse.is_none_or(|e| e <= self.reverse_tolerance)
    }
}

/// The largest |a − b|, relative to the largest |b| where that is above 1. NaN counts as infinite.
pub fn error(a: &HostTensor, b: &HostTensor) -> f64 {
    let (a, b) = (a.to_f64_vec(), b.to_f64_vec());
    let scale = b.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    a.iter().zip(&b).fold(0.0, |worst: f64, (a, b)| {
        let e = (a - b).abs() / scale;
        worst.max(if e.is_nan() { f64::INFINITY } else { e })
    })
}

/// A case with the results and gradients of its f64 definition.
struct Defined<'a> {
    case: &'a Case,
    recorded: RecordedCase,
    exact: Vec<HostTensor>,
}

impl<'a> Defined<'a> {
    fn new(case: &'a Case) -> Result<Self> {
        let recorded = RecordedCase::new(case)?;
        let (_, exact) = block_on(recorded.run(&Device::oracle()))??;
        Ok(Self { case, recorded, exact })
    }

    async fn compare(&self, device: &Device) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        let (mut pins, mut tried) = (vec![Pins::new()], BTreeSet::new());
        while let Some(pinned) = pins.pop() {
            let (program, values) = self.recorded.run(&device.with_variants(pinned.iter().cloned())).await?;
            outcomes.push(outcome(self.case, named(&pinned), &self.recorded, &values, &self.exact));
            let of_algorithms = pinned.iter().all(|(name, _)| crate::ops::algorithms().iter().any(|a| a.name == name));
            if let Some(plan) = program.plan().filter(|_| of_algorithms && !self.case.composed) {
                pins.extend(others(plan, device, &pinned, &mut tried));
            }
        }
        Ok(outcomes)
    }
}

/// Compares a case on `device`, with the kernels that planning chooses, with its f64 definition.
///
/// # Errors
/// Returns an error where the case cannot be run at all.
pub fn chosen(case: &Case, device: &Device) -> Result<Outcome> {
    let Defined { recorded, exact, .. } = Defined::new(case)?;
    let (_, values) = block_on(recorded.run(device))??;
    Ok(outcome(case, named(&Pins::new()), &recorded, &values, &exact))
}

/// Compares a case on `device` with its f64 definition: with the kernels that planning chooses and, unless the case is composed of ops that
/// have cases of their own, with every other algorithm and every other variant of each kernel.
///
/// # Errors
/// Returns an error where the case cannot be run at all.
pub fn kernels(case: &Case, device: &Device) -> Result<Vec<Outcome>> {
    block_on(kernels_async(case, device))?
}

/// The asynchronous form of [`kernels`], for callers that must not block.
///
/// # Errors
/// The same as those of [`kernels`].
pub async fn kernels_async(case: &Case, device: &Device) -> Result<Vec<Outcome>> {
    Defined::new(case)?.compare(device).await
}

/// Checks every case as [`kernels`] does, and passes each outcome to `done`, in order, as soon as it is known. A case that cannot be run
/// does not stop the others. The f64 definitions are computed on all cores, ahead of the device.
pub fn all(cases: &[Case], device: &Device, mut done: impl FnMut(&Case, Result<Vec<Outcome>>)) {
    in_order(cases, Defined::new, |case, defined| done(case, defined.and_then(|d| block_on(d.compare(device))?)));
}

/// Calls `compute` for each case on all cores, and `each` with the results, in order, on this thread.
#[cfg(not(target_family = "wasm"))]
fn in_order<'a, T: Send>(cases: &'a [Case], compute: impl Fn(&'a Case) -> T + Sync, mut each: impl FnMut(&'a Case, T)) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    // The cores may be a few cases ahead of the receiver, no more.
    let (send, receive) = std::sync::mpsc::sync_channel(cores);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let (send, next, compute) = (send.clone(), &next, &compute);
            scope.spawn(move || {
                // The receiver is gone only where its thread panicked.
                while let Some((at, case)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, cases.get(at)?)))
                    && send.send((at, compute(case))).is_ok()
                {}
            });
        }
        drop(send);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (at, computed) in receive {
            early.insert(at, computed);
            while let Some(computed) = early.remove(&due) {
                each(&cases[due], computed);
                due += 1;
            }
        }
    });
}

/// The same on targets without threads.
#[cfg(target_family = "wasm")]
fn in_order<'a, T>(cases: &'a [Case], compute: impl Fn(&'a Case) -> T, mut each: impl FnMut(&'a Case, T)) {
    cases.iter().for_each(|case| each(case, compute(case)));
}

type Pins = Vec<(String, String)>;

fn named(pins: &Pins) -> String {
    let of = |(kernel, variant): &(String, String)| format!("{kernel}={variant}");
    if pins.is_empty() { "default".into() } else { pins.iter().map(of).collect::<Vec<_>>().join(" ") }
}

/// The pins that remain to be tried: for a plan without pinned algorithms, the other algorithms; and, for each kernel that runs in a
/// variant not yet in `tried`, its other variants.
fn others(plan: &Plan, device: &Device, pinned: &Pins, tried: &mut BTreeSet<(String, String)>) -> Vec<Pins> {
    let with = |name: &str, variant: &str| [pinned.as_slice(), &[(name.to_owned(), variant.to_owned())]].concat();
    let takes = |kernel: &str| plan.steps.iter().any(|s| s.kernel.name == kernel);
    let mut found = Vec::new();
    let algorithms = crate::ops::algorithms().into_iter().filter(|a| pinned.is_empty() && a.all.iter().any(|(_, kernel)| takes(kernel)));
    for algorithms in algorithms {
        found.extend(algorithms.all.iter().filter(|(_, kernel)| !takes(kernel)).map(|(name, _)| with(algorithms.name, name)));
    }
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for kernel in plan.steps.iter().map(|s| &s.kernel) {
        let variant = kernel.pinned_variant();
        if tried.insert((kernel.name.to_string(), kernel.variant.to_string())) || used.contains_key(&*kernel.name) {
            used.entry(&kernel.name).or_default().insert(variant);
        }
    }
    let runs = |v: &Variant| match device {
        Device::Gpu(context) => (!v.cooperative() || device.prove_cooperative().is_ok()) && v.adapters.run_on(context.target()),
        Device::Cpu(_) => false,
    };
    for source in crate::ops::sources().into_iter().filter(|s| used.contains_key(s.name)) {
        let untried = source.variants.iter().filter(|v| runs(v) && !used[source.name].contains(v.name));
        found.extend(untried.map(|v| with(source.name, v.name)));
    }
    found
}

fn outcome(case: &Case, variant: String, recorded: &RecordedCase, values: &[HostTensor], exact: &[HostTensor]) -> Outcome {
    let errors: Vec<f64> = values.iter().zip(exact).map(|(a, b)| error(a, b)).collect();
    let (forward, reverse) = errors.split_at(recorded.results.len());
    let worst = |e: &[f64]| e.iter().copied().fold(0.0, f64::max);
    Outcome {
        case: case.name.clone(),
        variant,
        forward: worst(forward),
        tolerance: case.tolerance,
        reverse: case.differentiable.then(|| worst(reverse)),
        reverse_tolerance: case.reverse_tolerance,
    }
}

/// The largest relative error of a case's gradients compared with central differences in f64, along random directions of each operand.
///
/// # Errors
/// Returns an error where the case cannot be run.
pub fn gradients(case: &Case) -> Result<f64> {
    const STEP: f64 = 1e-6;
    let recorded = RecordedCase::new(case)?;
    let (mut program, exact) = block_on(recorded.run(&Device::oracle()))??;
    let objective = |values: &[HostTensor]| -> f64 {
        let pairs = values.iter().zip(&recorded.cotangents);
        pairs.map(|(y, (_, c))| y.to_f64_vec().iter().zip(c.to_f64_vec()).map(|(y, c)| y * c).sum::<f64>()).sum()
    };
    let mut worst: f64 = 0.0;
    for (at, (operand, _)) in recorded.gradients.iter().enumerate() {
        let (var, value) = &recorded.operands[*operand];
        let base = value.to_f64_vec();
        let slope = exact[recorded.results.len() + at].to_f64_vec();
        for direction in 0..3 {
            let towards = Draw::Normal.value(TensorType::f32(value.shape()), 200 + direction)?.to_f64_vec();
            let mut at_offset = |h: f64| -> Result<f64> {
                let moved = base.iter().zip(&towards).map(|(x, d)| x + h * d).collect();
                let moved = HostTensor::real::<f64>(value.shape(), moved)?;
                Ok(objective(&program.run(&[(*var, &moved)])?))
            };
            let difference = (at_offset(STEP)? - at_offset(-STEP)?) / (2.0 * STEP);
            let terms: Vec<f64> = slope.iter().zip(&towards).map(|(g, d)| g * d).collect();
            let scale = terms.iter().map(|t| t * t).sum::<f64>().sqrt().max(1e-3);
            let e = (terms.iter().sum::<f64>() - difference).abs() / scale;
            worst = worst.max(if e.is_nan() { f64::INFINITY } else { e });
        }
        program.run(&[(*var, value)])?;
    }
    Ok(worst)
}

/// The cases whose names contain `filter`, whatever its case.
///
/// # Errors
/// Returns an error where no case's name contains `filter`.
pub fn select(filter: Option<&str>) -> Result<Vec<Case>> {
    let wanted = filter.unwrap_or_default().to_lowercase();
    let (ops, blocks) = (crate::ops::cases(), crate::connectome::cases());
    let all = ops.into_iter().chain(blocks).chain(crate::nn::cases()).chain(crate::topology::cases());
    let cases: Vec<Case> = all.filter(|c| c.name.to_lowercase().contains(&wanted)).collect();
    if cases.is_empty() {
        return Err(Error::argument(format!("no op's name contains `{wanted}`")));
    }
    Ok(cases)
}
