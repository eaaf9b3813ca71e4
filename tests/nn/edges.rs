//! Edge networks of two layers, and the weights of recurrent cells, against PyTorch (`tests/goldens/make_edges.py`).

use crate::golden::hold;
use serde_json::Value;
use tapetum::nn::{Cell, Linear, Recurrent};
use tapetum::ops::message::PairActivation;
use tapetum::{HostTensor, Result, Tape, Var};

const PAIRS: [PairActivation; 4] = [PairActivation::Relu, PairActivation::LeakyRelu(0.2), PairActivation::Elu, PairActivation::Tanh];

fn value(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    let cell = match op {
        "pairwise_mlp" => return t.pairwise_mlp(x[0], [x[1], x[2]], [x[3], x[4]], [PAIRS[p[0] as usize], PAIRS[p[1] as usize]]),
        "rnn" => Cell::Rnn,
        "gru" => Cell::Gru,
        "lstm" => Cell::Lstm,
        other => panic!("no layer `{other}`"),
    };
    let [input, hidden] = [0, 1].map(|i| Linear { weight: x[1 + i], bias: Some(x[3 + i]) });
    Recurrent { cell, input, hidden }.apply(t, x[0], None).map(|(all, _)| all)
}

/// A value, or the gradient that `with_gradients` of the script takes of the operand it names last.
fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    let Some(op) = op.strip_suffix(" gradient") else { return value(t, op, p, x) };
    let (at, p) = p.split_last().expect("a gradient names its operand");
    let y = value(t, op, p, x)?;
    let shape = t.shape(y);
    let weights = HostTensor::f32(shape, (0..shape.elements()).map(|i| (i as f64).cos() as f32).collect())?;
    let weights = t.constant(weights)?;
    Ok(t.vjp(&[(y, weights)], &[x[*at as usize]])?[0])
}

/// As the other layers: cotangents and slopes of leaky ReLUs are held in f32, sums are of some tens of terms.
#[test]
fn edge_networks_and_recurrent_weights_are_pytorchs() {
    let goldens: Value = serde_json::from_str(include_str!("../goldens/edges.json")).unwrap();
    hold(&goldens["cases"], build, 3e-7, 1e-5);
}
