//! Workflows on a BIDS tree.

use super::bids::{close, golden, series, tree};
use super::run::{Folder, read_f32};
use crate::common::golden::numbers;
use serde_json::{Value, json};
use std::fs;

/// A workflow that gives the correlations of the participants whose series have 40 frames.
fn workflow() -> Value {
    let of = |more: Value| {
        let mut entry = json!({ "bids": "xcp_d", "atlas": "Seven", "task": "rest", "participants": ["01", "02", "sub-04"] });
        more.as_object().unwrap().iter().for_each(|(key, value)| entry[key] = value.clone());
        entry
    };
    json!({
        "title": "A cohort",
        "data": {
            "series": of(json!({})),
            "age": of(json!({ "column": "age" })),
            "group": of(json!({ "column": "group", "classes": ["a", "b"] })),
        },
        "parameters": {},
        "blocks": [
            { "name": "connectome", "block": "correlation", "series": "series" },
            { "name": "years", "block": "scale", "of": "age", "by": 1.0 },
        ],
        "losses": [],
        "split": { "folds": 3 },
        "metrics": [{ "name": "mean age", "metric": "mean", "of": "years" }],
        "results": [{ "value": "connectome", "title": "Connectome" }],
    })
}

fn cohort(test: &str) -> Folder {
    let folder = tree(test);
    folder.put("xcp_d/participants.tsv", "participant_id\tage\tgroup\nsub-04\t31\ta\nsub-02\t30\tb\nsub-01\t23\ta\nsub-05\tn/a\tb\n");
    folder
}

#[test]
fn series_and_columns_are_of_the_same_participants() {
    let (folder, golden) = (cohort("bids-workflow"), golden());
    folder.file("w.json", workflow().to_string());
    let json = folder.run("run w.json -o out --device cpu --json").json();
    assert_eq!(json["subjects"], 3);
    // The folds hold out one participant each: the test figures are the ages, in the order of the series.
    let folds = json["folds"].as_array().unwrap().iter().map(|fold| fold["test"][0].as_u64().unwrap() as usize);
    let ages: Vec<f64> = folds.map(|subject| [23.0, 30.0, 31.0][subject]).collect();
    assert_eq!(numbers(&json["metrics"]["mean age"]["test"]), ages);
    let found = read_f32(folder.0.join("out/connectome.npy"), &[3, 7, 7]);
    let wanted: Vec<f64> = [0, 1, 3].iter().flat_map(|i| numbers(&golden["correlations"][*i]["data"])).collect();
    close(&found, &wanted, 1e-6);
    let record: Value = serde_json::from_str(&fs::read_to_string(folder.0.join("out/run.json")).unwrap()).unwrap();
    assert_eq!(record["inputs"].as_object().unwrap().len(), 4, "three files and a table, with their hashes");
}

#[test]
fn what_a_tree_lacks_is_refused() {
    let folder = cohort("bids-workflow-refused");
    let run = |set: &str| {
        folder.file("w.json", workflow().to_string());
        folder.run(&format!("run w.json --check --device cpu --set {set}"))
    };
    run("data.series.bids=nowhere").failed(&["data.series", "nowhere"]);
    run("data.series.atlas=Tian").failed(&["data.series", "atlas Tian", "atlas is Seven"]);
    run("data.series.participants=[\"09\"]").failed(&["participant 09"]);
    run("data.series.entities=[\"res2\"]").failed(&["data.series", "res2"]);
    run("data.age.column=sex").failed(&["participants.tsv", "`sex`", "age, group"]);
    run("data.age.participants=[\"02\",\"03\",\"05\"]").failed(&["participants.tsv", "no age of sub-03, sub-05"]);
    run("data.age.column=group").failed(&["data.age", "sub-01", "`a` where a number"]);
    run("data.series.standardise=true").failed(&["data.series", "column"]);
    run("data.series.participants=[\"01\",\"02\"]").failed(&["subjects"]);
    // Series of other lengths, and their first frames alone.
    run("data.series.participants=[\"01\",\"02\",\"03\"]").failed(&["subject 2"]);
    let mut cut = workflow();
    cut["data"]["series"]["participants"] = json!(["01", "02", "03"]);
    cut["data"]["series"]["frames"] = json!([0, 30]);
    folder.file("w.json", cut.to_string());
    assert_eq!(folder.run("run w.json --check --device cpu").code, Some(0));
    let other = fs::read_to_string(folder.0.join(series("02"))).unwrap().replacen("LH_Region2", "RH_Region2", 1);
    folder.put(&series("02"), other);
    run("train.steps=0").failed(&[&series("02"), "region 1, counted from 0", "`RH_Region2`", "`LH_Region2`"]);
}
