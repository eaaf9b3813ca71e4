//! Inputs that layers over series, sets and graphs refuse, and their results on graphs with few nodes or edges.

use tapetum::nn::{
    AdaptiveGraph, AdaptiveMessage, AttentionPooling, BrainAttention, BrainAttentionMessage, BrainConvolution, BrainMessage, Embedding,
    Film, Forcing, MultiHeadAttention, NetFormer, NodeFeatures, Parameters, PrincipalAggregation, RelationalCnnEncoder,
    RelationalRecurrentDecoder, RollOut, Spacing, StaticGraphAttention, TopKPooling,
};
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

#[track_caller]
fn refused<T>(made: Result<T>, words: &str) {
    let message = made.err().expect("a refusal").to_string();
    assert!(message.contains(words), "`{message}` does not say `{words}`");
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let (t, p) = (&mut Tape::new(), &mut Parameters::new(0));
    let mut input = |name: &str, shape: &[usize]| t.input(name, TensorType::f32(tapetum::Shape::try_new(shape).unwrap())).unwrap();
    let (x, graph, flat) = (input("x", &[2, 5, 3]), input("graph", &[2, 5, 5]), input("flat", &[5, 3]));
    let (kernels, wide, c) = (input("kernels", &[4, 5, 3]), input("wide", &[4, 3, 3]), input("c", &[3, 7]));
    let edges = input("edges", &[2, 5, 5, 2]);
    let each = Spacing::default();
    refused(t.convolution_1d(x, wide, None, each), "kernels of 5 channels");
    refused(t.convolution_1d(flat, kernels, None, each), "x of 3 axes");
    refused(t.convolution_1d(x, kernels, None, Spacing { dilation: 2, ..each }), "that fit");
    refused(t.convolution_1d(x, kernels, None, Spacing { dilation: 0, ..each }), "dilation: 0");
    refused(t.max_pool_1d(x, 4), "from 1 to its extents");
    refused(t.mean_pool_1d(x, 0), "from 1 to its extents");
    refused(Embedding::new(t, p, "embedding", [5, 2]).unwrap().forward(t, x), "i32 indices");
    refused(Film::new(t, p, "film", [7, 3]).unwrap().forward(t, x, c), "[a.., conditions]");
    refused(MultiHeadAttention::new(t, p, "heads", 3, 2), "divide 3 features");
    let heads = MultiHeadAttention::new(t, p, "heads", 3, 3).unwrap();
    refused(heads.forward(t, [flat, x, x], None), "[batch, rows, 3]");
    refused(heads.forward(t, [x, x, x], Some(edges)), "broadcast");
    refused(NetFormer::new(t, p, "netformer", [5, 4, 2]).unwrap().forward(t, x), "windows [batch, 5, 4]");
    refused(StaticGraphAttention::new(t, p, "gat", [3, 2], 1).unwrap().forward(t, x, x), "a graph [batch, n, n]");
    refused(PrincipalAggregation::new(t, p, "pna", [3, 2], 0.0), "above 0");
    let mut principal = PrincipalAggregation::new(t, p, "pna", [3, 2], 1.0).unwrap();
    principal.together = 0;
    refused(principal.forward(t, graph, x), "1 receiver or more");
    let amag = AdaptiveGraph::new(t, p, "amag", [4, 3, 2], Init::Zeros).unwrap();
    refused(amag.forward(t, x, AdaptiveMessage::Additive), "[batch, 4, 3]");
    refused(AttentionPooling::new(t, p, "pool", 3).unwrap().forward(t, flat), "[batch, n, features]");
    refused(TopKPooling::new(t, p, "top", 3, 0.0), "above 0 and at most 1");
    refused(TopKPooling::new(t, p, "four", 4, 0.5).unwrap().forward(t, graph, x), "[3, 1]");
    refused(NodeFeatures::Degree.forward(t, x), "[batch, n, n]");
    refused(NodeFeatures::Eigenvectors(6).forward(t, graph), "1 to 5 eigenvectors");
    refused(BrainConvolution::new(t, p, "bins", [3, 2], BrainMessage::Bins { bins: 0, features: 1 }), "one bin");
    refused(BrainAttention::new(t, p, "brain", [3, 2], 0, BrainAttentionMessage::Nodes), "one head");
    refused(RelationalCnnEncoder::new(t, p, "cnn", [3, 2, 2]).unwrap().forward(t, edges), "14 frames");
    refused(RelationalRecurrentDecoder::new(t, p, "one", [3, 2, 1]), "two edge types");
    let decoder = RelationalRecurrentDecoder::new(t, p, "decoder", [3, 2, 3]).unwrap();
    let rest = decoder.rest(t, x).unwrap();
    refused(decoder.step(t, x, rest, edges), "[batch, n, n, 3]");
}

/// Layers over a graph `[1, n, n]` and x `[1, n, 4]`, all their features side by side.
fn layers(t: &mut Tape, graph: Var, x: Var) -> Result<Vec<Var>> {
    let p = &mut Parameters::new(1);
    let messages = [
        BrainMessage::WeightedSum,
        BrainMessage::Bins { bins: 5, features: 2 },
        BrainMessage::EdgeWeight { times: 2 },
        BrainMessage::EdgeAndNodes,
        BrainMessage::Nodes,
    ];
    let attentive = [
        BrainAttentionMessage::Attention,
        BrainAttentionMessage::AttentionTimesEdge,
        BrainAttentionMessage::AttentionPlusEdge,
        BrainAttentionMessage::EdgeAndNodes,
        BrainAttentionMessage::Nodes,
    ];
    let mut made = vec![
        StaticGraphAttention::new(t, p, "gat", [4, 3], 2)?.forward(t, graph, x)?,
        PrincipalAggregation::new(t, p, "pna", [4, 3], 1.0)?.forward(t, graph, x)?,
    ];
    for (i, message) in messages.into_iter().enumerate() {
        made.push(BrainConvolution::new(t, p, &format!("convolution{i}"), [4, 3], message)?.forward(t, graph, x)?);
    }
    for (i, message) in attentive.into_iter().enumerate() {
        made.push(BrainAttention::new(t, p, &format!("attention{i}"), [4, 3], 2, message)?.forward(t, graph, x)?);
    }
    made.push(NodeFeatures::DegreeProfile.forward(t, graph)?);
    let kept = TopKPooling::new(t, p, "top", 4, 0.01)?.forward(t, graph, x)?;
    made.extend([kept.x, kept.graph, kept.scores]);
    Ok(made)
}

/// One node, no edges, edges of one node alone: finite values and gradients, and nothing is heard where nobody sends.
#[test]
fn graphs_that_hold_little_are_understood() {
    for device in [Device::cpu(), crate::common::gpu()] {
        for (n, edge) in [(1, None), (5, None), (5, Some(7))] {
            let mut t = Tape::new();
            let graph = t.input("graph", TensorType::f32([1, n, n])).unwrap();
            let x = t.input("x", TensorType::f32([1, n, 4])).unwrap();
            let made = layers(&mut t, graph, x).unwrap();
            let sums: Vec<Var> = made.iter().map(|&y| t.sum(y, &[], true).unwrap()).collect();
            let sums: Vec<Var> = sums.into_iter().map(|s| t.reshape(s, [1]).unwrap()).collect();
            let all = t.concatenate(&sums, 0).unwrap();
            let loss = t.sum(all, &[], false).unwrap();
            let mut outputs = t.gradient(loss, &[graph, x]).unwrap();
            outputs.extend(made);
            let weights = (0..n * n).map(|at| if Some(at) == edge { -0.75 } else { 0.0 }).collect();
            let weights = HostTensor::f32([1, n, n], weights).unwrap();
            let series = HostTensor::f32([1, n, 4], (0..4 * n).map(|i| i as f32 * 0.3 - 1.0).collect()).unwrap();
            let values = device.compile(&t, &outputs).unwrap().run(&[(graph, &weights), (x, &series)]).unwrap();
            assert!(values.iter().all(|v| v.to_f64_vec().iter().all(|x| x.is_finite())), "{} {n} {edge:?}", device.name());
            let attended = values[2].to_f64_vec();
            let heard = |i: usize| edge.is_some_and(|at| at / n == i);
            (0..n).for_each(|i| assert_eq!(attended[6 * i..6 * i + 6].iter().any(|x| *x != 0.0), heard(i), "{n} {edge:?} {i}"));
            let kept = &values[values.len() - 3..];
            assert_eq!(kept.iter().map(|v| v.shape().elements()).collect::<Vec<_>>(), [4, 1, 1], "one node is kept");
        }
    }
}

/// Indices beyond a table read its first and last row, on every device.
#[test]
fn indices_beyond_a_table_are_clamped() {
    for device in [Device::cpu(), crate::common::gpu()] {
        let mut t = Tape::new();
        let table = t.constant(HostTensor::f32([3, 1], vec![1.0, 2.0, 4.0]).unwrap()).unwrap();
        let index = t.constant(HostTensor::i32([2, 2], vec![-5, 1, 2, 9]).unwrap()).unwrap();
        let y = Embedding { table }.forward(&mut t, index).unwrap();
        let made = device.compile(&t, &[y]).unwrap().run(&[]).unwrap().remove(0);
        assert_eq!((&*made.shape(), made.to_f64_vec()), (&[2, 2, 1][..], vec![1.0, 2.0, 4.0, 4.0]));
    }
}

/// The truth replaces what is predicted, and what is carried goes on.
#[test]
fn what_is_carried_outlasts_the_truth() {
    for recompute in [false, true] {
        let mut t = Tape::new();
        let truth: Vec<Var> = (1..4).map(|i| t.full([1, 1], 10.0 * i as f32).unwrap()).collect();
        let (first, carry) = (t.full([1, 1], 0.0).unwrap(), t.full([1, 1], 100.0).unwrap());
        let roll = RollOut { steps: 4, forcing: Forcing::Every(2), recompute };
        let (made, left) = roll
            .carried(&mut t, first, carry, &truth, |t, x, c, _| {
                let c = t.offset(c, 100.0)?;
                Ok((t.add(x, c)?, c))
            })
            .unwrap();
        let outputs = [&made[..], &[left]].concat();
        let values = Device::oracle().compile(&t, &outputs).unwrap().run(&[]).unwrap();
        let values: Vec<f64> = values.iter().map(|v| v.to_f64_vec()[0]).collect();
        assert_eq!(values, [200.0, 500.0, 420.0, 920.0, 500.0]);
    }
}

/// An edge of NaN falls in no bin of weights: what hears it is NaN, and not the same as without it.
#[test]
fn an_edge_of_nan_is_handed_on() {
    let (n, features) = (4, 2);
    let mut graph: Vec<f32> = (0..n * n).map(|at| ((at / n + at % n) as f32 / 4.0 - 0.7) * 0.9).collect();
    let (mut t, mut p) = (Tape::new(), Parameters::new(1));
    let g = t.input("graph", TensorType::f32([1, n, n])).unwrap();
    let x = t.input("x", TensorType::f32([1, n, features])).unwrap();
    let layer = BrainConvolution::new(&mut t, &mut p, "layer", [features, 3], BrainMessage::Bins { bins: 5, features: 2 }).unwrap();
    let y = layer.forward(&mut t, g, x).unwrap();
    graph[1] = f32::NAN;
    let x_is = HostTensor::f32([1, n, features], (0..n * features).map(|i| i as f32).collect()).unwrap();
    let g_is = HostTensor::f32([1, n, n], graph).unwrap();
    let found = Device::cpu().compile(&t, &[y]).unwrap().run(&[(g, &g_is), (x, &x_is)]).unwrap().remove(0).to_f64_vec();
    assert!(found[..3].iter().all(|x| x.is_nan()), "{found:?}");
}
