//! Tests of k-means and of the standardising of series.

use tapetum::statistics::lloyd::k_means;
use tapetum::statistics::standardise::{standardised, unit_rows};
use tapetum::topology::clustering::{Interpolation, Top};
use tapetum::topology::{Diagrams, random_correlation};
use tapetum::{Device, HostTensor};

/// Three clusters far apart are found with every seed.
#[test]
fn k_means_finds_what_lies_apart() {
    let rows: Vec<f64> = (0..21).flat_map(|i| [10.0 * f64::from(i % 3) + 0.01 * f64::from(i), -5.0 * f64::from(i % 3)]).collect();
    for seed in 0..5 {
        let found = k_means(&rows, 21, 3, seed).unwrap();
        let labels = &found.clusters;
        assert!((0..21).all(|i| labels[i] == labels[i % 3]) && labels[0] != labels[1] && labels[1] != labels[2] && labels[0] != labels[2]);
        assert!(found.converged);
    }
    assert!(k_means(&rows, 21, 22, 0).is_err() && k_means(&rows, 21, 0, 0).is_err());
    let mut broken = rows.clone();
    broken[9] = f64::NAN;
    assert!(k_means(&broken, 21, 3, 0).unwrap_err().to_string().contains("row 4, column 1"));
}

/// No round of a clustering raises the inertia, whether by weights, by topology or by both. A clustering that is cut short says so.
#[test]
fn rounds_descend_and_a_run_cut_short_says_so() {
    let (graphs, n) = (24, 9);
    let weights: Vec<f32> =
        (0..graphs as u64).flat_map(|seed| random_correlation(n, 3, seed).unwrap().as_f32().unwrap().to_vec()).collect();
    let weights: Vec<f32> = weights.into_iter().map(f32::abs).collect();
    let stack = HostTensor::f32([graphs, n, n], weights).unwrap();
    let diagrams = Diagrams::new(&Device::cpu(), &stack).unwrap();
    let exact = Interpolation::Exact { steps: 20 };
    let gradient = Interpolation::Gradient { rate: 0.3, steps: 5 };
    for (weight, interpolation) in [(0.0, exact), (0.5, exact), (0.5, gradient), (0.9, gradient), (1.0, exact)] {
        let run =
            |rounds| Top { weight, interpolation, rounds, initial: vec![0, 1, 2, 3], ..Top::new(4, 0) }.run(&stack, &diagrams).unwrap();
        let whole = run(300);
        assert!(whole.converged && whole.rounds >= 2, "{weight} {interpolation:?}: {whole:?}");
        let made: Vec<_> = (1..=whole.rounds).map(run).collect();
        // The inertia is a sum of squares in f32, so a difference within rounding is not a rise.
        assert!(made.windows(2).all(|pair| pair[1].inertia <= pair[0].inertia * (1.0 + 1e-6)), "{weight} {interpolation:?}: {made:?}");
        assert!(made[..made.len() - 1].iter().all(|found| !found.converged));
    }
}

#[test]
fn series_have_mean_0_and_one_size() {
    let x: Vec<f64> = (0..50).map(|i| 1e6 + (f64::from(i) * 0.37).sin()).collect();
    let z = standardised(&x);
    let mean = z.iter().sum::<f64>() / 50.0;
    assert!(mean.abs() < 1e-9 && (z.iter().map(|z| z * z).sum::<f64>() / 50.0 - 1.0).abs() < 1e-9);
    let row: Vec<f32> = (0..50).map(|i| (i as f32 * 0.37).sin() - 3.0).collect();
    let unit = unit_rows(&row, 50);
    assert!((unit.iter().map(|u| u * u).sum::<f32>() - 1.0).abs() < 1e-5 && unit.iter().sum::<f32>().abs() < 1e-5);
}

/// A row whose values differ by less than eight floating-point spacings is constant, and one whose values differ by more is not. NaN is
/// handed on.
#[test]
fn one_rule_says_what_is_constant() {
    let wave = |size: f32, step: f32| -> Vec<f32> { (0..40).map(|i| size + if i % 2 == 0 { step } else { -step }).collect() };
    let of = |row: Vec<f32>| unit_rows(&row, 40);
    assert!(of(wave(1024.0, 0.0)).iter().all(|&u| u == 0.0));
    assert!(of(wave(1024.0, 4.0 * 1024.0 * f32::EPSILON)).iter().all(|&u| u == 0.0));
    assert!(of(wave(1024.0, 16.0 * 1024.0 * f32::EPSILON)).iter().all(|&u| (u.abs() - 1.0 / 40f32.sqrt()).abs() < 1e-6));
    assert!(standardised(&[0.1; 1201]).iter().all(|&z| z == 0.0));
    assert!(standardised(&[1.0, f64::NAN, 2.0]).iter().all(|z| z.is_nan()));
    assert!(unit_rows(&[1.0, f32::NAN, 2.0], 3).iter().all(|z| z.is_nan()));
    assert!(standardised(&[]).is_empty());
}
