//! Series on a surface as nibabel writes them (`tests/goldens/make_gifti.py`).

use super::assert_says;
use crate::common::golden::numbers;
use base64::Engine;
use serde_json::Value;
use std::fs;
use tapetum::HostTensor;
use tapetum::data::cifti::{Axis, BrainModel, BrainModels, Cifti, Places, Steps, Unit, numbered_labels};
use tapetum::data::{
    Layout, SeriesOptions, label_gifti, read_gifti_labels_bytes, read_mesh_bytes, read_series, read_series_bytes, series_gifti,
};

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/gifti.json")).unwrap()
}

fn read(text: &str) -> tapetum::Result<HostTensor> {
    read_series_bytes("lh.func.gii", text.as_bytes(), Layout::TimeRegions).map(|s| s.values)
}

#[test]
fn every_encoding_holds_the_same_series() {
    let golden = golden();
    for name in ["base64", "gzip", "big", "one_array", "by_columns", "ascii"] {
        let found = read(golden["files"][name].as_str().unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(*found.shape(), [7, 3], "{name}");
        let wanted = numbers(&golden[if name == "ascii" { "ascii_values" } else { "values" }]);
        assert_eq!(found.to_f64_vec(), wanted.iter().map(|&x| f64::from(x as f32)).collect::<Vec<_>>(), "{name}");
    }
    let map = read(golden["files"]["whole_numbers"].as_str().unwrap()).unwrap();
    assert_eq!((*map.shape()).to_vec(), [7, 1]);
    assert_eq!(map.to_f64_vec(), numbers(&golden["counts"]));
}

#[test]
fn external_data_lies_beside_the_file() {
    let folder = std::env::temp_dir().join(format!("tapetum-gifti-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let golden = golden();
    let bytes: Vec<u8> = numbers(&golden["external"]).into_iter().map(|b| b as u8).collect();
    fs::write(folder.join("data.bin"), [vec![0; 5], bytes].concat()).unwrap();
    let array = |t: usize, offset: usize| {
        format!(
            "<DataArray Intent=\"NIFTI_INTENT_TIME_SERIES\" DataType=\"NIFTI_TYPE_FLOAT32\" ArrayIndexingOrder=\"RowMajorOrder\" \
             Dimensionality=\"1\" Dim0=\"7\" Encoding=\"ExternalFileBinary\" Endian=\"LittleEndian\" ExternalFileName=\"data.bin\" \
             ExternalFileOffset=\"{}\"><Data/></DataArray>",
            offset + 28 * t
        )
    };
    let written = |offset: usize| format!("<GIFTI Version=\"1.0\">{}</GIFTI>", (0..3).map(|t| array(t, offset)).collect::<String>());
    let file = folder.join("lh.func.gii");
    fs::write(&file, written(5)).unwrap();
    let found = read_series(&file, Layout::TimeRegions).unwrap().values;
    assert_eq!(found.to_f64_vec(), numbers(&golden["values"]).iter().map(|&x| f64::from(x as f32)).collect::<Vec<_>>());
    fs::write(&file, written(9)).unwrap();
    let short = read_series(&file, Layout::TimeRegions).unwrap_err().to_string();
    fs::remove_dir_all(&folder).unwrap();
    assert!(short.contains("data array 2") && short.contains("data.bin holds 89 bytes: 28 from 65"), "{short}");
}

#[test]
fn what_is_no_series_is_refused() {
    let golden = golden();
    let text = golden["files"]["gzip"].as_str().unwrap();
    let refused = |text: &str, wanted: &str| {
        let e = read(text).unwrap_err().to_string();
        assert!(e.contains("lh.func.gii") && e.contains(wanted), "{wanted}: {e}");
    };
    refused(golden["files"]["surface"].as_str().unwrap(), "POINTSET: series or a map");
    refused("GIFTI", "a GIFTI file expected");
    refused("<svg/>", "found XML of <svg>");
    refused("<GIFTI/>", "with a data array");
    refused(&text.replacen("Dim0=\"7\"", "Dim0=\"8\"", 1), "data array 0, counted from 0: 7 values for 8 × 1");
    refused(&text.replacen("Dim0=\"7\"", "", 1), "no attribute Dim0");
    refused(&text.replace("FLOAT32", "COMPLEX64"), "DataType NIFTI_TYPE_COMPLEX64");
    refused(&text.replace("GZipBase64Binary", "Base64Binary"), "bytes are no values of NIFTI_TYPE_FLOAT32");
    refused(&golden["files"]["base64"].as_str().unwrap().replace("Base64Binary", "GZipBase64Binary"), "compressed data expected");
    refused(&golden["files"]["ascii"].as_str().unwrap().replacen("<Data>", "<Data>x ", 1), "`x` where a number");
    refused(&golden["files"]["ascii"].as_str().unwrap().replacen("<Data>", "<Data>nan ", 1), "8 values for 7 × 1");
}

fn text(name: &str) -> String {
    golden()["files"][name].as_str().unwrap().to_owned()
}

/// A file's bytes, as the golden file holds them.
fn decoded(name: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(golden()[name].as_str().unwrap()).unwrap()
}

#[test]
fn a_mesh_has_its_own_coordinates_and_triangles() {
    let golden = golden();
    // The transformation that the file states doubles all coordinates. It is not applied.
    for (name, bytes) in [("lh.surf.gii", text("mesh").into_bytes()), ("lh.sphere", decoded("sphere"))] {
        let mesh = read_mesh_bytes(name, &bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(mesh.coordinates.to_f64_vec(), numbers(&golden["points"]), "{name}");
        assert_eq!(mesh.triangles.to_f64_vec(), numbers(&golden["faces"]), "{name}");
        assert_eq!((mesh.coordinates.shape().to_vec(), mesh.triangles.shape().to_vec()), (vec![6, 3], vec![8, 3]));
        assert_eq!(mesh.structure.as_deref(), Some("CORTEX_LEFT"), "{name}");
    }
    let refused = |bytes: &[u8], part: &str| assert_says(read_mesh_bytes("x.surf.gii", bytes), "x.surf.gii".as_ref(), &[part]);
    refused(text("base64").as_bytes(), "no array of coordinates (NIFTI_INTENT_POINTSET)");
    refused(text("mesh").replace("INTENT_TRIANGLE", "INTENT_SHAPE").as_bytes(), "no array of triangles");
    refused(text("mesh").replacen("Dim0=\"6\"", "Dim0=\"3\"", 1).as_bytes(), "bytes are no values of NIFTI_TYPE_FLOAT32");
    let sphere = decoded("sphere");
    for end in 0..sphere.len() {
        assert!(read_mesh_bytes("lh.sphere", &sphere[..end]).is_err(), "cut at {end}");
    }
    let mut far = sphere.clone();
    let last = far.len() - 1;
    far[last] = 6;
    refused(&far, "a triangle with vertex 6 of 6");
    far.truncate(last + 1);
    let first = sphere.len() - 8 * 12 - 6 * 12;
    far[first..first + 4].copy_from_slice(&f32::NAN.to_be_bytes());
    refused(&far, "vertex 0, counted from 0, lies at NaN");
}

#[test]
fn labels_have_a_table_and_a_structure() {
    let golden = golden();
    let atlas = read_gifti_labels_bytes("a.label.gii", text("labels").as_bytes(), None).unwrap();
    assert_eq!(serde_json::json!(atlas.keys), golden["keys"][0]);
    assert_eq!((atlas.models.models[0].structure.as_str(), atlas.map.0.as_str()), ("CORTEX_LEFT", "areas"));
    assert_eq!(atlas.table[&4].name, "V1 & V2");
    assert_eq!(atlas.table[&4].colour, [0.25, 0.5, 0.75, 1.0]);
    let one = read_gifti_labels_bytes("a.label.gii", text("labels").as_bytes(), Some("one")).unwrap();
    assert_eq!(serde_json::json!(one.keys), golden["keys"][1]);
    let refused = |text: &str, map: Option<&str>, part: &str| {
        assert_says(read_gifti_labels_bytes("a.label.gii", text.as_bytes(), map), "a.label.gii".as_ref(), &[part]);
    };
    refused(&text("labels"), Some("two"), "no map `two` among 2");
    refused(&text("base64"), None, "labels of vertices (NIFTI_INTENT_LABEL");
    refused(&text("labels").replace("LabelTable", "Labels"), None, "without a <LabelTable>");
    refused(&text("labels").replacen("Key=\"4\"", "Key=\"x\"", 1), None, "label 1, counted from 0: a whole number");
    refused(&text("labels").replacen("Key=\"4\"", "Key=\"2\"", 1), None, "the key 2 stands twice");
}

/// Means of the octahedron's series over vertices.
fn mean(vertices: &[usize]) -> Vec<f64> {
    let values = numbers(&golden()["octahedron"]);
    (0..5).map(|t| vertices.iter().map(|v| values[v * 5 + t]).sum::<f64>() / vertices.len() as f64).collect()
}

#[test]
fn labels_give_a_surface_its_regions() {
    let folder = std::env::temp_dir().join(format!("tapetum-gifti-labels-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lh.func.gii"), text("octahedron")).unwrap();
    fs::write(folder.join("lh.label.gii"), text("labels")).unwrap();
    fs::write(folder.join("lh.parcels.annot"), decoded("annot")).unwrap();
    fs::write(folder.join("rh.parcels.annot"), decoded("annot")).unwrap();
    fs::write(folder.join("short.label.gii"), text("labels").replacen("CortexLeft", "CortexRight", 2)).unwrap();
    let by = |atlas: &str| read_series(folder.join("lh.func.gii"), SeriesOptions::default().with_atlas(folder.join(atlas)));
    let near = |found: &HostTensor, wanted: &[Vec<f64>]| {
        let (found, wanted) = (found.to_f64_vec(), wanted.concat());
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} for {wanted:?}");
    };
    let areas = by("lh.label.gii").unwrap();
    assert_eq!(areas.names.unwrap(), ["MT", "V1 & V2"]);
    near(&areas.values, &[mean(&[3, 4]), mean(&[0, 1])]);
    assert!(areas.remarks.iter().any(|r| r.contains("1 vertices or voxels of the atlas have a key")), "{:?}", areas.remarks);
    near(&by("lh.label.gii:one").unwrap().values, &[mean(&[0, 1, 2, 3, 4])]);
    let annot = by("lh.parcels.annot").unwrap();
    assert_eq!(annot.names.unwrap(), ["frontal", "occipital"]);
    near(&annot.values, &[mean(&[0, 5]), mean(&[2, 3])]);
    let other = [by("short.label.gii"), by("rh.parcels.annot")].map(|e| e.unwrap_err().to_string());
    fs::remove_dir_all(&folder).unwrap();
    assert!(other.iter().all(|e| e.contains("the labels are on CORTEX_RIGHT, and the series on CORTEX_LEFT")), "{other:?}");
}

#[test]
fn what_is_written_is_read_again() {
    let golden = golden();
    let values: Vec<f32> = numbers(&golden["values"]).into_iter().map(|x| x as f32).collect();
    let series = HostTensor::f32([7, 3], values).unwrap();
    let plain = series_gifti(&series, None).unwrap();
    assert_eq!(read(&plain).unwrap().to_f64_vec(), series.to_f64_vec());
    let sparse = series_gifti(&series, Some(&[1, 5, 6, 9, 11, 12, 20])).unwrap();
    let found = read_series_bytes("x.func.gii", sparse.as_bytes(), Layout::TimeRegions).unwrap();
    assert_eq!(found.names.unwrap()[3..5], ["9", "11"]);
    let table = numbered_labels(3);
    let labels = label_gifti(&[0, 3, 1], &table, Some("CORTEX_RIGHT"));
    let atlas = read_gifti_labels_bytes("x.label.gii", labels.as_bytes(), None).unwrap();
    assert_eq!((atlas.keys, atlas.table, atlas.models.models[0].structure.as_str()), (vec![0, 3, 1], table, "CORTEX_RIGHT"));
}

#[test]
fn two_hemispheres_are_one_atlas() {
    let folder = std::env::temp_dir().join(format!("tapetum-gifti-pair-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let places =
        |structure: &str| BrainModel { structure: structure.into(), places: Places::Vertices { of: 6, indices: vec![0, 1, 2, 3, 4] } };
    let rows = BrainModels { models: vec![places("CORTEX_LEFT"), places("CORTEX_RIGHT")], volume: None };
    let columns = Axis::Series(Steps { start: 0.0, step: 2.0, unit: Unit::Second, count: 2 });
    let values: Vec<f32> = (0..20).map(|i| (i * i) as f32).collect();
    fs::write(folder.join("x.dtseries.nii"), Cifti::new(Axis::BrainModels(rows), columns, &values).unwrap().to_bytes().unwrap()).unwrap();
    fs::write(folder.join("lh.label.gii"), text("labels")).unwrap();
    // On the right the areas have the same keys, and MT has another name.
    fs::write(folder.join("rh.label.gii"), text("labels").replace("CortexLeft", "CortexRight").replace(">MT<", ">MST<")).unwrap();
    let by = |atlas: &str| read_series(folder.join("x.dtseries.nii"), SeriesOptions::default().with_atlas(folder.join(atlas)));
    let found = by("lh.label.gii,rh.label.gii").unwrap();
    let missing = by("lh.label.gii,none.label.gii").unwrap_err().to_string();
    fs::remove_dir_all(&folder).unwrap();
    assert!(missing.contains("none.label.gii: cannot be read"), "{missing}");
    // Vertices 0 and 1 are V1, 3 and 4 MT or MST; each row is two squares.
    assert_eq!(found.names.unwrap(), ["MT", "L_V1 & V2", "MST", "R_V1 & V2"]);
    let mean = |a: usize, b: usize| [0, 1].map(|t| f64::from(values[2 * a + t] + values[2 * b + t]) / 2.0);
    assert_eq!(found.values.to_f64_vec(), [mean(3, 4), mean(0, 1), mean(8, 9), mean(5, 6)].concat());
}
