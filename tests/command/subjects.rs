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

/// A row for each frame, with its subject in a column: frames of their own, and a region that one subject lacks.
#[test]
fn a_table_may_hold_many_subjects() {
    let folder = Folder::new("long-table");
    let value = |subject: usize, frame: usize, region: usize| ((frame * (region + 2) + 5 * subject) as f64 * 0.7).sin();
    let (labels, frames) = (["sub-b", "sub-a"], [20, 13]);
    let mut long = "participant_id\tframe\tV1\tM1\tA1\n".to_owned();
    for (s, label) in labels.iter().enumerate() {
        let mut own = "V1\tM1\tA1\n".to_owned();
        for t in 0..frames[s] {
            let last = if s == 1 { "n/a".to_owned() } else { value(s, t, 2).to_string() };
            let row = format!("{}\t{}\t{last}\n", value(s, t, 0), value(s, t, 1));
            long += &format!("{label}\t{t}\t{row}");
            own += &row;
        }
        folder.file(&format!("{label}.tsv"), own);
    }
    folder.file("long.tsv", &long);
    let done = folder.run("connectivity long.tsv -o all.npy --device cpu");
    assert!(done.stdout.contains("2 subjects, frames sub-b of 20, sub-a of 13"), "{done:?}");
    assert!(done.stderr.contains("`sub-a`: regions without values are left out: `A1`"), "{done:?}");
    let all = read_f32(folder.0.join("all.npy"), &[2, 3, 3]);
    for (s, label) in labels.iter().enumerate() {
        folder.run(&format!("connectivity {label}.tsv -o own.npy --device cpu --json")).json();
        let own = read_f32(folder.0.join("own.npy"), &[3, 3]);
        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&all[9 * s..][..9]), bits(&own), "{label}");
    }
    folder.file("hole.tsv", long.replacen("sub-a\t4", "n/a\t4", 1));
    folder
        .run("connectivity hole.tsv -o all.npy --device cpu")
        .failed(&["hole.tsv: row 25 below the header has no subject", "participant_id"]);
    folder.file("some.tsv", long.replacen("\tn/a\n", "\t1\n", 1));
    folder.run("connectivity some.tsv -o all.npy --device cpu").failed(&["some.tsv: `sub-a`: ", "frame 1, region 2 (`A1`)"]);
}
