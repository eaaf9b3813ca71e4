//! The tape: ops recorded in order as plain data, differentiated by appending to the same tape.

// The page of `Tape` shows its methods in the order of these modules.
mod recording;

mod gradient;

mod recompute;

mod values;

mod init;
mod op;

pub use gradient::Reverse;
pub use init::Init;
pub use op::{Inversion, Op, OpKey, Pointwise};
pub use recompute::Segment;

use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

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

/// The source of a value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Origin {
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
#[non_exhaustive]
pub struct Node {
    /// The node's kind: an op, an input, a state or a constant.
    pub origin: Origin,
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
/// A tape is pure data: it knows no device. Values that last between steps are *state*
/// ([`Tape::state`], [`Tape::assign`]).
///
/// Its methods stand in groups: [recording](#recording), [differentiation](#differentiation), [ops of your own](#ops-of-your-own);
/// [pointwise functions](#pointwise-functions), [reductions](#reductions-along-axes), [matrix products](#matrix-products),
/// [shapes](#shapes), [softmax](#softmax), [sorting](#sorting), [random draws](#random-draws), [Fourier transforms](#fourier-transforms);
/// [covariance and correlation](#covariance-and-correlation), [partial correlation](#precision-partial-and-conditional-correlation),
/// [symmetric positive-definite matrices](#symmetric-positive-definite-matrices), [tangent space](#tangent-space-and-means-of-matrices),
/// [soft parcellation](#soft-parcellation), [confound regression](#confound-regression), [filters](#filters-and-phases-by-frequency);
/// [births and deaths of graphs](#births-and-deaths-of-graphs), [distances between graphs](#distances-between-graphs);
/// [losses of networks](#losses-of-networks), [attention](#attention), [convolution](#convolution-and-pooling).
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
    /// The value by which random draws are counted, where it is not the step counter.
    draws: Option<Var>,
}

impl Default for Tape {
    fn default() -> Self {
        Self::new()
    }
}

impl Tape {
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
            draws: self.draws,
        }
    }

    fn named(&mut self, name: &str, ty: TensorType, origin: Origin) -> Result<Var> {
        if name.is_empty() {
            return Err(Error::argument("an input or state needs a name"));
        }
        if self.names.contains_key(name) {
            return Err(Error::tensor(name, "the name is taken on this tape"));
        }
        if !ty.addressable() {
            return Err(Error::tensor(name, format!("is to be {ty}, which has more elements than this system addresses")));
        }
        let var = self.push(origin, &[], &[ty])[0];
        self.names.insert(name.to_owned(), var);
        Ok(var)
    }

    fn push(&mut self, origin: Origin, inputs: &[Var], outputs: &[TensorType]) -> Vec<Var> {
        let node = self.nodes.len();
        let first = self.values.len();
        self.values.extend(outputs.iter().map(|&ty| Value { ty, node }));
        self.nodes.push(Node { origin, inputs: inputs.to_vec(), outputs: first..self.values.len() });
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
            match &node.origin {
                Origin::Input(name) => write!(f, "input `{name}`")?,
                Origin::State(name, _) => write!(f, "state `{name}`")?,
                Origin::Constant(_) => write!(f, "constant")?,
                Origin::Op(op) => write!(f, "{}({})", op.key(), inputs.join(", "))?,
            }
            writeln!(f, " {}", types.join(", "))?;
        }
        for (state, value) in &self.assignments {
            writeln!(f, "`{}` <- %{}", self.describe(*state), value.index)?;
        }
        Ok(())
    }
}
