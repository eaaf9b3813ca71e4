//! Messages between all pairs of nodes: their memory, and the inputs that they refuse.

use tapetum::kernel::Target;
use tapetum::nn::{
    Activation, AdaptiveGraph, AdaptiveMessage, BrainAttention, BrainAttentionMessage, BrainConvolution, BrainMessage, EdgeMlp, Forcing,
    Parameters, PrincipalAggregation, RollOut, StaticGraphAttention,
};
use tapetum::ops::message::PairActivation;
use tapetum::ops::sparse::SparsePattern;
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

/// A network's edge step at the size of the peers' scripts, forward and reverse: logits of two edge types, their softmax, messages.
fn edge_step([batch, nodes, features]: [usize; 3]) -> Result<(Tape, Vec<Var>)> {
    let mut t = Tape::new();
    let node = TensorType::f32([batch, nodes, features]);
    let [u, v, p, q] = ["u", "v", "p", "q"].map(|name| t.input(name, node));
    let (u, v, p, q) = (u?, v?, p?, q?);
    let a = t.input("a", TensorType::f32([2, features]))?;
    let logits = t.pairwise_dot(u, v, a, PairActivation::Elu)?;
    let edges = t.softmax(logits, 1)?;
    let one = t.slice(edges, 1, 1, 2, 1)?;
    let one = t.reshape(one, [batch, nodes, nodes])?;
    let messages = t.pairwise_sum(one, p, q, PairActivation::Relu)?;
    let square = t.square(messages)?;
    let loss = t.mean(square, &[], false)?;
    let mut outputs = t.gradient(loss, &[u, v, p, q, a])?;
    outputs.push(loss);
    Ok((t, outputs))
}

#[test]
fn no_tensor_of_pairs_by_features_exists_forward_or_in_reverse() {
    for extents in [[32, 100, 64], [32, 100, 256], [1, 1000, 64]] {
        let [batch, nodes, features] = extents;
        let (tape, outputs) = edge_step(extents).unwrap();
        let plan = Plan::new(&tape, &outputs, &Target::portable()).unwrap();
        let largest = plan.slots.iter().max().copied().unwrap();
        // Two edge types a pair, or the features of the nodes: whichever is more.
        let bound = 4 * (2 * batch * nodes * nodes).max(batch * nodes * features) as u64;
        assert!(largest <= bound, "{extents:?}: a slot of {largest} bytes, {bound} at most");
        assert!(bound * 8 < 4 * (batch * nodes * nodes * features) as u64);
    }
}

#[test]
fn refusals_name_what_does_not_fit() {
    let mut t = Tape::new();
    let mut input = |name: &str, shape: &[usize]| t.input(name, TensorType::f32(tapetum::Shape::try_new(shape).unwrap())).unwrap();
    let (u, v, z, a) = (input("u", &[2, 3, 4]), input("v", &[2, 5, 4]), input("z", &[2, 3, 4]), input("a", &[2, 3]));
    let flat = input("flat", &[3, 4]);
    let message = |r: Result<Var>| r.unwrap_err().to_string();
    assert!(message(t.pairwise_sum(z, u, v, PairActivation::Relu)).contains("[2, 3, 5]"));
    assert!(message(t.pairwise_dot(u, v, a, PairActivation::Relu)).contains("[k, 4]"));
    assert!(message(t.pairwise_sum(z, u, flat, PairActivation::Relu)).contains("the senders"));
    let s = t.pairwise_sum(u, u, v, PairActivation::Relu);
    assert!(message(s).contains("the weights of pairs"));
}

/// An edge network of two layers over all pairs: its loss and gradients.
fn two_layers(t: &mut Tape, [batch, nodes, features]: [usize; 3], activation: Activation) -> Result<Vec<Var>> {
    let x = t.input("x", TensorType::f32([batch, nodes, features]))?;
    let z = t.input("z", TensorType::f32([batch, nodes, nodes]))?;
    let mut parameters = Parameters::new(0);
    let edges = EdgeMlp::new(t, &mut parameters, "edges", [features; 3], None, activation)?;
    let messages = edges.messages(t, x, z)?;
    let square = t.square(messages)?;
    let loss = t.mean(square, &[], false)?;
    let mut outputs = t.gradient(loss, &[&[x, z], parameters.all()].concat())?;
    outputs.push(loss);
    Ok(outputs)
}

/// The fused network holds panels of 10 MiB, on software adapters of 512 KiB, and with them less than a part of one tensor of pairs by
/// features; the composed one a dozen tensors of a lot of receivers, however many nodes there are.
#[test]
fn an_edge_network_holds_a_few_pairs_at_a_time() {
    let software = Target { software: true, ..Target::portable() };
    let hardware = Target::portable();
    for (extents, activation, target, largest, part) in [
        ([32, 100, 64], Activation::Relu, &hardware, 10 << 20, 3),
        ([32, 100, 256], Activation::Elu, &hardware, 10 << 20, 5),
        ([1, 1000, 64], Activation::Relu, &hardware, 10 << 20, 10),
        ([1, 1000, 64], Activation::Relu, &software, 4 << 20, 16),
        ([4, 500, 64], Activation::Silu, &hardware, 10 << 20, 2),
    ] {
        let mut t = Tape::new();
        let outputs = two_layers(&mut t, extents, activation).unwrap();
        let plan = Plan::new(&t, &outputs, target).unwrap();
        let all = 4 * extents[1] * extents.iter().product::<usize>();
        let (found, sum) = (plan.slots.iter().max().copied().unwrap(), plan.slots.iter().sum::<u64>());
        assert!(found <= largest, "{extents:?}: a slot of {found} bytes, {largest} at most");
        assert!(sum * part < all as u64, "{extents:?}: {sum} bytes in all, one tensor of pairs by features is {all}");
    }
}

/// A layer over a graph `[batch, n, n]` and x `[batch, n, features]`.
type OverGraphs = fn(&mut Tape, &mut Parameters, Var, Var) -> Result<Var>;

const OVER_GRAPHS: [OverGraphs; 6] = [
    |t, p, graph, x| StaticGraphAttention::new(t, p, "layer", [FEATURES; 2], 2)?.forward(t, graph, x),
    |t, p, _, x| {
        AdaptiveGraph::new(t, p, "layer", [NODES, FEATURES, FEATURES], Init::Zeros)?.forward(t, x, AdaptiveMessage::Multiplicative)
    },
    |t, p, graph, x| {
        BrainConvolution::new(t, p, "layer", [FEATURES; 2], BrainMessage::Bins { bins: 40, features: 8 })?.forward(t, graph, x)
    },
    |t, p, graph, x| BrainConvolution::new(t, p, "layer", [FEATURES; 2], BrainMessage::EdgeAndNodes)?.forward(t, graph, x),
    |t, p, graph, x| BrainAttention::new(t, p, "layer", [FEATURES; 2], 2, BrainAttentionMessage::EdgeAndNodes)?.forward(t, graph, x),
    |t, p, graph, x| {
        let mut layer = PrincipalAggregation::new(t, p, "layer", [FEATURES; 2], 1.0)?;
        layer.together = 1;
        layer.forward(t, graph, x)
    },
];
const NODES: usize = 64;
const FEATURES: usize = 48;

#[test]
fn no_layer_over_graphs_makes_a_tensor_of_pairs_by_features() {
    const BATCH: usize = 2;
    for (i, layer) in OVER_GRAPHS.into_iter().enumerate() {
        let (mut t, mut p) = (Tape::new(), Parameters::new(0));
        let graph = t.input("graph", TensorType::f32([BATCH, NODES, NODES])).unwrap();
        let x = t.input("x", TensorType::f32([BATCH, NODES, FEATURES])).unwrap();
        let y = layer(&mut t, &mut p, graph, x).unwrap();
        let square = t.square(y).unwrap();
        let loss = t.mean(square, &[], false).unwrap();
        let gradients = t.gradient(loss, &[&[graph, x], p.all()].concat()).unwrap();
        let plan = Plan::new(&t, &gradients, &Target::portable()).unwrap();
        let largest = plan.slots.iter().max().copied().unwrap();
        // A node's widest row: thirteen aggregates side by side.
        let bound = 4 * BATCH * NODES * 13 * FEATURES;
        assert!(largest <= bound as u64, "layer {i}: a slot of {largest} bytes, {bound} at most");
        assert!(bound < 4 * BATCH * NODES * NODES * FEATURES / 4);
    }
}

#[test]
fn truth_is_taken_when_it_is_due() {
    let mut t = Tape::new();
    let truth: Vec<Var> = (1..6).map(|i| t.full([1, 1], 10.0 * i as f32).unwrap()).collect();
    let first = t.full([1, 1], 0.0).unwrap();
    let plus_one = |t: &mut Tape, x: Var, _| t.offset(x, 1.0);
    let roll = RollOut { steps: 6, forcing: Forcing::Every(3), recompute: false };
    let made = roll.forward(&mut t, first, &truth, plus_one).unwrap();
    let values = Device::oracle().compile(&t, &made).unwrap().run(&[]).unwrap();
    let values: Vec<f64> = values.iter().map(|v| v.to_f64_vec()[0]).collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 31.0, 32.0, 33.0]);
    assert!(roll.forward(&mut t, first, &truth[..2], plus_one).unwrap_err().to_string().contains("5 true states"));
}

/// Codes are one-hot, their frequencies softmax(logits), and the gradient is that of the relaxed draw.
#[test]
fn hard_draws_are_codes_with_the_gradient_of_soft_ones() {
    const N: usize = 20_000;
    let logits: Vec<f32> = (0..2 * N).map(|i| if i % 2 == 0 { 1.0 } else { 0.0 }).collect();
    let logits = HostTensor::f32([N, 2], logits).unwrap();
    let run = |hard: bool| {
        let mut t = Tape::new();
        let x = t.input("x", logits.ty()).unwrap();
        let y = t.gumbel_softmax(x, -1, 0.5, hard, (3, 1)).unwrap();
        let square = t.square(y).unwrap();
        let detached = t.detach(square).unwrap();
        let weighted = t.mul(y, detached).unwrap();
        let sum = t.sum(weighted, &[], false).unwrap();
        let g = t.gradient(sum, &[x]).unwrap()[0];
        Device::cpu().compile(&t, &[y, g]).unwrap().run(&[(x, &logits)]).unwrap()
    };
    let hard = run(true);
    let codes = hard[0].to_f64_vec();
    assert!(codes.chunks(2).all(|c| (c[0] - 1.0).abs().min(c[0].abs()) < 1e-6 && (c[0] + c[1] - 1.0).abs() < 1e-6));
    let share = codes.iter().step_by(2).sum::<f64>() / N as f64;
    let wanted = 1.0 / (1.0 + (-1f64).exp());
    assert!((share - wanted).abs() < 5.0 * (wanted * (1.0 - wanted) / N as f64).sqrt(), "{share}, not {wanted}");
    assert!(hard[1].to_f64_vec().iter().any(|g| g.abs() > 1e-3), "a code alone has no gradient");
    assert!(run(false)[0].to_f64_vec().iter().any(|y| *y > 0.1 && *y < 0.9));
}

/// A node without edges has a message of 0 and finite gradients; weights that are not finite are not made.
#[test]
fn an_isolated_node_receives_nothing() {
    for device in [Device::cpu(), crate::common::gpu()] {
        let mut t = Tape::new();
        let x = t.input("x", TensorType::f32([1, 3, 4])).unwrap();
        let graph = t.input("graph", TensorType::f32([1, 3, 3])).unwrap();
        let mut p = Parameters::new(0);
        let attention = tapetum::nn::GraphAttention::new(&mut t, &mut p, "gat", [4, 4], 2).unwrap();
        let sage = tapetum::nn::GraphSage::new(&mut t, &mut p, "sage", [4, 8]).unwrap();
        let convolution = tapetum::nn::GraphConvolution::new(&mut t, &mut p, "gcn", [4, 8]).unwrap();
        let made = [attention.forward(&mut t, graph, x), sage.forward(&mut t, graph, x), convolution.forward(&mut t, graph, x)];
        let made: Vec<Var> = made.into_iter().map(Result::unwrap).collect();
        let all = t.concatenate(&made, -1).unwrap();
        let sum = t.sum(all, &[], false).unwrap();
        let mut outputs = t.gradient(sum, &[x, graph]).unwrap();
        outputs.push(made[0]);
        let series = HostTensor::f32([1, 3, 4], (0..12).map(|i| i as f32 * 0.3 - 1.0).collect()).unwrap();
        let none = HostTensor::zeros(TensorType::f32([1, 3, 3]));
        let values = device.compile(&t, &outputs).unwrap().run(&[(x, &series), (graph, &none)]).unwrap();
        assert!(values.iter().all(|v| v.to_f64_vec().iter().all(|x| x.is_finite())), "{}", device.name());
        assert!(values[2].to_f64_vec().iter().all(|x| *x == 0.0));
    }
}

#[test]
fn a_graph_with_an_index_out_of_range_is_refused() {
    let mut t = Tape::new();
    let message = SparsePattern::new(&mut t, [3, 4], &[(0, 1), (2, 4)]).unwrap_err().to_string();
    assert!(message.contains("entry 1") && message.contains("columns below 4"), "{message}");
    let pattern = SparsePattern::new(&mut t, [3, 4], &[(0, 1), (2, 3)]).unwrap();
    let x = t.input("x", TensorType::f32([3, 2])).unwrap();
    assert!(t.sparse_matmul(&pattern, None, x).unwrap_err().to_string().contains("[4, features]"));
}

/// Along the edges of a graph and by its matrix, messages are the same; a node without edges receives 0.
#[test]
fn sparse_products_are_the_dense_ones() {
    let entries = [(0, 1), (0, 3), (2, 0), (2, 1), (2, 3)];
    let weights = [0.5f32, -1.0, 2.0, 0.25, 1.5];
    let x: Vec<f32> = (0..8).map(|i| i as f32 - 2.5).collect();
    let mut dense = [0.0f64; 6];
    for (&(i, j), &w) in entries.iter().zip(&weights) {
        (0..2).for_each(|f| dense[2 * i + f] += f64::from(w) * f64::from(x[2 * j + f]));
    }
    for device in [Device::cpu(), crate::common::gpu()] {
        let mut t = Tape::new();
        let pattern = SparsePattern::new(&mut t, [3, 4], &entries).unwrap();
        let vx = t.constant(HostTensor::f32([4, 2], x.clone()).unwrap()).unwrap();
        let w = t.constant(HostTensor::f32([5], weights.to_vec()).unwrap()).unwrap();
        let (y, mean, most) = (t.sparse_matmul(&pattern, Some(w), vx), t.sparse_mean(&pattern, vx), t.sparse_max(&pattern, vx));
        let outputs = [y.unwrap(), mean.unwrap(), most.unwrap()];
        let values = device.compile(&t, &outputs).unwrap().run(&[]).unwrap();
        let values: Vec<Vec<f64>> = values.iter().map(HostTensor::to_f64_vec).collect();
        assert_eq!(values[0], dense);
        assert_eq!(values[1][..4], [1.5, 2.5, 0.0, 0.0]);
        assert_eq!(values[2][..4], [3.5, 4.5, 0.0, 0.0]);
    }
}
