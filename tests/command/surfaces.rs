//! Commands on grayordinates and surfaces: CIFTI-2 and GIFTI files as nibabel writes them.

use super::run::{Folder, npy, read_f32};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tapetum::data::cifti::{Axis, BrainModel, BrainModels, Cifti, Places, Steps, Unit, read_cifti};
use tapetum::data::{read_gifti_labels_bytes, read_series_bytes};

fn goldens(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A folder with the golden CIFTI-2 files.
fn cifti(name: &str) -> Folder {
    let folder = Folder::new(name);
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/cifti")).unwrap() {
        let file = file.unwrap();
        folder.file(&file.file_name().to_string_lossy(), fs::read(file.path()).unwrap());
    }
    folder
}

/// Pearson's correlation of rows, in double precision.
fn correlation(rows: &[Vec<f64>]) -> Vec<f64> {
    let centred = |row: &Vec<f64>| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        row.iter().map(|x| x - mean).collect::<Vec<f64>>()
    };
    let rows: Vec<Vec<f64>> = rows.iter().map(centred).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let r = |a: &Vec<f64>, b: &Vec<f64>| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    rows.iter().flat_map(|a| rows.iter().map(move |b| (a, b))).map(|(a, b)| r(a, b)).collect()
}

#[test]
fn a_dense_series_by_labels_becomes_a_connectome_of_parcels() {
    let folder = cifti("surfaces-dense");
    let line = "connectivity rest.dtseries.nii --atlas cortex.dlabel.nii --device cpu --json";
    let json = folder.run(&format!("{line} -o out.pconn.nii")).json();
    assert_eq!(json["names"], serde_json::json!(["default", "visual", "elsewhere"]));
    assert_eq!((&json["missing"], &json["step"]), (&serde_json::json!([2]), &serde_json::json!(0.72)));
    let golden = goldens("cifti.json");
    let means: Vec<Vec<f64>> = serde_json::from_value(golden["by_label"]["cortex"]["means"].as_array().unwrap()[..2].into()).unwrap();
    let wanted = correlation(&means);
    let made = read_cifti(folder.0.join("out.pconn.nii")).unwrap();
    let found = made.values();
    for (at, wanted) in [(0, wanted[0]), (1, wanted[1]), (3, wanted[2]), (4, wanted[3])] {
        assert!((found[at] - wanted).abs() < 1e-5, "{found:?}");
    }
    assert!([2, 5, 6, 7, 8].iter().all(|at| found[*at].is_nan()), "{found:?}");
    // The vertices of a parcel are those of the series: the atlas gives `default` to three.
    let Axis::Parcels(parcels) = &made.rows else { panic!("{}", made.rows.what()) };
    assert_eq!(parcels.parcels[0].vertices, [("CORTEX_LEFT".to_owned(), vec![3, 11]), ("CORTEX_RIGHT".to_owned(), vec![2])]);
    // Parcels of a file of parcels are kept.
    folder.run("connectivity parcels.ptseries.nii -o kept.pconn.nii --device cpu --json").json();
    assert_eq!(read_cifti(folder.0.join("kept.pconn.nii")).unwrap().rows, read_cifti(folder.0.join("parcels.pconn.nii")).unwrap().rows);
    folder.run(&format!("{line} -o out.dconn.nii")).failed(&["out.dconn.nii", ".pconn.nii"]);
}

#[test]
fn a_workflow_takes_dense_series_by_labels() {
    let folder = cifti("surfaces-workflow");
    folder.file(
        "w.json",
        r#"{"data": {"x": {"series": ["rest.dtseries.nii"], "atlas": "whole.dlabel.nii", "structures": ["CORTEX_LEFT"]}},
            "blocks": [{"name": "c", "block": "correlation", "series": "x"}], "results": [{"value": "c"}]}"#,
    );
    folder.run("run w.json -o out --device cpu --json").json();
    let golden = goldens("cifti.json");
    let values: Vec<Vec<f64>> = serde_json::from_value(golden["files"]["rest.dtseries.nii"]["values"].clone()).unwrap();
    // On the left, vertex 2 (row 1) is `default`, and vertices 3 and 11 (rows 2 and 4) are `visual`.
    let visual = values[2].iter().zip(&values[4]).map(|(x, y)| (x + y) / 2.0).collect::<Vec<f64>>();
    let wanted = correlation(&[values[1].clone(), visual]);
    let found = read_f32(folder.0.join("out/c.npy"), &[1, 2, 2]);
    assert!((found[1] - wanted[1]).abs() < 1e-5, "{found:?} for {wanted:?}");
}

#[test]
fn denoised_series_keep_their_grayordinates() {
    let folder = cifti("surfaces-denoise");
    folder.file("confounds.tsv", "a\tb\n0.1\t1\n0.5\t0\n0.2\t1\n0.9\t1\n");
    let line = "denoise rest.dtseries.nii --confounds confounds.tsv --columns a --device cpu --json";
    folder.run(&format!("{line} -o clean.dtseries.nii")).json();
    let [before, after] = ["rest.dtseries.nii", "clean.dtseries.nii"].map(|name| read_cifti(folder.0.join(name)).unwrap());
    assert_eq!((&after.rows, &after.columns), (&before.rows, &before.columns));
    folder.run(&format!("{line} -o clean.ptseries.nii")).failed(&["clean.ptseries.nii", ".dtseries.nii is expected"]);
}

/// Series of the octahedron's vertices, the sphere, and what parcellating writes for viewers.
#[test]
fn a_surface_is_parcellated_as_it_is() {
    let folder = Folder::new("surfaces-parcellate");
    let golden = goldens("gifti.json");
    for (name, key) in [("lh.sphere.surf.gii", "mesh"), ("lh.func.gii", "octahedron")] {
        folder.file(name, golden["files"][key].as_str().unwrap());
    }
    let line = "parcellate lh.func.gii --coordinates lh.sphere.surf.gii --parcels 2 --steps 5 --hold-out 0 --device cpu --json -o";
    folder.run(&format!("{line} out")).json();
    assert!(folder.0.join("out/parcels.svg").exists(), "the sphere's triangles give a map");
    let labels = tapetum::data::read_npy(folder.0.join("out/labels.npy")).unwrap().to_f64_vec();
    let text = fs::read(folder.0.join("out/parcels.label.gii")).unwrap();
    let atlas = read_gifti_labels_bytes("parcels.label.gii", &text, None).unwrap();
    assert_eq!(atlas.keys.iter().map(|key| f64::from(key - 1)).collect::<Vec<_>>(), labels);
    assert_eq!((atlas.models.models[0].structure.as_str(), atlas.table[&2].name.as_str()), ("CORTEX_LEFT", "1"));
    // The labels are an atlas for the same series.
    let json = folder.run("connectivity lh.func.gii --atlas out/parcels.label.gii -o r.tsv --device cpu --json").json();
    assert_eq!(json["regions"].as_u64().unwrap(), json["names"].as_array().unwrap().len() as u64);
    folder.run("parcellate lh.func.gii --coordinates lh.func.gii --parcels 2 -o x --device cpu").failed(&["lh.func.gii"]);
}

#[test]
fn grayordinates_of_one_hemisphere_are_parcellated() {
    let folder = Folder::new("surfaces-dense-parcellate");
    let golden = goldens("gifti.json");
    folder.file("lh.sphere.surf.gii", golden["files"]["mesh"].as_str().unwrap());
    folder.file("rh.sphere.surf.gii", golden["files"]["mesh"].as_str().unwrap().replace("CortexLeft", "CortexRight"));
    // Vertex 4 of the six is not in the file, as those of the medial wall are not.
    let text = golden["files"]["octahedron"].as_str().unwrap();
    let all = read_series_bytes("x.func.gii", text.as_bytes(), tapetum::data::Layout::TimeRegions).unwrap().values.to_f64_vec();
    let indices = [0u32, 1, 2, 3, 5];
    let values: Vec<f32> = indices.iter().flat_map(|v| all[*v as usize * 5..][..5].iter().map(|&x| x as f32)).collect();
    let places = Places::Vertices { of: 6, indices: indices.to_vec() };
    let rows = BrainModels { models: vec![BrainModel { structure: "CORTEX_LEFT".into(), places }], volume: None };
    let columns = Axis::Series(Steps { start: 0.0, step: 2.0, unit: Unit::Second, count: 5 });
    folder.file("x.dtseries.nii", Cifti::new(Axis::BrainModels(rows.clone()), columns, &values).unwrap().to_bytes().unwrap());
    let line = "parcellate x.dtseries.nii --parcels 2 --steps 5 --hold-out 0 --device cpu --json -o out --coordinates";
    let json = folder.run(&format!("{line} lh.sphere.surf.gii")).json();
    assert_eq!(json["vertices"], 5);
    let labels = tapetum::data::read_npy(folder.0.join("out/labels.npy")).unwrap().to_f64_vec();
    assert_eq!((labels.len(), labels[4]), (6, -1.0));
    let made = read_cifti(folder.0.join("out/parcels.dlabel.nii")).unwrap();
    assert_eq!(made.rows, Axis::BrainModels(rows));
    assert_eq!(made.values(), indices.map(|v| labels[v as usize] + 1.0));
    folder.run(&format!("{line} rh.sphere.surf.gii")).failed(&["rh.sphere.surf.gii", "CORTEX_RIGHT", "CORTEX_LEFT"]);
    folder.file("five.npy", npy("<f4", &[5, 3], &[0; 60]));
    folder.run(&format!("{line} five.npy")).failed(&["five.npy", "[6, 3] is expected"]);
    let both = cifti("surfaces-both");
    both.file("lh.sphere.surf.gii", golden["files"]["mesh"].as_str().unwrap());
    both.run("parcellate rest.dtseries.nii --parcels 2 -o out --device cpu --coordinates lh.sphere.surf.gii")
        .failed(&["rest.dtseries.nii", "series of one surface are expected, found CORTEX_LEFT, CORTEX_RIGHT, THALAMUS_LEFT"]);
}
