//! Workflows on arrays in memory, which are as those in files.

use super::run::{Folder, f32s, npy};
use serde_json::{Value, json};
use tapetum::workflow::Workflow;
use tapetum::{Device, HostTensor};

const SHAPE: [usize; 3] = [4, 20, 3];

fn series() -> Vec<f32> {
    (0..SHAPE.iter().product()).map(|i| ((i * i * 7) % 31) as f32 + 500.0 * (i % 3) as f32).collect()
}

fn connectome(series: Value) -> Value {
    json!({
        "data": { "series": series },
        "blocks": [{ "name": "connectome", "block": "correlation", "series": "series" }],
        "results": [{ "value": "connectome" }]
    })
}

fn result(options: tapetum::workflow::ReadOptions, workflow: Value, folder: &str) -> HostTensor {
    options.build(workflow, folder).unwrap().run(&Device::cpu()).unwrap().values.remove(0).value
}

#[test]
fn series_in_memory_are_as_those_in_a_file() {
    let folder = Folder::new("given-series");
    folder.file("series.npy", npy("<f4", &SHAPE, &f32s(&series())));
    let by_file = result(Workflow::options(), connectome(json!({ "series": "series.npy" })), folder.0.to_str().unwrap());
    let single = HostTensor::f32(SHAPE, series()).unwrap();
    let entry = || connectome(json!({ "input": "rest" }));
    assert_eq!(result(Workflow::options().array("rest", single.clone()), entry(), ""), by_file);
    // Turned, whole and in double precision: the same.
    let mut turned = Vec::new();
    for subject in series().chunks(SHAPE[1] * SHAPE[2]) {
        (0..SHAPE[2]).for_each(|r| turned.extend((0..SHAPE[1]).map(|t| subject[t * SHAPE[2] + r])));
    }
    let turned = HostTensor::f32([SHAPE[0], SHAPE[2], SHAPE[1]], turned).unwrap();
    let entry_turned = connectome(json!({ "input": "rest", "layout": "regions-time" }));
    assert_eq!(result(Workflow::options().array("rest", turned), entry_turned, ""), by_file);
    let whole = HostTensor::i32(SHAPE, series().iter().map(|x| *x as i32).collect()).unwrap();
    for other in [single.to_real::<f64>(), whole] {
        let found = result(Workflow::options().array("rest", other), entry(), "").to_f64_vec();
        assert!(found.iter().zip(by_file.to_f64_vec()).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn arrays_are_of_subjects_or_of_all() {
    let workflow = json!({
        "data": { "x": { "input": "x", "as": "subjects" }, "w": { "input": "w", "as": "shared" } },
        "blocks": [{ "name": "sum", "block": "add", "of": "x", "with": "w" }],
        "results": [{ "value": "sum" }]
    });
    let x = HostTensor::f32([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let options = Workflow::options().array("x", x).array("w", HostTensor::f32([2], vec![10.0, 20.0]).unwrap());
    assert_eq!(result(options, workflow, "").to_f64_vec(), [11.0, 22.0, 13.0, 24.0, 15.0, 26.0]);
}

#[test]
fn the_identity_is_of_the_arrays_too() {
    let identity = |values: Vec<f32>| {
        let options = Workflow::options().array("rest", HostTensor::f32(SHAPE, values).unwrap());
        options.build(connectome(json!({ "input": "rest" })), "").unwrap().identity()
    };
    let mut other = series();
    other[5] += 1.0;
    assert_eq!(identity(series()), identity(series()));
    assert_ne!(identity(series()), identity(other));
}

#[test]
fn what_cannot_be_is_refused() {
    let refused =
        |values: HostTensor, entry: Value| Workflow::options().array("rest", values).build(connectome(entry), "").unwrap_err().to_string();
    let good = || HostTensor::f32(SHAPE, series()).unwrap();
    for (values, entry, message) in [
        (good(), json!({ "input": "night" }), "data.series.input: no array is called `night`: `rest` are given"),
        (good(), json!({ "input": "rest", "as": "runs" }), "data.series.as: one of series, subjects, shared"),
        (good(), json!({ "input": "rest", "as": "subjects", "layout": "regions-time" }), "data.series: `layout` is of series"),
        (good(), json!({ "input": "rest", "standardise": true }), "data.series: `standardise` is of numbers, one a subject"),
        (HostTensor::full([3], 1.0), json!({ "input": "rest" }), "data.series: `rest` is [3], which is not what `as` says"),
        (HostTensor::full([0, 3, 4], 1.0), json!({ "input": "rest" }), "data.series: `rest` is [0, 3, 4], which holds nothing"),
        (HostTensor::full([2, 3, 4], f32::NAN), json!({ "input": "rest" }), "data.series: `rest` holds NaN or infinity"),
    ] {
        let found = refused(values, entry);
        assert!(found.contains(message), "{found}");
    }
    let none = Workflow::options().build(connectome(json!({ "input": "rest" })), "").unwrap_err().to_string();
    assert!(none.contains("no array is called `rest`: none is given"), "{none}");
    let folder = Folder::new("given-none");
    folder.file("w.json", connectome(json!({ "input": "rest" })).to_string());
    folder.run("run w.json --out out --device cpu").failed(&["w.json", "data.series.input", "none is given by the program"]);
}
