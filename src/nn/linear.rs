//! Linear layers, and stacks of them.

use super::parameters::within_fan_in;
use super::{Activation, BatchNorm, Parameters};
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

/// y = x Wᵀ + b over the last axis.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// W, `[outputs, inputs]`.
    pub weight: Var,
    /// b, `[outputs]`.
    pub bias: Option<Var>,
}

impl Linear {
    /// A layer of `[inputs, outputs]` that begins as PyTorch's. Its parameters are `<name>.weight` and `<name>.bias`.
    ///
    /// # Errors
    /// Where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2]) -> Result<Self> {
        let weight = parameters.add(tape, &format!("{name}.weight"), [outputs, inputs], within_fan_in(inputs))?;
        let bias = parameters.add(tape, &format!("{name}.bias"), [outputs], within_fan_in(inputs))?;
        Ok(Self { weight, bias: Some(bias) })
    }

    /// The same without a bias.
    ///
    /// # Errors
    /// As [`Linear::new`].
    pub fn unbiased(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2]) -> Result<Self> {
        let weight = parameters.add(tape, &format!("{name}.weight"), [outputs, inputs], within_fan_in(inputs))?;
        Ok(Self { weight, bias: None })
    }

    /// A layer whose weight is drawn as Glorot and Bengio (2010) do, its bias all of one value.
    ///
    /// # Errors
    /// As [`Linear::new`].
    pub fn glorot(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2], bias: f32) -> Result<Self> {
        let draw = |seed, stream| Init::glorot(inputs, outputs, seed, stream);
        let weight = parameters.add(tape, &format!("{name}.weight"), [outputs, inputs], draw)?;
        let bias = parameters.add(tape, &format!("{name}.bias"), [outputs], |_, _| Init::Full(bias))?;
        Ok(Self { weight, bias: Some(bias) })
    }

    /// y of x `[.., inputs]`: `[.., outputs]`.
    ///
    /// # Errors
    /// Where the last axis of x is not the layer's inputs.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.check(x)?;
        let (shape, weight) = (tape.shape(x), tape.shape(self.weight));
        if shape.rank() == 0 || shape[shape.rank() - 1] != weight[1] {
            return Err(Error::op("linear", format!("x of [.., {}] expected, found {shape}", weight[1])));
        }
        // All rows in one product: its reverse then makes one gradient of W, and not one for each leading index.
        let last = shape.rank() - 1;
        let rows = tape.reshape(x, [shape[..last].iter().product(), weight[1]])?;
        let mut y = tape.matmul_with(rows, self.weight, false, true)?;
        if let Some(bias) = self.bias {
            y = tape.add(y, bias)?;
        }
        tape.reshape(y, shape.with(last, weight[0]))
    }
}

/// What a stack of linear layers is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpSettings {
    /// Widths: of the input, of each hidden layer, of the output.
    pub widths: Vec<usize>,
    /// After every layer but the last.
    pub activation: Activation,
    /// After the last.
    pub last: Activation,
    /// The probability by which an element behind an activation is dropped in training.
    pub dropout: f32,
    /// Whether the output is batch-normed.
    pub norm: bool,
}

impl MlpSettings {
    /// Layers of these widths with `activation` between them, nothing dropped and nothing normed.
    pub fn new(widths: &[usize], activation: Activation) -> Self {
        Self { widths: widths.to_vec(), activation, last: Activation::Identity, dropout: 0.0, norm: false }
    }
}

/// A stack of linear layers.
#[derive(Debug, Clone)]
pub struct Mlp {
    /// The layers, the first first.
    pub layers: Vec<Linear>,
    norm: Option<BatchNorm>,
    settings: MlpSettings,
    /// Seed and stream of what is dropped behind each layer; `None` where nothing is.
    drops: Vec<Option<(u64, u32)>>,
}

impl Mlp {
    /// A stack whose layers are `<name>.0`, `<name>.1`, …, its norm `<name>.norm`.
    ///
    /// # Errors
    /// Where there are fewer than two widths, the probability is outside [0, 1), or a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, settings: MlpSettings) -> Result<Self> {
        if settings.widths.len() < 2 || !(0.0..1.0).contains(&settings.dropout) {
            let what = format!("two widths or more and a dropout in [0, 1) expected, found {:?} and {}", settings.widths, settings.dropout);
            return Err(Error::op("mlp", what));
        }
        let pairs = settings.widths.windows(2).enumerate();
        let layers: Vec<Linear> =
            pairs.map(|(i, w)| Linear::new(tape, parameters, &format!("{name}.{i}"), [w[0], w[1]])).collect::<Result<_>>()?;
        let outputs = settings.widths[layers.len()];
        let norm = settings.norm.then(|| BatchNorm::new(tape, parameters, &format!("{name}.norm"), outputs)).transpose()?;
        let drop = |_| (parameters.is_training() && settings.dropout > 0.0).then(|| parameters.draws());
        let drops = (1..layers.len()).map(drop).collect();
        Ok(Self { layers, norm, settings, drops })
    }

    /// The output for x `[.., inputs]`: `[.., outputs]`.
    ///
    /// # Errors
    /// Where the last axis of x is not the stack's inputs.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        let mut y = x;
        for (layer, drop) in self.layers.iter().zip(&self.drops) {
            y = layer.forward(tape, y)?;
            y = self.settings.activation.forward(tape, y)?;
            if let Some((seed, stream)) = drop {
                y = tape.dropout(y, self.settings.dropout, *seed, *stream)?;
            }
        }
        if let Some(layer) = self.layers.last() {
            y = layer.forward(tape, y)?;
        }
        y = self.settings.last.forward(tape, y)?;
        match &self.norm {
            Some(norm) => norm.forward(tape, y),
            None => Ok(y),
        }
    }
}
