//! The tape: refusals, second derivatives, detached values, states, and its printed form.

use crate::common::gpu;
use tapetum::{Device, Error, HostTensor, Init, Tape, TensorType};

fn scalar_of(tape: &Tape, of: tapetum::Var, inputs: &[(tapetum::Var, &HostTensor)]) -> Vec<f64> {
    Device::oracle().compile(tape, &[of]).unwrap().run(inputs).unwrap()[0].to_f64_vec()
}

/// d²/dx² of tanh is −2 tanh (1 − tanh²).
#[test]
fn second_derivatives_where_rules_are_tape_ops() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([5])).unwrap();
    let y = t.tanh(x).unwrap();
    let sum = t.sum(y, &[], false).unwrap();
    let first = t.gradient(sum, &[x]).unwrap()[0];
    let sum = t.sum(first, &[], false).unwrap();
    let second = t.gradient(sum, &[x]).unwrap()[0];
    let at = [-2.0f32, -0.5, 0.0, 0.25, 1.5];
    let found = scalar_of(&t, second, &[(x, &HostTensor::f32([5], at.to_vec()).unwrap())]);
    for (x, found) in at.iter().zip(found) {
        let y = f64::from(*x).tanh();
        assert!((found + 2.0 * y * (1.0 - y * y)).abs() < 1e-12);
    }
}

#[test]
fn a_fused_reverse_rule_refuses_a_second_derivative() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([3, 9])).unwrap();
    let r = t.correlation(x, None, false).unwrap();
    let square = t.square(r).unwrap();
    let sum = t.sum(square, &[], false).unwrap();
    let first = t.gradient(sum, &[x]).unwrap()[0];
    let sum = t.sum(first, &[], false).unwrap();
    let error = t.gradient(sum, &[x]).unwrap_err();
    assert!(matches!(&error, Error::NotDifferentiable { op, .. } if op == "correlation_reverse"), "{error}");
}

#[test]
fn gradients_end_at_detached_values_and_are_zero_without_a_path() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([2])).unwrap();
    let unused = t.input("unused", TensorType::f32([3])).unwrap();
    let stopped = t.detach(x).unwrap();
    let product = t.mul(x, stopped).unwrap();
    let sum = t.sum(product, &[], false).unwrap();
    let g = t.gradient(sum, &[x, unused]).unwrap();
    let value = HostTensor::f32([2], vec![3.0, -4.0]).unwrap();
    let zeros = HostTensor::full([3], 7.0);
    let mut program = Device::oracle().compile(&t, &g).unwrap();
    let found = program.run(&[(x, &value), (unused, &zeros)]).unwrap();
    assert_eq!(found[0].to_f64_vec(), [3.0, -4.0]);
    assert_eq!(found[1].to_f64_vec(), [0.0; 3]);
}

/// PyTorch's ties: `maximum` shares the gradient, `relu` and `abs` have slope 0 at 0, `clamp` has slope 1 at its ends.
#[test]
fn ties_are_pytorchs() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([3])).unwrap();
    let y = t.input("y", TensorType::f32([3])).unwrap();
    let larger = t.maximum(x, y).unwrap();
    let relu = t.relu(x).unwrap();
    let abs = t.abs(x).unwrap();
    let clamped = t.clamp(x, 0.0, 1.0).unwrap();
    let mut gradients = Vec::new();
    for value in [larger, relu, abs, clamped] {
        let sum = t.sum(value, &[], false).unwrap();
        gradients.push(t.gradient(sum, &[x]).unwrap()[0]);
    }
    let mut program = Device::oracle().compile(&t, &gradients).unwrap();
    let at = HostTensor::f32([3], vec![0.0, 1.0, -1.0]).unwrap();
    let other = HostTensor::f32([3], vec![0.0, 0.5, 2.0]).unwrap();
    let found: Vec<_> = program.run(&[(x, &at), (y, &other)]).unwrap().iter().map(HostTensor::to_f64_vec).collect();
    assert_eq!(found, [vec![0.5, 1.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 1.0, -1.0], vec![1.0, 1.0, 0.0]]);
}

#[test]
fn mistakes_are_named() {
    let mut t = Tape::new();
    let a = t.input("a", TensorType::f32([2, 3])).unwrap();
    let b = t.input("b", TensorType::f32([4, 3])).unwrap();
    let labels = t.input("labels", TensorType::i32([2])).unwrap();
    let elsewhere = Tape::new().input("c", TensorType::f32([2])).unwrap();
    let says = |found: Result<tapetum::Var, Error>, words: &[&str]| {
        let text = found.unwrap_err().to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{text}");
    };
    says(t.input("a", TensorType::f32([1])), &["`a`", "taken"]);
    says(t.add(a, b), &["add", "[2, 3]", "[4, 3]", "broadcast"]);
    says(t.matmul(a, b), &["matmul", "3", "4"]);
    says(t.sum(a, &[2], false), &["axis 2", "[2, 3]"]);
    says(t.sum(labels, &[], false), &["i32[2]", "f32"]);
    says(t.reshape(a, [5]), &["reshape", "6", "5"]);
    says(t.add(a, elsewhere), &["another tape"]);
    says(t.slice(a, 1, 2, 5, 1), &["2..5", "3"]);
    says(t.transpose(a, &[0, 0]), &["[0, 0]", "permutation"]);
    says(t.concatenate(&[a, labels], 0), &["concatenate", "i32[2]"]);
    says(t.correlation(labels, None, false), &["correlation", "i32[2]"]);
    says(t.correlation(a, Some(b), false), &["[2, 3]"]);
    says(t.covariance(a, None, 3), &["3 frames", "ddof 3"]);
    says(t.soft_parcellation(a, b).map(|s| s.series), &["[3, time]", "[4, 3]"]);
    says(t.gradient(a, &[a]).map(|g| g[0]), &["one element", "[2, 3]"]);
    says(t.state("w", TensorType::i32([2]), Init::Full(1.0)), &["`w`", "i32[2]"]);
    t.parameter("p", [2], Init::Zeros).unwrap();
    says(t.parameter("p", [3], Init::Zeros), &["`p`", "f32[2]", "f32[3]"]);
    let text = t.assign(a, b).unwrap_err().to_string();
    assert!(text.contains("state"), "{text}");
}

#[test]
fn a_tape_prints_a_line_a_value() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([4, 7])).unwrap();
    let w = t.parameter("w", [7, 2], Init::Zeros).unwrap();
    let y = t.matmul(x, w).unwrap();
    let z = t.powf(y, 2.0).unwrap();
    t.sum(z, &[1], false).unwrap();
    let text = t.to_string();
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains("%0 = input `x` f32[4, 7]") && text.contains("(%0, %1) f32[4, 2]"), "{text}");
}

/// The error for a value that cannot be read names the value and gives the reason.
#[test]
fn what_cannot_be_read_is_named() {
    for device in [Device::cpu(), gpu()] {
        let mut t = Tape::new();
        let x = t.input("x", TensorType::f32([3])).unwrap();
        let y = t.square(x).unwrap();
        let z = t.exp(y).unwrap();
        let mut program = device.compile(&t, &[z]).unwrap();
        let message = |r: tapetum::Result<HostTensor>| r.unwrap_err().to_string();
        assert!(message(program.read(z)).contains("`exp %2` has no value yet: no step"), "{}", message(program.read(z)));
        program.run(&[(x, &HostTensor::f32([3], vec![1.0; 3]).unwrap())]).unwrap();
        assert!(program.read(z).is_ok());
        assert!(message(program.read(y)).contains("`square %1` is no output of this program"), "{}", message(program.read(y)));
        let mut other = Tape::new();
        let far = other.input("far", TensorType::f32([3])).unwrap();
        assert!(message(program.read(far)).contains("another tape"));
    }
}

/// An error prints as its message, so that a `main` that returns it ends with a line that people read.
#[test]
fn errors_print_as_their_messages() {
    let e = tapetum::Error::argument("a number expected");
    assert_eq!(format!("{e:?}"), "a number expected");
}
