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

    folder.run("connectivity bold.nii -o no.npy --device cpu").failed(&["bold.nii", "--atlas"]);
    folder.run("connectivity series.csv --atlas labels.nii.gz -o no.npy --device cpu").failed(&["series.csv", "--atlas is for images"]);
    folder.run("connectivity bold.nii --atlas none.nii -o no.npy --device cpu").failed(&["none.nii"]);
    assert!(!folder.names().contains(&"no.npy".to_owned()));
}
