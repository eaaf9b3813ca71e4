//! Edge networks of two layers, and the weights of recurrent cells, against PyTorch (`tests/goldens/make_edges.py`).

use crate::common::golden::hold;
use serde_json::Value;
use tapetum::check::error;
use tapetum::nn::{Cell, Linear, Recurrent};
use tapetum::ops::case::Draw;
use tapetum::ops::message::PairActivation;
use tapetum::{Device, HostTensor, Result, Shape, Tape, TensorType, Var};

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
    Recurrent { cell, input, hidden }.forward(t, x[0], None).map(|(all, _)| all)
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

/// The tolerances are those of the other layers: cotangents and slopes of leaky ReLUs are stored in f32, and sums have some tens of terms.
#[test]
fn edge_networks_and_recurrent_weights_are_pytorchs() {
    let goldens: Value = serde_json::from_str(include_str!("../goldens/edges.json")).unwrap();
    hold(&goldens["cases"], build, 3e-7, 1e-5);
}

/// Messages of elu and tanh composed of ops, tensors of pairs × features and all.
fn composed(t: &mut Tape, [z, u, v, w, b]: [Var; 5]) -> Result<Var> {
    let ([batch, n, f], m) = ([0, 1, 2].map(|i| t.shape(u)[i]), t.shape(v)[1]);
    let (u, v) = (t.reshape(u, [batch, n, 1, f])?, t.reshape(v, [batch, 1, m, f])?);
    let hidden = t.add(u, v)?;
    let hidden = t.elu(hidden, 1.0)?;
    let made = t.matmul_with(hidden, w, false, true)?;
    let made = t.add(made, b)?;
    let made = t.tanh(made)?;
    let z = t.reshape(z, [batch, n, m, 1])?;
    let weighted = t.mul(made, z)?;
    t.sum(weighted, &[2], false)
}

/// The comparison is in f64, so that results differ by rounding only. There are more pairs than a tile holds, and the tiles do not divide
/// them evenly.
#[test]
fn the_fused_network_is_the_composed_one() {
    for [batch, n, m, f, h] in [[1, 1, 1, 1, 1], [2, 5, 7, 3, 2], [1, 3, 700, 4, 8], [1, 37, 150, 4, 8], [3, 4, 65, 12, 5]] {
        let shapes: [Shape; 5] = [[batch, n, m].into(), [batch, n, f].into(), [batch, m, f].into(), [h, f].into(), [h].into()];
        let mut t = Tape::new();
        let x = [0, 1, 2, 3, 4].map(|i| t.input(&format!("x{i}"), TensorType::f32(shapes[i])).unwrap());
        let weights = t.input("weights", TensorType::f32([batch, n, h])).unwrap();
        let fused = t.pairwise_mlp(x[0], [x[1], x[2]], [x[3], x[4]], [PairActivation::Elu, PairActivation::Tanh]).unwrap();
        let composed = composed(&mut t, x).unwrap();
        let mut outputs = vec![fused, composed];
        for s in [fused, composed] {
            outputs.extend(t.vjp(&[(s, weights)], &x).unwrap());
        }
        let given: Vec<_> = x.iter().chain([&weights]).copied().collect();
        let drawn: Vec<_> = given.iter().enumerate().map(|(i, &v)| (v, Draw::Normal.value(t.ty(v), i as u32).unwrap())).collect();
        let drawn: Vec<_> = drawn.iter().map(|(v, x)| (*v, x)).collect();
        let made = Device::oracle().compile(&t, &outputs).unwrap().run(&drawn).unwrap();
        for (a, b) in [(0, 1), (2, 7), (3, 8), (4, 9), (5, 10), (6, 11)] {
            let apart = error(&made[a], &made[b]);
            assert!(apart < 1e-13, "{:?}, value {a}: {apart:e}", [batch, n, m, f, h]);
        }
    }
}
