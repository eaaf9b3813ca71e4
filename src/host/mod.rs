//! The host executor: a tape run by its ops' definitions, in f32 (the device `cpu`) or f64 (the oracle). A tape that inverts matrices is
//! run in f64 on both: what a near-singular matrix loses in f32 cannot be had back. On `cpu` its states and outputs are still f32.

use crate::kernel::Target;
use crate::plan::Plan;
use crate::tape::{Origin, Tape, Var};
use crate::tensor::pool::{self, Pool};
use crate::tensor::{DType, HostTensor, parallel};
use crate::{Error, Result};
use std::collections::BTreeMap;
#[cfg(not(target_arch = "wasm32"))]
use std::time::{Duration, Instant};

/// The precision in which the definitions compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Single: the device `cpu`.
    F32,
    /// Double: the oracle.
    F64,
}

impl Precision {
    /// `value` with its real elements in this precision; f16 is storage, and stays as it is.
    pub fn of(self, value: &HostTensor) -> HostTensor {
        match self {
            _ if value.dtype() == DType::F16 => value.clone(),
            Self::F32 => value.to_real::<f32>(),
            Self::F64 => value.to_real::<f64>(),
        }
    }
}

/// A step none of whose values has so many elements has no work to share out, such as a product of 64 × 64 × 64.
const SHARED_OUT: usize = parallel::GRAIN / 4;

/// State by name.
pub type Values = BTreeMap<String, HostTensor>;

/// A tape ready to run on the host.
#[derive(Debug)]
pub struct Executor {
    tape: Tape,
    /// The precision of the states and of the outputs.
    precision: Precision,
    /// The precision of what is computed between them: double where the tape inverts matrices ([`Op::inversion`](crate::tape::Op)).
    within: Precision,
    outputs: Vec<Var>,
    /// For each node that runs, the values nobody reads after it.
    runs: Vec<(usize, Vec<usize>)>,
    inputs: BTreeMap<Var, HostTensor>,
    results: Vec<HostTensor>,
    pool: Pool,
    /// True where a value is large enough to be shared out among threads.
    shared_out: bool,
}

impl Executor {
    /// Prepares what `outputs` and the tape's assignments need.
    pub fn new(tape: &Tape, outputs: &[Var], precision: Precision) -> Result<Self> {
        for &var in outputs {
            tape.check(var)?;
        }
        let needed = tape.needed(outputs);
        let mut last = vec![usize::MAX; tape.len()];
        for (i, node) in tape.nodes().iter().enumerate().filter(|(i, _)| needed[*i]) {
            node.inputs.iter().for_each(|v| last[v.index()] = i);
        }
        let kept = outputs.iter().chain(tape.assignments().iter().map(|(_, v)| v));
        kept.for_each(|v| last[v.index()] = usize::MAX);
        let mut runs: Vec<(usize, Vec<usize>)> = (0..tape.nodes().len()).filter(|&i| needed[i]).map(|i| (i, Vec::new())).collect();
        for (value, node) in last.iter().enumerate().filter(|(_, n)| **n != usize::MAX) {
            if let Ok(at) = runs.binary_search_by_key(node, |r| r.0) {
                runs[at].1.push(value);
            }
        }
        let inverts = |i: &usize| matches!(&tape.nodes()[*i].origin, Origin::Op(op) if op.inversion().is_some());
        let large = |i: &usize| tape.nodes()[*i].outputs.clone().any(|v| tape.ty(tape.var(v)).shape.elements() >= SHARED_OUT);
        let shared_out = runs.iter().any(|(i, _)| large(i));
        let within = if runs.iter().any(|(i, _)| inverts(i)) { Precision::F64 } else { precision };
        Ok(Self {
            tape: tape.replica(),
            precision,
            within,
            outputs: outputs.to_vec(),
            runs,
            inputs: BTreeMap::new(),
            results: Vec::new(),
            pool: Pool::default(),
            shared_out,
        })
    }

    /// The plan of what it runs for `target`: what that would take there.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn plan(&self, target: &Target) -> Result<Plan> {
        Plan::new(&self.tape, &self.outputs, target)
    }

    /// The precision of its states and outputs.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Names, types and beginnings of the states it needs.
    pub fn states(&self) -> impl Iterator<Item = (&str, crate::TensorType, &crate::Init)> {
        self.runs.iter().filter_map(|(i, _)| match &self.tape.nodes()[*i].origin {
            Origin::State(name, init) => Some((name.as_str(), self.tape.ty(self.tape.var(self.tape.nodes()[*i].outputs.start)), init)),
            _ => None,
        })
    }

    /// Fills an input.
    pub fn write(&mut self, input: Var, value: &HostTensor) {
        self.inputs.insert(input, self.within.of(value));
    }

    /// Runs once: reads and updates `state`.
    pub fn step(&mut self, state: &mut Values) -> Result<()> {
        self.lend(state, |_, _| ())
    }

    /// [`Executor::step`], and for each value of the tape whether an element of it meets `test`; values that do not run do not.
    pub fn flawed(&mut self, state: &mut Values, test: impl Fn(f64) -> bool + Sync) -> Result<Vec<bool>> {
        let mut flawed = vec![false; self.tape.len()];
        let places: Vec<_> = self.tape.nodes().iter().map(|node| node.outputs.clone()).collect();
        self.lend(state, |node, values| {
            for i in places[node].clone() {
                flawed[i] = values[i].as_ref().is_some_and(|value| value.any(&test));
            }
        })?;
        Ok(flawed)
    }

    /// [`Executor::step`], and how long each node of the tape took, by its index: zero for those that do not run.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn profile(&mut self, state: &mut Values) -> Result<Vec<Duration>> {
        let mut times = vec![Duration::ZERO; self.tape.nodes().len()];
        let mut before = Instant::now();
        self.lend(state, |node, _| {
            let now = Instant::now();
            times[node] = now - before;
            before = now;
        })?;
        Ok(times)
    }

    /// Runs with the pool's memory at hand; `ran` is called after each node, with the values there are.
    fn lend(&mut self, state: &mut Values, ran: impl FnMut(usize, &[Option<HostTensor>]) + Send) -> Result<()> {
        let (mut pool, shared_out) = (std::mem::take(&mut self.pool), self.shared_out);
        let run = || pool.lend(|| self.run(state, ran));
        let done = if shared_out { parallel::within(run) } else { run() };
        self.pool = pool;
        done
    }

    fn run(&mut self, state: &mut Values, mut ran: impl FnMut(usize, &[Option<HostTensor>])) -> Result<()> {
        std::mem::take(&mut self.results).into_iter().for_each(pool::give);
        let mut values: Vec<Option<HostTensor>> = vec![None; self.tape.len()];
        for (at, dead) in &self.runs {
            let node = &self.tape.nodes()[*at];
            match &node.origin {
                Origin::Op(op) => {
                    let operand = |v: &Var| values[v.index()].clone().ok_or_else(|| Error::tensor(self.tape.describe(*v), "has no value"));
                    let operands = node.inputs.iter().map(operand).collect::<Result<Vec<_>>>()?;
                    let made = op.evaluate(&operands)?;
                    for (i, value) in node.outputs.clone().zip(made) {
                        debug_assert_eq!(value.ty(), self.tape.ty(self.tape.var(i)), "{} is as its type rule says", op.key());
                        values[i] = Some(self.within.of(&value));
                    }
                }
                Origin::Constant(value) => values[node.outputs.start] = Some(self.within.of(value)),
                Origin::Input(name) => {
                    let value = self.inputs.get(&self.tape.var(node.outputs.start));
                    values[node.outputs.start] =
                        Some(value.cloned().ok_or_else(|| Error::tensor(name, "is an input that was never written"))?);
                }
                Origin::State(name, _) => {
                    let value = state.get(name).cloned().ok_or_else(|| Error::tensor(name, "is a state the store does not hold"))?;
                    values[node.outputs.start] = Some(self.within.of(&value));
                }
            }
            ran(*at, &values);
            dead.iter().filter_map(|&v| values[v].take()).for_each(pool::give);
        }
        let value = |v: &Var| {
            let value = values[v.index()].as_ref().ok_or_else(|| Error::tensor(self.tape.describe(*v), "has no value"))?;
            Ok(self.precision.of(value))
        };
        self.results = self.outputs.iter().map(value).collect::<Result<_>>()?;
        for (var, new) in self.tape.assignments() {
            if let Origin::State(name, _) = &self.tape.node_of(*var).origin {
                state.insert(name.clone(), value(new)?).into_iter().for_each(pool::give);
            }
        }
        Ok(())
    }

    /// The value of an output after the last step.
    pub fn read(&self, output: Var) -> Option<&HostTensor> {
        let at = self.outputs.iter().position(|v| *v == output)?;
        self.results.get(at)
    }
}
