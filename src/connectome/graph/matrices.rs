//! Graphs on the tape: modularity, Laplacians, and the smoothness of a map along edges. Adjacencies are `[.., n, n]` with weights not below
//! 0. For a connectome with negative correlations take the positive part first ([`Tape::relu`]), as hypercoil does by default.

use crate::tape::{Tape, Var};
use crate::{Error, HostTensor, Result};

/// # Modularity and Laplacians
impl Tape {
    /// The modularity matrix B = A − γ k kᵀ / 2m with degrees k and their sum 2m (Newman 2006, PNAS 103), with γ the resolution of
    /// Reichardt & Bornholdt 2006; divided by 2m where `normalised`. For a directed graph it is A − γ k_out k_inᵀ / m. A graph without
    /// edges gives 0.
    ///
    /// The modularity of a partition, [`Tape::modularity`], does not need this matrix.
    ///
    /// # Errors
    /// Returns an error where A is not square.
    pub fn modularity_matrix(&mut self, adjacency: Var, gamma: f32, normalised: bool) -> Result<Var> {
        self.expect_square("modularity_matrix", adjacency)?;
        let (out, into, per_weight) = self.degrees(adjacency)?;
        let null = self.mul(out, into)?;
        let null = self.mul(null, per_weight)?;
        let null = self.scale(null, gamma)?;
        let b = self.sub(adjacency, null)?;
        if normalised { self.mul(b, per_weight) } else { Ok(b) }
    }

    /// Relaxed modularity `[..]` of soft communities C `[.., n, communities]`, whose rows sum to 1:
    ///
    /// Q = tr(Cᵀ A C) / 2m − γ (kᵀC)(kᵀC)ᵀ / (2m)²,
    ///
    /// which is Newman's Q, diagonal included, where C is hard. A good partition has a large Q, so a loss uses [`Tape::neg`] of it.
    /// (hypercoil's `relaxed_modularity` leaves the diagonal out by default and halves the rest, and its `ModularityLoss` lacks the minus
    /// sign.) No array of size n × n is built.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn modularity(&mut self, adjacency: Var, communities: Var, gamma: f32) -> Result<Var> {
        self.expect_square("modularity", adjacency)?;
        let (out, into, per_weight) = self.degrees(adjacency)?;
        let along = self.matmul(adjacency, communities)?;
        let within = self.mul(communities, along)?;
        let within = self.sum(within, &[-2], true)?;
        let within = self.mul(within, per_weight)?;
        // The share of each community in the ends of edges, [.., 1, communities].
        let ends = self.matmul_with(out, communities, true, false)?;
        let heads = self.matmul(into, communities)?;
        let (ends, heads) = (self.mul(ends, per_weight)?, self.mul(heads, per_weight)?);
        let expected = self.mul(ends, heads)?;
        let expected = self.scale(expected, gamma)?;
        let each = self.sub(within, expected)?;
        self.sum(each, &[-1, -2], false)
    }

    /// The graph Laplacian D − A, or I − D^(−½) A D^(−½) where `normalised`, without loops (Chung 1997). A node without edges has a row of
    /// zeros, as in SciPy.
    ///
    /// # Errors
    /// Returns an error where A is not square.
    pub fn laplacian(&mut self, adjacency: Var, normalised: bool) -> Result<Var> {
        let n = self.expect_square("laplacian", adjacency)?;
        let diagonal = self.diagonal_mask(n)?;
        let zero = self.scalar(0.0)?;
        let edges = self.select(diagonal, zero, adjacency)?;
        let degree = self.sum(edges, &[-1], true)?;
        if !normalised {
            let turned = self.neg(edges)?;
            return self.select(diagonal, degree, turned);
        }
        let one = self.scalar(1.0)?;
        // A degree of NaN does not count as 0, so everything it scales is NaN.
        let none = self.less_equal(degree, zero)?;
        let linked = self.equal(none, zero)?;
        let safe = self.select(none, one, degree)?;
        let root = self.sqrt(safe)?;
        let scale = self.div(linked, root)?;
        let shape = self.shape(scale);
        let rank = shape.rank();
        let across = self.reshape(scale, shape.with(rank - 1, n).with(rank - 2, 1))?;
        let scaled = self.mul(edges, scale)?;
        let scaled = self.mul(scaled, across)?;
        let turned = self.neg(scaled)?;
        self.select(diagonal, linked, turned)
    }

    /// The energy Σ_ij A_ij (q_i − q_j)² `[.., d]` of each dimension of a map q `[.., n, d]`, equal to 2 qᵀ L q, which connectopic maps
    /// minimise (hypercoil's `ConnectopyLoss`; Belkin & Niyogi 2003). No array of size n × n is built. (hypercoil's `eigenmaps` uses the
    /// Laplacian in place of the adjacency, which reverses the sign: the rows of D − A sum to 0, so Σ L_ij (q_i − q_j)² = −2 qᵀ L q.)
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn connectopy(&mut self, adjacency: Var, map: Var) -> Result<Var> {
        let n = self.expect_square("connectopy", adjacency)?;
        let shape = self.shape(map);
        if shape.rank() < 2 || shape[shape.rank() - 2] != n {
            return Err(Error::op("connectopy", format!("a map [.., {n}, d] expected, found {shape}")));
        }
        // Differences do not depend on the mean.
        let mean = self.mean(map, &[-2], true)?;
        let mean = self.detach(mean)?;
        let q = self.sub(map, mean)?;
        let (out, into, _) = self.degrees(adjacency)?;
        let into = self.reshape(into, self.shape(out))?;
        let degree = self.add(out, into)?;
        let along = self.matmul(adjacency, q)?;
        let along = self.scale(along, 2.0)?;
        let own = self.mul(q, degree)?;
        let rest = self.sub(own, along)?;
        let terms = self.mul(q, rest)?;
        self.sum(terms, &[-2], false)
    }

    /// Matrices `[.., n, n]` with zeros on the diagonal.
    ///
    /// # Errors
    /// Returns an error where the matrices are not square.
    pub fn without_diagonal(&mut self, matrices: Var) -> Result<Var> {
        let n = self.expect_square("without_diagonal", matrices)?;
        let (diagonal, zero) = (self.diagonal_mask(n)?, self.scalar(0.0)?);
        self.select(diagonal, zero, matrices)
    }

    /// A mask `[n, n]` with 1 on the diagonal and 0 elsewhere, made by a comparison of two rows of numbers, which fuses with other ops.
    fn diagonal_mask(&mut self, n: usize) -> Result<Var> {
        let row = self.constant(HostTensor::i32([n], (0..n as i32).collect())?)?;
        let column = self.reshape(row, [n, 1])?;
        self.equal(column, row)
    }

    /// The out-degrees `[.., n, 1]`, the in-degrees `[.., 1, n]`, and the inverse of their sum `[.., 1, 1]`, which is 0 without edges.
    fn degrees(&mut self, adjacency: Var) -> Result<(Var, Var, Var)> {
        let (out, into) = (self.sum(adjacency, &[-1], true)?, self.sum(adjacency, &[-2], true)?);
        let total = self.sum(out, &[-2], true)?;
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.less_equal(total, zero)?;
        let safe = self.select(none, one, total)?;
        let per_weight = self.reciprocal(safe)?;
        let per_weight = self.select(none, zero, per_weight)?;
        Ok((out, into, per_weight))
    }
}
