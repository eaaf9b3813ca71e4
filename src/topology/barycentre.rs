//! Means of graphs by their births and deaths, and the adaptation of graphs to the topology of a mean, on a tape.

use super::BirthDeath;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Barycentres of graphs
impl Tape {
    /// The barycentre of graphs `[.., graphs, ..]` under the squared distance: their mean births and deaths, rank by rank. Where `weights`
    /// `[graphs]` are given, the means are weighted, and the weights are divided by their sum (Songdechakraiwut et al. 2022).
    ///
    /// # Errors
    /// Returns an error where there is no axis of graphs, or not one weight for each graph.
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

    /// The graph (1 − w) mean + w τ(Θ), where the edges of τ(Θ) keep the ranks of those of Θ `[.., n, n]` and take, rank by rank, the given
    /// `births` and `deaths`. For a fixed order of Θ's edges it minimises (1 − w) ‖Θ − mean‖² + w d²(Θ; births, deaths) over edges, so its
    /// repetition finds a graph between a mean matrix and a barycentre. (The authors' "topological interpolation" moves there by gradient
    /// steps of twice the learning rate.) The diagonal of τ is 0. Θ gets no gradient, because its order is locally constant.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::birth_death`], and where the lists do not fit the size of Θ.
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
