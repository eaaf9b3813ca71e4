//! Features scaled and shifted by a condition, such as a session or a subject.

use super::{Linear, Parameters};
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// Feature-wise linear modulation y = γ(c) x + β(c), with γ and β linear in a condition c (FiLM: Perez, Strub, de Vries, Dumoulin &
/// Courville 2018).
#[derive(Debug, Clone, Copy)]
pub struct Film {
    /// The layer of the scale γ.
    pub scale: Linear,
    /// The layer of the shift β.
    pub shift: Linear,
}

impl Film {
    /// A layer with extents `[conditions, features]` and parameters `<name>.scale.…`, whose bias is initialised to 1, and `<name>.shift.…`,
    /// whose bias is initialised to 0.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, extents: [usize; 2]) -> Result<Self> {
        let scale = Linear::glorot(tape, parameters, &format!("{name}.scale"), extents, 1.0)?;
        Ok(Self { scale, shift: Linear::glorot(tape, parameters, &format!("{name}.shift"), extents, 0.0)? })
    }

    /// The output y for x `[a.., b.., features]` under conditions c `[a.., conditions]`, each of which applies to all of b.
    ///
    /// # Errors
    /// Returns an error where the leading axes of c are not the first axes of x, or an extent differs from that of the layer.
    pub fn forward(&self, tape: &mut Tape, x: Var, condition: Var) -> Result<Var> {
        tape.check(x)?;
        tape.check(condition)?;
        let (features, given) = (tape.shape(x), tape.shape(condition));
        let wanted = tape.shape(self.scale.weight)[0];
        let leads = given.rank() > 0 && features.rank() >= given.rank() && features[..given.rank() - 1] == given[..given.rank() - 1];
        if !leads || features[features.rank() - 1] != wanted {
            let what = format!("x of [a.., b.., {wanted}] and conditions [a.., conditions] expected, found {features} and {given}");
            return Err(Error::op("film", what));
        }
        let across = (given.rank() - 1..features.rank() - 1).fold(features, |s, axis| s.with(axis, 1));
        let (scale, shift) = (self.scale.forward(tape, condition)?, self.shift.forward(tape, condition)?);
        let (scale, shift) = (tape.reshape(scale, across)?, tape.reshape(shift, across)?);
        let scaled = tape.mul(x, scale)?;
        tape.add(scaled, shift)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let layer = |x: &[Var]| {
        let linear = |i: usize| Linear { weight: x[i], bias: Some(x[i + 1]) };
        Film { scale: linear(2), shift: linear(4) }
    };
    let weights = |c: usize, f: usize| [normal([f, c]), normal([f]), normal([f, c]), normal([f])];
    let mut cases = Vec::new();
    for [batch, n, c, f] in [[1, 1, 1, 1], [3, 7, 2, 5], [1, 65, 7, 3]] {
        let operands = [normal([batch, n, f]), normal([batch, c])].into_iter().chain(weights(c, f)).collect();
        cases.push(one("film", operands, move |t, x| layer(x).forward(t, x[0], x[1])));
    }
    let operands = [normal([2, 3, 4, 5]), normal([2, 3, 2])].into_iter().chain(weights(2, 5)).collect();
    cases.push(one("film", operands, move |t, x| layer(x).forward(t, x[0], x[1])));
    cases
}
