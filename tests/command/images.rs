//! Images and archives on the command line.

use super::run::Folder;
use base64::Engine;
use serde_json::Value;

#[test]
fn connectivity_of_an_image_by_an_atlas() {
    let golden: Value = serde_json::from_str(include_str!("../goldens/images.json")).unwrap();
    let decoded = |text: &Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
    let folder = Folder::new("images");
    folder.file("bold.nii", decoded(&golden["images"]["float32"]["file"]));
    folder.file("labels.nii.gz", decoded(&golden["labels"]));
    let json = folder.run("connectivity bold.nii --atlas labels.nii.gz -o r.npy --device cpu --json").json();
    assert_eq!((&json["regions"], &json["frames"]), (&3.into(), &6.into()));
    // The expected matrix is that of the series which NumPy computes from the labels, with a row for each region.
    let rows: Vec<Vec<f64>> = serde_json::from_value(golden["of labels"].clone()).unwrap();
    let lines: Vec<String> = rows.iter().map(|r| r.iter().map(f64::to_string).collect::<Vec<_>>().join(",")).collect();
    folder.file("series.csv", lines.join("\n"));
    folder.run("connectivity series.csv --layout regions-time -o wanted.npy --device cpu --json").json();
    let read = |name: &str| tapetum::data::read_npy(folder.0.join(name)).unwrap();
    assert!(tapetum::check::error(&read("r.npy"), &read("wanted.npy")) < 1e-6);

    // The series alone, with the names beside the atlas, and clean series by the image's own repetition time.
    let series = folder.run("series bold.nii --atlas labels.nii.gz -o series.tsv --json").json();
    assert_eq!((&series["regions"], &series["frames"], &series["subjects"]), (&3.into(), &6.into(), &1.into()));
    let text = std::fs::read_to_string(folder.0.join("series.tsv")).unwrap();
    assert_eq!((text.lines().next(), text.lines().count()), (Some("5\t10\t15"), 7));
    let first: Vec<f64> = text.lines().nth(1).unwrap().split('\t').map(|x| x.parse().unwrap()).collect();
    assert!(first.iter().zip(&rows).all(|(x, row)| (x - row[0]).abs() < 1e-5 * row[0]), "{first:?}");
    folder.file("labels.tsv", "index\tname\n5\tleft\n10\tright\n15\tmiddle\n");
    folder.file("bold.json", r#"{"RepetitionTime": 2.5}"#);
    let done = folder.run("denoise bold.nii --atlas labels.nii.gz --none --band 0.02 0.15 -o clean.tsv --device cpu --json");
    let json = done.json();
    assert_eq!((json["tr"].as_f64(), json["step"].as_f64(), json["names"][2].as_str()), (Some(2.5), Some(2.5), Some("middle")));
    assert!(done.stderr.contains("labels.tsv, which is beside the atlas"), "{done:?}");
    assert!(std::fs::read_to_string(folder.0.join("clean.tsv")).unwrap().starts_with("left\tright\tmiddle\n"));
    let done = folder.run("denoise bold.nii --atlas labels.nii.gz --none --band 0.02 0.15 --tr 2 -o clean.tsv --device cpu --json");
    assert_eq!(done.json()["tr"].as_f64(), Some(2.0));
    assert!(done.stderr.contains("--tr 2 is taken, where bold.nii states 2.5 s"), "{done:?}");
    folder.run("series bold.nii --atlas labels.nii.gz -o labels.nii.gz").failed(&["labels.nii.gz", ".tsv"]);
    folder.run("series bold.nii --atlas labels.nii.gz --labels labels.tsv -o labels.tsv").failed(&["labels.tsv", "would replace"]);
    folder.run("series bold.nii --labels labels.tsv -o no.tsv").misused("--atlas");

    folder.run("connectivity bold.nii -o no.npy --device cpu").failed(&["bold.nii", "--atlas"]);
    folder.run("connectivity series.csv --atlas labels.nii.gz -o no.npy --device cpu").failed(&["series.csv", "--atlas is for images"]);
    folder.run("connectivity bold.nii --atlas none.nii -o no.npy --device cpu").failed(&["none.nii"]);
    assert!(!folder.names().contains(&"no.npy".to_owned()));
}

#[test]
fn an_atlas_on_another_grid_is_said_or_refused() {
    let golden: Value = serde_json::from_str(include_str!("../goldens/atlases.json")).unwrap();
    let decoded = |text: &Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
    let folder = Folder::new("grids");
    let case = &golden["labels"]["larger voxels and fewer"];
    folder.file("bold.nii.gz", decoded(&golden["images"]["straight"]));
    folder.file("atlas.nii.gz", decoded(&case["atlas"]));
    let lost: Vec<bool> = case["values"].as_array().unwrap().iter().map(Value::is_null).collect();
    let done = folder.run("connectivity bold.nii.gz --atlas atlas.nii.gz -o r.tsv --device cpu --json");
    let json = done.json();
    let missing: Vec<usize> = (0..lost.len()).filter(|i| lost[*i]).collect();
    assert!(!missing.is_empty() && json["missing"] == serde_json::json!(missing), "{json}");
    assert_eq!(done.stderr.lines().filter(|line| line.contains("another grid") && line.contains("nearest voxel")).count(), 1, "{done:?}");
    assert!(done.stderr.contains("regions without values are left out: `3`"), "{done:?}");
    folder.run("connectivity bold.nii.gz --atlas atlas.nii.gz --resample never -o no.tsv --device cpu").failed(&[
        "atlas.nii.gz",
        "another grid",
        "--resample never",
    ]);
    let maps = &golden["maps"]["oblique atlas of smaller voxels"];
    folder.file("maps.nii.gz", decoded(&maps["positive"]));
    for (way, argument) in [("least-squares", ""), ("weighted-mean", "--maps weighted-mean")] {
        let done = folder.run(&format!("series bold.nii.gz --atlas maps.nii.gz {argument} -o maps.csv --json"));
        assert!(done.json()["remarks"].to_string().contains(way), "{done:?}");
    }
}
