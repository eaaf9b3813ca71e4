//! Normalisation layers over features, which are the last axis.

use super::Parameters;
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result, TensorType};

/// The constant ε added to variances and mean squares; PyTorch's default.
const EPSILON: f32 = 1e-5;
/// The weight of the current batch in the update of the running statistics.
const MOMENTUM: f32 = 0.1;

/// Batch norm (Ioffe & Szegedy 2015): each feature minus its mean over all rows, divided by its standard deviation, y = γ (x − μ) / √(σ² +
/// ε) + β.
///
/// In training μ and σ² are those of the batch, and running averages of them (of σ² with divisor n − 1) are assigned to the states
/// `<name>.mean` and `<name>.variance`. A layer applied twice on a tape keeps those of the last application. In evaluation these states
/// replace the statistics of the batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm {
    /// The gain γ, `[features]`.
    pub gain: Var,
    /// The shift β, `[features]`.
    pub shift: Var,
    /// The running mean and variance, `[features]`.
    pub running: [Var; 2],
    /// True to use the statistics of the batch, false to use the running statistics.
    pub training: bool,
}

impl BatchNorm {
    /// A norm over this number of features, with parameters `<name>.gain` and `<name>.shift`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type; this holds for every norm.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Self> {
        let gain = parameters.add(tape, &format!("{name}.gain"), [features], |_, _| Init::Full(1.0))?;
        let shift = parameters.add(tape, &format!("{name}.shift"), [features], |_, _| Init::Zeros)?;
        let ty = TensorType::f32([features]);
        let running =
            [tape.state(&format!("{name}.mean"), ty, Init::Zeros)?, tape.state(&format!("{name}.variance"), ty, Init::Full(1.0))?];
        Ok(Self { gain, shift, running, training: parameters.is_training() })
    }

    /// The output y for x `[.., features]`, in the same shape.
    ///
    /// # Errors
    /// Returns an error where the last axis of x has another number of features, or there are fewer than two rows in training.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        let rows = rows_of(tape, "batch_norm", x, self.gain)?;
        let [mean, variance] = if self.training { self.of_batch(tape, x, rows)? } else { self.running };
        let centred = tape.sub(x, mean)?;
        let y = over_root(tape, centred, variance)?;
        let y = tape.mul(y, self.gain)?;
        tape.add(y, self.shift)
    }

    fn of_batch(&self, tape: &mut Tape, x: Var, rows: usize) -> Result<[Var; 2]> {
        if rows < 2 {
            return Err(Error::op("batch_norm", format!("two rows or more expected in training, found {rows}")));
        }
        let leading: Vec<isize> = (0..tape.shape(x).rank() as isize - 1).collect();
        let mean = tape.mean(x, &leading, false)?;
        let centred = tape.sub(x, mean)?;
        let square = tape.square(centred)?;
        let variance = tape.mean(square, &leading, false)?;
        let unbiased = tape.scale(variance, rows as f32 / (rows - 1) as f32)?;
        for (state, new) in self.running.into_iter().zip([mean, unbiased]) {
            let (kept, new) = (tape.scale(state, 1.0 - MOMENTUM)?, tape.scale(new, MOMENTUM)?);
            let after = tape.add(kept, new)?;
            tape.assign(state, after)?;
        }
        Ok([mean, variance])
    }
}

/// Layer norm (Ba, Kiros & Hinton 2016): each row minus its mean, divided by its standard deviation.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm {
    /// The gain γ, `[features]`.
    pub gain: Var,
    /// The shift β, `[features]`.
    pub shift: Var,
}

impl LayerNorm {
    /// A norm over this number of features, with parameters `<name>.gain` and `<name>.shift`.
    ///
    /// # Errors
    /// The same as those of [`BatchNorm::new`].
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Self> {
        let gain = parameters.add(tape, &format!("{name}.gain"), [features], |_, _| Init::Full(1.0))?;
        let shift = parameters.add(tape, &format!("{name}.shift"), [features], |_, _| Init::Zeros)?;
        Ok(Self { gain, shift })
    }

    /// The output y for x `[.., features]`, in the same shape.
    ///
    /// # Errors
    /// Returns an error where the last axis of x has another number of features.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        rows_of(tape, "layer_norm", x, self.gain)?;
        let mean = tape.mean(x, &[-1], true)?;
        let centred = tape.sub(x, mean)?;
        let square = tape.square(centred)?;
        let variance = tape.mean(square, &[-1], true)?;
        let y = over_root(tape, centred, variance)?;
        let y = tape.mul(y, self.gain)?;
        tape.add(y, self.shift)
    }
}

/// RMS norm (Zhang & Sennrich 2019): each row divided by its root mean square, y = γ x / √(mean x² + ε).
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm {
    /// The gain γ, `[features]`.
    pub gain: Var,
}

impl RmsNorm {
    /// A norm over this number of features, with the parameter `<name>.gain`.
    ///
    /// # Errors
    /// The same as those of [`BatchNorm::new`].
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, features: usize) -> Result<Self> {
        Ok(Self { gain: parameters.add(tape, &format!("{name}.gain"), [features], |_, _| Init::Full(1.0))? })
    }

    /// The output y for x `[.., features]`, in the same shape.
    ///
    /// # Errors
    /// Returns an error where the last axis of x has another number of features.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        rows_of(tape, "rms_norm", x, self.gain)?;
        let square = tape.square(x)?;
        let mean = tape.mean(square, &[-1], true)?;
        let y = over_root(tape, x, mean)?;
        tape.mul(y, self.gain)
    }
}

/// The quotient x / √(v + ε).
fn over_root(tape: &mut Tape, x: Var, v: Var) -> Result<Var> {
    let safe = tape.offset(v, EPSILON)?;
    let root = tape.sqrt(safe)?;
    tape.div(x, root)
}

/// The number of rows of x `[.., features]`.
fn rows_of(tape: &Tape, op: &str, x: Var, gain: Var) -> Result<usize> {
    tape.check(x)?;
    let (shape, features) = (tape.shape(x), tape.shape(gain)[0]);
    match shape.split_last() {
        Some((&last, leading)) if last == features => Ok(leading.iter().product()),
        _ => Err(Error::op(op, format!("x of [.., {features}] expected, found {shape}"))),
    }
}
