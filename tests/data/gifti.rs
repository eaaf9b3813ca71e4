//! Series on a surface as nibabel writes them (`tests/goldens/make_gifti.py`).

use crate::common::golden::numbers;
use serde_json::Value;
use std::fs;
use tapetum::HostTensor;
use tapetum::data::{Layout, read_series, read_series_bytes};

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
