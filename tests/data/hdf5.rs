//! HDF5 and NWB files as h5py writes them (`tests/goldens/make_hdf5.py`).

use super::assert_says;
use crate::common::folder::Folder;
use crate::common::golden::{expected, numbers};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::data::{Layout, Series, TableOptions, read_connectome, read_series, read_series_bytes};

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/hdf5").join(name)
}

pub fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/hdf5/expected.json")).unwrap()
}

pub fn names(golden: &Value) -> Vec<String> {
    golden["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

pub fn read(name: &str) -> Series {
    read_series(path(name), Layout::TimeRegions).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The series are those of the golden, which is `[.., time, regions]`.
#[track_caller]
pub fn holds(found: &Series, golden: &Value, what: &str) {
    let wanted = expected(golden);
    let (shape, values) = (wanted.shape(), wanted.to_f64_vec());
    let [time, regions] = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
    let turned: Vec<f64> = values
        .chunks_exact(time * regions)
        .flat_map(|one| (0..regions * time).map(|i| one[i % time * regions + i / time]).collect::<Vec<_>>())
        .collect();
    assert_eq!(found.values.to_f64_vec(), turned, "{what}");
    let extents = found.values.shape();
    assert_eq!([extents[extents.rank() - 2], extents[extents.rank() - 1]], [regions, time], "{what}");
}

#[test]
fn a_dataset_is_read_with_the_names_beside_it() {
    let golden = golden();
    let found = read("series.h5");
    holds(&found, &golden["series"], "gzip, shuffle and a checksum");
    assert_eq!(found.names, Some(names(&golden)));
    for place in ["series.h5:/group/big", "series.h5:group/big", "series.h5:group", "series.h5:group/hard/big", "series.h5:group/again/big"]
    {
        let found = read(place);
        holds(&found, &golden["series"], place);
        assert_eq!(found.names, Some(names(&golden)), "{place}");
    }
    let few = read("series.h5:wrong_names/x");
    assert_eq!((few.names, few.remarks.len()), (None, 1));
    assert!(few.remarks[0].contains("`names` beside the array holds 5 texts") && few.remarks[0].contains("7 regions"), "{:?}", few.remarks);
    holds(&read("latest.h5"), &golden["latest"], "the newest format");
    let turned = read_series(path("latest.h5"), Layout::RegionsTime).unwrap();
    assert_eq!(turned.values.to_f64_vec(), numbers(&golden["latest"]["data"]));
}

#[test]
fn every_type_of_number_is_read() {
    let golden = golden();
    for kind in ["f2", "f4", "f8", "big_f8", "extended"] {
        holds(&read(&format!("kinds.h5:{kind}")), &golden["kinds"], kind);
    }
    for kind in ["i1", "i2", "i4", "i8", "big_i2"] {
        holds(&read(&format!("kinds.h5:{kind}")), &golden["whole"], kind);
    }
    for kind in ["u1", "u2", "u4", "u8"] {
        holds(&read(&format!("kinds.h5:{kind}")), &golden["absolute"], kind);
    }
    holds(&read("kinds.h5:truth"), &golden["truth"], "truth");
    holds(&read("kinds.h5:subjects"), &golden["subjects"], "subjects");
    assert_eq!(read("kinds.h5:filled").values.to_f64_vec(), [1.5; 18]);
    // Digits that f32 does not hold are kept.
    assert!(read("kinds.h5:f8").values.is_f64() && !read("kinds.h5:f4").values.is_f64());
}

#[test]
fn a_time_series_of_nwb_has_a_step() {
    let found = read("plane.nwb");
    holds(&found, &golden()["plane"], "plane.nwb");
    assert_eq!(found.step, Some(0.25));
    assert_eq!(read("plane.nwb:/processing/ophys/Fluorescence/RoiResponseSeries/data"), found);
}

#[test]
fn a_file_and_its_bytes_are_read_alike() {
    for place in ["series.h5", "latest.h5", "kinds.h5:f2", "plane.nwb", "level5.mat:st.x", "version73.mat:st.x"] {
        let (file, _) = tapetum::data::file_and_array(&path(place));
        assert_eq!(read_series_bytes(path(place), &fs::read(file).unwrap(), Layout::TimeRegions).unwrap(), read(place), "{place}");
    }
}

#[test]
fn what_is_no_series_is_refused() {
    let refused = |place: &str, parts: &[&str]| {
        let what = read_series(path(place), Layout::TimeRegions).expect_err(place).to_string();
        let missing: Vec<_> = parts.iter().filter(|part| !what.contains(**part)).collect();
        assert!(missing.is_empty() && what.contains("refused.h5") && !what.contains('\n'), "{place}: no {missing:?} in `{what}`");
    };
    refused(
        "refused.h5",
        &["one array, or one called `series`, expected", "not_finite [3, 2]", "text (text)", "vector [3]", "FILE.h5:NAME"],
    );
    refused("refused.h5:nothing", &["no array `nothing`: it has bfloat16 [6, 3], "]);
    refused("refused.h5:complex", &["dataset `complex`", "(records): numbers are expected"]);
    refused("refused.h5:text", &["dataset `text`", "(text): numbers are expected"]);
    refused("refused.h5:colour", &["dataset `colour`", "(codes): numbers are expected"]);
    refused("refused.h5:references", &["(references): numbers are expected"]);
    refused("refused.h5:empty", &["no frames in an array of shape [0, 4]"]);
    refused("refused.h5:scalar", &["an array of shape []"]);
    refused("refused.h5:vector", &["an array of shape [3]"]);
    refused("refused.h5:nine", &["9 axes: at most 8 are possible"]);
    refused("refused.h5:not_finite", &["frame 1, region 1", "NaN"]);
    refused("refused.h5:huge", &["dataset `huge`", "limit"]);
    refused("refused.h5:lzf", &["dataset `lzf`", "filter", "32000", "gzip"]);
    refused("refused.h5:bfloat16", &["dataset `bfloat16`", "laid out in an unusual way"]);
}

#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new("hdf5");
    let whole = fs::read(path("series.h5")).unwrap();
    for length in (0..whole.len()).step_by(97).chain([1, 7, 8, 9, 65, whole.len() - 1]) {
        let cut = folder.file("cut.h5", &whole[..length]);
        // The last bytes may belong to a dataset that is not asked for.
        if let Err(e) = read_series(&cut, Layout::TimeRegions) {
            assert!(e.to_string().starts_with(&format!("{}: ", cut.display())) && !e.to_string().contains('\n'), "{length}: {e}");
        } else {
            assert!(length > whole.len() / 2, "{length} bytes of {}", whole.len());
        }
    }
    assert_says(
        read_series(folder.file("text.h5", b"no file"), Layout::TimeRegions),
        &folder.0.join("text.h5"),
        &["an HDF5 file expected"],
    );
    assert_says(read_series(folder.0.join("none.h5"), Layout::TimeRegions), &folder.0.join("none.h5"), &["cannot be read"]);
    assert_says(read_series(folder.0.join("none.h5:x"), Layout::TimeRegions), &folder.0.join("none.h5"), &["cannot be read"]);
    let directory = folder.0.join("folder.h5");
    fs::create_dir_all(&directory).unwrap();
    assert_says(read_series(&directory, Layout::TimeRegions), &directory, &["a folder, where an HDF5 file is expected"]);
}

#[test]
fn a_matrix_is_a_connectome() {
    let golden = golden();
    for place in ["matrices.h5", "matrices.h5:connectome", "matrices.mat", "matrices.mat:connectome"] {
        let found = read_connectome(path(place), &TableOptions::default()).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert_eq!(found.values.to_f64_vec(), numbers(&golden["matrix"]["data"]), "{place}");
        assert_eq!(found.names.as_deref(), Some(&names(&golden)[..5]), "{place}");
    }
    let wide = read_connectome(path("series.h5"), &TableOptions::default()).unwrap_err().to_string();
    assert!(wide.contains("series.h5") && wide.contains("[40, 7]"), "{wide}");
}
