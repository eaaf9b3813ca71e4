//! Training steps of two networks on noise: a recurrent network, and a network whose nodes send messages to all others.

use crate::device::{Device, Program};
use crate::nn::{Activation, Cell, EdgeMlp, Linear, Parameters, Recurrent};
use crate::optim::Adam;
use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, Philox, TensorType};
use crate::{Result, Shape};

/// A GRU of 128 hidden units over 64 sequences of 49 steps, which predicts the last state of each.
pub(super) fn gru(device: &Device, seed: u64) -> Result<Program> {
    let mut network = Network::new(seed);
    let (t, p) = (&mut network.tape, &mut network.parameters);
    let x = t.input("x", TensorType::f32([64, 49, 16]))?;
    let (_, last) = Recurrent::new(t, p, "gru", Cell::Gru, [16, 128])?.forward(t, x, None)?;
    network.train(device, last.hidden, seed)
}

/// Two layers of messages between all nodes of each graph, `[batch, nodes, features]`, on windows of 16 frames.
pub(super) fn edges(device: &Device, [batch, nodes, features]: [usize; 3], seed: u64) -> Result<Program> {
    let mut network = Network::new(seed);
    let (t, p) = (&mut network.tape, &mut network.parameters);
    let x = t.input("x", TensorType::f32([batch, nodes, 16]))?;
    let z = t.full([batch, nodes, nodes], 1.0 / nodes as f32)?;
    let embed = Linear::new(t, p, "embed", [16, features])?.forward(t, x)?;
    let mut h = t.relu(embed)?;
    for layer in ["first", "second"] {
        let messages = EdgeMlp::new(t, p, layer, [features; 3], None, Activation::Relu)?.messages(t, h, z)?;
        h = t.add(h, messages)?;
    }
    let made = Linear::new(t, p, "out", [features, 1])?.forward(t, h)?;
    network.train(device, made, seed)
}

struct Network {
    tape: Tape,
    parameters: Parameters,
}

impl Network {
    fn new(seed: u64) -> Self {
        Self { tape: Tape::new(), parameters: Parameters::new(seed) }
    }

    /// Compiles a step of Adam that fits `made` to random targets.
    fn train(mut self, device: &Device, made: Var, seed: u64) -> Result<Program> {
        let t = &mut self.tape;
        let target = t.input("target", t.ty(made))?;
        let loss = t.mean_squared_error(made, target)?;
        self.parameters.descend(t, loss, Adam::new(1e-3), None)?;
        let mut program = device.compile(&self.tape, &[loss])?;
        for (stream, name) in [(1, "x"), (2, "target")] {
            if let Some(input) = self.tape.lookup(name) {
                program.write(input, &noise(self.tape.shape(input), seed, stream)?)?;
            }
        }
        Ok(program)
    }
}

fn noise(shape: Shape, seed: u64, stream: u32) -> Result<HostTensor> {
    let draws = Philox::new(seed, stream, 0);
    HostTensor::f32(shape, (0..shape.elements()).map(|i| draws.normal(i) as f32).collect())
}
