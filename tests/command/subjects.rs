//! Commands and workflows on one file that holds an array for each subject by name (`tests/goldens/make_hdf5.py`).

use super::run::{Folder, read_f32};
use crate::common::golden::{numbers, worst};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tapetum::data::{TableOptions, read_connectome};

const SUBJECTS: [&str; 3] = ["sub-01", "sub-02", "sub-10"];

fn folder() -> Folder {
    let folder = Folder::new("subjects");
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/hdf5");
    for file in ["cohort.h5", "cohort.npz", "cohort.mat", "cohort_nested.h5", "series.h5"] {
        fs::copy(goldens.join(file), folder.0.join(file)).unwrap();
    }
    folder
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/hdf5/expected.json")).unwrap()
}

#[track_caller]
fn near(found: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let worst = worst(found.iter().zip(wanted).map(|(a, b)| (a - b).abs()));
    assert!(worst < 2e-6, "{what}: {worst:e}");
}

#[test]
fn every_subject_has_a_matrix_in_the_order_of_names() {
    let (folder, golden) = (folder(), golden());
    let wanted: Vec<f64> = SUBJECTS.iter().flat_map(|name| numbers(&golden["correlations"][name]["data"])).collect();
    for file in ["cohort.h5", "cohort.h5:/rest", "cohort.npz", "cohort.mat:rest"] {
        let json = folder.run(&format!("connectivity {file} -o out.npz --device cpu --json")).json();
        let of = |key: &str| json["subjects"].as_array().unwrap().iter().map(|s| s[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("frames"), [20, 25, 17], "{file}");
        if !file.contains(".mat") {
            assert_eq!(of("name"), SUBJECTS, "{file}");
        }
        let made = read_connectome(folder.0.join("out.npz"), &TableOptions::default()).unwrap();
        near(&made.values.to_f64_vec(), &wanted, file);
        assert_eq!(made.names.is_some(), !file.contains(".mat"), "{file}");
    }
    assert!(
        folder
            .run("connectivity cohort.h5 -o out.npy --device cpu")
            .stdout
            .contains("3 subjects, frames sub-01 of 20, sub-02 of 25, sub-10 of 17")
    );
    near(&read_f32(folder.0.join("out.npy"), &[3, 5, 5]), &wanted, "out.npy");
}

#[test]
fn a_tangent_is_of_a_group() {
    let folder = folder();
    // The subjects have 20, 25 and 17 frames.
    folder.run("connectivity cohort.h5 -o out.npy --kind tangent --device cpu --json").json();
    assert_eq!(read_f32(folder.0.join("out.npy"), &[3, 5, 5]).iter().filter(|x| x.is_finite()).count(), 75);
    let json = folder.run("connectivity cohort_nested.h5 -o out.npy --kind tangent --device cpu --json").json();
    assert_eq!(json["subjects"][2]["name"], "sub-10");
    assert_eq!(read_f32(folder.0.join("out.npy"), &[3, 5, 5]).len(), 75);
    folder.run("connectivity cohort.h5 -o out.tsv --device cpu").failed(&["out.tsv", "a table holds one matrix"]);
    // A place names one array.
    let one = folder.run("connectivity cohort.h5:/rest/sub-02 -o one.npy --device cpu --json").json();
    assert_eq!((&one["frames"], &one["subjects"]), (&json!(25), &json!(1)));
}

#[test]
fn a_workflow_takes_subjects_by_name() {
    let folder = folder();
    let run = |series: Value| {
        let workflow = json!({
            "data": { "x": series },
            "blocks": [{ "name": "c", "block": "correlation", "series": "x" }],
            "results": [{ "value": "c" }],
        });
        folder.file("w.json", workflow.to_string());
        folder.run("run w.json -o out --device cpu")
    };
    run(json!({ "series": "cohort.h5" })).failed(&["data.x: ", "`sub-01` has 20 frames and `sub-02` has 25", "or `frames` that all have"]);
    run(json!({ "series": "cohort.h5", "frames": [0, 20] })).failed(&["`sub-10`: ", "frames 0 to 20 of series of 17"]);
    run(json!({ "series": "cohort.h5", "frames": [0, 9], "subjects": ["sub-03"] }))
        .failed(&["no subject `sub-03`: there are sub-01, sub-02, sub-10"]);
    run(json!({ "series": "series.h5", "subjects": ["a"] })).failed(&["subjects are named for one file that has an array for each"]);
    for file in ["cohort.h5", "cohort.npz", "cohort_nested.h5"] {
        let done = run(json!({ "series": file, "frames": [0, 15], "subjects": ["sub-10", "sub-01"] }));
        assert_eq!(done.code, Some(0), "{file}: {done:?}");
    }
}
