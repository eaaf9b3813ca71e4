//! Low-dimensional maps of connectomes, also called gradients: Laplacian eigenmaps (Belkin & Niyogi 2003) and diffusion maps (Coifman &
//! Lafon 2006), with the scales and signs of BrainSpace (Vos de Wael et al. 2020, Communications Biology 3). Adjacencies are symmetric
//! `[.., n, n]` with weights not below 0, and their graph must be connected.
//!
//! Signs are a convention: the entry of largest magnitude in each map is positive. Maps of equal eigenvalues are defined only up to a
//! rotation. A diffusion operator is not symmetric; here its symmetric conjugate is decomposed, which is exact. BrainSpace passes the
//! operator itself to a solver for symmetric matrices, so its eigenvalues are off by about 10⁻³; hypercoil does so with a dense solver, and
//! they are off by about 10⁻².

use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// Maps of a connectome with their weights.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Eigenmaps {
    /// The maps `[.., n, components]`, the most important first.
    pub maps: Var,
    /// The eigenvalues or factors of the maps, `[.., components]`.
    pub values: Var,
}

/// # Eigenmaps and gradients of connectivity
impl Tape {
    /// Laplacian eigenmaps: the eigenvectors of the smallest eigenvalues of the Laplacian ([`Tape::laplacian`]) without the first,
    /// eigenvalues ascending. Where `normalised`, they are those of the normalised Laplacian, divided by the square roots of the degrees.
    ///
    /// # Errors
    /// Returns an error where the adjacency is not square, or `components` is not between 1 and n − 1.
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

    /// Diffusion maps: right eigenvectors of D′⁻¹ W with W = D^−α A D^−α and D and D′ the degrees of A and W. They belong to the greatest
    /// eigenvalues λ without the first, which is 1. Each map has mean square 1 and is multiplied by λᵗ, or where t = 0 by λ / (1 − λ), the
    /// sum over all times. The returned values are these factors. α is 0 for the random walk on A, ½ for Fokker–Planck diffusion
    /// (BrainSpace's choice), and 1 for the geometry alone.
    ///
    /// # Errors
    /// Returns an error where the adjacency is not square, or `components` is not between 1 and n − 1.
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
        // Signs are set last, because an odd power of a negative eigenvalue is negative.
        let maps = self.mul(maps, factors)?;
        Ok(Eigenmaps { maps: self.signed(maps)?, values })
    }

    /// The affinity 1 − θ / π `[.., n, m]`, where θ is the angle between rows of x `[.., n, d]` and of y `[.., m, d]`. It is 1 for equal
    /// directions and 0 for opposite ones; BrainSpace's `normalized_angle`. A row of zeros is at a right angle to all rows. For equal rows
    /// f32 gives an angle of about 5 · 10⁻⁴ and no gradient.
    ///
    /// # Errors
    /// The same as those of [`Tape::cosine_kernel`].
    pub fn normalised_angle(&mut self, x: Var, y: Var) -> Result<Var> {
        let cosine = self.cosine_kernel(x, y)?;
        // The squared chord of an angle θ is 2 − 2 cos θ.
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

    /// The entries x_ij scaled to w_i x_ij w_j with weights w `[.., n, 1]`.
    fn scaled_both_ways(&mut self, x: Var, weights: Var, n: usize) -> Result<Var> {
        let shape = self.shape(weights);
        let rank = shape.rank();
        let across = self.reshape(weights, shape.with(rank - 1, n).with(rank - 2, 1))?;
        let scaled = self.mul(x, weights)?;
        self.mul(scaled, across)
    }

    /// Degrees, with 1 for a node without edges.
    fn one_where_none(&mut self, degrees: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.less_equal(degrees, zero)?;
        self.select(none, one, degrees)
    }

    /// The last entries of the last axis except the very last, in reverse order: for ascending entries, the greatest except the first.
    fn last_first(&mut self, x: Var, count: usize) -> Result<Var> {
        let n = self.shape(x).last().copied().unwrap_or(0);
        let each = (0..count).map(|i| self.slice(x, -1, n - 2 - i, n - 1 - i, 1)).collect::<Result<Vec<_>>>()?;
        self.concatenate(&each, -1)
    }

    /// x raised to an integer power.
    fn powers(&mut self, x: Var, power: u32) -> Result<Var> {
        (1..power).try_fold(x, |made, _| self.mul(made, x))
    }

    /// The columns of x `[.., n, k]`, each with its sign chosen so that its entry of largest magnitude is positive.
    fn signed(&mut self, x: Var) -> Result<Var> {
        let (most, least) = (self.max(x, &[-2], true)?, self.min(x, &[-2], true)?);
        let both = self.add(most, least)?;
        let (zero, up, down) = (self.scalar(0.0)?, self.scalar(1.0)?, self.scalar(-1.0)?);
        let positive = self.greater_equal(both, zero)?;
        let sign = self.select(positive, up, down)?;
        self.mul(x, sign)
    }
}

/// Test cases on affinities of a few rows, whose eigenvalues lie well apart.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [n, d] in [[5, 3], [9, 4]] {
        // The term 2 − 2 cos θ has lost a digit for angles of a few tenths and less.
        let rows = vec![normal([n, d]), normal([n + 2, d])];
        cases.push(one("normalised_angle", rows, |t, x| t.normalised_angle(x[0], x[1])).within(2e-5, 1e-4));
        let affinity = |t: &mut Tape, x: Var| {
            let y = t.square(x)?;
            t.rbf_kernel(y, y, Some(0.3))
        };
        // The error of eigenvectors in f32 grows with the inverse of the gaps between eigenvalues, about a tenth here, and that of their
        // gradients with its square.
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
