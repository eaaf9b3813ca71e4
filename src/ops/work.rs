//! Works: what `tapetum bench` times of an op, at three sizes.

use super::case::{Build, Draw};
use crate::Result;
use crate::tape::{Tape, Var};
use crate::tensor::TensorType;
use std::fmt;
use std::sync::Arc;

/// The class of a work's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// Bound by its launch.
    Small,
    /// As in daily use.
    Medium,
    /// Fills a GPU: 64 MiB of traffic or 10 GFLOP, and more.
    Large,
}

impl Size {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// `small`, `medium` or `large`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// A work at one size.
#[derive(Clone)]
pub struct Instance {
    /// Type and draw of each operand.
    pub operands: Vec<(TensorType, Draw)>,
    /// The function that records the work over the operands.
    pub build: Build,
}

impl Instance {
    /// Something recorded over operands.
    pub fn new(operands: Vec<(TensorType, Draw)>, build: impl Fn(&mut Tape, &[Var]) -> Result<Vec<Var>> + Send + Sync + 'static) -> Self {
        Self { operands, build: Arc::new(build) }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("operands", &self.operands).finish_non_exhaustive()
    }
}

/// Something to time, forward and in reverse.
#[derive(Debug, Clone)]
pub struct Work {
    /// The op, and what distinguishes this use of it.
    pub name: &'static str,
    /// Its sizes, the smallest first.
    pub sizes: Vec<(Size, Instance)>,
    /// True where its reverse is timed as well.
    pub differentiable: bool,
}

impl Work {
    /// A work at the small, the medium and the large size.
    pub fn new(name: &'static str, instances: [Instance; 3]) -> Self {
        Self { name, sizes: Size::ALL.into_iter().zip(instances).collect(), differentiable: true }
    }

    /// A work that has no larger size: a counter, say.
    pub fn small(name: &'static str, instance: Instance) -> Self {
        Self { name, sizes: vec![(Size::Small, instance)], differentiable: true }
    }

    /// The same, without its reverse.
    pub fn forward_only(mut self) -> Self {
        self.differentiable = false;
        self
    }
}
