//! Blocks on a tape whose values have names.

use serde_json::{Value, json};
use tapetum::optim::Adam;
use tapetum::workflow::NamedTape;
use tapetum::{Device, HostTensor, Init, Tape, TensorType};

const SERIES: [usize; 2] = [12, 65];

fn series() -> HostTensor {
    let source = |i: usize| ((0.3 + 0.2 * (i / 65 / 4) as f32) * (i % 65) as f32).sin() + 0.2 * (i as f32 * 78.233).sin();
    HostTensor::f32(SERIES, (0..12 * 65).map(source).collect()).unwrap()
}

fn block(tape: &mut NamedTape, described: Value) {
    tape.block(&described).unwrap();
}

fn named() -> NamedTape {
    let mut tape = NamedTape::new(7);
    tape.input("series", TensorType::f32(SERIES)).unwrap();
    tape.parameter("logits", &json!({ "shape": [3, "series[0]"], "init": { "normal": 0.1 } })).unwrap();
    block(&mut tape, json!({ "name": "parcels", "block": "soft_parcellation", "logits": "logits", "series": "series" }));
    block(&mut tape, json!({ "name": "rebuilt", "block": "matmul", "of": "parcels.memberships", "with": "parcels", "transpose_of": true }));
    block(&mut tape, json!({ "name": "error", "block": "square_error", "predicted": "rebuilt", "target": "series" }));
    block(&mut tape, json!({ "name": "mean", "block": "reduce", "of": "error" }));
    tape
}

/// The same step by the methods of a tape.
fn by_methods() -> Vec<f64> {
    let mut tape = Tape::new();
    let series_var = tape.input("series", TensorType::f32(SERIES)).unwrap();
    let logits = tape.parameter("logits", [3, 12], Init::Normal { mean: 0.0, std: 0.1, seed: 7, stream: 0 }).unwrap();
    let parcels = tape.soft_parcellation(logits, series_var).unwrap();
    let rebuilt = tape.matmul_with(parcels.memberships, parcels.series, true, false).unwrap();
    let loss = tape.mean_squared_error(rebuilt, series_var).unwrap();
    let gradient = tape.gradient(loss, &[logits]).unwrap();
    Adam::new(0.1).apply(&mut tape, &[(logits, gradient[0])]).unwrap();
    let mut program = Device::cpu().compile(&tape, &[loss]).unwrap();
    program.write(series_var, &series()).unwrap();
    let mut step = |_| {
        program.step().unwrap();
        program.read(loss).unwrap().item().unwrap()
    };
    (0..20).map(&mut step).collect()
}

#[test]
fn a_descent_is_that_of_the_methods() {
    let mut tape = named();
    tape.descend("mean", &json!({ "steps": 20, "rate": 0.1 })).unwrap();
    let mut program = Device::cpu().compile(tape.tape(), &[]).unwrap();
    program.write(tape.var("series").unwrap(), &series()).unwrap();
    program.steps(20).unwrap();
    let losses = program.state().read("loss").unwrap().to_f64_vec();
    let wanted = by_methods();
    assert!(losses[19] < 0.8 * losses[0], "{losses:?}");
    losses.iter().zip(&wanted).for_each(|(found, wanted)| assert!((found - wanted).abs() <= 1e-6, "{losses:?}, not {wanted:?}"));
}

#[test]
fn a_gradient_has_the_name_it_is_given() {
    let mut tape = named();
    tape.gradient("mean", &[("logits", "slope")]).unwrap();
    assert!(tape.names().any(|name| name == "slope"));
    let slope = tape.var("slope").unwrap();
    assert_eq!(tape.tape().shape(slope)[..], [3, 12]);
    // The name is the value's alone.
    let refused = tape.gradient("mean", &[("logits", "slope")]).unwrap_err().to_string();
    assert_eq!(refused, "another value is called `slope`");
    let refused = tape.gradient("mean", &[("logits", "one"), ("series", "one")]).unwrap_err().to_string();
    assert_eq!(refused, "two gradients are called `one`");
}

#[test]
fn what_stands_for_nothing_is_refused() {
    let mut tape = named();
    let mut refused = |described: Value| tape.block(&described).unwrap_err().to_string();
    let name = json!({ "name": "mean", "block": "reduce", "of": "error" });
    assert_eq!(refused(name), "block.name: another value is called `mean`");
    let value = refused(json!({ "name": "x", "block": "reduce", "of": "errors" }));
    assert!(value.starts_with("block.of: no value is called `errors` here: there are error, logits, mean, "), "{value}");
    assert!(refused(json!({ "name": "x", "block": "reduce", "of": "error", "along": 1 })).starts_with("block: no key is called `along`"));
    assert_eq!(refused(json!([])), "block: the key `block` is missing");
    let mut refused = |described: Value| tape.descend("mean", &described).unwrap_err().to_string();
    assert!(refused(json!({ "steps": 5, "rate": 0.1, "batch": 2 })).starts_with("train: no key is called `batch`"));
    assert!(refused(json!({ "steps": 0, "rate": 0.1 })).starts_with("train.steps: a whole number of at least 1 is expected"));
    let shape = tape.parameter("w", &json!({ "shape": ["nothing[0]"] })).unwrap_err().to_string();
    assert!(shape.starts_with("parameters.w.shape: no value is called `nothing` here"), "{shape}");
    let mut empty = NamedTape::new(0);
    empty.input("x", TensorType::f32([1])).unwrap();
    assert_eq!(empty.descend("x", &json!({ "steps": 1, "rate": 0.1 })).unwrap_err().to_string(), "train: there is no parameter to learn");
}
