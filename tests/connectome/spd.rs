//! Matrix functions, means and covariances against SciPy, pyRiemann, scikit-learn and nilearn, whose values
//! `tests/goldens/make_spd.py` writes: the oracle holds them in f64, the host and the GPU in f32.

use crate::common::golden::{expected, given, numbers};
use crate::common::gpu;
use serde_json::Value;
use tapetum::check::error;
use tapetum::connectome::connectivity::shrinkage::Shrinkage;
use tapetum::{Device, HostTensor, Result, Tape, TensorType, Var};

/// A floor below every eigenvalue of the matrices here.
const FLOOR: f32 = 1e-7;

fn shrinkage(p: &[f64]) -> Shrinkage {
    match p[0] as usize {
        0 => Shrinkage::None,
        1 => Shrinkage::Ridge(p[1] as f32),
        2 => Shrinkage::LedoitWolf,
        _ => Shrinkage::Oas,
    }
}

fn build(t: &mut Tape, op: &str, p: &[f64], x: &[Var]) -> Result<Var> {
    let weights = x.get(2).copied();
    match op {
        "eigenvalues" => t.eigh(x[0]).map(|made| made.0),
        "log" => t.matrix_log(x[0], FLOOR),
        "exp" => t.matrix_exp(x[0]),
        "sqrt" => t.matrix_sqrt(x[0], FLOOR),
        "inverse_sqrt" => t.matrix_inverse_sqrt(x[0], FLOOR),
        "power" => t.matrix_power(x[0], p[0] as f32, FLOOR),
        "cholesky" => t.cholesky(x[0]),
        "inverse" => t.inverse_spd(x[0]),
        "solve" => t.solve_spd(x[0], x[1]),
        "log_determinant" => t.log_determinant(x[0]),
        "mean_euclidean" => t.mean_euclidean(x[0]),
        "mean_harmonic" => t.mean_harmonic(x[0]),
        "mean_log_euclidean" => t.mean_log_euclidean(x[0], FLOOR),
        "mean_geometric" => t.mean_geometric(x[0], 25, FLOOR).map(|made| made.mean),
        "tangent" => t.tangent_projection(x[0], x[1], FLOOR),
        "cone" => t.cone_projection(x[0], x[1], FLOOR),
        "shrunk" => t.shrunk_covariance(x[0], shrinkage(p)).map(|s| s.covariance),
        "intensity" => t.shrunk_covariance(x[0], shrinkage(p)).map(|s| s.intensity.unwrap()),
        "precision" => t.series_precision(x[0], 1),
        "partial_correlation" => t.partial_correlation(x[0]),
        "paired_covariance" => t.paired_covariance(x[0], x[1], weights, 1),
        "paired_correlation" => t.paired_correlation(x[0], x[1], weights),
        "conditional_covariance" => t.conditional_covariance(x[0], x[1], weights, 1),
        "conditional_correlation" => t.conditional_correlation(x[0], x[1], weights),
        "windowed_correlation" => t.windowed_correlation(x[0], p[0] as usize, p[1] as usize, Some(x[1])),
        "lagged_covariance" => t.lagged_covariance(x[0], p[0] as usize, 1),
        "toeplitz_covariance" => t.toeplitz_covariance(x[0], x[1], 1),
        "tangent_connectivity" => {
            let covariances = t.shrunk_covariance(x[0], Shrinkage::LedoitWolf)?.covariance;
            let mean = t.mean_geometric(covariances, 25, FLOOR)?.mean;
            t.tangent_projection(covariances, mean, FLOOR)
        }
        other => panic!("no op `{other}`"),
    }
}

fn run(case: &Value, device: &Device) -> Result<HostTensor> {
    let mut tape = Tape::new();
    let mut inputs = Vec::new();
    for (i, value) in case["inputs"].as_array().unwrap().iter().enumerate() {
        let value = given(value);
        inputs.push((tape.input(&format!("x{i}"), value.ty())?, value));
    }
    let vars: Vec<Var> = inputs.iter().map(|(v, _)| *v).collect();
    let y = build(&mut tape, case["op"].as_str().unwrap(), &numbers(&case["attributes"]), &vars)?;
    let mut program = device.compile(&tape, &[y])?;
    Ok(program.run(&inputs.iter().map(|(v, x)| (*v, x)).collect::<Vec<_>>())?.remove(0))
}

/// Every case of a file in f64, on the host and on a GPU, each within its share of the result's largest magnitude (of 1 at least).
fn hold(file: &str, [oracle, host, kernels]: [f64; 3]) {
    let cases: Value = serde_json::from_str(file).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(!cases.is_empty());
    let mut failed = Vec::new();
    for (device, tolerance) in [(Device::oracle(), oracle), (Device::cpu(), host), (gpu(), kernels)] {
        let mut worst = 0.0f64;
        for (i, case) in cases.iter().enumerate() {
            let what = format!("{}: case {i}, {} {}", device.name(), case["op"], case["attributes"]);
            let found = run(case, &device).unwrap_or_else(|e| panic!("{what}: {e}"));
            let wanted = expected(&case["expected"]);
            assert_eq!(found.shape(), wanted.shape(), "{what}");
            let e = error(&found, &wanted);
            worst = worst.max(e);
            if e > tolerance {
                failed.push(format!("{what}: {e:.1e}, {tolerance:.0e} allowed"));
            }
        }
        println!("{}: {worst:.1e}", device.name());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The matrices have a condition number of 10³. In f64 SciPy and this crate both have an error of a few times 10³ ε; the exponents p are
/// stored in f32.
#[test]
fn functions_of_matrices() {
    hold(include_str!("../goldens/matrix_functions.json"), [1e-7, 1e-5, 1e-5]);
}

/// The tolerance allows for the factor 1/n of a mean, which is a constant in f32 on the oracle too.
#[test]
fn means_and_projections() {
    hold(include_str!("../goldens/matrix_means.json"), [1e-6, 1e-5, 1e-5]);
}

#[test]
fn covariances_shrunk_paired_conditional_and_in_time() {
    hold(include_str!("../goldens/covariances.json"), [1e-6, 5e-6, 5e-6]);
}

/// The series have condition numbers of 10³ and 10⁴; the error grows with them.
#[test]
fn partial_correlations() {
    hold(include_str!("../goldens/partials_1e3.json"), [1e-6, 1e-5, 1e-5]);
    hold(include_str!("../goldens/partials_1e4.json"), [1e-5, 1e-4, 1e-4]);
}

/// `ConnectivityMeasure(kind="tangent")`, which stops within 1e-7 of the mean by its own measure.
#[test]
fn tangent_connectivity_is_nilearns() {
    hold(include_str!("../goldens/tangent.json"), [1e-6, 1e-5, 1e-5]);
}

/// Eigenvalues far apart, all equal, and none above the floor: values and gradients are finite, and there is no gradient below a floor.
#[test]
fn functions_are_finite_at_repeated_eigenvalues_and_without_rank() {
    let matrices = [[2.0, 0.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0], [0.0; 4], [1e6, 0.0, 0.0, 1e-6]].concat();
    let matrices = HostTensor::f32([4, 2, 2], matrices).unwrap();
    for device in [Device::oracle(), Device::cpu(), gpu()] {
        let mut tape = Tape::new();
        let x = tape.input("x", TensorType::f32([4, 2, 2])).unwrap();
        let log = tape.matrix_log(x, 1e-3).unwrap();
        let root = tape.matrix_inverse_sqrt(x, 1e-3).unwrap();
        let inverse = tape.inverse_spd(x).unwrap();
        let determinant = tape.log_determinant(x).unwrap();
        let factor = tape.cholesky(x).unwrap();
        let results = [log, root, inverse, determinant, factor];
        let sums: Vec<Var> = results.iter().map(|&y| tape.sum(y, &[], false).unwrap()).collect();
        let gradients: Vec<Var> = sums.iter().map(|&s| tape.gradient(s, &[x]).unwrap()[0]).collect();
        let outputs = [&results[..], &gradients].concat();
        let found = device.compile(&tape, &outputs).unwrap().run(&[(x, &matrices)]).unwrap();
        for (tensor, var) in found.iter().zip(&outputs) {
            assert!(tensor.to_f64_vec().iter().all(|x| x.is_finite()), "{}: {}: {tensor:?}", device.name(), tape.describe(*var));
        }
        // ∂ Σ log A / ∂A at A = 2 · 1 is ½ everywhere, and 0 below the floor.
        let slope = found[5].to_f64_vec();
        assert!(slope[..4].iter().all(|x| (x - 0.5).abs() < 1e-6), "{}: {slope:?}", device.name());
        assert!(slope[8..12].iter().all(|x| *x == 0.0), "{}: {slope:?}", device.name());
    }
}

#[test]
fn refusals_name_the_op_and_what_was_expected() {
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32([3, 4])).unwrap();
    let square = tape.input("square", TensorType::f32([4, 4])).unwrap();
    let refused = [
        (tape.eigh(x).map(|_| ()), ["eigh", "[.., n, n]"]),
        (tape.cholesky(x).map(|_| ()), ["cholesky", "[.., n, n]"]),
        (tape.matrix_log(square, 0.0).map(|_| ()), ["matrix_log", "above 0"]),
        (tape.triangular_solve(square, x, false).map(|_| ()), ["triangular_solve", "[.., 4, m]"]),
        (tape.mean_geometric(square, 3, 1e-6).map(|_| ()), ["mean_euclidean", "[.., matrices, n, n]"]),
        (tape.shrunk_covariance(x, Shrinkage::Ridge(-1.0)).map(|_| ()), ["shrunk_covariance", "0 or more"]),
        (tape.windows(x, 5, 1).map(|_| ()), ["windows", "1 to 4 frames"]),
        (tape.lagged_covariance(x, 3, 1).map(|_| ()), ["lagged_covariance", "degree of freedom"]),
    ];
    for (result, parts) in &refused {
        let message = result.as_ref().unwrap_err().to_string();
        assert!(parts.iter().all(|p| message.contains(p)), "{message}");
    }
}
