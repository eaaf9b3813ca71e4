//! Test cases of the layers and losses, in the form of those of the ops; see [`crate::ops::case`].

use super::{
    Activation, BatchNorm, Cell, CrossEntropy, EdgeMlp, Forcing, GraphIsomorphism, LayerNorm, Linear, Mlp, MlpSettings, Parameters,
};
use super::{Recurrent, RmsNorm, RollOut};
use crate::Result;
use crate::ops::case::{Case, Draw, f32s, i32s, normal, one};
use crate::optim::Schedule;
use crate::tape::{Tape, Var};

/// The test cases of all layers.
pub fn cases() -> Vec<Case> {
    [
        layers(),
        losses(),
        networks(),
        super::adaptive::cases(),
        super::attention::cases(),
        super::brain::cases(),
        super::convolution::cases(),
        super::embedding::cases(),
        super::film::cases(),
        super::graph_attention::cases(),
        super::pooling::cases(),
        super::principal::cases(),
        super::relational::cases(),
    ]
    .concat()
    .into_iter()
    .map(Case::composed)
    .collect()
}

fn layers() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, rows, inputs, outputs] in [[1, 2, 1, 1], [2, 7, 5, 3], [1, 65, 7, 9]] {
        let operands = vec![normal([batch, rows, inputs]), normal([outputs, inputs]), normal([outputs])];
        cases.push(one("linear", operands, |t, x| Linear { weight: x[1], bias: Some(x[2]) }.forward(t, x[0])));
        let rows = || vec![normal([batch, rows, inputs]), normal([inputs]), normal([inputs])];
        cases.push(one("batch_norm", rows(), |t, x| {
            let features = t.shape(x[1]);
            let running = [t.full(features, 0.2)?, t.full(features, 1.3)?];
            BatchNorm { gain: x[1], shift: x[2], running, training: false }.forward(t, x[0])
        }));
        cases.push(one("batch_norm in training", rows(), |t, x| {
            let ty = t.ty(x[1]);
            let running = [t.state("mean", ty, crate::Init::Zeros)?, t.state("variance", ty, crate::Init::Full(1.0))?];
            BatchNorm { gain: x[1], shift: x[2], running, training: true }.forward(t, x[0])
        }));
        cases.push(one("layer_norm", rows(), |t, x| LayerNorm { gain: x[1], shift: x[2] }.forward(t, x[0])));
        cases.push(one("rms_norm", rows(), |t, x| RmsNorm { gain: x[1] }.forward(t, x[0])));
    }
    cases.push(one("silu", vec![normal([3, 65])], |t, x| Activation::Silu.forward(t, x[0])));
    cases
}

fn losses() -> Vec<Case> {
    let mut cases = Vec::new();
    for [rows, n] in [[1, 7], [3, 65]] {
        let two = || vec![normal([rows, n]), normal([rows, n])];
        cases.push(one("mean_squared_error", two(), |t, x| t.mean_squared_error(x[0], x[1])));
        cases.push(one("huber", two(), |t, x| t.huber(x[0], x[1], 0.8)));
        cases.push(one("binary_cross_entropy", two(), |t, x| t.binary_cross_entropy(x[0], x[1])));
        let spread = two().into_iter().chain([f32s([rows, n], Draw::Uniform(0.2, 2.0))]).collect();
        cases.push(one("gaussian_nll", spread, |t, x| t.gaussian_nll(x[0], x[1], x[2])));
    }
    for (rows, classes) in [(1, 2), (7, 5), (65, 3)] {
        let labels = || vec![normal([rows, classes]), i32s([rows], Draw::Class(classes as u32)), f32s([classes], Draw::Uniform(0.5, 2.0))];
        cases.push(one("cross_entropy", labels(), |t, x| t.cross_entropy(x[0], x[1])));
        cases.push(one("cross_entropy weighted and smooth", labels(), |t, x| {
            let options = CrossEntropy { weights: Some(x[2]), smoothing: 0.1, ignore: Some(1) };
            t.cross_entropy_with(x[0], x[1], &options)
        }));
    }
    cases
}

/// Networks whose parameters are states, with their drawn initial values.
fn networks() -> Vec<Case> {
    let mut cases = Vec::new();
    for cell in [Cell::Rnn, Cell::Gru, Cell::Lstm] {
        cases.push(one(&format!("recurrent {cell:?}"), vec![normal([2, 3, 5])], move |t, x| {
            let layer = Recurrent::new(t, &mut Parameters::new(1), "cell", cell, [5, 4])?;
            layer.forward(t, x[0], None).map(|(all, _)| all)
        }));
    }
    let operands = || vec![normal([2, 5, 3]), f32s([2, 5, 5], Draw::Weights)];
    let edges = |t: &mut Tape, last| {
        let network = EdgeMlp::new(t, &mut Parameters::new(2), "edges", [3, 7, 4], None, Activation::Tanh)?;
        Ok::<_, crate::Error>(EdgeMlp { activations: [Activation::Tanh, last], ..network })
    };
    for last in [Activation::Tanh, Activation::Gelu] {
        cases.push(one(&format!("edge_mlp messages {last:?}"), operands(), move |t, x| edges(t, last)?.messages(t, x[0], x[1])));
    }
    for together in [1, 2, 5] {
        cases.push(one(&format!("edge_mlp messages by {together}"), operands(), move |t, x| {
            let network = edges(t, Activation::Silu)?;
            let ends = network.ends(t, x[0])?;
            network.by_lots(t, ends, x[1], together)
        }));
    }
    let operands = vec![f32s([2, 5, 5], Draw::Weights), normal([2, 5, 3])];
    cases.push(one("graph_isomorphism", operands, |t, x| {
        let mut parameters = Parameters::new(3);
        let mlp = Mlp::new(t, &mut parameters, "stack", MlpSettings::new(&[3, 6, 2], Activation::Tanh))?;
        GraphIsomorphism::new(t, &mut parameters, "layer", mlp)?.forward(t, x[0], x[1])
    }));
    cases.push(one("gumbel_softmax", vec![normal([3, 5, 2])], |t, x| t.gumbel_softmax(x[0], -1, 0.5, false, (7, 1))));
    cases.push(one("binary_concrete", vec![normal([3, 5])], |t, x| t.binary_concrete(x[0], 0.5, false, (7, 2))));
    for recompute in [false, true] {
        let operands = vec![normal([2, 5, 3]), normal([2, 5, 3]), f32s([2, 5, 5], Draw::Weights)];
        cases.push(one(&format!("roll_out recompute {recompute}"), operands, move |t, x| unrolled(t, x, recompute)));
    }
    cases
}

/// Three steps of message passing and a gated update, some of which start from the true state.
fn unrolled(t: &mut Tape, x: &[Var], recompute: bool) -> Result<Var> {
    let mut parameters = Parameters::new(4);
    let edges = EdgeMlp::new(t, &mut parameters, "edges", [3, 4, 4], None, Activation::Tanh)?;
    let cell = Recurrent::new(t, &mut parameters, "cell", Cell::Gru, [4, 3])?;
    let forcing = Forcing::Scheduled { probability: Schedule::Constant(0.5), draws: (9, 0) };
    let made = RollOut { steps: 3, forcing, recompute }.forward(t, x[0], &[x[1], x[1]], |t, state, _| {
        let messages = edges.messages(t, state, x[2])?;
        let flat = t.reshape(messages, [10, 4])?;
        let driven = cell.input.forward(t, flat)?;
        let hidden = t.reshape(state, [10, 3])?;
        let carry = cell.step(t, driven, super::Carry { hidden, cell: None })?;
        t.reshape(carry.hidden, [2, 5, 3])
    })?;
    t.concatenate(&made, -1)
}
