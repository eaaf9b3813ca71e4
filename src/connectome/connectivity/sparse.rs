//! Sparse connectomes: the k strongest edges of each region, in rows (hypercoil's top-k format), with gradients for their weights.

use crate::tape::{Tape, Var};
use crate::{DType, Error, Result};

/// The edges that leave each node: a sparse matrix `[n, n]` with k entries a row.
#[derive(Debug, Clone, Copy)]
pub struct SparseConnectome {
    /// f32 `[n, k]`, the strongest first.
    pub weights: Var,
    /// i32 `[n, k]`: where each edge leads.
    pub neighbours: Var,
}

/// # Sparse connectomes
impl Tape {
    /// The k greatest correlations of each of series `[variables, time]` with the others ([`Tape::top_k_neighbours`]), with gradients for
    /// the series: which edges are kept is taken as given. It makes no matrix, and nothing larger than the series.
    ///
    /// # Errors
    /// Where x is not f32 of two axes with a frame at least, or a variable has not so many others.
    pub fn sparse_correlation(&mut self, x: Var, k: usize) -> Result<SparseConnectome> {
        let (_, neighbours) = self.top_k_neighbours(x, k)?;
        let (u, _) = self.standardise(x)?;
        let mut columns = Vec::with_capacity(k);
        for rank in 0..k {
            let other = self.neighbour(u, neighbours, rank)?;
            let products = self.mul(u, other)?;
            columns.push(self.sum(products, &[1], true)?);
        }
        Ok(SparseConnectome { weights: self.concatenate(&columns, 1)?, neighbours })
    }

    /// The product of a sparse connectome and x `[n, d]`: Σ_m w_im x_(j(i, m)), `[n, d]`.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn sparse_product(&mut self, connectome: &SparseConnectome, x: Var) -> Result<Var> {
        self.check(connectome.neighbours)?;
        let (weights, shape) = (self.ty(connectome.weights), self.shape(x));
        let fits = self.ty(connectome.neighbours).dtype == DType::I32 && self.shape(connectome.neighbours) == weights.shape;
        if !fits || weights.shape.rank() != 2 || shape.rank() != 2 || shape[0] != weights.shape[0] {
            let what = format!("weights and neighbours [n, k] and x [n, d] expected, found {weights} and {shape}");
            return Err(Error::op("sparse_product", what));
        }
        let mut sum = self.full(shape, 0.0)?;
        for rank in 0..weights.shape[1] {
            let other = self.neighbour(x, connectome.neighbours, rank)?;
            let weight = self.slice(connectome.weights, 1, rank, rank + 1, 1)?;
            let part = self.mul(other, weight)?;
            sum = self.add(sum, part)?;
        }
        Ok(sum)
    }

    /// The rows of x `[n, d]` that the `rank`-th neighbours `[n, k]` name.
    fn neighbour(&mut self, x: Var, neighbours: Var, rank: usize) -> Result<Var> {
        let n = self.shape(neighbours)[0];
        let column = self.slice(neighbours, 1, rank, rank + 1, 1)?;
        let column = self.reshape(column, [n])?;
        self.gather_rows(x, column)
    }
}
