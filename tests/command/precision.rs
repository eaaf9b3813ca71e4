//! Tests of data on which single precision alone would fail: means that are large beside the variation, regions that are nearly the same,
//! and subjects whose geometric mean is not reached by whole steps. The inputs and expected values come from `tests/cases`; each `case.md`
//! there names their source.

use super::run::{Folder, f32s, npy, read_f32};
use crate::common::golden::worst;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::data::{read_npy, read_npy_f64_bytes};

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
    // A workflow's values have an axis of subjects besides.
    let found = read_npy(folder.0.join(found)).unwrap().to_f64_vec();
    let wanted = wanted.to_f64_vec();
    assert_eq!(found.len(), wanted.len());
    let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = worst(found.iter().zip(&wanted).map(|(f, w)| (f - w).abs() / scale));
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
        let worst = worst(found.iter().zip(wanted.to_f64_vec()).map(|(f, w)| (f - w).abs()));
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

/// Writes a workflow of these blocks over `series.npy`, whose values are the results.
fn workflow(folder: &Folder, blocks: &[Value]) {
    let results: Vec<Value> = blocks.iter().map(|block| json!({ "value": block["name"] })).collect();
    let w = json!({ "data": { "series": { "series": ["series.npy"] } }, "blocks": blocks, "results": results });
    folder.file("w.json", w.to_string());
}

/// The host computes what it inverts in f64; a device, which would lose it in f32, hands the run to the host, and says so.
#[test]
fn workflows_tell_regions_apart_that_are_nearly_the_same() {
    let folder = case("nearly-the-same-region");
    workflow(
        &folder,
        &[
            json!({ "name": "partial", "block": "partial_correlation", "series": "series" }),
            json!({ "name": "precision", "block": "precision", "series": "series" }),
        ],
    );
    for device in devices(&folder) {
        let json = folder.run(&format!("run w.json -o out --device {device} --json")).json();
        let told = json["notes"].to_string().contains("computed on the host, in f64");
        assert_eq!((told, &json["on_host"]), (device != "cpu", &Value::Bool(device != "cpu")), "{json}");
        assert!(json["condition"].as_f64().unwrap() > 1e6, "{json}");
        assert_eq!(json["device"], "cpu");
        for name in ["partial", "precision"] {
            holds(&folder, &format!("out/{name}.npy"), &format!("expected_{name}.npy"), 1e-6);
        }
    }
}

/// Regions that are combinations of others get zeros, and it is said why; a well-conditioned matrix stays on the device.
#[test]
fn workflows_say_what_is_singular() {
    let folder = Folder::new("workflow-singular");
    let own = |t: usize, r: usize| ((t * t * (r + 2) + 3 * r) % 19) as f32;
    let values: Vec<f32> = (0..150).map(|at| if at % 3 == 2 { own(at / 3, 0) + own(at / 3, 1) } else { own(at / 3, at % 3) }).collect();
    folder.file("series.npy", npy("<f4", &[50, 3], &f32s(&values)));
    let partial = |of: &str| json!({ "name": "partial", "block": "partial_correlation", "series": of });
    workflow(&folder, &[partial("series")]);
    for device in devices(&folder) {
        let json = folder.run(&format!("run w.json -o out --device {device} --json")).json();
        assert!(json["notes"].to_string().contains("combinations of others get zeros"), "{json}");
        let found = read_f32(folder.0.join("out/partial.npy"), &[1, 3, 3]);
        assert!(found[8] == 0.0 && found[1] != 0.0, "{found:?}");
    }
    let two = json!({ "name": "two", "block": "slice", "of": "series", "axis": -2, "to": 2 });
    let mut two_and_partial = vec![two, partial("two")];
    two_and_partial[1]["series"] = "two".into();
    workflow(&folder, &two_and_partial);
    for device in devices(&folder) {
        let json = folder.run(&format!("run w.json -o out --device {device} --json")).json();
        assert_eq!((json["notes"].as_array().unwrap().len(), &json["on_host"]), (0, &Value::Bool(false)), "{json}");
        assert!(json["condition"].as_f64().unwrap() < 10.0, "{json}");
    }
}

/// A training whose loss inverts a near-singular matrix at its first step is made on the host.
#[test]
fn a_training_that_inverts_what_f32_loses_is_made_on_the_host() {
    let folder = case("nearly-the-same-region");
    let w = json!({
        "data": { "series": { "series": ["series.npy"] } },
        "parameters": { "scale": { "shape": [1], "init": { "constant": 2.0 } } },
        "blocks": [
            { "name": "partial", "block": "partial_correlation", "series": "series" },
            { "name": "scaled", "block": "multiply", "of": "partial", "with": "scale" },
        ],
        "losses": [{ "name": "size", "score": "scaled", "reduce": "mean_square" }],
        "train": { "steps": 3, "rate": 0.1 },
        "results": [{ "value": "partial" }, { "value": "scale" }],
    });
    folder.file("w.json", w.to_string());
    for device in devices(&folder) {
        let json = folder.run(&format!("run w.json -o out --device {device} --json")).json();
        assert_eq!((&json["on_host"], &json["device"]), (&Value::Bool(device != "cpu"), &"cpu".into()), "{json}");
        holds(&folder, "out/partial.npy", "expected_partial.npy", 1e-6);
        assert!(read_f32(folder.0.join("out/scale.npy"), &[1])[0] < 2.0);
    }
}

/// Correlations of what linear blocks make of series whose means are up to 10⁷ standard deviations, in files of f64, of integers, and of f32
/// with means that f32 just holds, are those of the same series without means.
#[test]
fn linear_blocks_of_a_workflow_keep_the_digits() {
    let folder = Folder::new("workflow-means");
    let (frames, regions) = (64, 6);
    // Multiples of 1/1024, so that f64 holds them beside any of the means.
    let varies = |t: usize, r: usize| (((t * t * (r + 3) + 7 * t * r + r) % 97) as f64 - 48.0) / 32.0;
    let memberships: Vec<f32> = (0..3 * regions).map(|at| ((at * at * 5 + 3) % 11) as f32 / 10.0 + 0.1).collect();
    folder.file("maps.npy", npy("<f4", &[3, regions], &f32s(&memberships)));
    folder.file("gains.npy", npy("<f4", &[frames / 2 + 1], &f32s(&(0..=frames / 2).map(|k| 1.0 / (1 + k) as f32).collect::<Vec<_>>())));
    let all = |mean: f64, of: fn(f64) -> Vec<u8>| -> Vec<u8> {
        (0..frames * regions).flat_map(|at| of(mean * (1 + at % regions) as f64 + varies(at / regions, at % regions))).collect()
    };
    folder.file("near.npy", npy("<f8", &[frames, regions], &all(0.0, |x| x.to_le_bytes().to_vec())));
    folder.file("float.npy", npy("<f8", &[frames, regions], &all(1.6e6, |x| x.to_le_bytes().to_vec())));
    folder.file("whole.npy", npy("<i8", &[frames, regions], &all(1e6, |x| ((x * 32.0) as i64).to_le_bytes().to_vec())));
    folder.file("single.npy", npy("<f4", &[frames, regions], &all(8192.0, |x| (x as f32).to_le_bytes().to_vec())));
    let blocks = [
        json!({ "name": "mean", "block": "linear_parcellation", "weights": "maps", "series": "s" }),
        json!({ "name": "parcels", "block": "parcel_series", "memberships": "maps", "series": "s" }),
        json!({ "name": "soft", "block": "soft_parcellation", "logits": "maps", "series": "s" }),
        json!({ "name": "fitted", "block": "projection", "maps": "maps", "series": "s" }),
        json!({ "name": "passed", "block": "band_pass", "series": "s", "tr": 1.0, "band": [0.05, 0.2], "order": 2 }),
        json!({ "name": "gained", "block": "product_filter", "series": "s", "gains": "gains" }),
        json!({ "name": "twice", "block": "zero_phase_filter", "series": "mean", "gains": "gains" }),
        json!({ "name": "part", "block": "slice", "of": "s", "axis": -2, "from": 1, "to": 4 }),
        json!({ "name": "moved", "block": "scale", "of": "s", "by": -2.0, "plus": 7.0 }),
        json!({ "name": "mixed", "block": "matmul", "of": "maps", "with": "moved" }),
        json!({ "name": "other", "block": "subtract", "of": "mixed", "with": "soft" }),
        json!({ "name": "both", "block": "concatenate", "values": ["other", "part"], "axis": -2 }),
    ];
    let correlated =
        blocks.iter().map(|b| json!({ "name": format!("r_{}", b["name"].as_str().unwrap()), "block": "correlation", "series": b["name"] }));
    let all: Vec<Value> = blocks
        .iter()
        .cloned()
        .chain(correlated)
        .chain([json!({ "name": "spread", "block": "reduce", "of": "s", "by": "variance", "axes": [-1] })])
        .collect();
    let shown: Vec<&Value> = all.iter().map(|b| &b["name"]).filter(|n| n.as_str().unwrap().starts_with("r_") || *n == "spread").collect();
    let results: Vec<Value> = shown.iter().map(|name| json!({ "value": name })).collect();
    for file in ["near", "float", "whole", "single"] {
        let data =
            json!({ "s": { "series": [format!("{file}.npy")] }, "maps": { "array": "maps.npy" }, "gains": { "array": "gains.npy" } });
        folder.file(&format!("{file}.json"), json!({ "data": data, "blocks": all, "results": results }).to_string());
    }
    for device in devices(&folder) {
        for file in ["near", "float", "whole", "single"] {
            folder.run(&format!("run {file}.json -o {file} --device {device} --json")).json();
        }
        for name in shown.iter().map(|n| n.as_str().unwrap()) {
            let read = |file: &str| read_npy(folder.0.join(file).join(format!("{name}.npy"))).unwrap().to_f64_vec();
            let near = read("near");
            for file in ["float", "whole", "single"] {
                // Whole numbers are 32 times as large.
                let scale = if name == "spread" && file == "whole" { 1024.0 } else { 1.0 };
                let worst = worst(near.iter().zip(read(file)).map(|(a, b)| (a - b / scale).abs()));
                assert!(worst <= 1e-6 && near.iter().any(|x| x.abs() > 0.01), "{device}, {file}, {name}: {worst:.1e}");
            }
        }
    }
}

/// Every command names the regions whose mean is beyond 10⁷ standard deviations.
#[test]
fn means_too_large_for_f64_are_warned_of() {
    let folder = Folder::new("far-means");
    let varies = |at: usize| ((at * at * 7 + at) % 23) as f64 / 8.0;
    let value = |at: usize| if at % 4 == 2 { 1e9 + varies(at) } else { varies(at) };
    folder.file("series.npy", npy("<f8", &[40, 4], &(0..160).flat_map(|at| value(at).to_le_bytes()).collect::<Vec<u8>>()));
    let named = "few digits of that are left: region 2 (counted from 0)";
    let table: String = (0..40).map(|t| (0..3).map(|r| value(4 * t + r).to_string()).collect::<Vec<_>>().join(",") + "\n").collect();
    folder.file("series.csv", format!("a,b,c\n{table}"));
    let warned = |line: &str, named: &str| {
        let done = folder.run(&format!("{line} --device cpu"));
        assert!(done.code == Some(0) && done.stderr.contains(named), "{done:?}");
    };
    warned("connectivity series.npy -o out.npy", named);
    warned("denoise series.npy -o out.npy --none", named);
    warned("denoise series.csv -o out.npy --none", "few digits of that are left: `c`");
    let json = folder.run("denoise series.npy -o out.npy --none --device cpu --json").json();
    assert!(warnings(&json)[0].contains(named), "{json}");
    workflow(&folder, &[json!({ "name": "c", "block": "correlation", "series": "series" })]);
    warned("run w.json -o out", named);
    let xyz = [[0.0f32, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]].concat();
    folder.file("xyz.npy", npy("<f4", &[4, 3], &f32s(&xyz)));
    let line = "parcellate series.npy --coordinates xyz.npy --parcels 2 --steps 2 --out parcels";
    warned(line, named);
    let json = folder.run(&format!("{line} --device cpu --json")).json();
    assert!(warnings(&json)[0].contains(named) && json["table"].is_null(), "{json}");
    folder.file(
        "four.csv",
        format!(
            "a,b,c,d\n{}",
            (0..40).map(|t| (0..4).map(|r| varies(4 * t + r).to_string()).collect::<Vec<_>>().join(",") + "\n").collect::<String>()
        ),
    );
    let json = folder.run("parcellate four.csv --coordinates xyz.npy --parcels 2 --steps 2 --out parcels --device cpu --json").json();
    assert_eq!(json["table"]["header"], true, "{json}");
}

/// Where a training brings regions together, a device refuses the inverse that f32 has lost by then; the host computes it.
#[test]
fn a_training_that_ends_beyond_f32_is_refused_on_a_device() {
    let folder = Folder::new("training-beyond");
    let values: Vec<f32> = (0..120).map(|at| ((at * at * 7 + 3 * at) % 23) as f32).collect();
    folder.file("series.npy", npy("<f4", &[60, 2], &f32s(&values)));
    let w = json!({
        "data": { "series": { "series": ["series.npy"] } },
        "parameters": { "apart": { "shape": [1], "init": { "constant": 1.0 } } },
        "blocks": [
            { "name": "a", "block": "slice", "of": "series", "axis": -2, "to": 1 },
            { "name": "b", "block": "slice", "of": "series", "axis": -2, "from": 1, "to": 2 },
            { "name": "some", "block": "multiply", "of": "b", "with": "apart" },
            { "name": "near", "block": "add", "of": "a", "with": "some" },
            { "name": "both", "block": "concatenate", "values": ["a", "near"], "axis": -2 },
            { "name": "omega", "block": "precision", "series": "both" },
        ],
        "losses": [{ "name": "apart", "score": "apart", "reduce": "mean_square" }],
        "train": { "steps": 300, "rate": { "cosine": [0.02, 0.0] } },
        "results": [{ "value": "omega" }],
    });
    folder.file("w.json", w.to_string());
    let [cpu, device] = devices(&folder);
    let json = folder.run(&format!("run w.json -o out --device {cpu} --json")).json();
    assert!(json["condition"].as_f64().unwrap() > 1e5, "{json}");
    let refused = folder.run(&format!("run w.json -o out --device {device}"));
    let last = refused.stderr.lines().last().unwrap();
    assert!(refused.code == Some(1) && last.contains("a matrix of condition") && last.contains("--device cpu"), "{refused:?}");
}
