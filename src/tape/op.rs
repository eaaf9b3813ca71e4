//! The trait that every op implements, and the types it uses.

use super::{Reverse, Var};
use crate::Result;
use crate::kernel::Lowering;
use crate::tensor::{HostTensor, TensorType};
use std::fmt;

/// An op: its type rule, its definition, its reverse rule and its dispatches, in one place.
///
/// A user's own op implements this trait and is recorded with [`Tape::record`](super::Tape::record); it is planned,
/// profiled and gradient-checked like the rest.
pub trait Op: fmt::Debug + Send + Sync {
    /// Name and attributes: equality, printing, error messages.
    fn key(&self) -> OpKey;

    /// Output types.
    ///
    /// # Errors
    /// That name the op, the operand and what was expected.
    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>>;

    /// The definition: what the op means, for inputs of the types [`infer`](Self::infer) accepted. Real operands come
    /// all in f32 or all in f64.
    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>>;

    /// Reverse rule: appends the cotangents of the inputs to the same tape, `None` where there is none.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>>;

    /// The dispatches that compute it on a target. A [`pointwise`](Self::pointwise) op and a [`view`](Self::view) have none of their own.
    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()>;

    /// The expression that the planner fuses, where the op is pointwise.
    fn pointwise(&self) -> Option<Pointwise<'_>> {
        None
    }

    /// True where the one result is the one operand's elements in their order, of the same type under any shape of as many elements: the
    /// plan then gives the result the operand's memory, chains of pointwise ops read through it, and [`lower`](Self::lower) is not called.
    fn view(&self) -> bool {
        false
    }

    /// The inversion that the op computes, where its relative error grows with the condition number of what it inverts. The host then
    /// computes the whole tape in double precision, on the device `cpu` too, because f32 keeps no digit at a condition of 10⁷.
    fn inversion(&self) -> Option<Inversion> {
        None
    }

    /// The place of the operand that counts the draws, where the op draws at random: with the same count it draws the same. A training step
    /// in parts is refused where that operand is the number of the step, which all parts share.
    fn draw_counter(&self) -> Option<usize> {
        None
    }
}

/// The inversion that an op computes, and the operands that its condition number can be told from.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Inversion {
    /// The op makes Cholesky's factor of its operand.
    Factor,
    /// The second operand is a positive-definite matrix, and the result is its inverse.
    Inverse,
    /// The third operand holds the eigenvalues, ascending, and those below the floor count as the floor.
    Spectrum {
        /// The floor.
        floor: f32,
    },
    /// The first operand holds rows that are made orthonormal, and the first result holds them: little may be left of a row
    /// beside those before it. The second operand holds the weights of the frames.
    Rows,
}

/// A pointwise op as WGSL: `expression` over its operands `a`, `b`, `c` and its attributes `p`, `q`, all of a type `T`
/// that is `f32` or `vec4<f32>`. Operands broadcast; an integer operand is converted; the result is f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pointwise<'a> {
    /// For example `"max(a, b)"`.
    pub expression: &'a str,
    /// The values of `p` and `q`, at most two.
    pub attributes: &'a [f32],
}

/// An op's name and attributes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpKey {
    /// The op's name.
    pub name: &'static str,
    /// Its attributes, printed.
    pub attributes: String,
}

impl OpKey {
    /// The key of an op without attributes.
    pub fn new(name: &'static str) -> Self {
        Self { name, attributes: String::new() }
    }

    /// The key of an op whose attributes are its fields, as its `Debug` prints them.
    pub fn of(name: &'static str, op: &impl fmt::Debug) -> Self {
        Self { name, attributes: format!("{op:?}") }
    }
}

impl fmt::Display for OpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attributes.split_once([' ', '(']) {
            Some((_, rest)) => write!(f, "{}[{}]", self.name, rest.trim_matches(|c| " {}()".contains(c))),
            None => f.write_str(self.name),
        }
    }
}
