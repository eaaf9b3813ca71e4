//! Tapes that were once planned wrongly, each as small as possible.

use super::replay::replay;
use std::sync::Arc;
use tapetum::kernel::{Binding, Kernel, Lowering, Params, Target};
use tapetum::optim::Sgd;
use tapetum::plan::{Plan, Storage};
use tapetum::tape::{Op, OpKey, Reverse};
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

fn planned(tape: &Tape, outputs: &[Var]) -> Plan {
    let plan = Plan::new(tape, outputs, &Target::portable()).unwrap();
    replay(tape, &plan).unwrap_or_else(|e| panic!("{e}\n{tape}\n{plan}"));
    plan
}

/// A scalar chain that a sum of another chain would join, while that other chain waits for it: fused, each waits for the other.
#[test]
fn chains_do_not_wait_for_each_other() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([6])).unwrap();
    let y = t.input("y", TensorType::f32([1])).unwrap();
    let a = t.exp(x).unwrap();
    let sum = t.sum(a, &[], true).unwrap();
    let b = t.exp(y).unwrap();
    let product = t.mul(a, b).unwrap();
    let scalar = t.mul(b, sum).unwrap();
    planned(&t, &[product, scalar]);
}

#[test]
fn states_are_swapped() {
    let mut t = Tape::new();
    let [a, b] = ["a", "b"].map(|n| t.parameter(n, [3], Init::Zeros).unwrap());
    t.assign(a, b).unwrap();
    t.assign(b, a).unwrap();
    planned(&t, &[]);
}

/// The host gives the value before the step, and so must a plan.
#[test]
fn an_assigned_state_is_an_output() {
    let mut t = Tape::new();
    let s = t.parameter("s", [2, 3], Init::Full(1.0)).unwrap();
    let flat = t.reshape(s, [6]).unwrap();
    let next = t.scale(s, 2.0).unwrap();
    t.assign(s, next).unwrap();
    let plan = planned(&t, &[s, flat, next]);
    assert!(plan.outputs.iter().all(|(_, _, place)| matches!(place, Storage::Slot(_))), "{plan}");
    let mut host = Device::oracle().compile(&t, &[s, flat]).unwrap();
    host.step().unwrap();
    host.step().unwrap();
    assert_eq!(host.read(s).unwrap().to_f64_vec(), [2.0; 6]);
}

/// Two chains that meet are one.
#[test]
fn chains_merge() {
    let mut t = Tape::new();
    let [x, y] = ["x", "y"].map(|n| t.input(n, TensorType::f32([6])).unwrap());
    let (a, b) = (t.tanh(x).unwrap(), t.sin(y).unwrap());
    let c = t.mul(a, b).unwrap();
    let plan = planned(&t, &[c]);
    assert_eq!((plan.steps.len(), plan.slots.len()), (1, 1), "{plan}");
}

/// The slope 1 − y² of a tanh is a function of the forward pass alone; fused into it, it would be kept beside y until the reverse
/// sweep comes, and a deep network would take twice the memory.
#[test]
fn a_slope_is_made_when_it_is_needed() {
    const LAYERS: u64 = 10;
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([64, 8])).unwrap();
    let weights: Vec<Var> = (0..LAYERS).map(|i| t.parameter(&format!("w{i}"), [8, 8], Init::Full(0.1)).unwrap()).collect();
    let mut h = x;
    for &w in &weights {
        let product = t.matmul(h, w).unwrap();
        h = t.tanh(product).unwrap();
    }
    let loss = t.mean(h, &[], false).unwrap();
    let gradients = t.gradient(loss, &weights).unwrap();
    Sgd { rate: 0.1.into(), momentum: 0.9, decay: 0.0, nesterov: false }
        .apply(&mut t, &weights.iter().copied().zip(gradients).collect::<Vec<_>>())
        .unwrap();
    let plan = planned(&t, &[]);
    // Each layer's y is kept; in addition the plan holds the values that one layer's reverse needs and the small gradients.
    let layer = t.ty(h).bytes();
    assert!(plan.memory.planned < (LAYERS + 4) * layer, "{} layers' worth\n{plan}", plan.memory.planned / layer);
}

/// x + 1, in place where the plan allows.
#[derive(Debug)]
struct Bump;

impl Op for Bump {
    fn key(&self) -> OpKey {
        OpKey::new("bump")
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(x.to_vec())
    }

    fn evaluate(&self, x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        Ok(x.to_vec())
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        cx.dispatch(Kernel::new("test/bump", ""), vec![Binding::update(cx.output(0), cx.input(0))], Params::new(), 1, 0.0)
    }
}

/// An update of a state under another name, assigned under yet another: the state must not be copied onto itself.
#[test]
fn an_update_is_made_in_place_through_other_names() {
    let mut t = Tape::new();
    let s = t.parameter("s", [4], Init::Zeros).unwrap();
    let before = t.detach(s).unwrap();
    let bumped = t.record(Arc::new(Bump), &[before]).unwrap()[0];
    let after = t.detach(bumped).unwrap();
    t.assign(s, after).unwrap();
    let plan = planned(&t, &[]);
    assert_eq!((plan.steps.len(), plan.slots.len()), (1, 0), "{plan}");
}

/// Two updates of one state, the first of them assigned: the second must see the state as it was.
#[test]
fn an_update_does_not_see_another() {
    let mut t = Tape::new();
    let s = t.parameter("s", [4], Init::Zeros).unwrap();
    let first = t.record(Arc::new(Bump), &[s]).unwrap()[0];
    let second = t.record(Arc::new(Bump), &[s]).unwrap()[0];
    t.assign(s, first).unwrap();
    planned(&t, &[second]);
}

/// An op that forgets to write one of its results.
#[derive(Debug)]
struct Forgetful;

impl Op for Forgetful {
    fn key(&self) -> OpKey {
        OpKey::new("forgetful")
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(x.to_vec())
    }

    fn evaluate(&self, x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        Ok(x.to_vec())
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn lower(&self, _: &mut Lowering<'_>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_value_that_nothing_makes_is_an_error() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([4])).unwrap();
    let y = t.record(Arc::new(Forgetful), &[x]).unwrap()[0];
    let z = t.exp(y).unwrap();
    for output in [y, z] {
        let error = Plan::new(&t, &[output], &Target::portable()).unwrap_err().to_string();
        assert!(error.contains("forgetful"), "{error}");
    }
}
