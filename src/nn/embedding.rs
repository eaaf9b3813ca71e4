//! Learnt feature vectors of discrete items, such as neurons, regions or sessions.

use super::Parameters;
use crate::ops::case::{Case, Draw, i32s};
use crate::ops::case::{normal, one};
use crate::tape::{Init, Tape, Var};
use crate::{DType, Error, Result, Shape};

/// A table of learnt features with one row for each entry.
#[derive(Debug, Clone, Copy)]
pub struct Embedding {
    /// The table, `[entries, features]`.
    pub table: Var,
}

impl Embedding {
    /// A table `[entries, features]`, initialised to standard normal values as in PyTorch, with the parameter `<name>.table`.
    ///
    /// # Errors
    /// Returns an error where the name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        let draw = |seed, stream| Init::Normal { mean: 0.0, std: 1.0, seed, stream };
        Ok(Self { table: parameters.add(tape, &format!("{name}.table"), extents, draw)? })
    }

    /// The rows `[.., features]` at i32 `index` `[..]`. An index outside the table is clamped to its first or last row, as in
    /// [`Tape::gather_rows`]; the caller must check indices from other sources.
    ///
    /// # Errors
    /// Returns an error where `index` is not i32, or the table is empty.
    pub fn forward(&self, tape: &mut Tape, index: Var) -> Result<Var> {
        tape.check(index)?;
        let (found, table) = (tape.ty(index), tape.shape(self.table));
        let made = Shape::try_new(&[&*found.shape, &table[1..]].concat());
        let (DType::I32, Some(made)) = (found.dtype, made) else {
            return Err(Error::op("embedding", format!("i32 indices of at most 7 axes expected, found {found}")));
        };
        let flat = tape.reshape(index, [found.shape.elements()])?;
        let rows = tape.gather_rows(self.table, flat)?;
        tape.reshape(rows, made)
    }
}

pub(super) fn cases() -> Vec<Case> {
    // Some indices lie outside the table at either end.
    let case = |[batch, n, entries, features]: [usize; 4]| {
        let operands = vec![normal([entries, features]), i32s([batch, n], Draw::Index(entries as u32))];
        one("embedding", operands, |t, x| Embedding { table: x[0] }.forward(t, x[1]))
    };
    [[1, 1, 1, 1], [3, 7, 5, 3], [1, 65, 9, 2]].map(case).into()
}
