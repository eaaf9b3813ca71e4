//! Layers, losses and metrics.

use crate::common::golden::{hold, numbers};
use serde_json::Value;
use tapetum::kernel::Target;
use tapetum::nn::{
    Activation, BatchNorm, Carry, Cell, CrossEntropy, GraphAttention, GraphConvolution, GraphSage, LayerNorm, Linear, Mlp, MlpSettings,
    Parameters,
};
use tapetum::nn::{Recurrent, RmsNorm};
use tapetum::ops::message::PairActivation;
use tapetum::optim::Adam;
use tapetum::plan::Plan;
use tapetum::statistics::{agreement, metrics};
use tapetum::{Device, HostTensor, Init, Result, State, Tape, TensorType, Var};

fn goldens() -> Value {
    serde_json::from_str(include_str!("../goldens/nn.json")).unwrap()
}

const ACTIVATIONS: [Activation; 8] = [
    Activation::Relu,
    Activation::LeakyRelu(0.2),
    Activation::Elu,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Gelu,
    Activation::Silu,
    Activation::Softplus,
];

const PAIRS: [PairActivation; 4] = [PairActivation::Relu, PairActivation::LeakyRelu(0.2), PairActivation::Elu, PairActivation::Tanh];

fn value(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    match op {
        "linear" => Linear { weight: x[1], bias: Some(x[2]) }.forward(t, x[0]),
        "batch_norm" => {
            let ty = t.ty(x[1]);
            let running = [t.state("mean", ty, Init::Zeros)?, t.state("variance", ty, Init::Full(1.0))?];
            BatchNorm { gain: x[1], shift: x[2], running, training: true }.forward(t, x[0])
        }
        "layer_norm" => LayerNorm { gain: x[1], shift: x[2] }.forward(t, x[0]),
        "rms_norm" => RmsNorm { gain: x[1] }.forward(t, x[0]),
        "activation" => ACTIVATIONS[p[0] as usize].forward(t, x[0]),
        "rnn" | "gru" | "lstm" => {
            let cell = match op {
                "rnn" => Cell::Rnn,
                "gru" => Cell::Gru,
                _ => Cell::Lstm,
            };
            let [input, hidden] = [0, 1].map(|i| Linear { weight: x[1 + i], bias: Some(x[3 + i]) });
            Recurrent { cell, input, hidden }.forward(t, x[0], None).map(|(all, _)| all)
        }
        "graph_convolution" => GraphConvolution { linear: Linear { weight: x[2], bias: Some(x[3]) } }.forward(t, x[0], x[1]),
        "graph_sage" => {
            let (own, others) = (Linear { weight: x[2], bias: Some(x[4]) }, Linear { weight: x[3], bias: None });
            GraphSage { own, others }.forward(t, x[0], x[1])
        }
        "graph_attention" => {
            let (receiver, sender) = (Linear { weight: x[2], bias: Some(x[3]) }, Linear { weight: x[4], bias: None });
            GraphAttention { heads: vec![(receiver, sender, x[5])] }.forward(t, x[1], x[0])
        }
        "kl_to_prior" => t.kl_to_prior(x[0], -1, p),
        "pairwise_dot" => t.pairwise_dot(x[0], x[1], x[2], PAIRS[p[0] as usize]),
        "pairwise_sum" => t.pairwise_sum(x[0], x[1], x[2], PAIRS[p[0] as usize]),
        "mean_squared_error" => t.mean_squared_error(x[0], x[1]),
        "huber" => t.huber(x[0], x[1], p[0]),
        "gaussian_nll" => t.gaussian_nll(x[0], x[1], x[2]),
        "binary_cross_entropy" => t.binary_cross_entropy(x[0], x[1]),
        "cross_entropy" => {
            let labels = t.constant(HostTensor::i32([p.len() - 1], p[1..].iter().map(|&l| l as i32).collect())?)?;
            let options = CrossEntropy { weights: x.get(1).copied(), smoothing: p[0], ignore: Some(-1) };
            t.cross_entropy_with(x[0], labels, &options)
        }
        other => panic!("no layer `{other}`"),
    }
}

fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    super::value_or_gradient(t, op, p, x, value)
}

/// The tolerances follow from two sources: cotangents and constants of layers are stored in f32, with an error of 6e-8 each; and devices in
/// f32 sum some tens of terms, through a variance.
#[test]
fn layers_and_losses_are_pytorchs() {
    hold(&goldens()["cases"], build, 3e-7, 1e-5);
}

#[test]
fn metrics_are_scikit_learns() {
    let all = &goldens()["metrics"];
    let list = |key: &str| numbers(&all[key]);
    let whole = |key: &str| list(key).into_iter().map(|x| x as i32).collect::<Vec<_>>();
    let positive: Vec<bool> = all["positive"].as_array().unwrap().iter().map(|b| b.as_bool().unwrap()).collect();
    let confusion = agreement::Confusion::new(5, &whole("truth"), &whole("predicted")).unwrap();
    for (row, wanted) in confusion.counts.iter().zip(all["confusion"].as_array().unwrap()) {
        assert_eq!(row.iter().map(|&n| n as f64).collect::<Vec<_>>(), numbers(wanted));
    }
    for (key, found) in [
        ("accuracy", confusion.accuracy()),
        ("balanced_accuracy", confusion.balanced_accuracy()),
        ("macro_f1", confusion.macro_f1()),
        ("auroc", metrics::auroc(&list("scores"), &positive).unwrap()),
        ("average_precision", metrics::average_precision(&list("scores"), &positive).unwrap()),
        ("spearman", metrics::spearman(&list("a"), &list("b")).unwrap()),
        ("r_squared", metrics::r_squared(&list("a"), &list("b")).unwrap()),
    ] {
        assert!((found - all[key].as_f64().unwrap()).abs() < 1e-12, "{key}: {found}, not {}", all[key]);
    }
}

#[test]
fn metrics_refuse_what_they_cannot_judge() {
    assert!(agreement::Confusion::new(2, &[0, 2], &[0, 1]).unwrap_err().to_string().contains("2 classes"));
    assert!(agreement::Confusion::new(2, &[0], &[]).is_err());
    assert!(metrics::auroc(&[0.1, 0.2], &[true, true]).unwrap_err().to_string().contains("0 negatives"));
    assert!(metrics::auroc(&[0.1, f64::NAN], &[true, false]).unwrap_err().to_string().contains("value 1, counted from 0, is NaN"));
    assert!(metrics::average_precision(&[0.1], &[false]).is_err());
    assert!(metrics::spearman(&[1.0, 1.0], &[1.0, 2.0]).is_err());
    assert!(metrics::r_squared(&[1.0, 1.0], &[1.0, 2.0]).is_err());
}

/// The expected running statistics are worked by hand: 0.9 of the previous value and 0.1 of the batch's, with the divisor n − 1 in the
/// variance.
#[test]
fn batch_norm_keeps_running_statistics_and_takes_them_to_evaluate() {
    let rows = HostTensor::f32([4, 1], vec![1.0, 2.0, 3.0, 6.0]).unwrap();
    let device = Device::oracle();
    let state = State::new(&device);
    let mut values = Vec::new();
    for mut parameters in [Parameters::new(0), Parameters::evaluation()] {
        let mut t = Tape::new();
        let x = t.input("x", rows.ty()).unwrap();
        let y = BatchNorm::new(&mut t, &mut parameters, "norm", 1).unwrap().forward(&mut t, x).unwrap();
        values.push(device.compile_with(&t, &[y], &state).unwrap().run(&[(x, &rows)]).unwrap().remove(0).to_f64_vec());
    }
    let held = |name: &str| state.read(name).unwrap().to_f64_vec()[0];
    let (mean, variance) = (held("norm.mean"), held("norm.variance"));
    assert!((mean - 0.3).abs() < 1e-7 && (variance - (0.9 + 0.1 * 14.0 / 3.0)).abs() < 1e-7, "{mean} {variance}");
    assert!((values[0][0] + 2.0 / 3.5f64.sqrt()).abs() < 1e-5, "the batch's own: {:?}", values[0]);
    assert!((values[1][0] - (1.0 - mean) / (variance + 1e-5).sqrt()).abs() < 1e-6, "the running ones: {:?}", values[1]);
}

/// Trains on two rings, one within the other, which no line separates. The dropped elements change from step to step and repeat with the
/// seed.
fn train(seed: u64) -> (f64, Vec<f64>) {
    const N: usize = 120;
    let angle = |i: usize| i as f32 * 0.618 * std::f32::consts::TAU;
    let point = |i: usize| {
        let radius = if i.is_multiple_of(2) { 0.5 } else { 1.5 };
        [radius * angle(i).cos(), radius * angle(i).sin()]
    };
    let points = HostTensor::f32([N, 2], (0..N).flat_map(point).collect()).unwrap();
    let truth: Vec<i32> = (0..N as i32).map(|i| i % 2).collect();
    let device = Device::cpu();
    let state = State::new(&device);
    let settings = MlpSettings { dropout: 0.1, norm: true, ..MlpSettings::new(&[2, 16, 16, 2], Activation::Relu) };
    let network = |t: &mut Tape, parameters: &mut Parameters| -> Result<[Var; 2]> {
        let x = t.input("x", points.ty())?;
        let y = Mlp::new(t, parameters, "mlp", settings.clone())?.forward(t, x)?;
        Ok([x, y])
    };
    let (mut t, mut parameters) = (Tape::new(), Parameters::new(seed));
    let [x, y] = network(&mut t, &mut parameters).unwrap();
    let labels = t.constant(HostTensor::i32([N], truth.clone()).unwrap()).unwrap();
    let loss = t.cross_entropy(y, labels).unwrap();
    parameters.descend(&mut t, loss, Adam::new(0.02), Some(1.0)).unwrap();
    t.keep_last("losses", loss, 8).unwrap();
    let mut program = device.compile_with(&t, &[loss], &state).unwrap();
    program.write(x, &points).unwrap();
    program.steps(150).unwrap();

    let mut t = Tape::new();
    let [x, y] = network(&mut t, &mut Parameters::evaluation()).unwrap();
    let best = t.argmax(y, 1).unwrap();
    let found = device.compile_with(&t, &[best], &state).unwrap().run(&[(x, &points)]).unwrap().remove(0);
    let accuracy = agreement::Confusion::new(2, &truth, found.as_i32().unwrap()).unwrap().accuracy();
    (accuracy, state.read("losses").unwrap().to_f64_vec())
}

#[test]
fn a_network_learns_what_no_line_parts() {
    let (accuracy, losses) = train(3);
    assert!(accuracy > 0.97, "{accuracy}, losses {losses:?}");
    assert_eq!(train(3).1, losses, "a seed repeats a run");
    assert_ne!(train(4).1, losses);
}

/// A fraction 1 − p of the elements stays, scaled by 1 / (1 − p), and the gradient drops the same elements.
#[test]
fn dropout_drops_alike_in_reverse_and_anew_at_every_step() {
    const N: usize = 10_000;
    for device in [Device::cpu(), crate::common::gpu()] {
        let mut t = Tape::new();
        let x = t.state("x", TensorType::f32([N]), Init::Full(1.0)).unwrap();
        let y = t.dropout(x, 0.25, 7, 1).unwrap();
        let sum = t.sum(y, &[], false).unwrap();
        let g = t.gradient(sum, &[x]).unwrap()[0];
        t.advance().unwrap();
        let mut program = device.compile(&t, &[y, g]).unwrap();
        let runs: Vec<_> = (0..2).map(|_| program.run(&[]).unwrap()).collect();
        assert_eq!(runs[0][0], runs[0][1], "x is 1, so y is its own gradient");
        assert_ne!(runs[0][0], runs[1][0]);
        let kept = runs[0][0].to_f64_vec().into_iter().filter(|&y| y != 0.0).count() as f64 / N as f64;
        // The tolerance is five standard deviations of the fraction kept in 10,000 draws.
        assert!((kept - 0.75).abs() < 5.0 * (0.75f64 * 0.25 / N as f64).sqrt(), "{kept}");
    }
}

/// Each step has two products, forward and back to the state before it; W and U have one each, however many steps there are.
#[test]
fn the_gradient_of_recurrent_weights_is_one_product() {
    for cell in [Cell::Rnn, Cell::Gru, Cell::Lstm] {
        for steps in [1, 3, 7] {
            let mut t = Tape::new();
            let mut parameters = Parameters::new(0);
            let x = t.input("x", TensorType::f32([2, steps, 5])).unwrap();
            let start = t.input("start", TensorType::f32([2, 4])).unwrap();
            let layer = Recurrent::new(&mut t, &mut parameters, "cell", cell, [5, 4]).unwrap();
            let carry = Carry { hidden: start, cell: None };
            let (_, last) = layer.forward(&mut t, x, Some(carry)).unwrap();
            let sum = t.sum(last.hidden, &[], false).unwrap();
            let wrt = [&[start], parameters.all()].concat();
            let gradients = t.gradient(sum, &wrt).unwrap();
            let plan = Plan::new(&t, &gradients, &Target::portable()).unwrap();
            let products = plan.steps.iter().filter(|s| s.kernel.name == "matmul/matmul").count();
            assert_eq!(products, 1 + 2 * steps + 2, "{cell:?}, {steps} steps");
        }
    }
}

#[test]
fn refusals_say_what_was_expected() {
    let mut t = Tape::new();
    let mut p = Parameters::new(0);
    let x = t.input("x", TensorType::f32([3, 4])).unwrap();
    let labels = t.input("labels", TensorType::i32([2])).unwrap();
    let layer = Linear::new(&mut t, &mut p, "layer", [5, 2]).unwrap();
    let message = |r: Result<Var>| r.unwrap_err().to_string();
    assert!(message(layer.forward(&mut t, x)).contains("[.., 5]"));
    assert!(message(t.dropout(x, 1.0, 0, 0)).contains("[0, 1)"));
    assert!(message(t.cross_entropy(x, labels)).contains("i32[3]"));
    assert!(message(t.huber(x, x, 0.0)).contains("above 0"));
    assert!(message(LayerNorm::new(&mut t, &mut p, "norm", 3).unwrap().forward(&mut t, x)).contains("[.., 3]"));
    let one = t.slice(x, 0, 0, 1, 1).unwrap();
    assert!(message(BatchNorm::new(&mut t, &mut p, "batch", 4).unwrap().forward(&mut t, one)).contains("two rows"));
    assert!(Mlp::new(&mut t, &mut p, "mlp", MlpSettings::new(&[4], Activation::Relu)).is_err());
}

/// Labels that are not classes are refused where they are known when recording, and make the loss NaN where they are written later. Only
/// the label that is declared as ignored is left out. The expected losses are −ln softmax by hand.
#[test]
fn labels_that_are_no_classes_are_not_left_out_in_silence() {
    let rows = [[0.5f32, -1.0, 2.0], [1.5, 0.25, -0.5], [0.0, 3.0, 1.0]];
    let of = |row: usize, label: usize| {
        let total: f64 = rows[row].iter().map(|&x| f64::from(x).exp()).sum();
        total.ln() - f64::from(rows[row][label])
    };
    for device in [Device::cpu(), Device::oracle(), crate::common::gpu()] {
        let loss = |labels: [i32; 3], ignore: Option<i32>| {
            let mut t = Tape::new();
            let x = t.parameter("x", [3, 3], Init::Value(HostTensor::f32([3, 3], rows.concat()).unwrap())).unwrap();
            let y = t.input("y", TensorType::i32([3])).unwrap();
            let loss = t.cross_entropy_with(x, y, &CrossEntropy { ignore, ..CrossEntropy::default() }).unwrap();
            let mut program = device.compile(&t, &[loss]).unwrap();
            program.run(&[(y, &HostTensor::i32([3], labels.to_vec()).unwrap())]).unwrap()[0].item().unwrap()
        };
        let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-5, "{found}, not {wanted}");
        close(loss([2, 0, 1], None), (of(0, 2) + of(1, 0) + of(2, 1)) / 3.0);
        close(loss([2, -100, 1], Some(-100)), (of(0, 2) + of(2, 1)) / 2.0);
        close(loss([2, 0, 1], Some(0)), (of(0, 2) + of(2, 1)) / 2.0);
        close(loss([7, 7, 7], Some(7)), 0.0);
        for (labels, ignore) in [([2, 3, 1], None), ([2, -1, 1], None), ([2, -1, 9], Some(-1)), ([9, 9, 9], None)] {
            assert!(loss(labels, ignore).is_nan(), "{labels:?} {ignore:?}");
        }
    }
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([3, 3])).unwrap();
    let y = t.constant(HostTensor::i32([3], vec![2, 9, 1]).unwrap()).unwrap();
    let refused = t.cross_entropy(x, y).unwrap_err().to_string();
    assert!(refused.contains("row 1 (counted from 0) is 9: a class from 0 to 2"), "{refused}");
    assert!(t.cross_entropy_with(x, y, &CrossEntropy { ignore: Some(9), ..CrossEntropy::default() }).is_ok());
}
