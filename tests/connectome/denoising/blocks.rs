//! Blocks against NumPy, SciPy and PyTorch.

use super::goldens;
use crate::common::golden::hold;
use tapetum::connectome::weights::{Domain, initialise};
use tapetum::{Device, HostTensor, Result, Tape, TensorType, Var};

fn model(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Option<Result<Var>> {
    Some(match op {
        "confound_combinations" => t.confound_combinations(x[0], x[1]),
        "confound_responses" => t.confound_responses(x[0], x[1], x[2], p[0]),
        "confound_elimination" => t.confound_elimination(x[0], x[1]),
        "match_spectra" => t.match_spectra(x[0], x[1], p[0] != 0.0),
        "network_compression" => t.network_compression(x[0], x[1], p[0] != 0.0),
        "recombine_by_query" => t.recombine_by_query(x[0], x[1], x[2]),
        "recombine_by_low_rank_query" => t.recombine_by_low_rank_query(x[0], x[1], [x[2], x[3]]),
        "orthonormal" => Domain::Orthonormal.image(t, x[0]),
        "isochoric" => Domain::Isochoric { volume: 2.0, condition: None }.image(t, x[0]),
        _ => return None,
    })
}

fn map(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    match op {
        "normalised_angle" => t.normalised_angle(x[0], x[1]),
        "laplacian_eigenmaps" => t.laplacian_eigenmaps(x[0], p[0] as usize, p[1] != 0.0).map(|made| made.maps),
        "laplacian_values" => t.laplacian_eigenmaps(x[0], p[0] as usize, p[1] != 0.0).map(|made| made.values),
        "diffusion_maps" => t.diffusion_maps(x[0], p[0] as usize, p[1], p[2] as u32).map(|made| made.maps),
        "diffusion_values" => t.diffusion_maps(x[0], p[0] as usize, p[1], p[2] as u32).map(|made| made.values),
        // Of unit noise in every direction, whose covariance is 1.
        "covariance_of_matched" => {
            let unit = t.constant(HostTensor::f32([4, 4], (0..16).map(|i| f32::from(u8::from(i % 5 == 0))).collect())?)?;
            let made = t.match_covariance(unit, x[1])?;
            t.matmul_with(made, made, false, true)
        }
        other => panic!("no block `{other}`"),
    }
}

fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    model(t, op, p, x).unwrap_or_else(|| map(t, op, p, x))
}

/// f32 holds constants, and loses in eigenvectors what it has over gaps between eigenvalues: some hundredths in these maps.
#[test]
fn blocks_equal_their_definitions() {
    hold(&goldens()["blocks"], build, 3e-7, 2e-5);
}

/// Over 400 draws covariances scatter by √(2 / 400 T) of their size about the series'; spectra are exact in the mean but for that too.
#[test]
fn null_series_have_covariance_and_spectrum_in_expectation() {
    const DRAWS: usize = 400;
    let (n, time) = (3, 64);
    // Slow series, of unequal variance.
    let x: Vec<f32> = (0..n * time).map(|i| ((i / time + 1) as f32) * ((i % time) as f32 * 0.3 + (i / time) as f32).sin()).collect();
    let x = HostTensor::f32([1, n, time], x).unwrap();
    let mut t = Tape::new();
    let input = t.input("x", x.ty()).unwrap();
    let many = t.broadcast_to(input, [DRAWS, n, time]).unwrap();
    let null = t.laumann_null(many, 3, 0).unwrap();
    let both = [input, null].map(|v| {
        let covariance = t.covariance(v, None, 1).unwrap();
        let spectrum = t.rfft(v).unwrap();
        let amplitude = t.l2_norm(spectrum, &[-1], false).unwrap();
        [t.mean(covariance, &[0], false).unwrap(), t.mean(amplitude, &[0, 1], false).unwrap()]
    });
    let found = Device::cpu().compile(&t, &both.concat()).unwrap().run(&[(input, &x)]).unwrap();
    let [wanted, spectrum, made, shaped] = [0, 1, 2, 3].map(|i: usize| found[i].to_f64_vec());
    let size = wanted.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    // Independent frames would give 0.009; slow ones are worth fewer: a tenth of them here.
    assert!(made.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 5.0 * 0.03 * size), "{made:?} {wanted:?}");
    let peak = |x: &[f64]| (0..x.len()).fold(0, |best, k| if x[k] > x[best] { k } else { best });
    assert_eq!(peak(&shaped), peak(&spectrum));
}

/// Every window is frames of its own series, in order, and windows differ.
#[test]
fn random_windows_are_frames_of_the_series() {
    let x = HostTensor::f32([20, 1, 30], (0..600).map(|i| i as f32).collect()).unwrap();
    let mut t = Tape::new();
    let input = t.input("x", x.ty()).unwrap();
    let y = t.random_window(input, 7, 5, 0).unwrap();
    let found = Device::cpu().compile(&t, &[y]).unwrap().run(&[(input, &x)]).unwrap().remove(0).to_f64_vec();
    let starts: Vec<f64> = found.chunks(7).enumerate().map(|(s, w)| w[0] - 30.0 * s as f64).collect();
    for (s, window) in found.chunks(7).enumerate() {
        assert!((0.0..=23.0).contains(&starts[s]) && window.iter().enumerate().all(|(i, x)| *x == window[0] + i as f64), "{window:?}");
    }
    assert!(starts.iter().any(|s| *s != starts[0]), "{starts:?}");
    assert!(t.random_window(input, 31, 0, 0).unwrap_err().to_string().contains("1 to 30 frames"));
}

#[test]
fn parameters_begin_as_told() {
    let lattice = initialise::bipartite_lattice([4, 6], 1, 3, 0).unwrap().to_f64_vec();
    let rows: Vec<f64> = lattice.chunks(6).map(|r| r.iter().sum()).collect();
    let columns: Vec<f64> = (0..6).map(|i| lattice.iter().skip(i).step_by(6).sum()).collect();
    assert_eq!((rows, columns), (vec![3.0; 4], vec![2.0; 6]));
    assert!(initialise::bipartite_lattice([2, 3], 9, 0, 0).unwrap().to_f64_vec().iter().all(|x| *x == 1.0));
    let toeplitz = initialise::toeplitz([3, 4], &[1.0, 2.0], &[9.0, 3.0, 4.0]).unwrap().to_f64_vec();
    assert_eq!(toeplitz, [1.0, 3.0, 4.0, 0.0, 2.0, 1.0, 3.0, 4.0, 0.0, 2.0, 1.0, 3.0]);
    assert_eq!(initialise::delta_plus([2, 3], 1, 0.0, 0, 0).unwrap().to_f64_vec(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    let tail = initialise::laplace([1, 3], 1.0, 0.5, 0.0, 0, 0).unwrap().to_f64_vec();
    assert!(tail[1] == 1.0 && (tail[0] - (-2f64).exp()).abs() < 1e-7 && tail[0] == tail[2]);
    // A positive-definite matrix of the domain's volume is its own image.
    let domain = Domain::Isochoric { volume: 3.0, condition: None };
    let value = HostTensor::f32([2, 2], vec![2.0, 1.0, 1.0, 2.0]).unwrap();
    let start = domain.preimage(&value).unwrap();
    let mut t = Tape::new();
    let x = t.input("x", start.ty()).unwrap();
    let image = domain.image(&mut t, x).unwrap();
    let found = Device::oracle().compile(&t, &[image]).unwrap().run(&[(x, &start)]).unwrap().remove(0).to_f64_vec();
    assert!(found.iter().zip([2.0, 1.0, 1.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
}

#[test]
fn refusals_say_what_was_expected() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([3, 4])).unwrap();
    let square = t.input("square", TensorType::f32([4, 4])).unwrap();
    let message = |e: tapetum::Error| e.to_string();
    assert!(message(t.confound_combinations(x, square).unwrap_err()).contains("weights [regressors, 3]"));
    assert!(message(t.confound_responses(x, x, x, 0.1).unwrap_err()).contains("thresholds [responses]"));
    assert!(message(t.confound_elimination(x, x).unwrap_err()).contains("[or, and, 3]"));
    assert!(message(t.laplacian_eigenmaps(square, 4, true).unwrap_err()).contains("1 to 3 components"));
    assert!(message(t.diffusion_maps(x, 1, 0.5, 0).unwrap_err()).contains("[.., n, n]"));
    assert!(message(t.match_spectra(x, square, false).unwrap_err()).contains("a reference [3, 4]"));
    assert!(message(t.with_dropout(x, 1.0, &[], 0, 0).unwrap_err()).contains("0 up to 1"));
    assert!(message(t.with_conditioning(square, 0.1, 0.2, 0, 0).unwrap_err()).contains("0 ≤ ξ ≤ ψ"));
    assert!(initialise::laplace([1, 3], 1.0, 0.0, 0.0, 0, 0).is_err() && initialise::delta_plus([1, 3], 3, 0.0, 0, 0).is_err());
}
