//! Sparse connectomes that hold the k strongest edges of each region, row by row (hypercoil's top-k format), with gradients for their
//! weights.

use crate::tape::{Tape, Var};
use crate::{DType, Error, Result};

/// The k outgoing edges of each node: a sparse matrix `[n, n]` with k entries in each row.
#[derive(Debug, Clone, Copy)]
pub struct SparseConnectome {
    /// The weights, f32 `[n, k]`, strongest first.
    pub weights: Var,
    /// The target node of each edge, i32 `[n, k]`.
    pub neighbours: Var,
}

/// # Sparse connectomes
impl Tape {
    /// The k greatest correlations of each series in `[variables, time]` with the others ([`Tape::top_k_neighbours`]). Gradients flow to
    /// the series; the choice of edges is treated as constant. No array is larger than the series, and the full matrix is never built.
    ///
    /// # Errors
    /// Returns an error where x is not f32 with two axes and at least one frame, or where there are fewer than k other variables.
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

    /// The product `[n, d]` of a sparse connectome and x `[n, d]`: Σ_m w_im x_(j(i, m)).
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
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

    /// The rows of x `[n, d]` at the `rank`-th neighbour in `[n, k]` of each node.
    fn neighbour(&mut self, x: Var, neighbours: Var, rank: usize) -> Result<Var> {
        let n = self.shape(neighbours)[0];
        let column = self.slice(neighbours, 1, rank, rank + 1, 1)?;
        let column = self.reshape(column, [n])?;
        self.gather_rows(x, column)
    }
}
