//! CIFTI-2 files as nibabel writes them, and what it reads from them (`tests/goldens/make_cifti.py`).

use super::assert_says;
use serde_json::Value;
use std::path::PathBuf;
use tapetum::data::cifti::{Axis, Cifti, LabelMap, Places, read_cifti, read_cifti_bytes};
use tapetum::data::{Layout, Series, SeriesOptions, read_connectome, read_series, read_series_bytes};

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/cifti.json")).unwrap()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/cifti").join(name)
}

/// The rows of a golden matrix, with NaN for null.
fn rows(of: &Value) -> Vec<Vec<f64>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect();
    of.as_array().unwrap().iter().map(row).collect()
}

/// Decimal numbers of the golden file are read to within a unit in the last place.
const EXACT: f64 = 1e-12;

#[track_caller]
fn assert_near(found: &[f64], wanted: &[f64], bound: f64) {
    assert_eq!(found.len(), wanted.len());
    for (i, (a, b)) in found.iter().zip(wanted).enumerate() {
        assert!((a.is_nan() && b.is_nan()) || (a - b).abs() <= bound, "value {i}: {a} for {b}");
    }
}

#[track_caller]
fn assert_axis(found: &Axis, wanted: &Value) {
    match (found, wanted["type"].as_str().unwrap()) {
        (Axis::BrainModels(of), "grayordinates") => {
            let mut places = Vec::new();
            for model in &of.models {
                match &model.places {
                    Places::Vertices { of, indices } => {
                        assert_eq!(wanted["surfaces"][&model.structure], *of as u64, "{}", model.structure);
                        places.extend(indices.iter().map(|v| serde_json::json!([model.structure, v])));
                    }
                    Places::Voxels(voxels) => places.extend(voxels.iter().map(|ijk| serde_json::json!([model.structure, ijk]))),
                }
            }
            assert_eq!(Value::from(places), wanted["places"]);
            if let Some(volume) = &of.volume {
                assert_eq!(serde_json::json!(volume.affine.as_flattened()), wanted["affine"]);
                assert_eq!(serde_json::json!(volume.dimensions), wanted["dimensions"]);
            } else {
                assert!(wanted.get("affine").is_none());
            }
        }
        (Axis::Parcels(of), "parcels") => {
            let parcel = |p: &tapetum::data::cifti::Parcel| {
                let vertices: serde_json::Map<String, Value> =
                    p.vertices.iter().map(|(on, v)| (on.clone(), serde_json::json!(v))).collect();
                serde_json::json!({ "name": p.name, "voxels": p.voxels, "vertices": vertices })
            };
            assert_eq!(Value::from(of.parcels.iter().map(parcel).collect::<Vec<_>>()), wanted["parcels"]);
        }
        (Axis::Series(of), "series") => {
            assert_eq!([of.start, of.step], ["start", "step"].map(|key| wanted[key].as_f64().unwrap()));
            assert_eq!(wanted["unit"], of.unit.code());
            assert_eq!(wanted["count"], of.count as u64);
        }
        (Axis::Scalars(of), "scalars") => {
            for (map, wanted) in of.iter().zip(wanted["maps"].as_array().unwrap()) {
                assert_eq!(wanted["name"], map.name.as_str());
                let metadata: serde_json::Map<String, Value> = map.metadata.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
                assert_eq!(wanted["meta"], Value::from(metadata));
            }
        }
        (Axis::Labels(of), "labels") => {
            for (LabelMap { map, table }, wanted) in of.iter().zip(wanted["maps"].as_array().unwrap()) {
                assert_eq!(wanted["name"], map.name.as_str());
                let wanted = wanted["table"].as_object().unwrap();
                assert_eq!(wanted.len(), table.len());
                for (key, label) in table {
                    assert_eq!(wanted[&key.to_string()][0], label.name.as_str());
                    let colour: Vec<f32> =
                        wanted[&key.to_string()][1].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
                    assert_eq!(colour, label.colour);
                }
            }
        }
        (found, wanted) => panic!("{} for {wanted}", found.what()),
    }
    let maps = wanted["maps"].as_array().map(Vec::len);
    assert!(maps.is_none_or(|n| n == found.len()));
}

#[test]
fn every_kind_holds_what_nibabel_reads() {
    let golden = golden();
    for (name, wanted) in golden["files"].as_object().unwrap() {
        let found = read_cifti(file(name)).unwrap();
        assert_axis(&found.rows, &wanted["rows"]);
        assert_axis(&found.columns, &wanted["columns"]);
        let values = rows(&wanted["values"]);
        for (i, row) in values.iter().enumerate() {
            assert_near(&found.row(i), row, EXACT);
        }
        assert_near(&found.values(), &values.concat(), EXACT);
        assert!(found.row(values.len()).is_empty());
    }
    let packed = read_cifti(file("packed.dtseries.nii")).unwrap();
    assert_eq!(packed.values(), read_cifti(file("rest.dtseries.nii")).unwrap().values());
}

#[test]
fn what_is_written_is_read_again() {
    for name in golden()["files"].as_object().unwrap().keys() {
        let read = read_cifti(file(name)).unwrap();
        let single: Vec<f32> = read.values().iter().map(|&x| x as f32).collect();
        let bytes = Cifti::new(read.rows.clone(), read.columns.clone(), &single).unwrap().to_bytes().unwrap();
        let again = read_cifti_bytes(name, bytes).unwrap();
        assert_eq!((&again.rows, &again.columns), (&read.rows, &read.columns), "{name}");
        assert_near(&again.values(), &single.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), 0.0);
    }
    let parcels = read_cifti(file("parcels.pconn.nii")).unwrap();
    let wrong = Cifti::new(parcels.rows.clone(), parcels.columns.clone(), &[0.0; 8]).unwrap_err().to_string();
    assert!(wrong.contains("8 values for a CIFTI-2 matrix of 3 × 3"), "{wrong}");
}

#[test]
fn parcels_and_grayordinates_are_series() {
    let golden = golden();
    let found = read_series(file("parcels.ptseries.nii"), Layout::TimeRegions).unwrap();
    assert_eq!(found.names.as_ref().unwrap(), &["V1", "A & <B>", "Thalamus"]);
    assert_eq!((&found.missing, found.step), (&vec![false, true, false], Some(0.72)));
    assert_eq!(found.parcels().unwrap().parcels[2].voxels, [[40, 52, 38], [41, 52, 38], [40, 53, 39]]);
    let wanted = rows(&golden["files"]["parcels.ptseries.nii"]["values"]);
    assert_near(&found.values.to_f64_vec(), &[wanted[0].clone(), vec![0.0; 4], wanted[2].clone()].concat(), EXACT);

    let spectrum = read_series(file("spectrum.ptseries.nii"), Layout::TimeRegions).unwrap();
    assert_eq!(spectrum.step, None);
    assert_eq!(spectrum.remarks, ["its steps are 0.02 hertz, which is no time between frames"]);

    let found = read_series(file("rest.dtseries.nii"), Layout::TimeRegions).unwrap();
    assert_eq!(
        found.names.as_ref().unwrap()[4..10],
        ["CORTEX_LEFT:11", "CORTEX_RIGHT:1", "CORTEX_RIGHT:2", "CORTEX_RIGHT:5", "CORTEX_RIGHT:9", "THALAMUS_LEFT:40,52,38"]
    );
    assert!(!found.values.is_f64());
    assert_near(&found.values.to_f64_vec(), &rows(&golden["files"]["rest.dtseries.nii"]["values"]).concat(), EXACT);
    assert!(read_series(file("wide.dtseries.nii"), Layout::TimeRegions).unwrap().values.is_f64());

    let maps = read_series(file("maps.dscalar.nii"), Layout::TimeRegions).unwrap();
    assert_eq!((maps.values.shape().to_vec(), maps.step), (vec![12, 2], None));
    assert_eq!(read_series(file("maps.pscalar.nii"), Layout::TimeRegions).unwrap().values.shape().to_vec(), [3, 2]);
    // A name that says only `.nii` is read by what the file holds.
    let bytes = std::fs::read(file("rest.dtseries.nii")).unwrap();
    assert_eq!(read_series_bytes("rest.nii", &bytes, Layout::TimeRegions).unwrap().values.shape().to_vec(), [12, 4]);
}

fn by(series: &str, atlas: &str, structures: &[&str]) -> tapetum::Result<Series> {
    read_series(file(series), SeriesOptions::default().with_atlas(file(atlas)).with_structures(structures.iter().copied()))
}

#[test]
fn labels_give_means_by_structure_and_vertex() {
    let golden = golden();
    let cases = [
        ("cortex", "rest.dtseries.nii", "cortex.dlabel.nii"),
        ("one", "rest.dtseries.nii", "cortex.dlabel.nii:one"),
        ("whole", "rest.dtseries.nii", "whole.dlabel.nii"),
        ("holes", "holes.dtseries.nii", "cortex.dlabel.nii"),
    ];
    for (key, series, atlas) in cases {
        let found = by(series, atlas, &[]).unwrap();
        let wanted = &golden["by_label"][key];
        assert_eq!(serde_json::json!(found.names.as_ref().unwrap()), wanted["names"], "{key}");
        let means = rows(&wanted["means"]);
        assert_eq!(found.missing, means.iter().map(|row| row[0].is_nan()).collect::<Vec<_>>(), "{key}");
        let zeroed: Vec<f64> = means.concat().iter().map(|&x| if x.is_nan() { 0.0 } else { x }).collect();
        assert_near(&found.values.to_f64_vec(), &zeroed, 1e-12);
        assert_eq!(found.step, Some(0.72));
        assert_eq!(&found.parcels().unwrap().names(), found.names.as_ref().unwrap());
    }
    let remarks = by("holes.dtseries.nii", "cortex.dlabel.nii", &[]).unwrap().remarks.join("; ");
    for part in ["the map `networks`, one of 2", "1 vertices or voxels of the atlas have a key", "1 vertices or voxels are NaN"] {
        assert!(remarks.contains(part), "{remarks}");
    }
}

#[test]
fn structures_are_chosen_by_name() {
    let options = SeriesOptions::default().with_structures(["thalamus_left", "CIFTI_STRUCTURE_CORTEX_RIGHT"]);
    let found = read_series(file("rest.dtseries.nii"), options).unwrap();
    // The order is that of the file.
    assert_eq!(found.names.unwrap()[3..5], ["CORTEX_RIGHT:9", "THALAMUS_LEFT:40,52,38"]);
    let wanted = rows(&golden()["files"]["rest.dtseries.nii"]["values"])[5..].concat();
    assert_near(&found.values.to_f64_vec(), &wanted, EXACT);
    let found = by("rest.dtseries.nii", "whole.dlabel.nii", &["THALAMUS_LEFT"]).unwrap();
    // Of the three labels on the thalamus, two have a voxel in the series; the labels that lie on the cortex alone are no regions.
    assert_eq!(found.names.unwrap(), ["default", "visual", "unused"]);
    assert_eq!(found.missing, [false, false, true]);
}

#[test]
fn a_connectome_of_parcels_keeps_its_order() {
    let found = read_connectome(file("parcels.pconn.nii"), &Default::default()).unwrap();
    assert_eq!(found.names.unwrap(), ["V1", "A & <B>", "Thalamus"]);
    assert_near(&found.values.to_f64_vec(), &rows(&golden()["files"]["parcels.pconn.nii"]["values"]).concat(), EXACT);
    assert_eq!(found.parcels.unwrap().surfaces, [("CORTEX_LEFT".to_owned(), 12), ("CORTEX_RIGHT".to_owned(), 10)]);
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let refused = |name: &str, parts: &[&str]| assert_says(read_cifti(file(name)), &file(name), parts);
    refused("dense.dconn.nii", &["a dense connectome (.dconn.nii)", ".pconn.nii are read"]);
    refused("dense.pdconn.nii", &["a parcellated by dense connectome"]);
    refused("parcels.plabel.nii", &["parcels by labels"]);
    refused("first.dtseries.nii", &["of version 1.0: CIFTI-2 is expected"]);
    refused("none.dtseries.nii", &["cannot be read"]);
    let series = |name: &str| read_series(file(name), Layout::TimeRegions);
    assert_says(series("parcels.pconn.nii"), &file("parcels.pconn.nii"), &["not a file of series"]);
    let label = read_series_bytes("x.nii", &std::fs::read(file("cortex.dlabel.nii")).unwrap(), Layout::TimeRegions);
    assert_says(label, "x.nii".as_ref(), &["grayordinates by labels: series or maps of numbers are expected"]);
    let at = |atlas: &str, of: &str, parts: &[&str]| {
        let named = if parts[0].starts_with("CORTEX_RIGHT:2") || parts[0].starts_with("its values") { of } else { atlas };
        assert_says(by(of, atlas, &[]), &file(named.split(".nii:").next().unwrap_or(named)), parts);
    };
    at("mesh.dlabel.nii", "rest.dtseries.nii", &["CORTEX_LEFT has 13 vertices, and 12 in the series"]);
    at("space.dlabel.nii", "rest.dtseries.nii", &["its voxels", "are not those of the series"]);
    at("maps.pscalar.nii", "rest.dtseries.nii", &["labels of grayordinates (.dlabel.nii) expected, found parcels by scalars"]);
    at("cortex.dlabel.nii", "partly.dtseries.nii", &["CORTEX_RIGHT:2 is NaN at frame 2"]);
    at("cortex.dlabel.nii", "parcels.ptseries.nii", &["its values are those of parcels already"]);
    let missing = by("rest.dtseries.nii", "cortex.dlabel.nii:two", &[]).unwrap_err().to_string();
    assert!(missing.contains("no map `two`: its maps are `networks`, `one`"), "{missing}");
    for name in ["x.csv", "x.func.gii"] {
        let options = SeriesOptions::default().with_structures(["CORTEX_LEFT"]);
        assert_says(read_series_bytes(name, b"1,2\n3,1\n", options), name.as_ref(), &["structures are chosen of a CIFTI file"]);
    }
    let none = by("rest.dtseries.nii", "cortex.dlabel.nii", &["CEREBELLUM"]).unwrap_err().to_string();
    assert!(none.contains("no structure CEREBELLUM: there are CORTEX_LEFT, CORTEX_RIGHT, THALAMUS_LEFT"), "{none}");
}

#[test]
fn damage_is_refused() {
    let bytes = std::fs::read(file("rest.dtseries.nii")).unwrap();
    let refused = |bytes: Vec<u8>, part: &str| assert_says(read_cifti_bytes("x.nii", bytes), "x.nii".as_ref(), &[part]);
    for end in (0..bytes.len()).step_by(7) {
        assert!(read_cifti_bytes("x.nii", &bytes[..end]).is_err(), "cut at {end}");
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("VertexIndices"));
    let with = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap_or_else(|| panic!("no {from}"));
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        changed
    };
    refused(with("0 2 3 7 11<", "0 2 3 7 12<"), "vertex 12 of a surface of 12");
    refused(with("0 2 3 7 11<", "0 2 3 3 11<"), "vertex 3 stands twice");
    refused(with("0 2 3 7 11<", "0 2 3 x 11<"), "`x` where a number is expected");
    refused(with("IndexCount=\"5\"", "IndexCount=\"6\""), "5 vertices or voxels where IndexCount is 6");
    refused(with("IndexOffset=\"5\"", "IndexOffset=\"6\""), "one begins at 6 where 5 is the next");
    refused(with("NumberOfSeriesPoints=\"4\"", "NumberOfSeriesPoints=\"9\""), "9 series for a matrix of 4 columns");
    refused(with("SeriesStep=\"0.72\"", "SeriesStep=\"1e99\"")[..40].to_vec(), "cut short");
    refused(with("SeriesUnit=\"SECOND\"", "SeriesUnit=\"FORTNI\""), "SeriesUnit FORTNI");
    refused(with("Dimension=\"1\"", "Dimension=\"0\""), "does not say what the rows are");
    refused(with("91,109,91", "40,109,91"), "of a volume of [40, 109, 91]");
    let long = vec![b'X'; 100];
    let at = bytes.windows(11).position(|w| w == b"CORTEX_LEFT").unwrap();
    let mut renamed = bytes.clone();
    renamed.splice(at..at + 11, long);
    let grown = i32::from_le_bytes(bytes[544..548].try_into().unwrap()) + 89;
    renamed[544..548].copy_from_slice(&grown.to_le_bytes());
    let start = i64::from_le_bytes(bytes[168..176].try_into().unwrap()) + 89;
    renamed[168..176].copy_from_slice(&start.to_le_bytes());
    refused(renamed, "a name of at most 64 letters");
    refused(with("</CIFTI>", "</CIFTX>"), "its XML does not parse");
    let mut huge = bytes.clone();
    huge[16 + 8 * 6..][..8].copy_from_slice(&(1i64 << 40).to_le_bytes());
    refused(huge, "cut short");
    let mut deep = bytes;
    deep[544..548].copy_from_slice(&i32::MAX.to_le_bytes());
    refused(deep, "an extension of 2147483647 bytes");
}
