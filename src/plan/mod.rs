//! The plan: what a tape becomes on a target. Pointwise ops are gathered in chains, every op states its dispatches, values get slots by
//! their lifetimes. All of it is plain data.

mod absorb;
mod assign;
mod chain;
mod fuse;
mod order;
mod repeat;
mod slots;
mod together;
mod written;

pub use written::{CHAIN, template_source};

use crate::kernel::{Access, Binding, Buffer, Cost, Kernel, Lowered, Lowering, Params, Target};
use crate::tape::{Init, Origin, Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The place of a buffer of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Storage {
    /// A slot that several values share, one after the other.
    Slot(usize),
    /// An input's buffer.
    Input(usize),
    /// A state's buffer.
    State(usize),
    /// A constant's buffer.
    Constant(usize),
}

/// A dispatch with its buffers placed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Step {
    /// The kernel that runs.
    pub kernel: Kernel,
    /// At each binding: where, and whether it is written.
    pub bindings: Vec<(Storage, bool)>,
    /// At each binding: which of the plan's [`buffers`](Plan::buffers) is meant, and how it is used.
    pub values: Vec<Binding>,
    /// The contents of the kernel's uniform struct.
    pub params: Params,
    /// Workgroups.
    pub grid: [u32; 3],
    /// FLOPs of the definition, and the bytes of every binding once.
    pub cost: Cost,
    /// The op it belongs to.
    pub label: String,
}

/// Bytes of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Memory {
    /// The slots together.
    pub planned: u64,
    /// The bytes that the tape's intermediate values would take, each for itself, unfused.
    pub unplanned: u64,
    /// The most that is alive at any one dispatch: no plan of these dispatches takes less.
    pub lower_bound: u64,
}

/// Kernel → the variants of it that are in use, with the choices their ops made.
pub type Variants = BTreeMap<String, BTreeSet<String>>;

/// A tape compiled for a target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The dispatches, in order.
    pub steps: Vec<Step>,
    /// Bytes of each slot.
    pub slots: Vec<u64>,
    /// Name, type and handle of each input.
    pub inputs: Vec<(String, TensorType, Var)>,
    /// Name, type and beginning of each state.
    pub states: Vec<(String, TensorType, Init)>,
    /// Each constant.
    pub constants: Vec<HostTensor>,
    /// Handle, type and place of each output.
    pub outputs: Vec<(Var, TensorType, Storage)>,
    /// Type and name of what the steps work on: the tape's values by their index, then scratch.
    pub buffers: Vec<(TensorType, String)>,
    /// Memory of intermediate values.
    pub memory: Memory,
}

impl Plan {
    /// Compiles what `outputs` and the tape's assignments need, for `target`.
    ///
    /// # Errors
    /// Where an output is of another tape, an op has no dispatches for its operands, or a tensor is larger than the target binds.
    pub fn new(tape: &Tape, outputs: &[Var], target: &Target) -> Result<Self> {
        for &var in outputs {
            tape.check(var)?;
        }
        let needed = tape.needed(outputs);
        let groups = fuse::groups(tape, &needed, outputs);
        let order = order::order(tape, &groups)?;
        let mut lowered = lower(tape, &groups, &order, outputs, target)?;
        let mut externals = Externals::of(tape, &needed);
        for (var, value) in groups.stored(tape) {
            externals.storage[var.index()] = Some(Storage::Constant(externals.constants.len()));
            externals.constants.push(value);
        }
        check_reads(tape, outputs, &lowered, &externals)?;
        let places = assign::resolve(tape, outputs, &mut lowered, &mut externals)?;
        slots::place(tape, outputs, &places, &needed, lowered, externals, target)
    }

    /// The kernels of its steps, by the class of their work ([`Kernel::pin`]), and the variants they run in.
    pub fn variants(&self) -> Variants {
        let mut found = Variants::new();
        for kernel in self.steps.iter().map(|s| &s.kernel) {
            found.entry(kernel.pin()).or_default().insert(kernel.variant.to_string());
        }
        found
    }

    /// The bytes that a dispatch writes, of the bytes of its [cost](Step::cost): those of each buffer that it is bound to write, once.
    pub fn written(&self, step: &Step) -> f64 {
        let written = step.values.iter().filter(|b| b.access != Access::Read);
        written.map(|b| self.buffers[b.buffer.index()].0.bytes() as f64).sum()
    }

    /// The FLOPs and bytes of one step.
    pub fn cost(&self) -> Cost {
        self.steps.iter().fold(Cost::default(), |sum, s| Cost { flops: sum.flops + s.cost.flops, bytes: sum.bytes + s.cost.bytes })
    }
}

/// One line a dispatch: op, kernel, grid, and where it reads and writes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let places: Vec<_> = step.bindings.iter().map(|(s, written)| format!("{s:?}{}", if *written { "*" } else { "" })).collect();
            writeln!(f, "{:<32} {}/{} {:?} {}", step.label, step.kernel.name, step.kernel.variant, step.grid, places.join(" "))?;
        }
        let Memory { planned, unplanned, lower_bound } = self.memory;
        writeln!(f, "{} slots, {planned} bytes; unplanned {unplanned}, lower bound {lower_bound}", self.slots.len())
    }
}

/// The values that live outside the slots, by the tape's value index.
#[derive(Debug, Default)]
struct Externals {
    storage: Vec<Option<Storage>>,
    inputs: Vec<(String, TensorType, Var)>,
    states: Vec<(String, TensorType, Init)>,
    constants: Vec<HostTensor>,
}

impl Externals {
    fn of(tape: &Tape, needed: &[bool]) -> Self {
        let mut found = Self { storage: vec![None; tape.len()], ..Self::default() };
        for (node, _) in tape.nodes().iter().zip(needed).filter(|(_, n)| **n) {
            let Some(index) = node.outputs.clone().next() else { continue };
            let var = tape.var(index);
            found.storage[index] = match &node.origin {
                Origin::Input(name) => {
                    found.inputs.push((name.clone(), tape.ty(var), var));
                    Some(Storage::Input(found.inputs.len() - 1))
                }
                Origin::State(name, init) => {
                    found.states.push((name.clone(), tape.ty(var), init.clone()));
                    Some(Storage::State(found.states.len() - 1))
                }
                Origin::Constant(value) => {
                    found.constants.push(value.clone());
                    Some(Storage::Constant(found.constants.len() - 1))
                }
                Origin::Op(_) => None,
            };
        }
        found
    }
}

/// Every group's dispatches in order. Buffer i is the tape's value i; scratch comes after.
fn lower(tape: &Tape, groups: &fuse::Groups, order: &[usize], outputs: &[Var], target: &Target) -> Result<Lowered> {
    let mut lowered = Lowered::default();
    for i in 0..tape.len() {
        let var = tape.var(i);
        lowered.buffer(tape.ty(var), tape.describe(var));
    }
    let mut chains = Vec::new();
    for &group in order {
        let members = &groups.members[group];
        let node = &tape.nodes()[members[0]];
        let Origin::Op(op) = &node.origin else { continue };
        if op.view() {
            lowered.aliases.push((Buffer(node.outputs.start as u32), Buffer(node.inputs[0].index() as u32)));
        } else if groups.pointwise[group] {
            let chain = chain::lower(tape, groups, group, &mut lowered)?;
            chains.extend(chain.map(Some));
        } else {
            let inputs: Vec<Buffer> = node.inputs.iter().map(|v| Buffer(v.index() as u32)).collect();
            let outputs: Vec<Buffer> = node.outputs.clone().map(|i| Buffer(i as u32)).collect();
            let name = op.key().name;
            op.lower(&mut Lowering { op: name, target, inputs: &inputs, outputs: &outputs, lowered: &mut lowered })?;
            chains.resize(lowered.dispatches.len(), None);
        }
    }
    check_writes(&lowered)?;
    let kept: Vec<Buffer> = outputs.iter().chain(tape.assignments().iter().map(|(_, v)| v)).map(|v| Buffer(v.index() as u32)).collect();
    absorb::absorb(&mut lowered, chains, &kept, target);
    together::join(&mut lowered, target);
    repeat::drop_repeated(&mut lowered, tape.len());
    Ok(lowered)
}

/// A buffer that an op goes on with must have been begun.
fn check_writes(lowered: &Lowered) -> Result<()> {
    let mut begun = vec![false; lowered.buffers.len()];
    for d in &lowered.dispatches {
        for b in &d.bindings {
            match b.access {
                Access::Continue if !begun[b.buffer.index()] => {
                    let what = format!("goes on with `{}`, which no earlier dispatch wrote", lowered.buffers[b.buffer.index()].1);
                    return Err(Error::op(d.kernel.name.clone(), what));
                }
                Access::Write | Access::Update { .. } => begun[b.buffer.index()] = true,
                _ => {}
            }
        }
    }
    Ok(())
}

/// Checks that all that a dispatch or the caller reads has been made: by an earlier dispatch, or outside the plan.
fn check_reads(tape: &Tape, outputs: &[Var], lowered: &Lowered, externals: &Externals) -> Result<()> {
    let aliases = assign::Aliases::new(lowered);
    let mut made: Vec<bool> = externals.storage.iter().map(Option::is_some).collect();
    made.resize(lowered.buffers.len(), false);
    // Nothing is dispatched for an empty tensor, and nothing is read of it.
    made.iter_mut().zip(&lowered.buffers).for_each(|(made, (ty, _))| *made |= ty.shape.elements() == 0);
    for d in &lowered.dispatches {
        for b in &d.bindings {
            let needs = match b.access {
                Access::Read => Some(aliases.of(b.buffer)),
                Access::Update { from } => Some(aliases.of(from)),
                Access::Write | Access::Continue => None,
            };
            if let Some(root) = needs.filter(|r| !made[r.index()]) {
                let name = &lowered.buffers[root.index()].1;
                return Err(Error::tensor(name, format!("is read by `{}`, and no earlier dispatch makes it", d.label)));
            }
        }
        d.bindings.iter().filter(|b| b.access != Access::Read).for_each(|b| made[aliases.of(b.buffer).index()] = true);
    }
    match outputs.iter().find(|v| !made[aliases.of(Buffer(v.index() as u32)).index()]) {
        Some(&v) => Err(Error::tensor(tape.describe(v), "is an output, and no dispatch makes it")),
        None => Ok(()),
    }
}
