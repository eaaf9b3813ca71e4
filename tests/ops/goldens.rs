//! Expected values by NumPy and SciPy, which `tests/goldens/make.py` writes: the oracle is compared with them in f64, the host and the GPU
//! in f32.

use crate::common::golden::{expected, given, numbers, worst};
use crate::common::gpu;
use serde_json::Value;
use tapetum::check::error;
use tapetum::optim::{Adam, Sgd};
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

/// Rounding in f64.
const EXACT: f64 = 1e-12;

/// The tolerances for a device, relative to the largest magnitude of the result, or absolute where that magnitude is below 1.
struct Within {
    device: Device,
    forward: f64,
    reverse: f64,
}

/// The devices with their tolerances. The oracle's is `oracle` forward; in reverse it is larger, because a few rules have constants (2/√π)
/// in f32.
fn devices(oracle: f64, f32_forward: f64, f32_reverse: f64) -> Vec<Within> {
    vec![
        Within { device: Device::oracle(), forward: oracle, reverse: 2e-7 },
        Within { device: Device::cpu(), forward: f32_forward, reverse: f32_reverse },
        Within { device: gpu(), forward: f32_forward, reverse: f32_reverse },
    ]
}

/// The errors of two results; their shapes must be the same.
#[track_caller]
fn distance(found: &HostTensor, wanted: &HostTensor, what: &str) -> f64 {
    assert_eq!(found.shape(), wanted.shape(), "{what}");
    error(found, wanted)
}

fn build(t: &mut Tape, op: &str, p: &[f64], x: &[Var]) -> Result<Var> {
    let axis = |i: usize| p[i] as isize;
    let axes = || p[1..].iter().map(|&a| a as isize).collect::<Vec<_>>();
    match op {
        "covariance" => t.covariance(x[0], x.get(1).copied(), p[0] as usize),
        "correlation" => t.correlation(x[0], x.get(1).copied(), false),
        "fisher_z" => t.correlation(x[0], None, true),
        "softmax" => t.softmax(x[0], axis(0)),
        "log_softmax" => t.log_softmax(x[0], axis(0)),
        "matmul" => t.matmul_with(x[0], x[1], p[0] != 0.0, p[1] != 0.0),
        "argmax" => t.argmax(x[0], axis(0)),
        "cumulative_sum" => t.cumulative_sum(x[0], axis(0)),
        "l2_norm" => t.l2_norm(x[0], &p.iter().map(|&a| a as isize).collect::<Vec<_>>(), false),
        "variance" => t.variance(x[0], &axes(), p[0] as usize, false),
        "standard_deviation" => t.standard_deviation(x[0], &axes(), p[0] as usize, false),
        "max" => t.max(x[0], &[axis(0)], false),
        "min" => t.min(x[0], &[axis(0)], false),
        "erf" => t.erf(x[0]),
        "gelu" => t.gelu(x[0]),
        "tanh" => t.tanh(x[0]),
        "softplus" => t.softplus(x[0]),
        "sigmoid" => t.sigmoid(x[0]),
        "maximum" => t.maximum(x[0], x[1]),
        "minimum" => t.minimum(x[0], x[1]),
        "where" => t.select(x[0], x[1], x[2]),
        "abs" => t.abs(x[0]),
        "relu" => t.relu(x[0]),
        other => panic!("no op `{other}`"),
    }
}

/// The result of a case and its gradients, run on `device`.
fn run(case: &Value, device: &Device) -> Result<Vec<HostTensor>> {
    let mut tape = Tape::new();
    let mut inputs = Vec::new();
    for (i, value) in case["inputs"].as_array().unwrap().iter().enumerate() {
        let value = given(value);
        inputs.push((tape.input(&format!("x{i}"), value.ty())?, value));
    }
    let vars: Vec<Var> = inputs.iter().map(|(v, _)| *v).collect();
    let y = build(&mut tape, case["op"].as_str().unwrap(), &numbers(&case["attributes"]), &vars)?;
    let mut outputs = vec![y];
    if let Some(g) = case.get("cotangent") {
        let g = given(g);
        let seed = tape.input("cotangent", g.ty())?;
        outputs.extend(tape.vjp(&[(y, seed)], &vars)?);
        inputs.push((seed, g));
    }
    let mut program = device.compile(&tape, &outputs)?;
    program.run(&inputs.iter().map(|(v, x)| (*v, x)).collect::<Vec<_>>())
}

/// Asserts that every case of a file has its expected value on every device.
fn hold(file: &str, oracle: f64, f32_forward: f64, f32_reverse: f64) {
    let cases: Value = serde_json::from_str(file).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(!cases.is_empty());
    let mut failed = Vec::new();
    for within in devices(oracle, f32_forward, f32_reverse) {
        for (i, case) in cases.iter().enumerate() {
            let what = format!("{}: case {i}, {} {}", within.device.name(), case["op"], case["attributes"]);
            let results = run(case, &within.device).unwrap_or_else(|e| panic!("{what}: {e}"));
            let gradients = case.get("gradients").map_or(&[][..], |g| g.as_array().unwrap());
            assert_eq!(results.len(), 1 + gradients.len(), "{what}");
            let forward = distance(&results[0], &expected(&case["expected"]), &what);
            let reverse = worst(results[1..].iter().zip(gradients).map(|(r, g)| distance(r, &expected(g), &what)));
            if forward > within.forward || reverse > within.reverse {
                failed.push(format!("{what}: {forward:.1e} forward, {reverse:.1e} in reverse"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn covariance_and_correlation() {
    hold(include_str!("../goldens/covariance.json"), EXACT, 2e-6, 0.0);
}

/// At |r| = 1 − 10⁻⁶ the slope of z is 5·10⁵: an r within 10⁻⁶ is a z within ½ ln 2, of 7.25; and rounding in f64 is 5·10⁻¹¹.
#[test]
fn fisher_z_where_r_is_held_below_1() {
    hold(include_str!("../goldens/fisher_held.json"), 5e-11, 0.04, 0.0);
}

#[test]
fn softmax() {
    hold(include_str!("../goldens/softmax.json"), EXACT, 1e-6, 2e-6);
}

#[test]
fn matrix_products() {
    hold(include_str!("../goldens/matmul.json"), EXACT, 1e-6, 1e-6);
}

/// The oracle's tolerance is larger too, because the factor 1/n of a mean is a constant in f32.
#[test]
fn reductions() {
    hold(include_str!("../goldens/reductions.json"), 1e-7, 2e-6, 1e-6);
}

#[test]
fn pointwise_functions_far_from_zero_too() {
    hold(include_str!("../goldens/pointwise.json"), EXACT, 1e-6, 1e-6);
}

#[test]
fn ties_are_exact() {
    hold(include_str!("../goldens/ties.json"), EXACT, 0.0, 0.0);
}

/// The parameter after each of five steps on Σ curve (p − target)², `[5, parameters]`.
fn trained(case: &Value, device: &Device) -> Result<HostTensor> {
    let [start, target, curve] = [0, 1, 2].map(|i| given(&case["inputs"][i]));
    let p = numbers(&case["attributes"]).into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let mut tape = Tape::new();
    let w = tape.state("w", start.ty(), Init::Value(start))?;
    let (target, curve) = (tape.constant(target)?, tape.constant(curve)?);
    let off = tape.sub(w, target)?;
    let squares = tape.square(off)?;
    let terms = tape.mul(curve, squares)?;
    let loss = tape.sum(terms, &[], false)?;
    let gradient = tape.gradient(loss, &[w])?[0];
    match case["op"].as_str() {
        Some("adam") => Adam { decay: p[1], decoupled: p[2] != 0.0, ..Adam::new(p[0]) }.apply(&mut tape, &[(w, gradient)])?,
        _ => Sgd { momentum: p[1], decay: p[2], nesterov: p[3] != 0.0, ..Sgd::new(p[0]) }.apply(&mut tape, &[(w, gradient)])?,
    }
    let mut program = device.compile(&tape, &[])?;
    let mut path = Vec::new();
    for _ in 0..5 {
        program.step()?;
        path.extend(program.state().read("w")?.to_f64_vec());
    }
    HostTensor::real::<f64>([5, path.len() / 5], path)
}

#[test]
fn optimisers_follow_their_published_formulas() {
    let cases: Value = serde_json::from_str(include_str!("../goldens/optimisers.json")).unwrap();
    for within in devices(EXACT, 2e-6, 0.0) {
        for case in cases.as_array().unwrap() {
            let what = format!("{}: {} {}", within.device.name(), case["op"], case["attributes"]);
            let found = trained(case, &within.device).unwrap_or_else(|e| panic!("{what}: {e}"));
            let e = distance(&found, &expected(&case["expected"]), &what);
            // Adam's bias corrections are made of ln β, a constant in f32.
            let allowed = within.forward.max(if case["op"] == "adam" { 1e-6 } else { 0.0 });
            assert!(e <= allowed, "{what}: {e:.1e}");
        }
    }
}

/// A hash of 32-bit integers (Murmur3's finaliser), as in make.py.
fn mixed(mut k: u32) -> u32 {
    k = (k ^ k >> 16).wrapping_mul(0x85EB_CA6B);
    k = (k ^ k >> 13).wrapping_mul(0xC2B2_AE35);
    k ^ k >> 16
}

/// Whole numbers about 100,000, exact in f32, as in make.py: `[64, 1200]`.
fn long_series() -> HostTensor {
    let (regions, frames) = (64, 1200);
    let value = |i: u32, t: u32| {
        let own = mixed(i * frames + t) >> 20;
        let shared = mixed((regions + i % 4) * frames + t) >> 20;
        (100_000 + own + i % 5 * shared) as f32
    };
    let values = (0..regions).flat_map(|i| (0..frames).map(move |t| value(i, t))).collect();
    HostTensor::f32([regions as usize, frames as usize], values).unwrap()
}

/// The doubles of a `.npy` file of version 1, read by hand: the crate's reader narrows them.
fn doubles(bytes: &[u8]) -> Vec<f64> {
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[10..header]).contains("'<f8'"));
    bytes[header..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn correlation_of_1200_frames_is_within_1e_6_of_f64() {
    let series = long_series();
    let wanted = doubles(include_bytes!("../goldens/correlation_64_1200.npy"));
    assert_eq!(wanted.len(), 64 * 63 / 2);
    assert!(wanted.iter().any(|r| *r > 0.6) && wanted.iter().any(|r| r.abs() < 0.01), "strong and weak ones");
    for within in devices(EXACT, 1e-6, 0.0) {
        let mut tape = Tape::new();
        let x = tape.input("x", TensorType::f32([64, 1200])).unwrap();
        let r = tape.correlation(x, None, false).unwrap();
        let r = within.device.compile(&tape, &[r]).unwrap().run(&[(x, &series)]).unwrap()[0].to_f64_vec();
        let pairs = (0..64).flat_map(|i| (i + 1..64).map(move |j| (i, j)));
        let worst = worst(pairs.zip(&wanted).flat_map(|((i, j), w)| [r[i * 64 + j] - w, r[j * 64 + i] - w].map(f64::abs)));
        println!("{}: {worst:.1e}", within.device.name());
        assert!(worst <= within.forward, "{}: {worst:.1e}", within.device.name());
        assert!((0..64).all(|i| r[i * 65] == 1.0), "{}: the diagonal", within.device.name());
    }
}
