//! Means of graphs by their births and deaths, and graphs that take on the topology of a mean, on a tape.

use super::BirthDeath;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Barycentres of graphs
impl Tape {
    /// The barycentre of graphs `[.., graphs, ..]` by the squared distance: the births and deaths that are the means of theirs, rank by
    /// rank, by `weights` `[graphs]` (their shares of Σ weights) where they are given (Songdechakraiwut et al. 2022).
    ///
    /// # Errors
    /// Where there is no axis of graphs, or not a weight for each.
    pub fn barycentre(&mut self, of: &BirthDeath, weights: Option<Var>) -> Result<(Var, Var)> {
        let shape = self.shape(of.births);
        if shape.rank() < 2 {
            return Err(Error::op("barycentre", format!("graphs [.., graphs, n, n] expected, found births {shape}")));
        }
        let Some(weights) = weights else { return Ok((self.mean(of.births, &[-2], false)?, self.mean(of.deaths, &[-2], false)?)) };
        let graphs = shape[shape.rank() - 2];
        if *self.shape(weights) != [graphs] {
            return Err(Error::op("barycentre", format!("weights [{graphs}] expected, found {}", self.shape(weights))));
        }
        let total = self.sum(weights, &[], false)?;
        let shares = self.div(weights, total)?;
        let shares = self.reshape(shares, [graphs, 1])?;
        let mut mean = |list: Var| {
            let parts = self.mul(list, shares)?;
            self.sum(parts, &[-2], false)
        };
        Ok((mean(of.births)?, mean(of.deaths)?))
    }

    /// (1 − w) mean + w τ(Θ): the edges of Θ `[.., n, n]` keep their ranks and take, rank by rank, the `births` and `deaths` given. For
    /// a fixed order of Θ's edges it is the minimiser of (1 − w) ‖Θ − mean‖² + w d²(Θ; births, deaths) over edges, so that repeating it
    /// finds a graph between a mean matrix and a barycentre (the authors' "topological interpolation" goes there by gradient steps of
    /// twice the rate's length). The diagonal of τ is 0; Θ itself has no gradient, for its order is locally constant.
    ///
    /// # Errors
    /// As [`Tape::birth_death`], and where the lists are not of Θ's size.
    pub fn topological_interpolation(&mut self, theta: Var, mean: Var, (births, deaths): (Var, Var), w: f32) -> Result<Var> {
        let theta = self.detach(theta)?;
        let edges = self.birth_death(theta)?.edges;
        let shape = self.shape(theta);
        let n = shape[shape.rank() - 1];
        let values = if n > 2 { self.concatenate(&[births, deaths], -1)? } else { births };
        let upper = self.put_along(values, edges, n * n)?;
        let upper = self.reshape(upper, shape)?;
        let lower = self.transpose_matrices(upper)?;
        let tau = self.add(upper, lower)?;
        let (near, far) = (self.scale(mean, 1.0 - w)?, self.scale(tau, w)?);
        self.add(near, far)
    }
}
