//! Expected values in JSON, which the scripts in `tests/goldens/` write.

use super::gpu;
use serde_json::Value;
use tapetum::{Device, HostTensor, Result, Shape, Tape, Var};

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

pub fn shape(value: &Value) -> Shape {
    Shape::try_new(&numbers(&value["shape"]).into_iter().map(|n| n as usize).collect::<Vec<_>>()).unwrap()
}

/// A golden file's operand, in f32.
pub fn given(value: &Value) -> HostTensor {
    HostTensor::f32(shape(value), numbers(&value["data"]).into_iter().map(|x| x as f32).collect()).unwrap()
}

/// A golden file's expected value, in f64.
pub fn expected(value: &Value) -> HostTensor {
    HostTensor::real::<f64>(shape(value), numbers(&value["data"])).unwrap()
}

/// The largest of errors; infinite where one is NaN, so that no tolerance admits it.
pub fn worst(errors: impl IntoIterator<Item = f64>) -> f64 {
    errors.into_iter().fold(0.0, |worst: f64, e| if e.is_nan() { f64::INFINITY } else { worst.max(e) })
}

/// The largest error relative to the largest magnitude expected; absolute where zeros are expected.
#[track_caller]
pub fn relative(found: &HostTensor, wanted: &Value, what: &str) -> f64 {
    assert_eq!(found.shape(), shape(wanted), "{what}");
    let wanted = numbers(&wanted["data"]);
    let most = wanted.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let apart = worst(found.to_f64_vec().iter().zip(&wanted).map(|(a, b)| (a - b).abs()));
    apart / if most > 0.0 { most } else { 1.0 }
}

/// A function that records the op that a case names, with its attributes, over its operands.
pub type Build = fn(&mut Tape, &str, &[f32], &[Var]) -> Result<Var>;

fn run(case: &Value, build: Build, device: &Device) -> Result<HostTensor> {
    let mut tape = Tape::new();
    let mut inputs = Vec::new();
    for (i, value) in case["inputs"].as_array().unwrap().iter().enumerate() {
        let value = given(value);
        inputs.push((tape.input(&format!("x{i}"), value.ty())?, value));
    }
    let vars: Vec<Var> = inputs.iter().map(|(v, _)| *v).collect();
    let attributes: Vec<f32> = numbers(&case["attributes"]).into_iter().map(|x| x as f32).collect();
    let y = build(&mut tape, case["op"].as_str().unwrap(), &attributes, &vars)?;
    let mut program = device.compile(&tape, &[y])?;
    Ok(program.run(&inputs.iter().map(|(v, x)| (*v, x)).collect::<Vec<_>>())?.remove(0))
}

/// Asserts that every case has its expected value on every device, within the tolerance `oracle` in f64 and `single` in f32.
pub fn hold(cases: &Value, build: Build, oracle: f64, single: f64) {
    let mut failed = Vec::new();
    for (device, tolerance) in [(Device::oracle(), oracle), (Device::cpu(), single), (gpu(), single)] {
        for (i, case) in cases.as_array().unwrap().iter().enumerate() {
            let what = format!("{}: case {i}, {} {}", device.name(), case["op"], case["attributes"]);
            let found = run(case, build, &device).unwrap_or_else(|e| panic!("{what}: {e}"));
            let error = relative(&found, &case["expected"], &what);
            if error > tolerance {
                failed.push(format!("{what}: {error:.1e}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
