//! The training loop: its steps, and its end at the step in which a loss or a parameter becomes NaN.

use crate::common::gpu;
use tapetum::optim::{Adam, Schedule, Sgd};
use tapetum::training::{Descent, Training};
use tapetum::{Device, Error, HostTensor, Init, State, Tape, TensorType, Var};

/// The devices that run the loop: the host, and an adapter.
fn devices() -> [Device; 2] {
    [Device::cpu(), gpu()]
}

fn values(state: &State, name: &str) -> Vec<f64> {
    state.read(name).unwrap().to_f64_vec()
}

/// The error's step, counted from 1, and its message.
#[track_caller]
fn stopped(result: tapetum::Result<()>) -> (u32, String) {
    match result.unwrap_err() {
        e @ Error::NotFinite { step, .. } => (step, e.to_string()),
        other => panic!("{other}"),
    }
}

/// The mean of (x − w)² over batches x `[2]`, and x.
fn distance(steps: u32, rate: f32) -> (Tape, Var) {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([2])).unwrap();
    let w = t.parameter("w", [1], Init::Zeros).unwrap();
    let apart = t.sub(x, w).unwrap();
    let square = t.square(apart).unwrap();
    let loss = t.mean(square, &[], false).unwrap();
    Descent::new(Sgd::new(rate)).record(&mut t, (loss, &[]), &[w], steps).unwrap();
    (t, x)
}

/// w ← w − 2 η (w − mean x), by hand, with batches that are drawn; progress after every ten steps and at the end.
#[test]
fn steps_follow_the_formula_and_are_reported() {
    for device in devices() {
        let state = State::new(&device);
        let (t, x) = distance(25, 0.125);
        let batch = |step: u32| HostTensor::f32([2], vec![step as f32 * 0.25, 1.0]);
        let mut saved = Vec::new();
        let mut training = Training::new(&device, &t, &state, 25).unwrap().batches(|step| Ok(vec![(x, batch(step)?)]));
        training = training.saving(20, |program| {
            saved.push(program.state().read("step")?.to_f64_vec()[0]);
            Ok(())
        });
        let mut reports = Vec::new();
        training.run_until(5, |step, loss| reports.push((step, loss))).unwrap();
        training.run(|step, loss| reports.push((step, loss))).unwrap();
        let (mut w, mut losses) = (0.0, Vec::new());
        for step in 0..25 {
            let x = [f64::from(step) * 0.25, 1.0];
            losses.push(x.iter().map(|x| (x - w) * (x - w)).sum::<f64>() / 2.0);
            w -= 0.125 * 2.0 * (w - (x[0] + x[1]) / 2.0);
        }
        let found = training.losses().unwrap();
        drop(training);
        assert!((values(&state, "w")[0] - w).abs() < 1e-5, "{} {w}", values(&state, "w")[0]);
        assert!(found.iter().zip(&losses).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4), "{found:?} {losses:?}");
        assert_eq!(reports.iter().map(|r| r.0).collect::<Vec<_>>(), [5, 10, 20, 25]);
        assert!(reports.iter().all(|&(step, loss)| loss == found[step as usize - 1]));
        assert_eq!(saved, [5.0, 20.0, 25.0]);
    }
}

/// An error that the report of progress returns ends the run, and the state is that of the steps done.
#[test]
fn an_error_of_the_report_ends_the_run() {
    for device in devices() {
        let state = State::new(&device);
        let (t, x) = distance(25, 0.125);
        let mut training = Training::new(&device, &t, &state, 25).unwrap().inputs(vec![(x, HostTensor::f32([2], vec![0.5, 1.0]).unwrap())]);
        let enough = |step, _| if step >= 20 { Err(tapetum::Error::argument("enough")) } else { Ok(()) };
        assert_eq!(training.run(enough).unwrap_err().to_string(), "enough");
        assert_eq!(values(&state, "step"), [20.0]);
    }
}

/// Σ log w by SGD of rate 0.3: w goes 1, 0.7, 0.271, −0.834, whose logarithm the fourth step cannot take.
#[test]
fn a_loss_that_becomes_nan_names_its_step_and_value() {
    for device in devices() {
        let mut t = Tape::new();
        let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
        let log = t.log(w).unwrap();
        let loss = t.sum(log, &[], false).unwrap();
        let doubled = t.scale(loss, 2.0).unwrap();
        let halved = t.scale(doubled, 0.5).unwrap();
        Descent::new(Sgd::new(0.3)).record(&mut t, (halved, &[("depth".into(), doubled)]), &[w], 30).unwrap();
        let state = State::new(&device);
        let mut training = Training::new(&device, &t, &state, 30).unwrap().named([("depth".into(), loss), ("height".into(), log)]);
        let (step, message) = stopped(training.run(|step, _| -> () { panic!("step {step} is reported") }));
        assert_eq!(step, 4, "{message}");
        for part in ["step 4 of 30: the loss is NaN, by its term `depth`", "log(w) f32[1], which is `height`"] {
            assert!(message.contains(part), "no `{part}`: {message}");
        }
        // The state is that after the third step.
        assert_eq!(values(&state, "step"), [3.0]);
        assert!((values(&state, "w")[0] - (0.271_428_57 - 0.3 / 0.271_428_57)).abs() < 1e-4, "{:?}", values(&state, "w"));
    }
}

/// √(w²) at 0 is a finite loss with the gradient 0 / 0. The error names the step that makes `w` NaN, and not the next one, whose loss is
/// NaN.
#[test]
fn a_parameter_that_becomes_nan_is_found_in_the_step_that_made_it() {
    for device in devices() {
        for (steps, before) in [(30, 12), (13, 12), (110, 99)] {
            let mut t = Tape::new();
            let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
            let x = t.input("x", TensorType::f32([1])).unwrap();
            let product = t.mul(w, x).unwrap();
            let square = t.square(product).unwrap();
            let loss = t.sqrt(square).unwrap();
            Descent::new(Sgd::new(0.001)).record(&mut t, (loss, &[]), &[w], steps).unwrap();
            let state = State::new(&device);
            let mut saved = Vec::new();
            let draw = |step| Ok(vec![(x, HostTensor::f32([1], vec![if step == before { 0.0 } else { 1.0 }])?)]);
            let mut training = Training::new(&device, &t, &state, steps).unwrap().batches(draw).saving(10, |program| {
                saved.push(program.state().read("w")?.to_f64_vec()[0]);
                Ok(())
            });
            let (step, message) = stopped(training.run(|_, _| {}));
            drop(training);
            assert_eq!(step, before + 1, "{message}");
            assert!(message.contains("`w` is NaN after it") && message.contains("in the gradient"), "{message}");
            assert_eq!(values(&state, "step"), [f64::from(before)]);
            assert!((values(&state, "w")[0] - (1.0 - 0.001 * f64::from(before))).abs() < 1e-5, "{:?}", values(&state, "w"));
            assert!(saved.len() == before as usize / 10 && saved.iter().all(|w| w.is_finite()), "{saved:?}");
        }
    }
}

#[test]
fn inputs_with_nan_are_named() {
    for device in devices() {
        let (t, x) = distance(40, 0.1);
        let state = State::new(&device);
        let draw = |step| Ok(vec![(x, HostTensor::f32([2], vec![1.0, if step == 33 { f32::NAN } else { 2.0 }])?)]);
        let mut training = Training::new(&device, &t, &state, 40).unwrap().batches(draw);
        let (step, message) = stopped(training.run(|_, _| {}));
        assert_eq!(step, 34, "{message}");
        assert!(message.contains("the input `x` is NaN"), "{message}");
        assert_eq!(values(&state, "step"), [33.0]);
    }
}

/// Two steps of rate 1e30 on a square overflow f32: the loss is infinite, and what overflowed is named.
#[test]
fn an_infinite_loss_ends_the_run_too() {
    for device in devices() {
        let (t, x) = distance(40, 1e30);
        let state = State::new(&device);
        let ones = HostTensor::f32([2], vec![1.0, 1.0]).unwrap();
        let (step, message) = stopped(Training::new(&device, &t, &state, 40).unwrap().inputs(vec![(x, ones)]).run(|_, _| {}));
        assert_eq!(step, 2, "{message}");
        assert!(message.contains("the loss is inf") && message.contains("square("), "{message}");
        assert_eq!(values(&state, "step"), [1.0]);
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |descent: Descent| {
        let mut t = Tape::new();
        let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
        let loss = t.square(w).unwrap();
        descent.record(&mut t, (loss, &[]), &[w], 3).unwrap_err().to_string()
    };
    let rates = [
        Schedule::Constant(-0.1),
        Schedule::Constant(f32::NAN),
        Schedule::Constant(f32::INFINITY),
        Schedule::Step { start: 0.1, factor: -0.5, every: 3 },
        Schedule::Cosine { start: 0.1, end: -0.1, steps: 3 },
        Schedule::Linear { start: -1e-9, end: 0.1, steps: 3 },
        Schedule::WarmUp { steps: 2, then: Box::new(Schedule::Constant(-1.0)) },
    ];
    for rate in rates {
        for descent in [Descent::new(Adam::new(rate.clone())), Descent::new(Sgd::new(rate.clone()))] {
            let message = refused(descent);
            assert!(message.contains("a learning rate of"), "{message}");
        }
    }
    let adam = Adam::new(0.1);
    assert!(refused(Descent::new(Adam { beta1: 1.0, ..adam.clone() })).contains("β₁ of 1"));
    assert!(refused(Descent::new(Adam { beta2: f32::NAN, ..adam.clone() })).contains("β₂ of NaN"));
    assert!(refused(Descent::new(Adam { decay: -1.0, ..adam.clone() })).contains("weight decay of -1"));
    assert!(refused(Descent::new(Sgd { momentum: -0.5, ..Sgd::new(0.1) })).contains("momentum of -0.5"));
    for clip in [0.0, -1.0, f32::NAN] {
        assert!(refused(Descent { clip: Some(clip), ..Descent::new(adam.clone()) }).contains("clipped to a norm of"));
    }
}

#[test]
fn a_tape_without_a_ring_is_no_training() {
    let mut t = Tape::new();
    let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
    let loss = t.square(w).unwrap();
    Descent::new(Sgd::new(0.1)).update(&mut t, loss, &[w]).unwrap();
    let state = State::new(&Device::cpu());
    assert!(Training::new(&Device::cpu(), &t, &state, 3).unwrap_err().to_string().contains("Descent::record"));
    // A ring of three steps cannot keep four.
    let mut t = Tape::new();
    let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
    let loss = t.square(w).unwrap();
    Descent::new(Sgd::new(0.1)).record(&mut t, (loss, &[]), &[w], 3).unwrap();
    let mut training = Training::new(&Device::cpu(), &t, &state, 4).unwrap();
    assert!(training.run(|_, _| {}).unwrap_err().to_string().contains("keeps 3 losses"));
}
