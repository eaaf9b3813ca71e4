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

    /// The parts into which the contribution of the inputs is split at once for each step: the gates, where they are added one by one.
    fn parts(self) -> usize {
        if self == Self::Gru { 3 } else { 1 }
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
        let (driven, bias) = self.add_bias(tape, driven, [batch, width])?;
        let mut carry = match start {
            Some(carry) => carry,
            None => Carry { hidden: tape.full([batch, width], 0.0)?, cell: None },
        };
        let parts = self.cell.parts();
        let driven = tape.reshape(driven, [batch, time * parts, rows / parts])?;
        let driven = tape.split(driven, 1, time * parts)?;
        let mut all = Vec::with_capacity(time);
        for now in driven.chunks(parts) {
            let now = now.iter().map(|&part| tape.reshape(part, [batch, rows / parts])).collect::<Result<Vec<_>>>()?;
            let recurrent = tape.matmul_again(carry.hidden, self.hidden.weight)?;
            carry = self.advance(tape, &now, recurrent, bias, carry)?;
            all.push(tape.reshape(carry.hidden, [batch, 1, width])?);
        }
        Ok((tape.concatenate(&all, 1)?, carry))
    }

    /// The bias of the recurrence added to the contribution of the inputs at all steps, but that of a GRU's last gate, which the gate r
    /// multiplies: this is returned in as many rows as a batch has, so that its gradients are added before they are summed over rows.
    fn add_bias(&self, tape: &mut Tape, driven: Var, [batch, width]: [usize; 2]) -> Result<(Var, Option<Var>)> {
        let Some(bias) = self.hidden.bias else { return Ok((driven, None)) };
        if self.cell != Cell::Gru {
            return Ok((tape.add(driven, bias)?, None));
        }
        let [r, z, n] = tape.split(bias, 0, 3)?[..] else { return Err(Error::op("recurrent", "a bias of three gates expected")) };
        let none = tape.full([width], 0.0)?;
        let outside = tape.concatenate(&[r, z, none], 0)?;
        Ok((tape.add(driven, outside)?, Some(tape.broadcast_to(n, [batch, width])?)))
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
        let driven = if self.cell == Cell::Gru { gates::<3>(tape, driven)?.to_vec() } else { vec![driven] };
        self.advance(tape, &driven, recurrent, None, carry)
    }

    /// The state after a step, given the contributions of inputs, in [parts](Cell::parts), and recurrence to the gates.
    fn advance(&self, tape: &mut Tape, driven: &[Var], recurrent: Var, bias: Option<Var>, carry: Carry) -> Result<Carry> {
        match (self.cell, driven) {
            (Cell::Rnn, &[driven]) => {
                let sum = tape.add(driven, recurrent)?;
                Ok(Carry { hidden: tape.tanh(sum)?, cell: None })
            }
            (Cell::Gru, &[r, z, n]) => gru(tape, [r, z, n], recurrent, bias, carry.hidden),
            (Cell::Lstm, &[driven]) => lstm(tape, driven, recurrent, carry),
            _ => Err(Error::op("recurrent", format!("{} parts expected, {} found", self.cell.parts(), driven.len()))),
        }
    }
}

/// The columns of each gate, `[batch, hidden]` each.
pub(super) fn gates<const N: usize>(tape: &mut Tape, x: Var) -> Result<[Var; N]> {
    let mut gates = [x; N];
    gates.copy_from_slice(&tape.split(x, 1, N)?);
    Ok(gates)
}

/// A step of a GRU from h `[batch, hidden]`, given the contribution of inputs to each of its gates r, z, n, that of recurrence to all,
/// `[batch, 3 × hidden]`, and what is added to the last of these.
pub(super) fn gru(tape: &mut Tape, [r, z, n]: [Var; 3], recurrent: Var, bias: Option<Var>, h: Var) -> Result<Carry> {
    let [ur, uz, mut un] = gates(tape, recurrent)?;
    if let Some(bias) = bias {
        un = tape.add(un, bias)?;
    }
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
