//! Products with a sparse matrix whose pattern is fixed: the messages of a graph, along its edges alone.
//!
//! Entries lie by row, and their transpose by column beside them, so that a sum over a row or a column is one invocation's, in a fixed
//! order: a run repeats bit for bit, and nothing is added to atomically. y = A x and the sampled product ⟨g_row, x_column⟩ of each entry
//! are one another's reverse.

mod cases;
mod maximum;
mod product;

pub(super) use cases::{cases, works};
pub(super) use maximum::MAXIMUM;
pub(super) use product::{PRODUCT, SAMPLE};

use super::Family;
use super::message::{FEATURES, features as by_fours};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result};
use maximum::RowMaximum;
use product::{RowProduct, Sampled};

pub(super) static FAMILY: Family = Family { sources: &[&MAXIMUM, &PRODUCT, &SAMPLE], cases, works };

/// The pattern of a matrix `[rows, columns]`: which entries there are. Of a graph: receivers by senders.
#[derive(Debug, Clone, Copy)]
pub struct SparsePattern {
    rows: usize,
    columns: usize,
    entries: usize,
    /// The most entries of a row, and of a column.
    most: [usize; 2],
    /// By row: where each begins `[rows + 1]`, the column of each entry, and the place of each in the list it was made from.
    by_row: [Var; 3],
    /// The same by column.
    by_column: [Var; 3],
    /// Row and column of each entry, in the order of the list.
    ends: [Var; 2],
}

/// Entries sorted by their first index: where each begins, the second index of each, and its place in the list; and the most of one.
fn sorted(n: usize, entries: impl Iterator<Item = (usize, usize)>) -> ([Vec<i32>; 3], usize) {
    let mut order: Vec<(usize, usize, usize)> = entries.enumerate().map(|(e, (i, j))| (i, e, j)).collect();
    order.sort_unstable();
    let mut begins = vec![0; n + 1];
    order.iter().for_each(|&(i, ..)| begins[i + 1] += 1);
    let most = begins.iter().copied().max().unwrap_or(0);
    (0..n).for_each(|i| begins[i + 1] += begins[i]);
    let begins = begins.into_iter().map(|b| b as i32).collect();
    ([begins, order.iter().map(|o| o.2 as i32).collect(), order.iter().map(|o| o.1 as i32).collect()], most)
}

impl SparsePattern {
    /// The pattern of `entries` (row, column), recorded as constants. An entry may come twice: both count.
    ///
    /// # Errors
    /// Where an entry is outside the matrix.
    pub fn new(tape: &mut Tape, [rows, columns]: [usize; 2], entries: &[(usize, usize)]) -> Result<Self> {
        if let Some((at, (i, j))) = entries.iter().enumerate().find(|(_, (i, j))| *i >= rows || *j >= columns) {
            let what = format!("entry {at} is ({i}, {j}): rows below {rows} and columns below {columns} expected");
            return Err(Error::op("sparse_pattern", what));
        }
        let (down, most_down) = sorted(rows, entries.iter().copied());
        let (across, most_across) = sorted(columns, entries.iter().map(|&(i, j)| (j, i)));
        let mut kept = |list: Vec<i32>| tape.constant(HostTensor::i32([list.len()], list)?);
        let [a, b, c] = down;
        let by_row = [kept(a)?, kept(b)?, kept(c)?];
        let [a, b, c] = across;
        let by_column = [kept(a)?, kept(b)?, kept(c)?];
        let ends = [kept(entries.iter().map(|e| e.0 as i32).collect())?, kept(entries.iter().map(|e| e.1 as i32).collect())?];
        Ok(Self { rows, columns, entries: entries.len(), most: [most_down, most_across], by_row, by_column, ends })
    }

    /// The pattern by which each entry of this one picks its column: `[entries, columns]`.
    ///
    /// # Errors
    /// The entries of a pattern cause none; the function returns a `Result` because the tape's functions do.
    pub fn columns_of_entries(tape: &mut Tape, columns: usize, entries: &[(usize, usize)]) -> Result<Self> {
        let picks: Vec<_> = entries.iter().enumerate().map(|(e, &(_, j))| (e, j)).collect();
        Self::new(tape, [entries.len(), columns], &picks)
    }

    /// The pattern by which the entries of this one meet in their rows: `[rows, entries]`.
    ///
    /// # Errors
    /// As [`SparsePattern::columns_of_entries`].
    pub fn rows_of_entries(tape: &mut Tape, rows: usize, entries: &[(usize, usize)]) -> Result<Self> {
        let meets: Vec<_> = entries.iter().enumerate().map(|(e, &(i, _))| (i, e)).collect();
        Self::new(tape, [rows, entries.len()], &meets)
    }

    /// The number of entries.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// The pattern of the transpose.
    pub fn transposed(&self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            entries: self.entries,
            most: [self.most[1], self.most[0]],
            by_row: self.by_column,
            by_column: self.by_row,
            ends: [self.ends[1], self.ends[0]],
        }
    }

    fn indices(&self) -> [Var; 8] {
        let ([a, b, c], [d, e, f], [g, h]) = (self.by_row, self.by_column, self.ends);
        [a, b, c, d, e, f, g, h]
    }
}

/// # Sparse matrices
impl Tape {
    /// y_i = Σ of w_e x_j over the entries e = (i, j) of every row: w `[entries]` in the order they were listed, all 1 where not given; x
    /// `[columns, features]`, y `[rows, features]`. A row without entries is 0.
    ///
    /// # Errors
    /// Where shapes do not fit; so for all of these.
    pub fn sparse_matmul(&mut self, pattern: &SparsePattern, weights: Option<Var>, x: Var) -> Result<Var> {
        let weights = match weights {
            Some(weights) => weights,
            None => self.full([pattern.entries], 1.0)?,
        };
        let op = RowProduct { rows: pattern.rows, columns: pattern.columns, most: pattern.most };
        self.record_one(op, &[&[weights, x], &pattern.indices()[..]].concat())
    }

    /// ⟨g_i, x_j⟩ of every entry (i, j): g `[rows, features]`, x `[columns, features]`, `[entries]`.
    pub fn sampled_products(&mut self, pattern: &SparsePattern, g: Var, x: Var) -> Result<Var> {
        let op = Sampled { rows: pattern.rows, columns: pattern.columns, most: pattern.most };
        self.record_one(op, &[&[g, x], &pattern.indices()[..]].concat())
    }

    /// The mean of x_j over the entries (i, j) of every row; 0 where there are none.
    pub fn sparse_mean(&mut self, pattern: &SparsePattern, x: Var) -> Result<Var> {
        let sum = self.sparse_matmul(pattern, None, x)?;
        let ones = self.full([pattern.columns, 1], 1.0)?;
        let count = self.sparse_matmul(pattern, None, ones)?;
        let count = self.clamp(count, 1.0, f32::MAX)?;
        self.div(sum, count)
    }

    /// The largest of x_j over the entries (i, j) of every row, feature by feature; 0 where there are none. The gradient is shared evenly among
    /// ties.
    pub fn sparse_max(&mut self, pattern: &SparsePattern, x: Var) -> Result<Var> {
        let op = RowMaximum { rows: pattern.rows, columns: pattern.columns, most: pattern.most };
        self.record_one(op, &[&[x], &pattern.indices()[..]].concat())
    }

    /// Softmax of the entries' logits `[entries, heads]` over each row of the matrix they are of: attention over a node's edges. `rows` is the
    /// pattern by which entries meet in their rows ([`SparsePattern::rows_of_entries`]).
    pub fn sparse_softmax(&mut self, rows: &SparsePattern, logits: Var) -> Result<Var> {
        let back = rows.transposed();
        // The maximum that is subtracted changes only the rounding, so no gradient goes through it.
        let held = self.detach(logits)?;
        let most = self.sparse_max(rows, held)?;
        let most = self.sparse_matmul(&back, None, most)?;
        let shifted = self.sub(logits, most)?;
        let powers = self.exp(shifted)?;
        let sums = self.sparse_matmul(rows, None, powers)?;
        let sums = self.sparse_matmul(&back, None, sums)?;
        self.div(powers, sums)
    }
}
