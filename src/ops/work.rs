//! Works: what `tapetum bench` times of an op, at three sizes.

use super::case::{Build, Draw};
use crate::tape::{Tape, Var};
use crate::tensor::TensorType;
use crate::{Error, Result, Shape};
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
    /// As a user asked.
    Own,
}

impl Size {
    /// Those that works come in, the smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// `small`, `medium`, `large` or `own`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Own => "own",
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

    /// The same at one size of a user's own: operands of these shapes, drawn as those of the work are.
    ///
    /// # Errors
    /// Returns an error where the work has another number of operands.
    pub fn at(mut self, shapes: &[Shape]) -> Result<Self> {
        let Some((_, mut instance)) = self.sizes.pop() else { return Ok(self) };
        if instance.operands.len() != shapes.len() {
            let own: Vec<String> = instance.operands.iter().map(|(ty, _)| ty.shape.to_string()).collect();
            let what = format!("`{}` has {} operands, {}: {} shapes were given", self.name, own.len(), own.join(" "), shapes.len());
            return Err(Error::argument(what));
        }
        for ((ty, _), shape) in instance.operands.iter_mut().zip(shapes) {
            ty.shape = *shape;
        }
        self.sizes = vec![(Size::Own, instance)];
        Ok(self)
    }

    /// The same, without its reverse.
    pub fn forward_only(mut self) -> Self {
        self.differentiable = false;
        self
    }
}
