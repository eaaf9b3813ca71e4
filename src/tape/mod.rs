//! The tape: ops recorded in order as plain data, differentiated by appending to the same tape.

mod gradient;
mod init;
mod op;
mod recompute;

pub use gradient::Reverse;
pub use init::Init;
pub use op::{Op, OpKey, Pointwise};
pub use recompute::Segment;

use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A handle to a value on a [`Tape`]: written once, `Copy`, of no use on another tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var {
    tape: u32,
    index: u32,
}

impl Var {
    /// The value's place on its tape.
    pub fn index(self) -> usize {
        self.index as usize
    }

    pub(crate) fn is_of_the_tape_of(self, other: Self) -> bool {
        self.tape == other.tape
    }
}

/// What makes a value.
#[derive(Debug, Clone)]
pub enum Source {
    /// The caller, at each step.
    Input(String),
    /// State: what the last step left there, `Init` at first.
    State(String, Init),
    /// Data recorded with the tape.
    Constant(HostTensor),
    /// An op.
    Op(Arc<dyn Op>),
}

/// A recorded op, input, state or constant.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub source: Source,
    /// The values it reads.
    pub inputs: Vec<Var>,
    /// The indices of the values it makes.
    pub outputs: Range<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Value {
    ty: TensorType,
    node: usize,
}

/// A recording of ops, each value written once.
///
/// A tape is pure data: it knows no device. What lasts between steps is *state*
/// ([`Tape::state`], [`Tape::assign`]).
#[derive(Debug)]
pub struct Tape {
    id: u32,
    nodes: Vec<Node>,
    values: Vec<Value>,
    names: BTreeMap<String, Var>,
    assignments: Vec<(Var, Var)>,
    segments: Vec<Segment>,
    /// Series with their means, and the same without.
    centred: BTreeMap<Var, Var>,
}

impl Default for Tape {
    fn default() -> Self {
        Self::new()
    }
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            nodes: Vec::new(),
            values: Vec::new(),
            names: BTreeMap::new(),
            assignments: Vec::new(),
            segments: Vec::new(),
            centred: BTreeMap::new(),
        }
    }

    /// The same recording, whose handles are this tape's.
    pub(crate) fn replica(&self) -> Self {
        Self {
            id: self.id,
            nodes: self.nodes.clone(),
            values: self.values.clone(),
            names: self.names.clone(),
            assignments: self.assignments.clone(),
            segments: self.segments.clone(),
            centred: self.centred.clone(),
        }
    }

    /// An input the caller fills before a step.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn input(&mut self, name: &str, ty: TensorType) -> Result<Var> {
        self.named(name, ty, Source::Input(name.to_owned()))
    }

    /// x `[.., variables, time]` moved by `means` `[.., variables, 1]`. What does not depend on a constant (covariance, correlation,
    /// standardising, a fit with an intercept) reads x itself, see [`Tape::less_means`]: x may vary by less than f32 can tell of the sum.
    /// Its gradient then goes to x, and not to the sum.
    pub(crate) fn with_means(&mut self, x: Var, means: Var) -> Result<Var> {
        let sum = self.add(x, means)?;
        self.centred.insert(sum, x);
        Ok(sum)
    }

    /// x without the means that [`Tape::with_means`] moved it by, or x.
    pub(crate) fn less_means(&self, x: Var) -> Var {
        self.centred.get(&x).copied().unwrap_or(x)
    }

    /// A value that lasts between steps: `init` before the first, then what [`assign`](Self::assign) says.
    /// Asking again for a name gives the same value.
    ///
    /// # Errors
    /// Where the name is taken by an input or by a state of another type.
    pub fn state(&mut self, name: &str, ty: TensorType, init: Init) -> Result<Var> {
        if let Some(&var) = self.names.get(name)
            && matches!(self.node_of(var).source, Source::State(..))
        {
            let found = self.values[var.index()].ty;
            return if found == ty { Ok(var) } else { Err(Error::tensor(name, format!("is {found} on this tape, asked for as {ty}"))) };
        }
        init.check(name, ty)?;
        self.named(name, ty, Source::State(name.to_owned(), init))
    }

    /// A trained f32 state: short for [`Tape::state`].
    pub fn parameter(&mut self, name: &str, shape: impl Into<crate::Shape>, init: Init) -> Result<Var> {
        self.state(name, TensorType::f32(shape), init)
    }

    /// Says what `state` is after the step. The last word counts.
    ///
    /// # Errors
    /// Where `state` is not a state, or `value` is of another type.
    pub fn assign(&mut self, state: Var, value: Var) -> Result<()> {
        self.check(value)?;
        self.check(state)?;
        let Source::State(name, _) = &self.node_of(state).source else {
            return Err(Error::op("assign", "the first operand must be a state"));
        };
        if self.ty(state) != self.ty(value) {
            return Err(Error::tensor(name, format!("is {}, assigned a value {}", self.ty(state), self.ty(value))));
        }
        self.assignments.retain(|(s, _)| *s != state);
        self.assignments.push((state, value));
        Ok(())
    }

    /// Data recorded with the tape.
    ///
    /// # Errors
    /// Where the data is held in double precision.
    pub fn constant(&mut self, value: HostTensor) -> Result<Var> {
        if value.is_f64() {
            return Err(Error::op("constant", "f32, f16, i32 or u32 data expected, f64 found"));
        }
        let ty = value.ty();
        Ok(self.push(Source::Constant(value), &[], &[ty])[0])
    }

    /// Records any op.
    ///
    /// # Errors
    /// Where a var is of another tape, or the op refuses its operands' types.
    pub fn record(&mut self, op: Arc<dyn Op>, inputs: &[Var]) -> Result<Vec<Var>> {
        let types = inputs.iter().map(|&v| self.check(v).map(|()| self.ty(v))).collect::<Result<Vec<_>>>()?;
        let outputs = op.infer(&types)?;
        Ok(self.push(Source::Op(op), inputs, &outputs))
    }

    /// Records an op of one output.
    pub fn record_one(&mut self, op: impl Op + 'static, inputs: &[Var]) -> Result<Var> {
        let outputs = self.record(Arc::new(op), inputs)?;
        outputs.first().copied().ok_or_else(|| Error::op("record", "the op makes no value"))
    }

    /// The type of a value.
    pub fn ty(&self, var: Var) -> TensorType {
        self.values[var.index()].ty
    }

    /// The extents of a value.
    pub fn shape(&self, var: Var) -> crate::Shape {
        self.ty(var).shape
    }

    /// An error unless `var` is of this tape.
    pub fn check(&self, var: Var) -> Result<()> {
        if var.tape != self.id || var.index() >= self.values.len() {
            return Err(Error::argument(format!("value %{} was recorded on another tape", var.index)));
        }
        Ok(())
    }

    /// An error of `op` unless `var` is a real value of this tape.
    pub fn expect_f32(&self, op: &str, what: &str, var: Var) -> Result<()> {
        self.check(var)?;
        match self.ty(var).dtype {
            DType::F32 => Ok(()),
            _ => Err(Error::op(op, format!("{what} must be f32, found {}", self.ty(var)))),
        }
    }

    /// Everything recorded, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The number of values recorded.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The handle of the value at `index`.
    pub fn var(&self, index: usize) -> Var {
        debug_assert!(index < self.values.len());
        Var { tape: self.id, index: index as u32 }
    }

    /// State and the value it takes after the step.
    pub fn assignments(&self) -> &[(Var, Var)] {
        &self.assignments
    }

    /// The input or state of that name.
    pub fn lookup(&self, name: &str) -> Option<Var> {
        self.names.get(name).copied()
    }

    /// The place of the node that makes `var`.
    pub fn node_index(&self, var: Var) -> usize {
        self.values[var.index()].node
    }

    /// The node that makes `var`.
    pub fn node_of(&self, var: Var) -> &Node {
        &self.nodes[self.node_index(var)]
    }

    /// What to call `var` in a message: its name, or the op that made it.
    pub fn describe(&self, var: Var) -> String {
        match &self.node_of(var).source {
            Source::Input(name) | Source::State(name, _) => name.clone(),
            Source::Constant(_) => format!("constant %{}", var.index),
            Source::Op(op) => format!("{} %{}", op.key().name, var.index),
        }
    }

    /// The nodes that `outputs` and every assignment need, in order.
    pub fn needed(&self, outputs: &[Var]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for var in outputs.iter().copied().chain(self.assignments.iter().flat_map(|(s, v)| [*s, *v])) {
            needed[self.node_index(var)] = true;
        }
        for i in (0..self.nodes.len()).rev() {
            if needed[i] {
                for input in &self.nodes[i].inputs {
                    needed[self.node_index(*input)] = true;
                }
            }
        }
        needed
    }

    fn named(&mut self, name: &str, ty: TensorType, source: Source) -> Result<Var> {
        if name.is_empty() {
            return Err(Error::argument("an input or state needs a name"));
        }
        if self.names.contains_key(name) {
            return Err(Error::tensor(name, "the name is taken on this tape"));
        }
        let var = self.push(source, &[], &[ty])[0];
        self.names.insert(name.to_owned(), var);
        Ok(var)
    }

    fn push(&mut self, source: Source, inputs: &[Var], outputs: &[TensorType]) -> Vec<Var> {
        let node = self.nodes.len();
        let first = self.values.len();
        self.values.extend(outputs.iter().map(|&ty| Value { ty, node }));
        self.nodes.push(Node { source, inputs: inputs.to_vec(), outputs: first..self.values.len() });
        (first..self.values.len()).map(|i| self.var(i)).collect()
    }
}

/// One line a value, in order: `%3 = tanh(%2) f32[4, 7]`.
impl std::fmt::Display for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for node in &self.nodes {
            let outputs: Vec<_> = node.outputs.clone().map(|i| format!("%{i}")).collect();
            let types: Vec<_> = node.outputs.clone().map(|i| self.values[i].ty.to_string()).collect();
            let inputs: Vec<_> = node.inputs.iter().map(|v| format!("%{}", v.index)).collect();
            write!(f, "{} = ", outputs.join(", "))?;
            match &node.source {
                Source::Input(name) => write!(f, "input `{name}`")?,
                Source::State(name, _) => write!(f, "state `{name}`")?,
                Source::Constant(_) => write!(f, "constant")?,
                Source::Op(op) => write!(f, "{}({})", op.key(), inputs.join(", "))?,
            }
            writeln!(f, " {}", types.join(", "))?;
        }
        for (state, value) in &self.assignments {
            writeln!(f, "`{}` <- %{}", self.describe(*state), value.index)?;
        }
        Ok(())
    }
}
