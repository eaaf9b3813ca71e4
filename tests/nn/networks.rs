//! Layers over series, sets and graphs, against PyTorch and PyTorch Geometric (`tests/goldens/make_networks.py`).

use crate::common::golden::{given, hold, relative};
use serde_json::Value;
use tapetum::nn::{
    Activation, AdaptiveGraph, AdaptiveMessage, AttentionPooling, BrainAttention, BrainAttentionMessage, BrainConvolution, BrainMessage,
    Convolution, EdgeMlp, Embedding, Film, Linear, Mlp, MlpSettings, MultiHeadAttention, NetFormer, NodeFeatures, Parameters,
    PrincipalAggregation, RelationalCnnEncoder, RelationalEncoder, RelationalRecurrentDecoder, Spacing, StaticGraphAttention, TopKPooling,
};
use tapetum::ops::message::PairActivation;
use tapetum::{Device, HostTensor, Result, State, Tape, Var};

fn linear(x: &[Var]) -> Linear {
    Linear { weight: x[0], bias: x.get(1).copied() }
}

fn unbiased(weight: Var) -> Linear {
    Linear { weight, bias: None }
}

/// The rows of `x` that belong to head `h` of `heads`.
fn head(t: &mut Tape, x: Var, h: usize, heads: usize) -> Result<Var> {
    let rows = t.shape(x)[0] / heads;
    t.slice(x, 0, h * rows, (h + 1) * rows, 1)
}

/// Two heads, of W one below the other and the scores of receivers and senders a row each.
fn static_heads(t: &mut Tape, [weight, receiver, sender]: [Var; 3]) -> Result<StaticGraphAttention> {
    let one = |h| Ok((unbiased(head(t, weight, h, 2)?), head(t, receiver, h, 2)?, head(t, sender, h, 2)?));
    Ok(StaticGraphAttention { heads: (0..2).map(one).collect::<Result<_>>()? })
}

/// A layer of W [x_i; x_j] + b as its halves.
fn halves(t: &mut Tape, weight: Var, bias: Var) -> Result<[Linear; 2]> {
    let width = t.shape(weight)[1] / 2;
    let (receiver, sender) = (t.slice(weight, 1, 0, width, 1)?, t.slice(weight, 1, width, 2 * width, 1)?);
    Ok([Linear { weight: receiver, bias: Some(bias) }, unbiased(sender)])
}

fn multi_head(t: &mut Tape, p: &[f32], x: &[Var]) -> Result<(Var, Var)> {
    let layer = MultiHeadAttention { input: linear(&x[2..4]), output: linear(&x[4..6]), heads: p[0] as usize };
    layer.forward(t, [x[0], x[1], x[1]], x.get(6).copied())
}

fn principal(t: &mut Tape, p: &[f32], x: &[Var]) -> Result<Var> {
    let [receiver, sender] = halves(t, x[2], x[3])?;
    PrincipalAggregation { receiver, sender, out: linear(&x[4..6]), delta: p[0], together: p[1] as usize }.forward(t, x[1], x[0])
}

fn pool(t: &mut Tape, x: &[Var]) -> Result<Var> {
    let gated = x.get(3).map(|_| [linear(&x[3..5]), linear(&x[5..7])]);
    AttentionPooling { gated, score: linear(&x[1..3]) }.forward(t, x[0]).map(|(y, _)| y)
}

fn brain_convolution(t: &mut Tape, kind: usize, x: &[Var]) -> Result<Var> {
    let message = [
        BrainMessage::WeightedSum,
        BrainMessage::Bins { bins: 9, features: 2 },
        BrainMessage::EdgeWeight { times: 2 },
        BrainMessage::EdgeAndNodes,
        BrainMessage::Nodes,
    ][kind];
    let edge = (kind > 0).then(|| linear(&x[4..6]));
    let bins = (kind == 1).then(|| Embedding { table: x[6] });
    BrainConvolution { message, linear: unbiased(x[2]), edge, bins, bias: x[3] }.forward(t, x[1], x[0])
}

fn brain_attention(t: &mut Tape, kind: usize, x: &[Var]) -> Result<Var> {
    let message = [
        BrainAttentionMessage::Attention,
        BrainAttentionMessage::AttentionTimesEdge,
        BrainAttentionMessage::AttentionPlusEdge,
        BrainAttentionMessage::EdgeAndNodes,
        BrainAttentionMessage::Nodes,
    ][kind];
    let attention = static_heads(t, [x[2], x[4], x[5]])?;
    let edge = (kind > 2).then(|| linear(&x[6..8]));
    BrainAttention { message, attention, edge, bias: x[3] }.forward(t, x[1], x[0])
}

fn recurrent_decoder(t: &mut Tape, x: &[Var]) -> Result<(Var, Var)> {
    let edge = |p: &[Var]| EdgeMlp {
        receiver: linear(&p[..2]),
        sender: unbiased(p[2]),
        pair: None,
        second: linear(&p[3..5]),
        activations: [Activation::Tanh; 2],
    };
    let mut out = Mlp::new(t, &mut Parameters::evaluation(), "out", MlpSettings::new(&[4, 4, 4, 3], Activation::Relu))?;
    out.layers = x[16..].chunks(2).map(linear).collect();
    let types = x[3..13].chunks(5).map(edge).collect();
    RelationalRecurrentDecoder { types, input: linear(&x[13..15]), hidden: unbiased(x[15]), out }.step(t, x[0], x[1], x[2])
}

fn value(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    let first = p.first().map_or(0, |&p| p as usize);
    match op {
        "convolution_1d" => {
            let [stride, padding, dilation] = [0, 1, 2].map(|i| p[i] as usize);
            Convolution { kernels: x[1], bias: Some(x[2]), spacing: Spacing { stride, padding, dilation } }.forward(t, x[0])
        }
        "max_pool_1d" => t.max_pool_1d(x[0], first),
        "mean_pool_1d" => t.mean_pool_1d(x[0], first),
        "embedding" => {
            let index = t.constant(HostTensor::i32([p.len()], p.iter().map(|&i| i as i32).collect())?)?;
            Embedding { table: x[0] }.forward(t, index)
        }
        "film" => Film { scale: linear(&x[2..4]), shift: linear(&x[4..6]) }.forward(t, x[0], x[1]),
        "multi_head_attention" => multi_head(t, p, x).map(|(y, _)| y),
        "multi_head_attention weights" => multi_head(t, p, x).map(|(_, weights)| weights),
        "netformer" => NetFormer { embedding: x[1], query: unbiased(x[2]), key: unbiased(x[3]) }.forward(t, x[0]).map(|(y, _)| y),
        "netformer weights" => NetFormer { embedding: x[1], query: unbiased(x[2]), key: unbiased(x[3]) }.forward(t, x[0]).map(|(_, a)| a),
        "static_graph_attention" => static_heads(t, [x[2], x[3], x[4]])?.forward(t, x[1], x[0]),
        "principal_aggregation" => principal(t, p, x),
        "adaptive_graph" => {
            let (receiver, sender, activation) = (linear(&x[2..4]), unbiased(x[4]), PairActivation::Relu);
            let message = [AdaptiveMessage::Additive, AdaptiveMessage::Multiplicative][first];
            AdaptiveGraph { adjacency: x[1], receiver, sender, weights: x[5], offset: x[6], activation }.forward(t, x[0], message)
        }
        "attention_pooling" => pool(t, x),
        "top_k_pooling" => TopKPooling { projection: x[2], ratio: p[0] }.forward(t, x[1], x[0]).map(|kept| kept.x),
        "top_k_pooling graph" => TopKPooling { projection: x[2], ratio: p[0] }.forward(t, x[1], x[0]).map(|kept| kept.graph),
        "top_k_pooling index" => TopKPooling { projection: x[2], ratio: p[0] }.forward(t, x[1], x[0]).map(|kept| kept.index),
        "brain_convolution" => brain_convolution(t, first, x),
        "brain_attention" => brain_attention(t, first, x),
        "node_features profile" => NodeFeatures::DegreeProfile.forward(t, x[0]),
        "node_features eigenvectors" => NodeFeatures::Eigenvectors(first).forward(t, x[0]),
        "relational_recurrent_decoder" => recurrent_decoder(t, x).map(|(y, _)| y),
        "relational_recurrent_decoder hidden" => recurrent_decoder(t, x).map(|(_, hidden)| hidden),
        other => panic!("no layer `{other}`"),
    }
}

fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    super::value_or_gradient(t, op, p, x, value)
}

fn goldens() -> Value {
    serde_json::from_str(include_str!("../goldens/networks.json")).unwrap()
}

/// As `layers_and_losses_are_pytorchs`.
#[test]
fn layers_are_pytorchs_and_its_graphs() {
    hold(&goldens()["cases"], build, 3e-7, 1e-5);
}

type Encode = fn(&mut Tape, &mut Parameters, Var) -> Result<Var>;

/// Encoders as they are evaluated, their parameters put into the state by their names.
#[test]
fn encoders_are_the_papers() {
    let encoders: [(&str, Encode); 2] = [
        ("cnn_encoder", |t, p, x| RelationalCnnEncoder::new(t, p, "encoder", [2, 4, 3])?.forward(t, x)),
        ("encoder", |t, p, x| RelationalEncoder::new(t, p, "encoder", [2 * 17, 4, 3])?.forward(t, x)),
    ];
    for (key, encode) in encoders {
        let golden = &goldens()[key];
        for (device, tolerance) in [(Device::oracle(), 3e-7), (Device::cpu(), 1e-5), (crate::common::gpu(), 1e-5)] {
            let (state, x, mut t) = (State::new(&device), given(&golden["x"]), Tape::new());
            let series = t.input("x", x.ty()).unwrap();
            let logits = encode(&mut t, &mut Parameters::evaluation(), series).unwrap();
            // A node's logits for an edge to itself have no meaning.
            let others: Vec<f32> = (0..5 * 5).map(|at| if at / 5 == at % 5 { 0.0 } else { 1.0 }).collect();
            let others = t.constant(HostTensor::f32([5, 5, 1], others).unwrap()).unwrap();
            let logits = t.mul(logits, others).unwrap();
            for (name, value) in golden["parameters"].as_object().unwrap() {
                assert!(t.lookup(name).is_some(), "{key}: no parameter `{name}`");
                state.write(name, &given(value)).unwrap();
            }
            let found = device.compile_with(&t, &[logits], &state).unwrap().run(&[(series, &x)]).unwrap().remove(0);
            let error = relative(&found, &golden["expected"], key);
            assert!(error <= tolerance, "{}: {key}: {error:.1e}", device.name());
        }
    }
}

/// Degrees 0, 1, 2: (0 + ln 2 + ln 3) / 3.
#[test]
fn delta_is_the_mean_logarithm_of_degrees() {
    let graph = HostTensor::f32([3, 3], vec![0.0, 0.0, 0.0, -0.5, 0.0, 0.0, 1.0, 2.0, 0.0]).unwrap();
    let delta = PrincipalAggregation::delta_of(&graph).unwrap();
    assert!((delta - 6f32.ln() / 3.0).abs() < 1e-7, "{delta}");
    assert!(PrincipalAggregation::delta_of(&HostTensor::scalar(1.0)).unwrap_err().to_string().contains("[.., n, n]"));
}
