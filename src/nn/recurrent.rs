//! Recurrent cells over whole sequences `[batch, time, inputs]`, with PyTorch's gates and initialisation. The contribution of the inputs to
//! all gates at all steps is one matrix product, and so are the gradients of both weights.

use super::parameters::within_fan_in;
use super::{Linear, Parameters};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The update rule of a recurrent cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cell {
    /// The simple cell h' = tanh(W x + U h).
    Rnn,
    /// The gated recurrent unit (Cho et al. 2014): r, z = σ(W x + U h), n = tanh(W x + r (U h)), h' = (1 − z) n + z h. The gates are in the
    /// order r, z, n.
    Gru,
    /// Long short-term memory (Hochreiter & Schmidhuber 1997): i, f, o = σ(W x + U h), g = tanh(W x + U h), c' = f c + i g, h' = o tanh c'.
    /// The gates are in the order i, f, g, o.
    Lstm,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

/// A recurrent layer.
#[derive(Debug, Clone, Copy)]
pub struct Recurrent {
    /// The update rule.
    pub cell: Cell,
    /// W and its bias for all gates, `[gates × hidden, inputs]`.
    pub input: Linear,
    /// U and its bias for all gates, `[gates × hidden, hidden]`.
    pub hidden: Linear,
}

/// The state after a sequence, from which another can continue: `[batch, hidden]`.
#[derive(Debug, Clone, Copy)]
pub struct Carry {
    /// The hidden state h.
    pub hidden: Var,
    /// The cell state c; only for LSTMs.
    pub cell: Option<Var>,
}

impl Recurrent {
    /// A layer with extents `[inputs, hidden]` and parameters `<name>.input.…` and `<name>.hidden.…`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, cell: Cell, [inputs, hidden]: [usize; 2]) -> Result<Self> {
        let rows = cell.gates() * hidden;
        let mut linear = |part: &str, cols: usize| -> Result<Linear> {
            let weight = parameters.add(tape, &format!("{name}.{part}.weight"), [rows, cols], within_fan_in(hidden))?;
            let bias = Some(parameters.add(tape, &format!("{name}.{part}.bias"), [rows], within_fan_in(hidden))?);
            Ok(Linear { weight, bias })
        };
        Ok(Self { cell, input: linear("input", inputs)?, hidden: linear("hidden", hidden)? })
    }

    /// The hidden states `[batch, time, hidden]` at all steps of x `[batch, time, inputs]`, and the state after the last step. Without a
    /// given start the state begins at 0.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit, or the sequence is empty.
    pub fn forward(&self, tape: &mut Tape, x: Var, start: Option<Carry>) -> Result<(Var, Carry)> {
        tape.check(x)?;
        let [batch, time, _] = *tape.shape(x) else {
            return Err(Error::op("recurrent", format!("x of [batch, time, inputs] expected, found {}", tape.shape(x))));
        };
        if time == 0 {
            return Err(Error::op("recurrent", "a sequence of one step or more expected, found none"));
        }
        let rows = tape.shape(self.hidden.weight)[0];
        let width = rows / self.cell.gates();
        let driven = self.input.forward(tape, x)?;
        let mut carry = match start {
            Some(carry) => carry,
            None => Carry { hidden: tape.full([batch, width], 0.0)?, cell: None },
        };
        let mut all = Vec::with_capacity(time);
        for now in tape.split(driven, 1, time)? {
            let now = tape.reshape(now, [batch, rows])?;
            carry = self.step(tape, now, carry)?;
            all.push(tape.reshape(carry.hidden, [batch, 1, width])?);
        }
        Ok((tape.concatenate(&all, 1)?, carry))
    }

    /// One step, given the contribution of the inputs to the gates, W x + b `[batch, gates × hidden]`.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn step(&self, tape: &mut Tape, driven: Var, carry: Carry) -> Result<Carry> {
        let mut recurrent = tape.matmul_again(carry.hidden, self.hidden.weight)?;
        if let Some(bias) = self.hidden.bias {
            recurrent = tape.add(recurrent, bias)?;
        }
        match self.cell {
            Cell::Rnn => {
                let sum = tape.add(driven, recurrent)?;
                Ok(Carry { hidden: tape.tanh(sum)?, cell: None })
            }
            Cell::Gru => gru(tape, driven, recurrent, carry.hidden),
            Cell::Lstm => lstm(tape, driven, recurrent, carry),
        }
    }
}

/// The columns of each gate, `[batch, hidden]` each.
fn gates<const N: usize>(tape: &mut Tape, x: Var) -> Result<[Var; N]> {
    let mut gates = [x; N];
    gates.copy_from_slice(&tape.split(x, 1, N)?);
    Ok(gates)
}

/// A step of a GRU from h, given the contributions of inputs and recurrence to its gates r, z, n, both `[batch, 3 × hidden]`.
pub(super) fn gru(tape: &mut Tape, driven: Var, recurrent: Var, h: Var) -> Result<Carry> {
    let [r, z, n] = gates(tape, driven)?;
    let [ur, uz, un] = gates(tape, recurrent)?;
    let (r, z) = (tape.add(r, ur)?, tape.add(z, uz)?);
    let (r, z) = (tape.sigmoid(r)?, tape.sigmoid(z)?);
    let held = tape.mul(r, un)?;
    let n = tape.add(n, held)?;
    let n = tape.tanh(n)?;
    // The new state is n + z (h − n).
    let rise = tape.sub(h, n)?;
    let rise = tape.mul(z, rise)?;
    Ok(Carry { hidden: tape.add(n, rise)?, cell: None })
}

fn lstm(tape: &mut Tape, driven: Var, recurrent: Var, carry: Carry) -> Result<Carry> {
    let sum = tape.add(driven, recurrent)?;
    let [i, f, g, o] = gates(tape, sum)?;
    let (i, f, o) = (tape.sigmoid(i)?, tape.sigmoid(f)?, tape.sigmoid(o)?);
    let g = tape.tanh(g)?;
    let mut c = tape.mul(i, g)?;
    if let Some(before) = carry.cell {
        let kept = tape.mul(f, before)?;
        c = tape.add(c, kept)?;
    }
    let squashed = tape.tanh(c)?;
    Ok(Carry { hidden: tape.mul(o, squashed)?, cell: Some(c) })
}
