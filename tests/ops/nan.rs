//! NaN and infinities, which every op hands on as NumPy and PyTorch do, on every device: `tests/goldens/make_nan.py` says what is expected.

use crate::common::golden::shape;
use crate::common::gpu;
use serde_json::Value;
use std::collections::BTreeSet;
use tapetum::ops::confounds::Regression;
use tapetum::ops::message::PairActivation;
use tapetum::ops::pointwise::table::ROWS;
use tapetum::ops::sparse::SparsePattern;
use tapetum::optim::{Adam, Sgd, clip_by_global_norm};
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../goldens/nan.json")).unwrap()
}

/// The numbers of a JSON list, in which words stand for NaN and infinities.
fn numbers(value: &Value) -> Vec<f64> {
    let number = |x: &Value| x.as_f64().unwrap_or_else(|| x.as_str().unwrap().parse().unwrap());
    value.as_array().unwrap().iter().map(number).collect()
}

fn given(value: &Value) -> HostTensor {
    HostTensor::f32(shape(value), numbers(&value["data"]).into_iter().map(|x| x as f32).collect()).unwrap()
}

/// The state `w` after one step of an optimiser on this gradient.
fn stepped(t: &mut Tape, x: &[Var], step: impl Fn(&mut Tape, Var) -> Result<()>) -> Result<Vec<Var>> {
    let ty = t.ty(x[0]);
    let w = t.state("w", ty, Init::Zeros)?;
    step(t, w)?;
    Ok(vec![])
}

/// Records the op of a case and returns its results, one or more.
fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Vec<Var>> {
    if let Some(&(_, arity, _)) = ROWS.iter().find(|(name, ..)| *name == op) {
        assert_eq!(arity, x.len(), "{op}");
        return Ok(vec![t.pointwise(op, x, [p.first().copied().unwrap_or(0.0), p.get(1).copied().unwrap_or(0.0)])?]);
    }
    let axis = p.first().map_or(0, |&p| p as isize);
    let activations = [PairActivation::Relu, PairActivation::LeakyRelu(0.25), PairActivation::Elu, PairActivation::Tanh];
    let one = match op {
        "sum" => t.sum(x[0], &[axis], false)?,
        "mean" => t.mean(x[0], &[axis], false)?,
        "max" => t.max(x[0], &[axis], false)?,
        "min" => t.min(x[0], &[axis], false)?,
        "variance" => t.variance(x[0], &[axis], 0, false)?,
        "standard_deviation" => t.standard_deviation(x[0], &[axis], 0, false)?,
        "l2_norm" => t.l2_norm(x[0], &[axis], false)?,
        "argmax" => t.argmax(x[0], axis)?,
        "cumulative_sum" => t.cumulative_sum(x[0], axis)?,
        "softmax" => t.softmax(x[0], axis)?,
        "log_softmax" => t.log_softmax(x[0], axis)?,
        "sort" => return t.sort(x[0]).map(|(values, index)| vec![values, index]),
        "correlation" => t.correlation(x[0], None, false)?,
        "fisher_z" => t.correlation(x[0], None, true)?,
        "weighted_correlation" => t.correlation(x[0], Some(x[1]), false)?,
        "covariance" => t.covariance(x[0], None, p[0] as usize)?,
        "weighted_covariance" => t.covariance(x[0], Some(x[1]), 1)?,
        "correlation_rows" => {
            let rows = t.shape(x[0])[0];
            t.correlation_rows(x[0], 0..rows)?
        }
        "degree" => t.degree(x[0], p[0])?,
        "top_k_neighbours" => return t.top_k_neighbours(x[0], p[0] as usize).map(|(r, index)| vec![r, index]),
        "cholesky" => t.cholesky(x[0])?,
        "inverse_spd" => t.inverse_spd(x[0])?,
        "eigh" => return t.eigh(x[0]).map(|(values, vectors)| vec![values, vectors]),
        "matrix_log" => t.matrix_log(x[0], 1e-4)?,
        "soft_parcellation" => return t.soft_parcellation(x[0], x[1]).map(|made| vec![made.series, made.mass]),
        "confound_regression" => t.confound_regression(x[0], x[1], None, Regression::default())?,
        "orthonormalise" => {
            let frames = t.full([t.shape(x[0])[1]], 1.0)?;
            t.orthonormalise(x[0], frames, 0.0)?.0
        }
        "sparse_max" => {
            let pattern = SparsePattern::new(t, [4, 4], &[(0, 1), (0, 2), (2, 0), (2, 2), (2, 3), (3, 1)])?;
            t.sparse_max(&pattern, x[0])?
        }
        "pair_sum" => {
            let ones = t.full([1, t.shape(x[0])[1], t.shape(x[1])[1]], 1.0)?;
            t.pairwise_sum(ones, x[0], x[1], activations[p[0] as usize])?
        }
        "adam" => return stepped(t, x, |t, w| Adam::new(0.125).apply(t, &[(w, x[0])])),
        "sgd" => return stepped(t, x, |t, w| Sgd::new(0.125).apply(t, &[(w, x[0])])),
        "clip_by_global_norm" => return clip_by_global_norm(t, x, 1.0).map(|(clipped, _)| clipped),
        other => panic!("no op `{other}`"),
    };
    Ok(vec![one])
}

/// The results of a case on a device, followed by its gradients.
fn run(case: &Value, device: &Device) -> Result<Vec<HostTensor>> {
    let mut tape = Tape::new();
    let inputs: Vec<(Var, HostTensor)> = case["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(i, value)| (tape.input(&format!("x{i}"), TensorType::f32(shape(value))).unwrap(), given(value)))
        .collect();
    let vars: Vec<Var> = inputs.iter().map(|(v, _)| *v).collect();
    let attributes: Vec<f32> = numbers(&case["attributes"]).into_iter().map(|x| x as f32).collect();
    let mut outputs = build(&mut tape, case["op"].as_str().unwrap(), &attributes, &vars)?;
    let of_state = outputs.is_empty();
    if case.get("gradients").is_some() {
        let ones = tape.full(tape.shape(outputs[0]), 1.0)?;
        outputs.extend(tape.vjp(&[(outputs[0], ones)], &vars)?);
    }
    let mut program = device.compile(&tape, &outputs)?;
    let made = program.run(&inputs.iter().map(|(v, x)| (*v, x)).collect::<Vec<_>>())?;
    Ok(if of_state { vec![program.state().read("w")?] } else { made })
}

/// True where a number is as expected: both are NaN, or the same infinity, or they differ by at most the tolerance times the larger of 1
/// and the expected magnitude.
fn fits(found: f64, wanted: f64, tolerance: f64) -> bool {
    match wanted.is_finite() {
        true => (found - wanted).abs() <= tolerance * wanted.abs().max(1.0),
        false => found == wanted || found.is_nan() && wanted.is_nan(),
    }
}

/// A description of the first result of a case that differs from the expected one; `None` where all agree.
fn misses(case: &Value, device: &Device, tolerance: f64) -> Option<String> {
    let what = format!("{}: {} {}", device.name(), case["op"], case["attributes"]);
    let made = match run(case, device) {
        Ok(made) => made,
        Err(e) => return Some(format!("{what}: {e}")),
    };
    let expected: Vec<&Value> =
        ["expected", "gradients"].iter().filter_map(|key| case.get(key)).flat_map(|list| list.as_array().unwrap()).collect();
    assert_eq!(made.len(), expected.len(), "{what}");
    for (part, (found, wanted)) in made.iter().zip(expected).enumerate() {
        assert_eq!(found.shape(), shape(wanted), "{what}");
        let pairs = found.to_f64_vec().into_iter().zip(numbers(&wanted["data"]));
        if let Some((at, (found, wanted))) = pairs.enumerate().find(|(_, (f, w))| !fits(*f, *w, tolerance)) {
            return Some(format!("{what}, {}: result {part}, element {at} is {found}, not {wanted}", case["inputs"][0]["shape"]));
        }
    }
    None
}

#[test]
fn nan_is_handed_on_as_numpy_does() {
    let cases = cases();
    let mut failed = Vec::new();
    for (device, tolerance) in [(Device::oracle(), 1e-7), (Device::cpu(), 5e-6), (gpu(), 5e-6)] {
        failed.extend(cases.iter().filter_map(|case| misses(case, &device, tolerance)));
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

/// The variants that a software adapter does not take by itself.
#[test]
fn variants_for_hardware_hand_nan_on_too() {
    let lines =
        ["reduce/reduce", "reduce/argmax", "reduce/cumulative_sum", "softmax/softmax", "softmax/softmax_reverse", "covariance/standardise"];
    let lines = lines.into_iter().map(|kernel| vec![(kernel, "group")]);
    let products = ["covariance/symmetric_product", "covariance/correlation_rows", "covariance/degree"];
    let products =
        ["shared128", "shared64", "shared32", "direct8"].into_iter().flat_map(|variant| products.map(|kernel| vec![(kernel, variant)]));
    let tiles = |variant| vec![("covariance/neighbours", "tiles"), ("covariance/top_k_tiles", variant)];
    let tiles = ["shared128", "shared64", "shared32"].into_iter().map(tiles);
    let matrices = ["group64", "group256", "serial"].into_iter().map(|variant| vec![("spd/cholesky", variant), ("spd/jacobi", variant)]);
    let blocks = [vec![("spd/factor", "blocks"), ("spd/solve", "blocks"), ("spd/eigen", "blocks")]].into_iter();
    let (cases, gpu) = (cases(), gpu());
    let mut failed = Vec::new();
    let (known, algorithms) = (tapetum::ops::sources(), tapetum::ops::algorithms());
    for pins in lines.chain(products).chain(tiles).chain(matrices).chain(blocks) {
        let is_known = |&(name, way): &(&str, &str)| {
            let variant = known.iter().any(|s| s.name == name && s.variants.iter().any(|v| v.name == way));
            variant || algorithms.iter().any(|a| a.name == name && a.all.iter().any(|(algorithm, _)| *algorithm == way))
        };
        assert!(pins.iter().all(is_known), "{pins:?}");
        let device = gpu.with_variants(pins.iter().map(|&(kernel, variant)| (kernel.to_owned(), variant.to_owned())));
        let ops: &[&str] = match pins[0].0 {
            "reduce/reduce" => &["sum", "max", "min"],
            "reduce/argmax" => &["argmax"],
            "reduce/cumulative_sum" => &["cumulative_sum"],
            "softmax/softmax" | "softmax/softmax_reverse" => &["softmax", "log_softmax"],
            "covariance/degree" => &["degree"],
            "covariance/neighbours" => &["top_k_neighbours"],
            "covariance/correlation_rows" => &["correlation_rows"],
            "spd/cholesky" => &["cholesky", "eigh"],
            "spd/factor" => &["cholesky", "inverse_spd", "eigh"],
            _ => &["correlation", "fisher_z", "covariance", "weighted_covariance"],
        };
        let cases = cases.iter().filter(|case| ops.iter().any(|op| case["op"] == *op));
        failed.extend(cases.filter_map(|case| misses(case, &device, 5e-6)).map(|miss| format!("{pins:?}: {miss}")));
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

/// NaN lies where the definition has it, across the edges of blocks too.
#[test]
fn blocks_of_matrices_hand_nan_on() {
    const N: usize = 70;
    let pins = ["spd/factor", "spd/solve", "spd/eigen"].map(|name| (name.to_owned(), "blocks".to_owned()));
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32([N, N])).unwrap();
    let l = tape.cholesky(x).unwrap();
    let outputs = [l, tape.triangular_solve(l, x, false).unwrap(), tape.triangular_solve(l, x, true).unwrap()];
    let (values, vectors) = tape.eigh(x).unwrap();
    let outputs = [&outputs[..], &[values, vectors]].concat();
    for at in [0, 5 * N + 3, 40 * N + 40, 69 * N + 31] {
        let entry = |i: usize| if i == at { f32::NAN } else { 1.0 / (1.0 + (i / N).abs_diff(i % N) as f32) };
        let given = HostTensor::f32([N, N], (0..N * N).map(entry).collect()).unwrap();
        let found = |device: Device| {
            let values = device.compile(&tape, &outputs).unwrap().run(&[(x, &given)]).unwrap();
            values.iter().map(|v| v.to_f64_vec().iter().map(|x| x.is_nan()).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(found(gpu().with_variants(pins.iter().cloned())), found(Device::oracle()), "NaN at {at}");
    }
}

/// Every function in the table of pointwise functions has a case here, including functions added later.
#[test]
fn every_pointwise_function_has_an_expected_value() {
    let held: BTreeSet<String> = cases().iter().map(|case| case["op"].as_str().unwrap().to_owned()).collect();
    let missing: Vec<&str> = ROWS.iter().map(|(name, ..)| *name).filter(|name| !held.contains(*name)).collect();
    assert!(missing.is_empty(), "not in make_nan.py: {missing:?}");
}
