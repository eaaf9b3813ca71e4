//! Linear layers, and stacks of them.

use super::parameters::within_fan_in;
use super::{Activation, BatchNorm, Parameters};
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};

/// A linear layer y = x Wᵀ + b over the last axis.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// The weight W, `[outputs, inputs]`.
    pub weight: Var,
    /// The bias b, `[outputs]`.
    pub bias: Option<Var>,
}

impl Linear {
    /// A layer with extents `[inputs, outputs]`, initialised as in PyTorch. Its parameters are `<name>.weight` and `<name>.bias`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2]) -> Result<Self> {
        let weight = parameters.add(tape, &format!("{name}.weight"), [outputs, inputs], within_fan_in(inputs))?;
        let bias = parameters.add(tape, &format!("{name}.bias"), [outputs], within_fan_in(inputs))?;
        Ok(Self { weight, bias: Some(bias) })
    }

    /// The same layer without a bias.
    ///
    /// # Errors
    /// The same as those of [`Linear::new`].
    pub fn unbiased(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2]) -> Result<Self> {
        let weight = parameters.add(tape, &format!("{name}.weight"), [outputs, inputs], within_fan_in(inputs))?;
        Ok(Self { weight, bias: None })
    }

    /// A layer whose weight is initialised by the method of Glorot and Bengio (2010), and whose bias has one value throughout.
    ///
    /// # Errors
    /// The same as those of [`Linear::new`].
    pub fn glorot(tape: &mut Tape, parameters: &mut Parameters, name: &str, [inputs, outputs]: [usize; 2], bias: f32) -> Result<Self> {
        let draw = |seed, stream| Init::glorot(inputs, outputs, seed, stream);
        let weight = parameters.add(tape, &format!("{name}.weight"), [outputs, inputs], draw)?;
        let bias = parameters.add(tape, &format!("{name}.bias"), [outputs], |_, _| Init::Full(bias))?;
        Ok(Self { weight, bias: Some(bias) })
    }

    /// The output y `[.., outputs]` for x `[.., inputs]`.
    ///
    /// # Errors
    /// Returns an error where the last axis of x differs from the layer's inputs.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.check(x)?;
        let (shape, weight) = (tape.shape(x), tape.shape(self.weight));
        if shape.rank() == 0 || shape[shape.rank() - 1] != weight[1] {
            return Err(Error::op("linear", format!("x of [.., {}] expected, found {shape}", weight[1])));
        }
        // All rows go into one product, so that its gradient for W is one product too, and not one for each leading index.
        let last = shape.rank() - 1;
        let rows = tape.reshape(x, [shape[..last].iter().product(), weight[1]])?;
        let mut y = tape.matmul_with(rows, self.weight, false, true)?;
        if let Some(bias) = self.bias {
            y = tape.add(y, bias)?;
        }
        tape.reshape(y, shape.with(last, weight[0]))
    }
}

/// The settings of a stack of linear layers.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpSettings {
    /// The widths of the input, of each hidden layer, and of the output.
    pub widths: Vec<usize>,
    /// The activation after every layer except the last.
    pub activation: Activation,
    /// The activation after the last layer.
    pub last: Activation,
    /// The probability that dropout after an activation sets an element to 0 in training.
    pub dropout: f32,
    /// True to apply batch norm to the output.
    pub norm: bool,
}

impl MlpSettings {
    /// Settings with these widths and `activation` between the layers, without dropout and batch norm.
    pub fn new(widths: &[usize], activation: Activation) -> Self {
        Self { widths: widths.to_vec(), activation, last: Activation::Identity, dropout: 0.0, norm: false }
    }
}

/// A stack of linear layers.
///
/// ```
/// use tapetum::nn::{Activation, Mlp, MlpSettings, Parameters};
/// use tapetum::{Device, HostTensor, Tape, TensorType};
///
/// let (mut tape, mut parameters) = (Tape::new(), Parameters::new(0));
/// let x = tape.input("x", TensorType::f32([4, 10]))?; // [rows, features]
/// let network = Mlp::new(&mut tape, &mut parameters, "mlp", MlpSettings::new(&[10, 32, 3], Activation::Relu))?;
/// let logits = network.forward(&mut tape, x)?;
/// let found = Device::cpu().compile(&tape, &[logits])?.run(&[(x, &HostTensor::zeros(TensorType::f32([4, 10])))])?;
/// assert_eq!(found[0].ty(), TensorType::f32([4, 3]));
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mlp {
    /// The layers in order.
    pub layers: Vec<Linear>,
    norm: Option<BatchNorm>,
    settings: MlpSettings,
    /// The seed and stream of the dropout after each layer; `None` without dropout.
    drops: Vec<Option<(u64, u32)>>,
}

impl Mlp {
    /// A stack whose layers are named `<name>.0`, `<name>.1`, …, and its norm `<name>.norm`.
    ///
    /// # Errors
    /// Returns an error where there are fewer than two widths, the probability is outside [0, 1), or a name is taken by a state of another
    /// type.
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

    /// The output `[.., outputs]` for x `[.., inputs]`.
    ///
    /// # Errors
    /// Returns an error where the last axis of x differs from the inputs of the stack.
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
