//! Graphs on the tape: modularity, Laplacians, and how smooth a map is along edges. Adjacencies are `[.., n, n]`, weights not below 0:
//! of a connectome with negative correlations take the positive part first ([`Tape::relu`]), as hypercoil does by default.

use crate::tape::{Tape, Var};
use crate::{Error, HostTensor, Result};

impl Tape {
    /// B = A − γ k kᵀ / 2m, k the degrees and 2m their sum (Newman 2006, PNAS 103; γ the resolution of Reichardt & Bornholdt 2006), divided
    /// by 2m where `normalised`. Of a directed graph, A − γ k_out k_inᵀ / m. A graph without edges has 0.
    ///
    /// For the modularity of a partition see [`Tape::modularity`], which does without this matrix.
    ///
    /// # Errors
    /// Where A is not square.
    pub fn modularity_matrix(&mut self, adjacency: Var, gamma: f32, normalised: bool) -> Result<Var> {
        self.expect_square("modularity_matrix", adjacency)?;
        let (out, into, per_weight) = self.degrees(adjacency)?;
        let null = self.mul(out, into)?;
        let null = self.mul(null, per_weight)?;
        let null = self.scale(null, gamma)?;
        let b = self.sub(adjacency, null)?;
        if normalised { self.mul(b, per_weight) } else { Ok(b) }
    }

    /// Relaxed modularity `[..]` of soft communities C `[.., n, communities]`, rows that sum to 1:
    ///
    /// Q = tr(Cᵀ A C) / 2m − γ (kᵀC)(kᵀC)ᵀ / (2m)²,
    ///
    /// which is Newman's Q where C is hard, diagonal included. It is to be made great: a loss takes [`Tape::neg`] of it. (hypercoil's
    /// `relaxed_modularity` leaves the diagonal out by default and halves the rest, and its `ModularityLoss` has lost the minus sign.) It
    /// makes nothing of size n × n.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn modularity(&mut self, adjacency: Var, communities: Var, gamma: f32) -> Result<Var> {
        self.expect_square("modularity", adjacency)?;
        let (out, into, per_weight) = self.degrees(adjacency)?;
        let along = self.matmul(adjacency, communities)?;
        let within = self.mul(communities, along)?;
        let within = self.sum(within, &[-2], true)?;
        let within = self.mul(within, per_weight)?;
        // Each community's share of the edges' ends, [.., 1, communities].
        let ends = self.matmul_with(out, communities, true, false)?;
        let heads = self.matmul(into, communities)?;
        let (ends, heads) = (self.mul(ends, per_weight)?, self.mul(heads, per_weight)?);
        let expected = self.mul(ends, heads)?;
        let expected = self.scale(expected, gamma)?;
        let each = self.sub(within, expected)?;
        self.sum(each, &[-1, -2], false)
    }

    /// The graph Laplacian D − A, or I − D^(−½) A D^(−½) where `normalised`, with loops left out (Chung 1997). A node without edges has a
    /// row of zeros, as in SciPy.
    ///
    /// # Errors
    /// Where A is not square.
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
        // A degree of NaN is none of 0: what it scales is NaN.
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

    /// Σ_ij A_ij (q_i − q_j)² of each dimension of a map q `[.., n, d]`: `[.., d]`, the energy that connectopic maps make small
    /// (hypercoil's `ConnectopyLoss`; Belkin & Niyogi 2003), 2 qᵀ L q. It makes nothing of size n × n. (hypercoil's `eigenmaps` puts the
    /// Laplacian in the adjacency's place, which turns the sign: the rows of D − A sum to 0, so Σ L_ij (q_i − q_j)² = −2 qᵀ L q.)
    ///
    /// # Errors
    /// Where shapes do not fit.
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
    /// Where they are not square.
    pub fn without_diagonal(&mut self, matrices: Var) -> Result<Var> {
        let n = self.expect_square("without_diagonal", matrices)?;
        let (diagonal, zero) = (self.diagonal_mask(n)?, self.scalar(0.0)?);
        self.select(diagonal, zero, matrices)
    }

    /// 1 on the diagonal and 0 elsewhere, `[n, n]`: a comparison that fuses, of two rows of numbers.
    fn diagonal_mask(&mut self, n: usize) -> Result<Var> {
        let row = self.constant(HostTensor::i32([n], (0..n as i32).collect())?)?;
        let column = self.reshape(row, [n, 1])?;
        self.equal(column, row)
    }

    /// Degrees out `[.., n, 1]` and in `[.., 1, n]`, and one by their sum `[.., 1, 1]`, 0 without edges.
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
