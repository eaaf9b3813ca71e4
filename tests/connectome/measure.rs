//! Connectivity as users of the library call it: properties that hold of any series, and the settings together.

use crate::common::golden::worst;
use proptest::prelude::*;
use tapetum::connectome::connectivity::mean::{Stop, geometric_mean};
use tapetum::connectome::connectivity::measure::{Connectivity, Diagonal, Kind};
use tapetum::connectome::connectivity::shrinkage::Shrinkage;
use tapetum::statistics::centre::{Centred, Constant};
use tapetum::{Device, HostTensor, Tape};

/// Numbers that look drawn, from -1 to 1, by the fractional parts of a sine.
fn noise(seed: u64, count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i as f64 * 12.9898 + seed as f64 * 78.233).sin() * 43_758.545_3).rem_euclid(1.0) * 2.0 - 1.0).collect()
}

/// Positive-definite matrices `[many, n, n]` that differ in scale by up to 10^±`decades`.
fn matrices(seed: u64, [many, n]: [usize; 2], decades: f64) -> Vec<f64> {
    let gains = noise(seed + 1, many);
    let of = |m: usize| {
        let a = noise(seed + 10 * m as u64 + 2, n * n);
        let gain = 10f64.powf(decades * gains[m]);
        let entry = move |at: usize| {
            let (i, j) = (at / n, at % n);
            gain * ((0..n).map(|k| a[i * n + k] * a[j * n + k]).sum::<f64>() + if i == j { 0.01 * (1.0 + i as f64) } else { 0.0 })
        };
        (0..n * n).map(entry).collect::<Vec<f64>>()
    };
    (0..many).flat_map(of).collect()
}

/// W A Wᵀ of each matrix.
fn moved(x: &[f64], w: &[f64], n: usize) -> Vec<f64> {
    let product = |a: &[f64], b: &[f64], turned: bool| -> Vec<f64> {
        let entry = |at: usize| (0..n).map(|k| a[at / n * n + k] * if turned { b[at % n * n + k] } else { b[k * n + at % n] }).sum();
        (0..n * n).map(entry).collect()
    };
    x.chunks_exact(n * n).flat_map(|a| product(&product(w, a, false), w, true)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The geometric mean of W A Wᵀ is that of A moved by W, whatever the units: the metric is affine-invariant (Pennec et al. 2006).
    #[test]
    fn the_geometric_mean_is_affine_invariant(seed in 0u64..10_000, many in 2usize..6, n in 1usize..7, decades in 0.0f64..3.0) {
        let x = matrices(seed, [many, n], decades);
        // Far from singular: a matrix of small entries and twice the identity.
        let w: Vec<f64> = noise(seed + 99, n * n).iter().enumerate().map(|(at, x)| 0.5 * x + if at % (n + 1) == 0 { 2.0 } else { 0.0 }).collect();
        let mean = |values: Vec<f64>| geometric_mean(&Device::cpu(), &HostTensor::real([many, n, n], values).unwrap(), Stop::default()).unwrap();
        let [plain, other] = [mean(x.clone()), mean(moved(&x, &w, n))];
        prop_assert!(plain.ended.converged && other.ended.converged);
        let wanted = moved(&plain.mean.to_f64_vec(), &w, n);
        let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let worst = worst(other.mean.to_f64_vec().iter().zip(&wanted).map(|(f, w)| (f - w).abs() / scale));
        prop_assert!(worst <= 1e-9, "{worst:.1e}");
    }

    /// Correlations are those of the series without their means, up to means of ten million deviations.
    #[test]
    fn correlation_does_not_depend_on_means(seed in 0u64..10_000, exponent in 0.0f64..7.0) {
        let x = noise(seed, 4 * 60);
        let far: Vec<f64> = x.iter().enumerate().map(|(at, x)| x + 10f64.powf(exponent) * 0.5 * (1.0 + (at / 60) as f64 / 4.0)).collect();
        let of = |values: Vec<f64>| {
            let series = HostTensor::real([4, 60], values).unwrap();
            Connectivity::new(Kind::Correlation).compute(&Device::cpu(), &series).unwrap().values.to_f64_vec()
        };
        // The rounding error of the sum in f64 is 1e7 · 2⁻⁵³, far below the tolerance.
        prop_assert!(of(x).iter().zip(of(far)).all(|(a, b)| (a - b).abs() <= 1e-6));
    }
}

/// The geometric mean of two matrices that commute is the root of their product; of one, itself.
#[test]
fn means_that_are_known() {
    let diagonal = |d: [f64; 3]| (0..9).map(|at| if at % 4 == 0 { d[at / 4] } else { 0.0 }).collect::<Vec<f64>>();
    let given = [diagonal([1.0, 4.0, 1e-6]), diagonal([9.0, 1e8, 1.0])].concat();
    let found = geometric_mean(&Device::cpu(), &HostTensor::real([2, 3, 3], given).unwrap(), Stop::default()).unwrap();
    for (found, wanted) in found.mean.to_f64_vec().iter().zip(diagonal([3.0, 2e4, 1e-3])) {
        assert!((found - wanted).abs() <= 1e-9 * wanted.max(1e-3), "{found} {wanted}");
    }
    let one = matrices(5, [1, 4], 0.0);
    let found = geometric_mean(&Device::cpu(), &HostTensor::real([1, 4, 4], one.clone()).unwrap(), Stop::default()).unwrap();
    assert!(found.mean.to_f64_vec().iter().zip(&one).all(|(f, w)| (f - w).abs() < 1e-10));
}

#[test]
fn a_mean_that_is_not_reached_is_an_error_unless_it_is_asked_for() {
    let given = HostTensor::real([4, 5, 5], matrices(3, [4, 5], 2.0)).unwrap();
    let mut stop = Stop::default();
    stop.steps = 2;
    let refused = geometric_mean(&Device::cpu(), &given, stop).unwrap_err().to_string();
    assert!(refused.contains("not converged after 2 steps"), "{refused}");
    let taken = geometric_mean(&Device::cpu(), &given, stop.or_unconverged()).unwrap();
    assert!(!taken.ended.converged && taken.ended.residual > taken.ended.tolerance);
    let singular = HostTensor::real([2, 2, 2], vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]).unwrap();
    let refused = geometric_mean(&Device::cpu(), &singular, Stop::default()).unwrap_err().to_string();
    assert!(refused.contains("matrix 1") && refused.contains("not positive definite"), "{refused}");
    let missing = HostTensor::real([1, 2, 2], vec![1.0, f64::NAN, f64::NAN, 1.0]).unwrap();
    assert!(geometric_mean(&Device::cpu(), &missing, Stop::default()).is_err());
}

fn series(seed: u64, shape: [usize; 3]) -> HostTensor {
    let [_, n, time] = shape;
    let own = noise(seed, shape.iter().product());
    let common = noise(seed + 7, shape[0] * time);
    let value = |at: usize| own[at] + 0.5 * common[at / (n * time) * time + at % time] + 3.0;
    HostTensor::real(shape, (0..own.len()).map(value).collect::<Vec<f64>>()).unwrap()
}

/// Fitting a reference to a group and then transforming the group gives the same as computing both at once, and other subjects are
/// transformed with the same reference.
#[test]
fn a_reference_is_fitted_once() {
    let (device, measure) = (Device::cpu(), Connectivity::new(Kind::Tangent));
    let group = series(1, [5, 4, 60]);
    let fitted = measure.fit(&device, &group).unwrap();
    let at_once = measure.compute(&device, &group).unwrap().values;
    assert_eq!(fitted.transform(&device, &group).unwrap().values, at_once);
    let other = series(9, [1, 4, 60]);
    let tangent = fitted.transform(&device, &other).unwrap().values;
    assert_eq!(tangent.shape()[..], [1, 4, 4]);
    // By the tape's own projection, in f64.
    let mut tape = Tape::new();
    let (x, r) = (tape.input("x", other.ty()).unwrap(), tape.input("r", fitted.reference.ty()).unwrap());
    let covariance = tape.shrunk_covariance(x, Shrinkage::LedoitWolf).unwrap().covariance;
    let projected = tape.tangent_projection(covariance, r, 1e-30).unwrap();
    let mut program = Device::oracle().compile(&tape, &[projected]).unwrap();
    let wanted = program.run(&[(x, &other), (r, &fitted.reference)]).unwrap()[0].to_f64_vec();
    assert!(tangent.to_f64_vec().iter().zip(&wanted).all(|(f, w)| (f - w).abs() < 1e-6));
    let flat = HostTensor::full([1, 4, 60], 2.0);
    let refused = fitted.transform(&device, &flat).unwrap_err().to_string();
    assert!(refused.contains("region 0 of subject 0"), "{refused}");
}

#[test]
fn vectors_are_the_upper_triangles() {
    let (device, given) = (Device::cpu(), series(2, [3, 4, 50]));
    let whole = Connectivity::new(Kind::Covariance).compute(&device, &given).unwrap().values;
    for (diagonal, entries) in [(Diagonal::Kept, vec![0, 1, 2, 3, 5, 6, 7, 10, 11, 15]), (Diagonal::Dropped, vec![1, 2, 3, 6, 7, 11])] {
        let found = Connectivity::new(Kind::Covariance).vectorised(diagonal).compute(&device, &given).unwrap().values;
        assert_eq!(found.shape()[..], [3, entries.len()]);
        let wanted: Vec<f64> =
            whole.to_f64_vec().chunks_exact(16).flat_map(|m| entries.iter().map(|&at| m[at]).collect::<Vec<_>>()).collect();
        assert_eq!(found.to_f64_vec(), wanted);
    }
}

/// Weights that are whole numbers have the effect of repeated frames, except for the divisor of the covariance: correlations and partial
/// correlations are the same.
#[test]
fn weights_mean_repeated_frames() {
    let given = series(4, [1, 4, 30]);
    let counts: Vec<usize> = (0..30).map(|t| 1 + t % 3).collect();
    let weights = HostTensor::f32([30], counts.iter().map(|&c| c as f32).collect()).unwrap();
    let frames: Vec<usize> = counts.iter().enumerate().flat_map(|(t, &c)| vec![t; c]).collect();
    let values = given.to_f64_vec();
    let repeated: Vec<f64> = (0..4).flat_map(|r| frames.iter().map(|&t| values[r * 30 + t]).collect::<Vec<_>>()).collect();
    let repeated = HostTensor::real([1, 4, frames.len()], repeated).unwrap();
    for kind in [Kind::Correlation, Kind::PartialCorrelation] {
        let weighted = Connectivity::new(kind).weighted(weights.clone()).compute(&Device::cpu(), &given).unwrap().values.to_f64_vec();
        let wanted = Connectivity::new(kind).compute(&Device::cpu(), &repeated).unwrap().values.to_f64_vec();
        assert!(weighted.iter().zip(&wanted).all(|(f, w)| (f - w).abs() < 1e-5), "{kind:?}: {weighted:?} {wanted:?}");
    }
    let shrunk = Connectivity::new(Kind::Covariance).weighted(weights).shrunk(Shrinkage::Oas);
    assert!(shrunk.compute(&Device::cpu(), &given).unwrap_err().to_string().contains("weights"));
    assert!(Connectivity::new(Kind::Covariance).fisher_z().compute(&Device::cpu(), &given).is_err());
}

/// A region that holds NaN is NaN with every other, and where all others are given, everything is; a tangent of it is an error.
#[test]
fn what_is_missing_is_never_a_number() {
    let mut values = series(6, [1, 4, 40]).to_f64_vec();
    values[40 + 3] = f64::NAN;
    let given = HostTensor::real([1, 4, 40], values).unwrap();
    assert!(Centred::new(&given, Constant::ToRounding).unwrap().constant.is_empty());
    for kind in [Kind::PartialCorrelation, Kind::Precision] {
        let found = Connectivity::new(kind).compute(&Device::cpu(), &given).unwrap();
        assert!(found.values.to_f64_vec().iter().all(|x| x.is_nan()), "{kind:?}: {:?}", found.values);
    }
    let both = HostTensor::real([2, 4, 40], [given.to_f64_vec(), series(8, [1, 4, 40]).to_f64_vec()].concat()).unwrap();
    assert!(Connectivity::new(Kind::Tangent).compute(&Device::cpu(), &both).unwrap_err().to_string().contains("finite"));
}

/// Regions that differ by a thousandth of their deviation: the host computes what it inverts in f64, and rounds the result.
#[test]
fn the_host_inverts_in_double_precision() {
    let (n, time) = (4, 80);
    let mut x: Vec<f32> = noise(7, n * time).iter().map(|x| *x as f32).collect();
    for t in 0..time {
        x[time + t] = x[t] + 1e-3 * x[time + t];
    }
    let given = HostTensor::f32([n, time], x.clone()).unwrap();
    let on = |device: &Device, value: &HostTensor| -> Vec<Vec<f64>> {
        let mut tape = Tape::new();
        let series = tape.input("series", value.ty()).unwrap();
        let covariance = tape.covariance(series, None, 1).unwrap();
        let made = [
            tape.partial_correlation(series).unwrap(),
            tape.series_precision(series, 1).unwrap(),
            tape.inverse_spd(covariance).unwrap(),
            tape.matrix_log(covariance, 1e-12).unwrap(),
            tape.log_determinant(covariance).unwrap(),
        ];
        let found = device.compile(&tape, &made).unwrap().run(&[(series, value)]).unwrap();
        assert!(found.iter().all(|x| x.is_f64() == value.is_f64()));
        found.iter().map(HostTensor::to_f64_vec).collect()
    };
    let double = HostTensor::real([n, time], x.into_iter().map(f64::from).collect::<Vec<f64>>()).unwrap();
    let wanted = on(&Device::oracle(), &double);
    assert!(wanted[1][0] > 1e6, "the condition is above a million");
    for (found, wanted) in on(&Device::cpu(), &given).iter().zip(&wanted) {
        let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!(found.iter().zip(wanted).all(|(f, w)| (f - w).abs() <= 1e-6 * scale), "{found:?} {wanted:?}");
    }
    // Neither is the partial correlation that of zeros: the definition in f64, by the inverse of [[1, r], [r, 1]] given the others.
    assert!(wanted[0].iter().all(|r| *r != 0.0));
}

/// Series whose squares overflow in f32 have the correlations of the same series in other units, or NaN; never 0.
#[test]
fn squares_that_overflow_give_no_zeros() {
    let (n, time) = (3, 40);
    let x = noise(3, n * time);
    let weights = HostTensor::f32([time], noise(5, time).iter().map(|w| (w.abs() + 0.1) as f32).collect()).unwrap();
    let at = |unit: f64| -> Vec<Vec<f64>> {
        let value = HostTensor::f32([n, time], x.iter().map(|x| (x * unit) as f32).collect()).unwrap();
        let mut tape = Tape::new();
        let (series, w) = (tape.input("series", value.ty()).unwrap(), tape.input("weights", weights.ty()).unwrap());
        let made = [
            tape.paired_correlation(series, series, Some(w)).unwrap(),
            tape.correlation(series, None, false).unwrap(),
            tape.correlation(series, Some(w), false).unwrap(),
        ];
        let found = Device::cpu().compile(&tape, &made).unwrap().run(&[(series, &value), (w, &weights)]).unwrap();
        found.iter().map(HostTensor::to_f64_vec).collect()
    };
    let (plain, large, small) = (at(1.0), at(1e25), at(1e-25));
    assert!(plain[0].iter().zip(&large[0]).zip(&small[0]).all(|((p, l), s)| (p - l).abs() < 1e-6 && (p - s).abs() < 1e-6), "{large:?}");
    let handed_on = |found: &[f64], plain: &[f64]| found.iter().zip(plain).all(|(f, p)| f.is_nan() || (f - p).abs() < 1e-6);
    assert!((1..3).all(|i| handed_on(&large[i], &plain[i])), "{large:?}");
}

/// A crop of a long series takes no matrix of its frames by the window's.
#[test]
fn a_window_of_a_long_series_is_cut_out() {
    let (time, length) = (200_000, 60_000);
    let x = HostTensor::f32([1, time], (0..time).map(|t| t as f32).collect()).unwrap();
    let mut tape = Tape::new();
    let series = tape.input("series", x.ty()).unwrap();
    let window = tape.random_window(series, length, 3, 0).unwrap();
    let found = Device::cpu().compile(&tape, &[window]).unwrap().run(&[(series, &x)]).unwrap().remove(0).to_f64_vec();
    assert!(found[0] > 0.0 && found.iter().enumerate().all(|(i, x)| *x == found[0] + i as f64));
    let widest = (0..tape.len()).map(|i| tape.shape(tape.var(i)).elements()).max().unwrap();
    assert!(widest <= 2 * time, "{widest} elements");
}

/// The pairs of regions that a subject has are estimated as if it had no others; the rest is NaN. A tangent leaves a region out of all
/// subjects where one lacks it.
#[test]
fn regions_without_values_are_left_out() {
    let (subjects, regions, frames) = (3, 5, 40);
    let full = noise(11, subjects * regions * frames);
    let mut missing = vec![false; subjects * regions];
    missing[1] = true;
    missing[2 * regions + 1] = true;
    missing[2 * regions + 4] = true;
    // The contents of a row without values do not matter.
    let filled = |with: f64| {
        let value = |(at, x): (usize, &f64)| if missing[at / frames] { with * x } else { *x };
        HostTensor::real([subjects, regions, frames], full.iter().enumerate().map(value).collect::<Vec<f64>>()).unwrap()
    };
    let rows_of = |subject: usize, kept: &[usize]| -> Vec<f64> {
        kept.iter().flat_map(|r| full[(subject * regions + r) * frames..][..frames].to_vec()).collect()
    };
    let holds = |found: &[f32], subject: usize, kept: &[usize], wanted: &[f32]| {
        for (at, x) in found[subject * regions * regions..][..regions * regions].iter().enumerate() {
            let place = [at / regions, at % regions].map(|r| kept.iter().position(|k| *k == r));
            match place {
                [Some(i), Some(j)] => assert!((x - wanted[i * kept.len() + j]).abs() <= 1e-6, "subject {subject} {place:?}"),
                _ => assert!(x.is_nan(), "subject {subject} {place:?}: {x}"),
            }
        }
    };
    let kept = [vec![0, 2, 3, 4], vec![0, 1, 2, 3, 4], vec![0, 2, 3]];
    for kind in [Kind::Correlation, Kind::Covariance, Kind::PartialCorrelation, Kind::Precision] {
        let measure = Connectivity::new(kind);
        let found = measure.compute_present(&Device::cpu(), &filled(1e9), &missing).unwrap();
        for (subject, kept) in kept.iter().enumerate() {
            let alone = HostTensor::real([kept.len(), frames], rows_of(subject, kept)).unwrap();
            let wanted = measure.compute(&Device::cpu(), &alone).unwrap();
            holds(found.values.as_f32().unwrap(), subject, kept, wanted.values.as_f32().unwrap());
        }
        let vectors = measure.clone().vectorised(Diagonal::Dropped).compute_present(&Device::cpu(), &filled(0.0), &missing).unwrap();
        assert_eq!(vectors.values.shape()[..], [subjects, regions * (regions - 1) / 2]);
        assert_eq!(vectors.values.as_f32().unwrap().iter().filter(|x| x.is_nan()).count(), 4 + 7, "of ten pairs each");
    }
    let common = [0, 2, 3];
    let alone: Vec<f64> = (0..subjects).flat_map(|s| rows_of(s, &common)).collect();
    let wanted =
        Connectivity::new(Kind::Tangent).compute(&Device::cpu(), &HostTensor::real([subjects, 3, frames], alone).unwrap()).unwrap();
    let found = Connectivity::new(Kind::Tangent).compute_present(&Device::cpu(), &filled(5.0), &missing).unwrap();
    for subject in 0..subjects {
        holds(found.values.as_f32().unwrap(), subject, &common, &wanted.values.as_f32().unwrap()[subject * 9..][..9]);
    }
    let weights = HostTensor::real([subjects, frames], noise(5, subjects * frames).iter().map(|w| w + 1.5).collect::<Vec<f64>>()).unwrap();
    let found =
        Connectivity::new(Kind::Covariance).weighted(weights.clone()).compute_present(&Device::cpu(), &filled(0.0), &missing).unwrap();
    for (subject, kept) in kept.iter().enumerate() {
        let alone = HostTensor::real([kept.len(), frames], rows_of(subject, kept)).unwrap();
        let own = HostTensor::real([frames], weights.to_f64_vec()[subject * frames..][..frames].to_vec()).unwrap();
        let wanted = Connectivity::new(Kind::Covariance).weighted(own).compute(&Device::cpu(), &alone).unwrap();
        holds(found.values.as_f32().unwrap(), subject, kept, wanted.values.as_f32().unwrap());
    }
    assert!(Connectivity::new(Kind::Correlation).compute_present(&Device::cpu(), &filled(0.0), &missing[1..]).is_err());
}
