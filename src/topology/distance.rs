//! Distances between graphs by their births and deaths, on a tape.

use super::BirthDeath;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The features of two graphs that are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Connected components, by their births: dimension 0.
    Components,
    /// Cycles, by their deaths: dimension 1.
    Cycles,
    /// Both, summed.
    Both,
}

/// A distance between lists of births or deaths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wasserstein {
    /// r of Σ |x − y|ʳ, 1 or more.
    pub order: f32,
    /// The r-th root of the sum; else the sum itself.
    pub root: bool,
}

impl Wasserstein {
    /// The sum of squares: the authors' distance.
    pub const SQUARED: Self = Self { order: 2.0, root: false };
    /// Its root.
    pub const ROOT: Self = Self { order: 2.0, root: true };
}

impl Tape {
    /// |Pearson's correlation| of the rows of x `[.., nodes, samples]`, of activations over stimuli say: weights `[.., nodes, nodes]`
    /// (Songdechakraiwut & Wu 2025, §"functional connectome"). A constant row is 0 to all, and has no gradient.
    ///
    /// # Errors
    /// As [`Tape::correlation`].
    pub fn absolute_correlation(&mut self, x: Var) -> Result<Var> {
        let r = self.correlation(x, None, false)?;
        self.abs(r)
    }

    /// The distance between the graphs of `a` and `b`, whose leading axes broadcast: Σ |b₍ᵢ₎ − b′₍ᵢ₎|ʳ over births, deaths or both, each
    /// in order, or its root; of one element a pair. That is the r-Wasserstein distance in closed form (Songdechakraiwut & Chung 2023).
    ///
    /// Of graphs of different size the shorter births are filled up with the greatest of them and the shorter deaths with the least, as
    /// the authors' `total_top_loss` does. The root has no gradient where the distance is 0.
    ///
    /// # Errors
    /// Where r is below 1 or leading axes do not broadcast; of births or deaths of nothing.
    pub fn wasserstein(&mut self, a: &BirthDeath, b: &BirthDeath, dimension: Dimension, how: Wasserstein) -> Result<Var> {
        if how.order.is_nan() || how.order < 1.0 {
            return Err(Error::op("wasserstein", format!("an order of 1 or more expected, found {}", how.order)));
        }
        let sum = match dimension {
            Dimension::Components => self.sum_of_powers(a.births, b.births, how.order, false)?,
            Dimension::Cycles => self.sum_of_powers(a.deaths, b.deaths, how.order, true)?,
            Dimension::Both => {
                let births = self.sum_of_powers(a.births, b.births, how.order, false)?;
                let deaths = self.sum_of_powers(a.deaths, b.deaths, how.order, true)?;
                self.add(births, deaths)?
            }
        };
        if how.root { self.root_of(sum, how.order) } else { Ok(sum) }
    }

    /// Σ (x − y)² between every graph of `a` `[g, ..]` and every graph of `b` `[h, ..]`, of one size: `[g, h]`. By products of lists about
    /// their common mean, so that what is lost is ε of how far the graphs lie from that mean.
    ///
    /// # Errors
    /// Where graphs are not `[g]` and `[h]`, or not of one size.
    pub fn wasserstein_pairs(&mut self, a: &BirthDeath, b: &BirthDeath, dimension: Dimension) -> Result<Var> {
        let (x, y) = (self.features(a, dimension)?, self.features(b, dimension)?);
        if self.shape(x).rank() != 2 || self.shape(y).rank() != 2 || self.shape(x)[1] != self.shape(y)[1] {
            let what = format!("two sets of graphs of one size expected, found lists {} and {}", self.shape(x), self.shape(y));
            return Err(Error::op("wasserstein_pairs", what));
        }
        let all = self.concatenate(&[x, y], 0)?;
        let mean = self.mean(all, &[0], true)?;
        let (x, y) = (self.sub(x, mean)?, self.sub(y, mean)?);
        self.squared_distances(x, y)
    }

    fn features(&mut self, of: &BirthDeath, dimension: Dimension) -> Result<Var> {
        match dimension {
            Dimension::Components => Ok(of.births),
            Dimension::Cycles => Ok(of.deaths),
            Dimension::Both => self.concatenate(&[of.births, of.deaths], -1),
        }
    }

    /// Σ |x − y|ʳ over the last axis of sorted lists, the shorter filled up in front or behind.
    fn sum_of_powers(&mut self, x: Var, y: Var, order: f32, in_front: bool) -> Result<Var> {
        let longest = [x, y].map(|v| self.shape(v).last().copied().unwrap_or(0)).into_iter().max().unwrap_or(0);
        let (x, y) = (self.filled_up(x, longest, in_front)?, self.filled_up(y, longest, in_front)?);
        let difference = self.sub(x, y)?;
        let power = if order == 2.0 {
            self.square(difference)?
        } else {
            let size = self.abs(difference)?;
            if order == 1.0 { size } else { self.powf(size, order)? }
        };
        self.sum(power, &[-1], false)
    }

    fn filled_up(&mut self, x: Var, longest: usize, in_front: bool) -> Result<Var> {
        let shape = self.shape(x);
        let (last, n) = (shape.rank() - 1, shape[shape.rank() - 1]);
        if n == longest {
            return Ok(x);
        }
        if n == 0 {
            return Err(Error::op("wasserstein", "a graph of two nodes has no deaths to be filled up: three nodes at least expected"));
        }
        let end = if in_front { self.slice(x, -1, 0, 1, 1)? } else { self.slice(x, -1, n - 1, n, 1)? };
        let fill = self.broadcast_to(end, shape.with(last, longest - n))?;
        self.concatenate(&if in_front { [fill, x] } else { [x, fill] }, -1)
    }

    /// x^(1/r), whose gradient at 0 is 0.
    fn root_of(&mut self, x: Var, order: f32) -> Result<Var> {
        if order == 2.0 {
            return self.root(x);
        }
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(x, zero)?;
        let safe = self.select(none, one, x)?;
        // By the order itself: 1/r would be rounded to f32, in the oracle too.
        let r = self.scalar(order)?;
        let log = self.log(safe)?;
        let log = self.div(log, r)?;
        let root = self.exp(log)?;
        self.select(none, zero, root)
    }
}
