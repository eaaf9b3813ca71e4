//! Tests of data on which single precision alone would fail: means that are large beside the variation, regions that are nearly the same,
//! and subjects whose geometric mean is not reached by whole steps. The inputs and expected values come from `tests/cases`; each `case.md`
//! there names their source.

use super::run::{Folder, f32s, npy, read_f32};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::data::read_npy_f64_bytes;

/// A folder with the files of a case.
fn case(name: &str) -> Folder {
    let folder = Folder::new(name);
    for entry in fs::read_dir(cases().join(name)).unwrap() {
        let file = entry.unwrap().path();
        folder.file(file.file_name().unwrap().to_str().unwrap(), fs::read(&file).unwrap());
    }
    folder
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// `cpu`, and the first adapter that is usable.
fn devices(folder: &Folder) -> [String; 2] {
    let found = folder.run("devices --json").json();
    let adapter = found["adapters"].as_array().unwrap().iter().find(|a| a["usable"] == Value::Bool(true)).expect("a usable adapter");
    ["cpu".to_owned(), adapter["index"].to_string()]
}

/// Asserts that the file `found`, which the command wrote, equals the case's file `expected` within `tolerance` times its largest
/// magnitude.
#[track_caller]
fn holds(folder: &Folder, found: &str, expected: &str, tolerance: f64) {
    let wanted = read_npy_f64_bytes(expected, &fs::read(folder.0.join(expected)).unwrap()).unwrap();
    let found = read_f32(folder.0.join(found), &wanted.shape());
    let wanted = wanted.to_f64_vec();
    let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs() / scale).fold(0.0, |m: f64, x| if x <= m { m } else { x });
    assert!(worst <= tolerance, "{expected}: {worst:.1e}");
}

fn warnings(json: &Value) -> Vec<String> {
    json["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_mean_of_a_million_deviations_costs_no_digit() {
    let folder = case("float64-with-a-large-mean");
    let files = [
        ("mean1e5_sd1.npy", "mean1e5_sd1", 0),
        ("mean1e6_sd1.npy", "mean1e6_sd1", 0),
        ("adc24_sd10.npy", "adc24_sd10", 0),
        // The means are 1.7e7 standard deviations, and a warning says so.
        ("int64_seconds.npy", "int64_seconds", 1),
        ("mean1e6_sd1.csv", "mean1e6_sd1", 0),
    ];
    for device in devices(&folder) {
        for (file, expected, warned) in files {
            let json = folder.run(&format!("connectivity {file} -o out.npy --device {device} --json")).json();
            assert_eq!(warnings(&json).len(), warned, "{json}");
            holds(&folder, "out.npy", &format!("expected_{expected}.npy"), 1e-6);
        }
    }
}

#[test]
fn an_image_and_a_workflow_keep_the_digits_too() {
    let folder = case("float64-with-a-large-mean");
    for device in devices(&folder) {
        folder.run(&format!("connectivity image.nii.gz --atlas atlas.nii.gz -o out.npy --device {device} --json")).json();
        // Its two labels hold the first two series.
        let whole = read_npy_f64_bytes("c", &fs::read(folder.0.join("expected_mean1e6_sd1.npy")).unwrap()).unwrap().to_f64_vec();
        let found = read_f32(folder.0.join("out.npy"), &[2, 2]);
        assert!((found[1] - whole[1]).abs() <= 1e-6 && found[1] == found[2], "{found:?}");
        let out = format!("out-{device}");
        folder.run(&format!("run workflow.json -o {out} --device {device} --json")).json();
        let found = fs::read(folder.0.join(&out).join("c.npy")).unwrap();
        folder.file("c.npy", found);
        let wanted = read_npy_f64_bytes("c", &fs::read(folder.0.join("expected_mean1e6_sd1.npy")).unwrap()).unwrap();
        let found = read_f32(folder.0.join("c.npy"), &[1, 5, 5]);
        let worst = found.iter().zip(wanted.to_f64_vec()).map(|(f, w)| (f - w).abs()).fold(0.0, |m: f64, x| if x <= m { m } else { x });
        assert!(worst <= 1e-6, "{worst:.1e}");
    }
}

/// The residual of a fit with an intercept does not depend on the mean; what is added with `--keep-mean` is the mean as the file has it.
#[test]
fn denoising_keeps_the_digits_too() {
    let folder = Folder::new("denoise-mean");
    let frames = 40;
    let varies = |t: usize, r: usize| ((t * t * (r + 3) + 7 * r) % 23) as f64 / 8.0;
    let of = |mean: f64| (0..frames * 3).flat_map(|at| (mean + varies(at / 3, at % 3)).to_le_bytes()).collect::<Vec<u8>>();
    folder.file("near.npy", npy("<f8", &[frames, 3], &of(0.0)));
    folder.file("far.npy", npy("<f8", &[frames, 3], &of(1e7)));
    let rows: String = (0..frames).map(|t| format!("{}\n", ((t * 13) % 17) as f64 / 16.0)).collect();
    folder.file("confounds.tsv", format!("trans_x\n{rows}"));
    for name in ["near", "far"] {
        folder.run(&format!("denoise {name}.npy -o {name}-out.npy --confounds confounds.tsv --columns trans_x --device cpu --json")).json();
    }
    let [near, far] = ["near", "far"].map(|name| read_f32(folder.0.join(format!("{name}-out.npy")), &[frames, 3]));
    assert!(near.iter().zip(&far).all(|(a, b)| (a - b).abs() < 1e-5) && near.iter().any(|x| x.abs() > 0.5));
}

#[test]
fn regions_that_are_nearly_the_same_are_told_apart() {
    let folder = case("nearly-the-same-region");
    for device in devices(&folder) {
        for (kind, expected) in [("partial-correlation", "expected_partial.npy"), ("precision", "expected_precision.npy")] {
            let json = folder.run(&format!("connectivity series.npy -o out.npy --kind {kind} --device {device} --json")).json();
            assert_eq!((&json["precision"], warnings(&json)), (&"f64".into(), vec![]), "{json}");
            assert!(json["condition"].as_f64().unwrap() > 1e6, "{json}");
            holds(&folder, "out.npy", expected, 1e-6);
        }
    }
}

/// A copy of a regressor and a sum of two are left out, because f64 cannot distinguish them from the others; nothing else is left out.
#[test]
fn only_exact_combinations_are_left_out() {
    let folder = Folder::new("exact-combinations");
    let own = |t: usize, r: usize| ((t * t * (r + 2) + 3 * r) % 19) as f32;
    let value = |at: usize| match (at / 6, at % 6) {
        (t, 4) => own(t, 1),
        (t, 5) => own(t, 0) + own(t, 2),
        (t, r) => own(t, r),
    };
    folder.file("in.npy", npy("<f4", &[50, 6], &f32s(&(0..300).map(value).collect::<Vec<_>>())));
    let json = folder.run("connectivity in.npy -o out.npy --kind partial-correlation --device cpu --json").json();
    let named = "combinations of other regions get zeros: region 4 (counted from 0), region 5 (counted from 0)";
    assert_eq!((warnings(&json), &json["precision"]), (vec![named.to_owned()], &"f64".into()));
    folder.file("in.npy", npy("<f4", &[50, 4], &f32s(&(0..200).map(|at| own(at / 4, at % 4)).collect::<Vec<_>>())));
    let found = read_f32(folder.0.join("out.npy"), &[6, 6]);
    let json = folder.run("connectivity in.npy -o four.npy --kind partial-correlation --device cpu --json").json();
    assert_eq!(json["precision"], "f32");
    let four = read_f32(folder.0.join("four.npy"), &[4, 4]);
    assert!((0..16).all(|at| (found[at / 4 * 6 + at % 4] - four[at]).abs() < 1e-5), "{found:?} {four:?}");
}

#[test]
fn tangents_are_those_of_the_converged_mean() {
    let folder = case("tangent-mean-diverges");
    for device in devices(&folder) {
        for name in ["unlike_subjects", "unlike_gains", "unlike_regions"] {
            let line = format!("connectivity {name}.npy -o out.npy --kind tangent --shrinkage none --device {device} --json");
            let json = folder.run(&line).json();
            assert_eq!((&json["mean"]["converged"], warnings(&json)), (&Value::Bool(true), vec![]), "{json}");
            assert!(json["residual"].as_f64().unwrap() <= json["mean"]["tolerance"].as_f64().unwrap(), "{json}");
            // Where regions' units differ so much, f64 loses the condition of the reference, 5e10, in the expected values as in these.
            let tolerance = if name == "unlike_regions" { 1e-5 } else { 1e-6 };
            holds(&folder, "out.npy", &format!("expected_{name}.npy"), tolerance);
        }
    }
}

#[test]
fn a_group_without_a_mean_is_refused() {
    let folder = Folder::new("no-mean");
    // Of four frames, a covariance of five regions has no inverse.
    let values: Vec<f32> = (0..2 * 4 * 5).map(|at| ((at * at * 7) % 23) as f32).collect();
    folder.file("in.npy", npy("<f4", &[2, 4, 5], &f32s(&values)));
    let line = "connectivity in.npy -o out.npy --kind tangent --device cpu --json";
    folder.run(&format!("{line} --shrinkage none")).failed(&["in.npy", "subject 0", "not positive definite"]);
    folder.run(line).json();
    folder.run("connectivity in.npy -o out.npy --tolerance 1e-3").misused("--kind tangent");
    folder.run(&format!("{line} --tolerance 0")).misused("above 0");
}
