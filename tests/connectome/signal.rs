//! Signals: transforms, filters, regressions, confound tables and formulas, against NumPy, SciPy and nilearn where they have them
//! (`tests/goldens/make_signal.py`).

use crate::common::golden::{expected, given, numbers};
use crate::common::gpu;
use serde_json::Value;
use tapetum::check::error;
use tapetum::connectome::confounds::{Column, Confounds, Strategy, censor, formula};
use tapetum::connectome::signal::butterworth::{Band, butterworth, butterworth_gains, forward_backward, ideal_gains, padding};
use tapetum::connectome::signal::convolution::Padding;
use tapetum::connectome::signal::interpolation::Spectral;
use tapetum::connectome::signal::trends::{cosine_trends, polynomial_trends};
use tapetum::ops::case::Draw;
use tapetum::ops::confounds::Regression;
use tapetum::{Device, HostTensor, Result, Tape, Var};

fn band(attributes: &Value) -> (usize, Band, f64) {
    let edges = numbers(&attributes["edges"]);
    let band = match attributes["kind"].as_str().unwrap() {
        "low" => Band::Low(edges[0]),
        "high" => Band::High(edges[0]),
        _ => Band::Pass(edges[0], edges[1]),
    };
    (attributes["order"].as_u64().unwrap() as usize, band, attributes["tr"].as_f64().unwrap())
}

fn build(t: &mut Tape, op: &str, p: &Value, x: &[Var]) -> Result<Var> {
    match op {
        "rfft" => t.rfft(x[0]),
        "irfft" => t.irfft(x[0], p["n"].as_u64().unwrap() as usize),
        "product_filter" => t.product_filter(x[0], x[1]),
        "zero_phase_filter" => t.zero_phase_filter(x[0], x[1]),
        "hilbert" => t.hilbert(x[0]),
        "envelope" => t.envelope(x[0]),
        "instantaneous_phase" => t.instantaneous_phase(x[0]),
        "instantaneous_frequency" => t.instantaneous_frequency(x[0], p["tr"].as_f64().unwrap()),
        "forward_backward_filter" => {
            let (order, band, tr) = band(p);
            t.forward_backward_filter(x[0], &butterworth(order, band, tr)?)
        }
        "confound_regression" => {
            let how = Regression { intercept: p["intercept"].as_bool().unwrap(), ridge: p["ridge"].as_f64().unwrap() as f32 };
            t.confound_regression(x[0], x[1], Some(x[2]), how)
        }
        "temporal_convolution" => t.temporal_convolution(x[0], x[1], padding_of(p)),
        "polynomial_convolution" => t.polynomial_convolution(x[0], x[1], padding_of(p)),
        "detrend_polynomial" => {
            let time = t.shape(x[0])[1];
            t.detrend(x[0], &polynomial_trends(time, p["degree"].as_u64().unwrap() as usize))
        }
        "detrend_cosine" => {
            let (time, of) = (t.shape(x[0])[1], |key: &str| p[key].as_f64().unwrap());
            t.detrend(x[0], &cosine_trends(time, of("tr"), of("high_pass"))?)
        }
        "interpolate_linear" => t.interpolate_linear(x[0], &kept(p)),
        "interpolate_spectral" => t.interpolate_spectral(x[0], &kept(p), spectral(p)),
        "interpolate_hybrid" => t.interpolate_hybrid(x[0], &kept(p), p["longest"].as_u64().unwrap() as usize, spectral(p)),
        other => panic!("no op `{other}`"),
    }
}

fn padding_of(p: &Value) -> Padding {
    match p["padding"].as_str().unwrap() {
        "causal" => Padding::Causal,
        "anti-causal" => Padding::AntiCausal,
        _ => Padding::Same,
    }
}

fn kept(p: &Value) -> Vec<bool> {
    numbers(&p["kept"]).into_iter().map(|k| k != 0.0).collect()
}

fn spectral(p: &Value) -> Spectral {
    Spectral { threshold: p["threshold"].as_f64().unwrap() as f32, ..Spectral::default() }
}

fn run(case: &Value, device: &Device) -> Result<HostTensor> {
    let mut tape = Tape::new();
    let mut inputs = Vec::new();
    for (i, value) in case["inputs"].as_array().unwrap().iter().enumerate() {
        let value = given(value);
        inputs.push((tape.input(&format!("x{i}"), value.ty())?, value));
    }
    let vars: Vec<Var> = inputs.iter().map(|(v, _)| *v).collect();
    let y = build(&mut tape, case["op"].as_str().unwrap(), &case["attributes"], &vars)?;
    let mut program = device.compile(&tape, &[y])?;
    Ok(program.run(&inputs.iter().map(|(v, x)| (*v, x)).collect::<Vec<_>>())?.remove(0))
}

/// The tolerances of an op on the oracle and in f32. In f32 it is 1e-6 of the largest magnitude, the stated accuracy of the filters, which
/// is about ten roundings. An angle adds the roundings of its two parts, and a phase those of 66 angles; a regression computes residuals of
/// about 1 from scores, fits and differences of values of about 3. The oracle stores constants (roots, filters) in f32, so its tolerance is
/// a twentieth of that; where an op has no constants, it is the twelve digits of the file.
fn tolerances(op: &str) -> (f64, f64) {
    match op {
        "instantaneous_phase" | "instantaneous_frequency" => (1e-6, 3e-6),
        "confound_regression" => (1e-10, 3e-6),
        "forward_backward_filter" => (1e-7, 1e-6),
        "temporal_convolution" | "polynomial_convolution" => (1e-10, 2e-6),
        "interpolate_linear" => (1e-7, 1e-6),
        // Trends of 35 off residuals of 5, by a basis in f32.
        "detrend_polynomial" | "detrend_cosine" => (1e-6, 5e-6),
        // Sums of 240 waves on 49 frames, which nearly cancel beyond them.
        "interpolate_spectral" | "interpolate_hybrid" => (1e-6, 2e-5),
        "rfft" | "irfft" | "product_filter" | "zero_phase_filter" | "hilbert" | "envelope" => (1e-7, 1e-6),
        other => panic!("no op `{other}`"),
    }
}

#[test]
fn devices_agree_with_scipy() {
    let gpu = gpu();
    let cases: Value = serde_json::from_str(include_str!("../goldens/signal.json")).unwrap();
    let mut failed = Vec::new();
    let mut held = 0;
    for case in cases.as_array().unwrap().iter().filter(|c| c["op"] != "butterworth_gains") {
        let (exact, single) = tolerances(case["op"].as_str().unwrap());
        let wanted = expected(&case["expected"]);
        for (device, tolerance) in [(Device::oracle(), exact), (Device::cpu(), single), (gpu.clone(), single)] {
            let found = run(case, &device).unwrap_or_else(|e| panic!("{}: {e}", case["op"]));
            assert_eq!(found.shape(), wanted.shape(), "{}", case["op"]);
            let e = error(&found, &wanted);
            held += 1;
            if e > tolerance {
                failed.push(format!("{}: {} {} {}: {e:e} > {tolerance:e}", device.name(), case["op"], case["attributes"], wanted.shape()));
            }
        }
    }
    assert!(held > 90 && failed.is_empty(), "{} of {held} failed:\n{}", failed.len(), failed.join("\n"));
}

/// Filters are designed and applied in f64 and compared with SciPy's f64; the file holds twelve digits of values below 10.
#[test]
fn filters_are_scipys() {
    let cases: Value = serde_json::from_str(include_str!("../goldens/signal.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let p = &case["attributes"];
        if case["op"] == "butterworth_gains" {
            let (order, band, tr) = band(p);
            let gains = butterworth_gains(p["n"].as_u64().unwrap() as usize, order, band, tr).unwrap();
            for (a, b) in gains.iter().zip(numbers(&case["expected"]["data"])) {
                assert!((f64::from(*a) - b).abs() < 1e-7, "{p}: {a} {b}");
            }
        }
        if case["op"] == "forward_backward_filter" {
            let (order, band, tr) = band(p);
            // The file writes what f32 holds as short as it can.
            let x: Vec<f64> = numbers(&case["inputs"][0]["data"]).into_iter().map(|x| f64::from(x as f32)).collect();
            let wanted = numbers(&case["expected"]["data"]);
            let sections = butterworth(order, band, tr).unwrap();
            for (x, wanted) in x.chunks(75).zip(wanted.chunks(75)) {
                let y = forward_backward(&sections, x).unwrap();
                y.iter().zip(wanted).for_each(|(a, b)| assert!((a - b).abs() < 1e-10, "{p}: {a} {b}"));
            }
        }
    }
    let sections = butterworth(5, Band::Pass(0.01, 0.1), 2.0).unwrap();
    assert_eq!(padding(&sections), 33);
    assert!(forward_backward(&sections, &[0.0; 33]).unwrap_err().to_string().contains("33 frames to filter"));
}

/// The first `n` numbers of the generator in `make_signal.py`.
fn noise(n: usize, seed: u32) -> Vec<f64> {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(x >> 8) / f64::from(1 << 24) - 0.5
    };
    (0..n).map(|_| next()).collect()
}

/// Long series with a slow trend, through filters whose poles lie near 1: within 1e-6 of SciPy on every device, and the recursion on the
/// host within 1e-10.
#[test]
fn long_series_are_filtered_as_by_scipy() {
    let gpu = gpu();
    let golden: Value = serde_json::from_str(include_str!("../goldens/long.json")).unwrap();
    let (n, at) = (golden["frames"].as_u64().unwrap() as usize, numbers(&golden["at"]));
    let series = |seed: u32| -> Vec<f64> {
        noise(n, seed).iter().enumerate().map(|(t, x)| x + 0.001 * f64::from(seed) * t as f64 / n as f64).collect()
    };
    let rows = [series(1), series(2)];
    let x = HostTensor::real::<f64>([2, n], rows.concat()).unwrap();
    for filter in golden["filters"].as_array().unwrap() {
        let ((order, band, tr), scale) = (band(filter), filter["scale"].as_f64().unwrap());
        let sections = butterworth(order, band, tr).unwrap();
        let wanted: Vec<Vec<f64>> = filter["expected"].as_array().unwrap().iter().map(numbers).collect();
        let hold = |found: &[f64], row: usize, tolerance: f64, on: &str| {
            for (t, wanted) in at.iter().zip(&wanted[row]) {
                let error = (found[*t as usize] - wanted).abs() / scale;
                assert!(error < tolerance, "{band}, {on}, row {row}, frame {t}: {error:e}");
            }
        };
        rows.iter().enumerate().for_each(|(row, x)| hold(&forward_backward(&sections, x).unwrap(), row, 1e-10, "recursion"));
        for (device, tolerance) in [(Device::oracle(), 1e-7), (Device::cpu(), 1e-6), (gpu.clone(), 1e-6)] {
            let mut t = Tape::new();
            let v = t.input("x", tapetum::TensorType::f32([2, n])).unwrap();
            let y = t.forward_backward_filter(v, &sections).unwrap();
            let given = if tolerance < 1e-6 { x.clone() } else { x.to_real::<f32>() };
            let found = device.compile(&t, &[y]).unwrap().run(&[(v, &given)]).unwrap().remove(0).to_f64_vec();
            found.chunks(n).enumerate().for_each(|(row, found)| hold(found, row, tolerance, device.name()));
        }
    }
}

#[test]
fn bands_are_checked() {
    for band in [Band::Low(0.0), Band::High(0.25), Band::Pass(0.1, 0.1), Band::Pass(f64::NAN, 0.1), Band::Low(f64::INFINITY)] {
        assert!(butterworth(2, band, 2.0).is_err(), "{band}");
    }
    assert!(butterworth(2, Band::Low(0.1), 0.0).is_err() && butterworth(0, Band::Low(0.1), 2.0).is_err());
    // Seven frames of 2 s: 0, 1/14, 2/14, 3/14 Hz, none of them the Nyquist frequency.
    assert_eq!(ideal_gains(7, Band::Pass(0.07, 0.15), 2.0).unwrap(), [0.0, 1.0, 1.0, 0.0]);
}

fn column(name: &str, values: &[f64]) -> Column {
    Column { name: name.into(), values: values.to_vec() }
}

fn small() -> Confounds {
    let columns = vec![
        column("csf", &[1.0, 3.0, 2.0, 6.0]),
        column("csf_derivative1", &[f64::NAN, 2.0, -1.0, 4.0]),
        column("framewise_displacement", &[f64::NAN, 0.2, 0.7, 0.1]),
        column("std_dvars", &[f64::NAN, 1.6, 1.0, 1.0]),
    ];
    Confounds { columns, ..Confounds::default() }
}

fn values(formula: &str) -> Vec<Vec<f64>> {
    formula::columns(formula, &small()).unwrap().into_iter().map(|c| c.values).collect()
}

#[test]
fn formulas_mean_what_they_say() {
    assert_eq!(values("csf^2"), [[1.0, 9.0, 4.0, 36.0]]);
    assert_eq!(values(" csf ^^2 "), [[1.0, 3.0, 2.0, 6.0], [1.0, 9.0, 4.0, 36.0]]);
    // The first difference is missing, and taken from the second frame.
    assert_eq!(values("d1(csf)"), [[2.0, 2.0, -1.0, 4.0]]);
    assert_eq!(values("d2(csf)"), [[-3.0, -3.0, -3.0, 5.0]]);
    assert_eq!(values("dd1(csf)^^2").len(), 4);
    assert_eq!(values("dd1(csf)^^2")[3], [4.0, 4.0, 1.0, 16.0]);
    assert_eq!(values("dd1(csf^^2)")[3], [8.0, 8.0, -5.0, 32.0]);
    assert_eq!(values("d{0,2}(csf)").len(), 2);
    assert_eq!(values("1_[>0.5](fd)"), [[0.0, 0.0, 1.0, 0.0]]);
    assert_eq!(values("[NOT](1_[>0.5](fd))"), [[1.0, 1.0, 0.0, 1.0]]);
    let spikes = values("csf + [SCATTER]([OR](1_[>0.5](fd) + 1_[>1.5](dv)))");
    assert_eq!(spikes[1..], [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    // A column twice counts once.
    assert_eq!(values("csf + csf").len(), 1);
}

#[test]
fn formulas_that_cannot_be_read_say_where() {
    for (formula, wanted) in [
        ("csf +", "character 6"),
        ("dd1(csf", "`)` expected"),
        ("csf^", "a whole number"),
        ("rps", "`trans_x`, `trans_y`"),
        ("acc", "that `acc` stands for"),
        ("csf csf", "`+` or the end"),
        ("1_[=2](csf)", "one of `>`"),
        ("[XOR](csf)", "one of `[OR]`"),
        ("", "character 1"),
    ] {
        let e = formula::columns(formula, &small()).unwrap_err().to_string();
        assert!(e.contains(wanted), "{formula}: {e}");
    }
}

#[test]
fn strategies_name_what_is_missing() {
    let e = small().select(&Strategy::NineP.columns(&small()).unwrap()).unwrap_err().to_string();
    assert!(e.contains("`trans_x`") && e.contains("`rot_z`") && e.contains("`global_signal`") && !e.contains("`csf`"), "{e}");
    assert!(Strategy::Acompcor.columns(&small()).unwrap_err().to_string().contains(".json"));
    let counts = Strategy::ALL.map(|s| s.columns(&small()).map_or(0, |c| c.len()));
    assert_eq!(counts, [6, 24, 9, 24, 36, 0, 0, 0, 0, 1, 32]);
    assert_eq!(small().select(&["csf_derivative1"]).unwrap()[0].values, [2.0, 2.0, -1.0, 4.0]);
}

#[test]
fn frames_are_censored_and_interpolated() {
    assert_eq!(censor::kept_below(&small(), 0.5).unwrap(), [true, true, false, true]);
    let mut kept = [true, true, false, true, true, true, false];
    censor::drop_short_runs(&mut kept, 3);
    assert_eq!(kept, [false, false, false, true, true, true, false]);
    let mut x = [9.0, 1.0, 9.0, 9.0, 4.0, 9.0];
    censor::interpolate(&mut x, &[false, true, false, false, true, false]);
    assert_eq!(x, [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    let still = vec![0.0; 3];
    let motion = [vec![0.0, 0.1, 0.1], still.clone(), still.clone(), vec![0.0, 0.0, 0.01], still.clone(), still];
    let fd = censor::framewise_displacement(&motion);
    assert!(fd[0] == 0.0 && (fd[1] - 0.1).abs() < 1e-12 && (fd[2] - 0.5).abs() < 1e-12, "{fd:?}");
    assert_eq!(censor::dvars(&[0.0, 3.0, 3.0, 0.0, 4.0, 4.0], 3), [0.0, 12.5f64.sqrt(), 0.0]);
    let spikes = censor::spikes(&[true, false, true]);
    assert_eq!((spikes.len(), &spikes[0].values[..]), (1, &[0.0, 1.0, 0.0][..]));
}

/// Spectra and covariance stay, and the series do not.
#[test]
fn randomised_phases_keep_spectra_and_covariance() {
    for n in [65, 66] {
        let mut t = Tape::new();
        let x = t.input("x", tapetum::TensorType::f32([2, 3, n])).unwrap();
        let y = t.phase_randomised(x, 7, 0).unwrap();
        let both = [x, y].map(|v| (t.rfft(v).unwrap(), t.covariance(v, None, 1).unwrap()));
        let size = both.map(|(z, _)| t.l2_norm(z, &[-1], false).unwrap());
        let outputs = [size[0], size[1], both[0].1, both[1].1, x, y];
        let given = Draw::Normal.value(t.ty(x), 0).unwrap();
        let found = Device::oracle().compile(&t, &outputs).unwrap().run(&[(x, &given)]).unwrap();
        // 2π and the roots are constants in f32.
        assert!(error(&found[1], &found[0]) < 1e-6 && error(&found[3], &found[2]) < 1e-6, "{n}");
        assert!(error(&found[5], &found[4]) > 0.1, "{n}");
    }
}

#[test]
fn windows_lie_a_step_apart() {
    let mut t = Tape::new();
    let x = t.input("x", tapetum::TensorType::f32([2, 7])).unwrap();
    let y = t.windows(x, 3, 2).unwrap();
    assert_eq!(*t.shape(y), [3, 2, 3]);
    let given = HostTensor::f32([2, 7], (0..14).map(|i| i as f32).collect()).unwrap();
    let found = Device::cpu().compile(&t, &[y]).unwrap().run(&[(x, &given)]).unwrap().remove(0);
    assert_eq!(found.as_f32().unwrap()[6..12], [2.0, 3.0, 4.0, 9.0, 10.0, 11.0]);
    assert!(t.windows(x, 8, 1).is_err() && t.windows(x, 3, 0).is_err());
}
