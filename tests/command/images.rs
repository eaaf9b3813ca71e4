//! Images and archives on the command line.

use super::run::Folder;
use crate::common::golden::worst;
use crate::common::image::nifti;
use base64::Engine;
use serde_json::Value;
use tapetum::data::read_npy;

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

    // The series alone.
    let series = folder.run("series bold.nii --atlas labels.nii.gz -o series.tsv --json").json();
    assert_eq!((&series["regions"], &series["frames"], &series["subjects"]), (&3.into(), &6.into(), &1.into()));
    let text = std::fs::read_to_string(folder.0.join("series.tsv")).unwrap();
    assert_eq!((text.lines().next(), text.lines().count()), (Some("5\t10\t15"), 7));
    let first: Vec<f64> = text.lines().nth(1).unwrap().split('\t').map(|x| x.parse().unwrap()).collect();
    assert!(first.iter().zip(&rows).all(|(x, row)| (x - row[0]).abs() < 1e-5 * row[0]), "{first:?}");
    folder.file("labels.tsv", "index\tname\n5\tleft\n10\tright\n15\tmiddle\n");
    folder.run("series bold.nii --atlas labels.nii.gz -o labels.nii.gz").failed(&["labels.nii.gz", ".tsv"]);
    folder.run("series bold.nii --atlas labels.nii.gz --labels labels.tsv -o labels.tsv").failed(&["labels.tsv", "would replace"]);
    folder.run("series bold.nii --labels labels.tsv -o no.tsv").misused("--atlas");

    folder.run("connectivity bold.nii -o no.npy --device cpu").failed(&["bold.nii", "--atlas"]);
    folder.run("connectivity series.csv --atlas labels.nii.gz -o no.npy --device cpu").failed(&["series.csv", "(--atlas) is for images"]);
    folder.run("connectivity bold.nii --atlas none.nii -o no.npy --device cpu").failed(&["none.nii"]);
    assert!(!folder.names().contains(&"no.npy".to_owned()));
}

/// Three voxels over 80 frames with an atlas of one label each, and confounds.
fn run_of_80_frames() -> Folder {
    let folder = Folder::new("clean");
    let value = |t: usize, v: usize| 1000.0 + ((t * t * (v + 3) + 7 * v + t) % 101) as f32;
    let mut bold = nifti(&[3, 1, 1, 80], &(0..240).map(|i| value(i / 3, i % 3)).collect::<Vec<f32>>());
    bold[92..96].copy_from_slice(&2000f32.to_le_bytes());
    // Millimetres and milliseconds.
    bold[123] = 2 | 16;
    folder.file("bold.nii", bold);
    folder.file("atlas.nii", nifti(&[3, 1, 1], &[1.0, 2.0, 5.0]));
    folder.file("atlas.tsv", "index\tname\n1\tleft\n2\tright\n5\tmiddle\n");
    let row = |t: usize| format!("{}\t{}\n", (t * 37 % 23) as f32 / 7.0, (t * t % 31) as f32);
    folder.file("confounds.tsv", "csf\twhite_matter\n".to_owned() + &(0..80).map(row).collect::<String>());
    folder
}

#[test]
fn an_image_and_confounds_lead_to_a_clean_connectome() {
    let folder = run_of_80_frames();
    let clean = "--confounds confounds.tsv --columns csf,white_matter --band 0.02 0.15 --device cpu --json";
    let done = folder.run(&format!("denoise bold.nii --atlas atlas.nii {clean} -o clean.tsv"));
    let json = done.json();
    assert_eq!((json["tr"].as_f64(), json["step"].as_f64(), json["names"][2].as_str()), (Some(2.0), Some(2.0), Some("middle")));
    assert_eq!(done.stderr.lines().filter(|line| line.contains("atlas.tsv, which is beside the atlas")).count(), 1, "{done:?}");
    // The same as by way of the series alone, whose file states no repetition time.
    folder.run("series bold.nii --atlas atlas.nii -o series.tsv --json").json();
    folder.run(&format!("denoise series.tsv {clean} -o no.tsv")).failed(&["series.tsv", "--tr S"]);
    folder.run(&format!("denoise series.tsv {clean} --tr 2 -o by_series.tsv")).json();
    let read = |name: &str| std::fs::read_to_string(folder.0.join(name)).unwrap();
    assert!(read("clean.tsv").starts_with("left\tright\tmiddle\n"));
    assert_eq!((read("clean.tsv"), read("clean.tsv").lines().count()), (read("by_series.tsv"), 81));
    folder.run("connectivity clean.tsv -o r.tsv --device cpu --json").json();
    assert!(read("r.tsv").starts_with("Node\tleft\tright\tmiddle\n"), "{}", read("r.tsv"));
    // The time that is given goes before that of the image.
    let done = folder.run(&format!("denoise bold.nii --atlas atlas.nii {clean} --tr 1 -o other.tsv"));
    assert_eq!(
        (done.json()["tr"].as_f64(), done.stderr.contains("bold.nii: --tr 1 is taken, where 2 s are stated")),
        (Some(1.0), true),
        "{done:?}"
    );
    assert_ne!(read("other.tsv"), read("clean.tsv"));
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
    in_workflows(&folder);
}

/// The same settings in a workflow, held to the connectome that the command makes.
fn in_workflows(folder: &Folder) {
    let workflow = |more: &str| {
        let entry = format!(r#"{{"series": ["bold.nii.gz"], "atlas": "maps.nii.gz"{more}}}"#);
        let text = format!(
            r#"{{"data": {{"x": {entry}}}, "blocks": [{{"name": "c", "block": "correlation", "series": "x"}}], "results": [{{"value": "c"}}]}}"#
        );
        folder.file("w.json", text);
        folder.run("run w.json -o run --device cpu --json")
    };
    let mut made = Vec::new();
    for way in ["least-squares", "weighted-mean"] {
        folder.run(&format!("connectivity bold.nii.gz --atlas maps.nii.gz --maps {way} -o expected.npy --device cpu --json")).json();
        workflow(&format!(r#", "maps": "{way}""#)).json();
        let [found, wanted] =
            ["run/c.npy", "expected.npy"].map(|name| read_npy(folder.0.join(name)).unwrap().elements::<f32>().unwrap().to_vec());
        let worst = worst(found.iter().zip(&wanted).map(|(x, y)| f64::from((x - y).abs())));
        assert!(found.len() == wanted.len() && worst < 1e-6, "{way}: {worst:.1e}");
        made.push(found);
    }
    assert_ne!(made[0], made[1]);
    workflow(r#", "resample": "never""#).failed(&["data.x", "maps.nii.gz", "another grid"]);
    workflow(r#", "resample": "always""#).failed(&["data.x.resample", "auto", "never"]);
    folder.file("maps.tsv", "index\tname\n");
    workflow(r#", "labels": "none.tsv""#).failed(&["none.tsv"]);
}
