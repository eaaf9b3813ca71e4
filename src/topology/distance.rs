//! Distances between graphs by their births and deaths, on a tape.

use super::BirthDeath;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The topological features that a distance compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Connected components, compared by their births: dimension 0.
    Components,
    /// Cycles, compared by their deaths: dimension 1.
    Cycles,
    /// The sum of both.
    Both,
}

/// A distance between lists of births or deaths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wasserstein {
    /// The exponent r of Σ |x − y|ʳ, at least 1.
    pub order: f32,
    /// True for the r-th root of the sum, false for the sum itself.
    pub root: bool,
}

impl Wasserstein {
    /// The sum of squares, which is the authors' distance.
    pub const SQUARED: Self = Self { order: 2.0, root: false };
    /// The square root of the sum of squares.
    pub const ROOT: Self = Self { order: 2.0, root: true };
}

/// # Distances between graphs
impl Tape {
    /// The absolute Pearson correlation of the rows of x `[.., nodes, samples]`, such as activations over stimuli: weights `[.., nodes,
    /// nodes]` (Songdechakraiwut & Wu 2025, §"functional connectome"). A constant row has 0 with all others and no gradient.
    ///
    /// # Errors
    /// The same as those of [`Tape::correlation`].
    pub fn absolute_correlation(&mut self, x: Var) -> Result<Var> {
        let r = self.correlation(x, None, false)?;
        self.abs(r)
    }

    /// The distance between the graphs of `a` and `b`, one element for each pair; leading axes broadcast. It is Σ |b₍ᵢ₎ − b′₍ᵢ₎|ʳ over
    /// sorted births, deaths or both, or its r-th root: the r-Wasserstein distance in closed form (Songdechakraiwut & Chung 2023).
    ///
    /// For graphs of different size the shorter list of births is padded with its greatest element and the shorter list of deaths with its
    /// least, as in the authors' `total_top_loss`. The root has no gradient where the distance is 0.
    ///
    /// # Errors
    /// Returns an error where r is below 1, leading axes do not broadcast, or one of the lists is empty.
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

    /// The squared distances Σ (x − y)² `[g, h]` between every graph of `a` `[g, ..]` and every graph of `b` `[h, ..]`, all of one size.
    /// They are computed by products of lists minus their common mean, so the error is ε times the distance of the graphs from that mean.
    ///
    /// # Errors
    /// Returns an error where the graphs do not have the axes `[g]` and `[h]`, or differ in size.
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

    /// The sum Σ |x − y|ʳ over the last axis of sorted lists, the shorter padded in front or at the end.
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

    /// The root x^(1/r), whose gradient at 0 is 0.
    fn root_of(&mut self, x: Var, order: f32) -> Result<Var> {
        if order == 2.0 {
            return self.root(x);
        }
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(x, zero)?;
        let safe = self.select(none, one, x)?;
        // The op takes r itself, because 1/r would be rounded to f32, in the reference too.
        let r = self.scalar(order)?;
        let log = self.log(safe)?;
        let log = self.div(log, r)?;
        let root = self.exp(log)?;
        self.select(none, zero, root)
    }
}
