//! The values recorded on a tape, and the recording of ops.

use super::{Node, Op, Origin, Tape, Var};
use crate::tensor::{DType, TensorType};
use crate::{Error, Result};
use std::sync::Arc;

/// # Ops of your own
///
/// An [`Op`] that is recorded here is planned, differentiated and checked as the crate's are.
impl Tape {
    /// Records any op.
    ///
    /// # Errors
    /// Where a var is of another tape, the op refuses its operands' types, or calls itself a view and is none.
    pub fn record(&mut self, op: Arc<dyn Op>, inputs: &[Var]) -> Result<Vec<Var>> {
        let types = inputs.iter().map(|&v| self.check(v).map(|()| self.ty(v))).collect::<Result<Vec<_>>>()?;
        let outputs = op.infer(&types)?;
        if let Some(ty) = outputs.iter().find(|ty| !ty.addressable()) {
            return Err(Error::op(op.key().name, format!("the result {ty} has more elements than this system addresses")));
        }
        if op.view() {
            check_view(&*op, &types, &outputs)?;
        }
        Ok(self.push(Origin::Op(op), inputs, &outputs))
    }

    /// Records an op of one output.
    pub fn record_one(&mut self, op: impl Op + 'static, inputs: &[Var]) -> Result<Var> {
        let outputs = self.record(Arc::new(op), inputs)?;
        outputs.first().copied().ok_or_else(|| Error::op("record", "the op makes no value"))
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
}

/// # What is recorded
///
/// Types, nodes and names.
impl Tape {
    /// The type of a value.
    pub fn ty(&self, var: Var) -> TensorType {
        self.values[var.index()].ty
    }

    /// The extents of a value.
    pub fn shape(&self, var: Var) -> crate::Shape {
        self.ty(var).shape
    }

    /// Everything recorded, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The number of values recorded.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True where nothing is recorded.
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

    /// The words for `var` in a message: its name, or the op that made it.
    pub fn describe(&self, var: Var) -> String {
        match &self.node_of(var).origin {
            Origin::Input(name) | Origin::State(name, _) => name.clone(),
            Origin::Constant(_) => format!("constant %{}", var.index),
            Origin::Op(op) => format!("{} %{}", op.key().name, var.index),
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
}

/// A view has one operand and one result, of as many elements of one type, and computes nothing.
fn check_view(op: &dyn Op, inputs: &[TensorType], outputs: &[TensorType]) -> Result<()> {
    if op.pointwise().is_some() {
        return Err(Error::op(op.key().name, "an op is a view or pointwise, and not both"));
    }
    match (inputs, outputs) {
        ([x], [y]) if x.dtype == y.dtype && x.shape.elements() == y.shape.elements() => Ok(()),
        _ => {
            let what = format!("a view has one operand and one result of as many elements of one type, found {inputs:?} and {outputs:?}");
            Err(Error::op(op.key().name, what))
        }
    }
}
