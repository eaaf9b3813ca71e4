//! Scores of single elements: distances of values from targets, bounds, neighbours, or two modes.

use crate::ops::case::{Case, normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Losses: deviations
impl Tape {
    /// The largest violation max(0, c₁, c₂, …) of several constraints, element by element. A constraint holds where its value is at most 0.
    /// With one constraint this is hypercoil's `UnilateralLoss`.
    ///
    /// # Errors
    /// Returns an error where there are no constraints, or they do not broadcast.
    pub fn constraint_violation(&mut self, constraints: &[Var]) -> Result<Var> {
        let Some((&first, rest)) = constraints.split_first() else {
            return Err(Error::op("constraint_violation", "no constraints"));
        };
        let worst = rest.iter().try_fold(first, |worst, &c| self.maximum(worst, c))?;
        self.relu(worst)
    }

    /// The hinge loss max(0, 1 − y ŷ), for targets y of −1 and 1, element by element.
    ///
    /// # Errors
    /// Returns an error where the operands do not broadcast.
    pub fn hinge(&mut self, predicted: Var, target: Var) -> Result<Var> {
        let product = self.mul(predicted, target)?;
        let negative = self.neg(product)?;
        let short = self.offset(negative, 1.0)?;
        self.relu(short)
    }

    /// The `order`-th backward difference along `axis`, as in `numpy.diff`; the axis becomes `order` elements shorter. Its 1-norm is the
    /// total variation.
    ///
    /// # Errors
    /// Returns an error where the axis does not exist or is not longer than `order`.
    pub fn difference(&mut self, x: Var, order: usize, axis: isize) -> Result<Var> {
        let at = self.axis("difference", x, axis)?;
        let extent = self.shape(x)[at];
        if extent <= order {
            return Err(Error::op("difference", format!("order {order} along an axis of {extent} leaves nothing")));
        }
        let mut y = x;
        for n in (extent - order + 1..=extent).rev() {
            let (later, earlier) = (self.slice(y, at as isize, 1, n, 1)?, self.slice(y, at as isize, 0, n - 1, 1)?);
            y = self.sub(later, earlier)?;
        }
        Ok(y)
    }

    /// The distance ||x − m| − h| to the nearer of two modes, where m is the midpoint of the modes and h half the distance between them. It
    /// is 0 at a mode, and between the modes it is largest at the midpoint.
    ///
    /// # Errors
    /// Returns an error where x belongs to another tape.
    pub fn bimodal(&mut self, x: Var, modes: [f32; 2]) -> Result<Var> {
        let middle = (modes[0] + modes[1]) / 2.0;
        let centred = self.offset(x, -middle)?;
        let away = self.abs(centred)?;
        let past = self.offset(away, -(modes[0] - modes[1]).abs() / 2.0)?;
        self.abs(past)
    }
}

/// Test cases of the scores of single elements.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 7], [3, 65], [2, 257]] {
        let three = || vec![normal(shape), normal(shape), normal(shape)];
        cases.push(one("constraint_violation", three(), |t, x| t.constraint_violation(x)));
        cases.push(one("hinge", vec![normal(shape), normal(shape)], |t, x| t.hinge(x[0], x[1])));
        cases.push(one("difference", vec![normal(shape)], |t, x| t.difference(x[0], 2, -1)));
        cases.push(one("bimodal", vec![normal(shape)], |t, x| t.bimodal(x[0], [0.0, 1.0])));
    }
    cases.push(one("difference across", vec![normal([65, 3])], |t, x| t.difference(x[0], 1, 0)));
    cases
}
