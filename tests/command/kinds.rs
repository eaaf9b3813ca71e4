//! `tapetum connectivity` for every kind and shrinkage, compared with the results of scikit-learn and nilearn on the same series
//! (`tests/goldens/make_spd.py`), and with the inverse of a covariance in f64.

use super::run::{Done, Folder, f32s, npy, read_f32};
use crate::common::golden::{numbers, worst};
use serde_json::Value;

fn extents(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|n| n as usize).collect()
}

fn golden(file: &str, op: &str) -> Vec<Value> {
    let cases: Value = serde_json::from_str(file).unwrap();
    let found: Vec<Value> = cases.as_array().unwrap().iter().filter(|c| c["op"] == op).cloned().collect();
    assert!(!found.is_empty());
    found
}

/// Writes a case's series as `in.npy`, regions first.
fn given(folder: &Folder, case: &Value) {
    let x: Vec<f32> = numbers(&case["inputs"][0]["data"]).into_iter().map(|x| x as f32).collect();
    folder.file("in.npy", npy("<f4", &extents(&case["inputs"][0]["shape"]), &f32s(&x)));
}

fn run(folder: &Folder, arguments: &str) -> Done {
    folder.run(&format!("connectivity in.npy -o out.npy --layout regions-time --device cpu --json {arguments}"))
}

#[track_caller]
fn holds(folder: &Folder, shape: &[usize], wanted: &[f64], tolerance: f64) {
    let found = read_f32(folder.0.join("out.npy"), shape);
    let scale = wanted.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    let worst = worst(found.iter().zip(wanted).map(|(f, w)| (f - w).abs() / scale));
    assert!(worst <= tolerance, "{worst:.1e}");
}

#[test]
fn tangent_is_nilearns_by_default() {
    let folder = Folder::new("tangent");
    for case in golden(include_str!("../goldens/tangent.json"), "tangent_connectivity") {
        given(&folder, &case);
        let json = run(&folder, "--kind tangent").json();
        assert_eq!((&json["shrinkage"], &json["warnings"]), (&"ledoit-wolf".into(), &Value::Array(vec![])), "{json}");
        assert!(json["residual"].as_f64().unwrap() < 1e-5, "{json}");
        holds(&folder, &extents(&case["expected"]["shape"]), &numbers(&case["expected"]["data"]), 1e-5);
    }
}

#[test]
fn covariance_is_shrunk_as_scikit_learn_does() {
    let folder = Folder::new("shrunk");
    for case in golden(include_str!("../goldens/covariances.json"), "shrunk") {
        given(&folder, &case);
        let attributes = numbers(&case["attributes"]);
        let shrinkage = match attributes[0] as usize {
            1 => format!("ridge={}", attributes[1]),
            2 => "ledoit-wolf".to_owned(),
            _ => "oas".to_owned(),
        };
        let json = run(&folder, &format!("--kind covariance --shrinkage {shrinkage}")).json();
        assert_eq!(json["shrinkage"], Value::from(shrinkage), "{json}");
        holds(&folder, &extents(&case["expected"]["shape"]), &numbers(&case["expected"]["data"]), 5e-6);
    }
}

#[test]
fn partial_correlation_and_precision_come_from_the_inverse_covariance() {
    let folder = Folder::new("partial");
    for (op, kind) in [("partial_correlation", "partial-correlation"), ("precision", "precision")] {
        for case in golden(include_str!("../goldens/partials_1e3.json"), op) {
            given(&folder, &case);
            run(&folder, &format!("--kind {kind} --shrinkage none")).json();
            holds(&folder, &extents(&case["expected"]["shape"]), &numbers(&case["expected"]["data"]), 1e-5);
        }
    }
}

/// Two of seven regions are constant: the others' results are as if those were not there.
#[test]
fn constant_regions_give_zeros_and_are_named() {
    let folder = Folder::new("constant");
    let case = &golden(include_str!("../goldens/covariances.json"), "partial_correlation")[0];
    given(&folder, case);
    let json = run(&folder, "--kind partial-correlation").json();
    let warning = "constant series get zeros: region 1 (counted from 0), region 5 (counted from 0)";
    assert_eq!(json["warnings"], Value::from(vec![warning]));
    holds(&folder, &[7, 7], &numbers(&case["expected"]["data"]), 1e-5);

    // With two subjects, a further region is constant in the second one; it is left out of the tangents of both.
    let first = numbers(&case["inputs"][0]["data"]);
    let value = |region: usize, t: usize| if region == 6 { 3.0 } else { first[region * 33 + (t + 5 * region) % 33] };
    let second: Vec<f64> = (0..7 * 33).map(|at| value(at / 33, at % 33)).collect();
    let both: Vec<f32> = first.iter().chain(&second).map(|&x| x as f32).collect();
    folder.file("in.npy", npy("<f4", &[2, 7, 33], &f32s(&both)));
    for kind in ["tangent", "correlation --shrinkage oas", "precision --shrinkage ledoit-wolf", "partial-correlation --fisher-z"] {
        let json = run(&folder, &format!("--kind {kind}")).json();
        let warnings = json["warnings"].as_array().unwrap();
        assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains("subject 1 region 6"), "{kind}: {json}");
        let found = read_f32(folder.0.join("out.npy"), &[2, 7, 7]);
        assert!(found.iter().all(|x| x.is_finite()));
        let nothing = |subject: usize, region: usize| (0..7).all(|j| found[subject * 49 + region * 7 + j] == 0.0);
        assert!(nothing(0, 1) && nothing(0, 5) && nothing(1, 6), "{kind}");
        assert_eq!(nothing(0, 6), kind == "tangent", "{kind}");
    }
}

/// The third region is the sum of the first two: it has no part of its own.
#[test]
fn regions_that_are_combinations_of_others_are_named() {
    let folder = Folder::new("combination");
    let rows: Vec<f32> = (0..3 * 20).map(|at| [((at % 20 * 7) % 11) as f32, ((at % 20 * 5) % 13) as f32][(at / 20).min(1)]).collect();
    let summed: Vec<f32> = (0..60).map(|at| if at < 40 { rows[at] } else { rows[at - 40] + rows[at - 20] }).collect();
    folder.file("in.npy", npy("<f4", &[3, 20], &f32s(&summed)));
    let json = run(&folder, "--kind precision").json();
    assert_eq!(json["warnings"], Value::from(vec!["combinations of other regions get zeros: region 2 (counted from 0)"]));
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new("kinds-refused");
    folder.file("in.npy", npy("<f4", &[3, 4], &f32s(&[1.0, 2.0, 4.0, 3.0, 2.0, 2.0, 1.0, 5.0, 3.0, 1.0, 4.0, 1.0])));
    run(&folder, "--kind tangent").failed(&["in.npy", "1 subject", "at least 2"]);
    run(&folder, "--shrinkage lasso").misused("ledoit-wolf, oas or ridge=X");
    run(&folder, "--shrinkage ridge=-1").misused("0 or more");
    run(&folder, "--kind precision --fisher-z").misused("--fisher-z");
}
