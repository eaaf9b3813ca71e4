//! Recomputation: a segment's inner values are made anew for the reverse sweep instead of being kept for it.

use super::{Origin, Tape, Var};
use crate::Result;
use std::collections::BTreeMap;
use std::ops::Range;

/// Nodes recorded within one [`Tape::checkpoint`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    nodes: Range<usize>,
}

/// # Recomputation
impl Tape {
    /// Records a segment whose values the reverse sweep recomputes: only what enters it stays in memory until then.
    /// Gradients are the same; memory falls by the segment's inner values, time grows by its forward pass (Chen et al.
    /// 2016). A segment within a segment belongs to the outer one.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let x = tape.input("x", TensorType::f32([2]))?;
    /// // Neither value within is kept for the reverse sweep.
    /// let y = tape.checkpoint(|t| {
    ///     let bent = t.tanh(x)?;
    ///     t.square(bent)
    /// })?;
    /// let sum = tape.sum(y, &[], false)?;
    /// let slope = tape.gradient(sum, &[x])?[0];
    ///
    /// let found = Device::cpu().compile(&tape, &[slope])?.run(&[(x, &HostTensor::f32([2], vec![0.0, 1.0])?)])?;
    /// let t = 1.0f64.tanh();
    /// assert!((found[0].to_f64_vec()[1] - 2.0 * t * (1.0 - t * t)).abs() < 1e-6);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    pub fn checkpoint<T>(&mut self, segment: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let first = self.nodes.len();
        let made = segment(self)?;
        let nodes = first..self.nodes.len();
        self.segments.retain(|s| s.nodes.start < nodes.start);
        self.segments.push(Segment { nodes });
        Ok(made)
    }
}

/// The values a sweep has recomputed so far.
pub(super) struct Recomputed {
    pending: Vec<Segment>,
    made: BTreeMap<Var, Var>,
}

impl Recomputed {
    pub(super) fn new(tape: &Tape) -> Self {
        Self { pending: tape.segments.clone(), made: BTreeMap::new() }
    }

    /// Records the segment that holds the node `index` again, unless that was done.
    pub(super) fn enter(&mut self, tape: &mut Tape, index: usize) -> Result<()> {
        let Some(at) = self.pending.iter().position(|s| s.nodes.contains(&index)) else { return Ok(()) };
        let segment = self.pending.remove(at);
        for i in segment.nodes {
            let node = tape.nodes[i].clone();
            let Origin::Op(op) = node.origin else { continue };
            let inputs: Vec<Var> = node.inputs.iter().map(|&v| self.of(v)).collect();
            let outputs = tape.record(op, &inputs)?;
            self.made.extend(node.outputs.map(|i| tape.var(i)).zip(outputs));
        }
        Ok(())
    }

    /// The recomputed value of `var`, or itself.
    pub(super) fn of(&self, var: Var) -> Var {
        self.made.get(&var).copied().unwrap_or(var)
    }
}
