//! Cases: what `tapetum check` and the tests hold an op's kernels and reverse rule to.

use crate::tape::{Tape, Var};
use crate::tensor::{DType, HostTensor, Philox, TensorType};
use crate::{Result, Shape};
use std::sync::Arc;

/// The way in which an operand is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Draw {
    /// Standard normal.
    Normal,
    /// Uniform on [low, high).
    Uniform(f32, f32),
    /// Whole numbers from −n to n: ties, zeros and signs.
    Whole(u32),
    /// From −1 to 1 in a random order, no two of the whole operand nearer than half a step of the grid they lie on.
    Apart,
    /// Indices below n, and some beyond either end.
    Index(u32),
    /// Indices below n: labels of n classes.
    Class(u32),
    /// Rows with an offset, every third of them constant.
    Series,
    /// Frames' weights: some of them 0.
    Weights,
}

impl Draw {
    /// An operand of type `ty`, the same for the same `stream`.
    pub fn value(self, ty: TensorType, stream: u32) -> Result<HostTensor> {
        let draws = Philox::new(0x7A9E, stream, 0);
        let n = ty.shape.elements();
        let width = ty.shape.last().copied().unwrap_or(1).max(1);
        let places = if self == Self::Apart { shuffled(&draws, n) } else { Vec::new() };
        let real = |i: usize| match self {
            Self::Normal | Self::Index(_) | Self::Class(_) => draws.normal(i) as f32,
            Self::Uniform(low, high) => low + (high - low) * draws.uniform(i),
            Self::Apart => ((2 * places[i]) as f32 + draws.uniform(n + i)) / n as f32 - 1.0,
            Self::Whole(m) => (draws.uniform(i) * (2 * m + 1) as f32).floor() - m as f32,
            Self::Series if i / width % 3 == 2 => 1000.0,
            Self::Series => 10.0 + draws.normal(i) as f32 + draws.normal(n + i % width) as f32,
            Self::Weights if draws.uniform(i) < 0.25 => 0.0,
            Self::Weights => 0.25 + draws.uniform(n + i),
        };
        let index = |i: usize| match self {
            Self::Index(m) => (draws.word(i) % (m + 2)) as i32 - 1,
            Self::Class(m) => (draws.word(i) % m) as i32,
            _ => real(i) as i32,
        };
        let word = |i: usize| match self {
            Self::Class(m) => draws.word(i) % m,
            _ => draws.word(i) % 1000,
        };
        match ty.dtype {
            DType::F32 => HostTensor::f32(ty.shape, (0..n).map(real).collect()),
            DType::I32 => HostTensor::i32(ty.shape, (0..n).map(index).collect()),
            DType::U32 => HostTensor::u32(ty.shape, (0..n).map(word).collect()),
            DType::F16 => HostTensor::f16(ty.shape, (0..n).map(|i| half::f16::from_f32(real(i))).collect()),
        }
    }
}

/// The numbers below n in a random order.
fn shuffled(draws: &Philox, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| draws.word(i));
    order
}

/// Records what is checked over the operands.
pub type Build = Arc<dyn Fn(&mut Tape, &[Var]) -> Result<Vec<Var>> + Send + Sync>;

/// Something to check: operands, what is recorded over them, and how close a kernel must come.
#[derive(Clone)]
pub struct Case {
    /// Op and shapes.
    pub name: String,
    /// Type and draw of each operand.
    pub operands: Vec<(TensorType, Draw)>,
    /// The function that records the case.
    pub build: Build,
    /// The largest error allowed forward, relative to the result's largest magnitude (or absolute, where that is below 1).
    pub tolerance: f64,
    /// The same for gradients.
    pub reverse_tolerance: f64,
    /// True where there is a gradient to check.
    pub differentiable: bool,
    /// True where the case is composed of ops that cases of their own check in every variant: the variants that the device takes by
    /// itself are then enough.
    pub composed: bool,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("operands", &self.operands).finish_non_exhaustive()
    }
}

impl Case {
    /// A case named by the op and its operands' shapes, held to 10⁻⁵ both ways.
    pub fn new(
        op: &str,
        operands: Vec<(TensorType, Draw)>,
        build: impl Fn(&mut Tape, &[Var]) -> Result<Vec<Var>> + Send + Sync + 'static,
    ) -> Self {
        let shapes: Vec<_> = operands.iter().map(|(ty, _)| ty.shape.to_string()).collect();
        let name = format!("{op} {}", shapes.join(" "));
        Self { name, operands, build: Arc::new(build), tolerance: 1e-5, reverse_tolerance: 1e-5, differentiable: true, composed: false }
    }

    /// The same, held to other tolerances.
    pub fn within(mut self, forward: f64, reverse: f64) -> Self {
        (self.tolerance, self.reverse_tolerance) = (forward, reverse);
        self
    }

    /// The same, of ops that have cases of their own.
    pub fn composed(mut self) -> Self {
        self.composed = true;
        self
    }

    /// The same, without a gradient.
    pub fn forward_only(mut self) -> Self {
        self.differentiable = false;
        self
    }
}

/// An f32 operand.
pub fn f32s(shape: impl Into<Shape>, draw: Draw) -> (TensorType, Draw) {
    (TensorType::f32(shape), draw)
}

/// An i32 operand.
pub fn i32s(shape: impl Into<Shape>, draw: Draw) -> (TensorType, Draw) {
    (TensorType::i32(shape), draw)
}

/// Operands of a case: a type and how it is drawn, each.
pub(crate) type Operands = Vec<(TensorType, Draw)>;

/// A case of one result, within the tolerances of what is composed of ops.
pub(crate) fn one(name: &str, operands: Operands, build: impl Fn(&mut Tape, &[Var]) -> Result<Var> + Send + Sync + 'static) -> Case {
    Case::new(name, operands, move |t, x| Ok(vec![build(t, x)?])).within(5e-6, 1e-5)
}

/// An f32 operand of normal draws.
pub(crate) fn normal(shape: impl Into<Shape>) -> (TensorType, Draw) {
    f32s(shape, Draw::Normal)
}
