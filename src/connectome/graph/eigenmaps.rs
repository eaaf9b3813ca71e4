//! Low-dimensional maps of connectomes, "gradients": Laplacian eigenmaps (Belkin & Niyogi 2003) and diffusion maps (Coifman & Lafon 2006), as
//! BrainSpace scales and signs them (Vos de Wael et al. 2020, Communications Biology 3). Adjacencies are symmetric `[.., n, n]`, their
//! weights not below 0, their graph connected.
//!
//! Signs are a convention: the entry of largest magnitude of each map is positive. Maps of equal eigenvalues are turned at will. A diffusion
//! operator is not symmetric; here its symmetric conjugate is decomposed, which is exact. BrainSpace hands the operator itself to a solver for
//! symmetric matrices (its eigenvalues are off by some 10⁻³), and hypercoil does so densely (off by some 10⁻²).

use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// Maps of a connectome and how much each counts.
#[derive(Debug, Clone, Copy)]
pub struct Eigenmaps {
    /// `[.., n, components]`, the most important first.
    pub maps: Var,
    /// `[.., components]`.
    pub values: Var,
}

impl Tape {
    /// Laplacian eigenmaps: the eigenvectors of least eigenvalue of the Laplacian ([`Tape::laplacian`]) but the first, eigenvalues
    /// ascending; where `normalised`, of the normalised one, divided by the roots of the degrees.
    ///
    /// # Errors
    /// Where the adjacency is not square, or the components are not from 1 to n − 1.
    pub fn laplacian_eigenmaps(&mut self, adjacency: Var, components: usize, normalised: bool) -> Result<Eigenmaps> {
        let n = self.expect_components("laplacian_eigenmaps", adjacency, components)?;
        let laplacian = self.laplacian(adjacency, normalised)?;
        let (values, vectors) = self.eigh(laplacian)?;
        let values = self.slice(values, -1, 1, components + 1, 1)?;
        let mut maps = self.slice(vectors, -1, 1, components + 1, 1)?;
        if normalised {
            let loops = self.diagonal(adjacency)?;
            let loops = self.reshape_last(loops, &[n, 1])?;
            let degrees = self.sum(adjacency, &[-1], true)?;
            let degrees = self.sub(degrees, loops)?;
            let degrees = self.one_where_none(degrees)?;
            let roots = self.sqrt(degrees)?;
            maps = self.div(maps, roots)?;
        }
        Ok(Eigenmaps { maps: self.signed(maps)?, values })
    }

    /// Diffusion maps: right eigenvectors of D′⁻¹ W, W = D^−α A D^−α, D and D′ the degrees of A and W, of the greatest eigenvalues λ but the
    /// first, which is 1; each of mean square 1 times λᵗ, or times λ / (1 − λ), all times at once, where t is 0. The values are these
    /// factors. α is 0 for the random walk of A, ½ for Fokker–Planck diffusion (BrainSpace's choice), 1 for the geometry alone.
    ///
    /// # Errors
    /// Where the adjacency is not square, or the components are not from 1 to n − 1.
    pub fn diffusion_maps(&mut self, adjacency: Var, components: usize, alpha: f32, time: u32) -> Result<Eigenmaps> {
        let n = self.expect_components("diffusion_maps", adjacency, components)?;
        let degrees = self.sum(adjacency, &[-1], true)?;
        let degrees = self.one_where_none(degrees)?;
        let weights = self.powf(degrees, -alpha)?;
        let walk = self.scaled_both_ways(adjacency, weights, n)?;
        let degrees = self.sum(walk, &[-1], true)?;
        let degrees = self.one_where_none(degrees)?;
        let roots = self.sqrt(degrees)?;
        let inverse_roots = self.reciprocal(roots)?;
        let symmetric = self.scaled_both_ways(walk, inverse_roots, n)?;
        let (values, vectors) = self.eigh(symmetric)?;
        let (values, vectors) = (self.last_first(values, components)?, self.last_first(vectors, components)?);
        let maps = self.mul(vectors, inverse_roots)?;
        let squares = self.square(maps)?;
        let size = self.mean(squares, &[-2], true)?;
        let size = self.sqrt(size)?;
        let maps = self.div(maps, size)?;
        let values = match time {
            0 => {
                let rest = self.neg(values)?;
                let rest = self.offset(rest, 1.0)?;
                self.div(values, rest)?
            }
            _ => self.powers(values, time)?,
        };
        let factors = self.reshape_last(values, &[1, components])?;
        // Signs are set last: a factor of an odd power may be below 0.
        let maps = self.mul(maps, factors)?;
        Ok(Eigenmaps { maps: self.signed(maps)?, values })
    }

    /// 1 − θ / π, θ the angle between rows of x `[.., n, d]` and of y `[.., m, d]`: `[.., n, m]`, 1 where they point the same way and 0 where
    /// apart; BrainSpace's `normalized_angle` affinity. A row of zeros is at a right angle to all. Of rows that are the same, f32 leaves an
    /// angle of some 5 · 10⁻⁴, and no gradient.
    ///
    /// # Errors
    /// As [`Tape::cosine_kernel`].
    pub fn normalised_angle(&mut self, x: Var, y: Var) -> Result<Var> {
        let cosine = self.cosine_kernel(x, y)?;
        // The squared chord of an angle is 2 − 2 cos.
        let chord = self.scale(cosine, -2.0)?;
        let chord = self.offset(chord, 2.0)?;
        let angle = self.angle_of_chord(chord)?;
        let share = self.scale(angle, -std::f32::consts::FRAC_1_PI)?;
        self.offset(share, 1.0)
    }

    fn expect_components(&self, op: &str, adjacency: Var, components: usize) -> Result<usize> {
        let n = self.expect_square(op, adjacency)?;
        match components > 0 && components < n {
            true => Ok(n),
            false => Err(Error::op(op, format!("1 to {} components of {n} nodes expected, found {components}", n.saturating_sub(1)))),
        }
    }

    /// w_i x_ij w_j of weights `[.., n, 1]`.
    fn scaled_both_ways(&mut self, x: Var, weights: Var, n: usize) -> Result<Var> {
        let shape = self.shape(weights);
        let rank = shape.rank();
        let across = self.reshape(weights, shape.with(rank - 1, n).with(rank - 2, 1))?;
        let scaled = self.mul(x, weights)?;
        self.mul(scaled, across)
    }

    /// The degree of a node without edges is taken for 1.
    fn one_where_none(&mut self, degrees: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.less_equal(degrees, zero)?;
        self.select(none, one, degrees)
    }

    /// The last entries but one of the last axis, backwards: of ascending ones, the greatest but the first.
    fn last_first(&mut self, x: Var, count: usize) -> Result<Var> {
        let n = self.shape(x).last().copied().unwrap_or(0);
        let each = (0..count).map(|i| self.slice(x, -1, n - 2 - i, n - 1 - i, 1)).collect::<Result<Vec<_>>>()?;
        self.concatenate(&each, -1)
    }

    /// x to a whole power.
    fn powers(&mut self, x: Var, power: u32) -> Result<Var> {
        (1..power).try_fold(x, |made, _| self.mul(made, x))
    }

    /// Columns of x `[.., n, k]`, each turned so that its entry of largest magnitude is positive.
    fn signed(&mut self, x: Var) -> Result<Var> {
        let (most, least) = (self.max(x, &[-2], true)?, self.min(x, &[-2], true)?);
        let both = self.add(most, least)?;
        let (zero, up, down) = (self.scalar(0.0)?, self.scalar(1.0)?, self.scalar(-1.0)?);
        let positive = self.greater_equal(both, zero)?;
        let sign = self.select(positive, up, down)?;
        self.mul(x, sign)
    }
}

/// Affinities of few rows, whose eigenvalues lie well apart.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [n, d] in [[5, 3], [9, 4]] {
        // 2 − 2 cos of angles from some tenths on has lost a digit.
        let rows = vec![normal([n, d]), normal([n + 2, d])];
        cases.push(one("normalised_angle", rows, |t, x| t.normalised_angle(x[0], x[1])).within(2e-5, 1e-4));
        let affinity = |t: &mut Tape, x: Var| {
            let y = t.square(x)?;
            t.rbf_kernel(y, y, Some(0.3))
        };
        // Eigenvectors lose what f32 has over the gaps between eigenvalues, about a tenth here, and their gradients that twice.
        let laplacian = move |t: &mut Tape, x: &[Var], normalised: bool| {
            let a = affinity(t, x[0])?;
            let made = t.laplacian_eigenmaps(a, 2, normalised)?;
            Ok(vec![made.maps, made.values])
        };
        cases.push(Case::new("laplacian_eigenmaps", vec![normal([2, n, d])], move |t, x| laplacian(t, x, false)).within(5e-5, 5e-4));
        cases.push(
            Case::new("laplacian_eigenmaps normalised", vec![normal([2, n, d])], move |t, x| laplacian(t, x, true)).within(5e-5, 5e-4),
        );
        for time in [0, 2] {
            let diffusion = move |t: &mut Tape, x: &[Var]| {
                let a = affinity(t, x[0])?;
                let made = t.diffusion_maps(a, 2, 0.5, time)?;
                Ok(vec![made.maps, made.values])
            };
            cases.push(Case::new(&format!("diffusion_maps {time}"), vec![normal([n, d])], diffusion).within(5e-5, 5e-4));
        }
    }
    cases
}
