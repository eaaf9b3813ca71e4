//! Files that users of the field's tools met (`tests/cases/*/case.md` names the reports), read and compared with values by NumPy and
//! nibabel.

use crate::common::folder::Folder;
use crate::common::golden::worst;
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::data::{Layout, Series, SeriesOptions, TableOptions, atlas_series, read_npy_f64_bytes, read_series, read_series_bytes};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn shape(series: &Series) -> Vec<usize> {
    series.values.shape().to_vec()
}

/// Pearson's correlation of rows.
fn correlation(series: &Series) -> Vec<f64> {
    let [regions, time] = *series.values.shape() else { panic!("{}", series.values.shape()) };
    let x = series.values.to_f64_vec();
    let centred: Vec<Vec<f64>> = x.chunks(time).map(|r| r.iter().map(|v| v - r.iter().sum::<f64>() / time as f64).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let r = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    (0..regions * regions).map(|k| r(&centred[k / regions], &centred[k % regions])).collect()
}

#[track_caller]
fn holds(series: &Series, expected: &Path) {
    let wanted = read_npy_f64_bytes(expected, &fs::read(expected).unwrap()).unwrap().to_f64_vec();
    let found = correlation(series);
    assert_eq!(found.len(), wanted.len());
    let worst = worst(found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()));
    assert!(worst < 1e-5, "{worst:.1e}");
}

#[track_caller]
fn refused(found: tapetum::Result<Series>, parts: &[&str]) {
    let text = found.unwrap_err().to_string();
    parts.iter().for_each(|part| assert!(text.contains(part), "no `{part}`: {text}"));
}

#[test]
fn headers_of_label_numbers_are_no_frames() {
    let folder = case("numeric-header");
    for (name, names) in [
        ("labels.csv", ["1001", "1002", "2001", "2035"]),
        ("labels_small.csv", ["17", "18", "53", "54"]),
        ("counted.csv", ["0", "1", "2", "3"]),
    ] {
        let series = read_series(folder.join(name), Layout::TimeRegions).unwrap();
        assert_eq!((shape(&series), series.names.as_deref().unwrap()), (vec![4, 60], &names.map(String::from)[..]), "{name}");
        let read_as = series.read_as.as_ref().unwrap();
        assert!(read_as.header && read_as.recognised.len() == 1 && read_as.recognised[0].contains(names[0]), "{read_as:?}");
        holds(&series, &folder.join("expected.npy"));
        // An explicit option overrides what the contents suggest.
        let said = TableOptions { header: Some(false), ..TableOptions::default() };
        let series = read_series(folder.join(name), SeriesOptions { table: said, ..SeriesOptions::default() }).unwrap();
        assert_eq!((shape(&series), series.names), (vec![4, 61], None));
    }
    let two = read_series(folder.join("two_regions.csv"), Layout::TimeRegions).unwrap();
    assert_eq!((shape(&two), two.names.unwrap()), (vec![2, 60], vec!["0".to_owned(), "1".to_owned()]));
    let turned = read_series(folder.join("regions_by_time.csv"), Layout::RegionsTime).unwrap();
    assert_eq!((shape(&turned), &turned.names), (vec![4, 60], &None));
    holds(&turned, &folder.join("expected.npy"));
}

/// Series of three regions over `frames` frames, without whole numbers.
fn rows(frames: usize) -> Vec<[f64; 3]> {
    let value = |t: usize, r: usize| ((t * t * (r + 3) + 7 * r) % 101) as f64 / 3.7 + 0.011;
    (0..frames).map(|t| [0, 1, 2].map(|r| value(t, r))).collect()
}

/// A table with a column before the values.
fn indexed(header: Option<&str>, index: impl Fn(usize) -> String, separator: &str) -> String {
    let rows = rows(12).into_iter().enumerate();
    let line = |(t, row): (usize, [f64; 3])| format!("{}{separator}{}\n", index(t), row.map(|x| x.to_string()).join(separator));
    header.map(|h| format!("{h}\n")).into_iter().chain(rows.map(line)).collect()
}

#[test]
fn index_columns_are_no_regions() {
    let plain: String = rows(12).iter().map(|row| row.map(|x| x.to_string()).join(",") + "\n").collect();
    let plain = read_series_bytes("x.csv", plain.as_bytes(), Layout::TimeRegions).unwrap();
    assert_eq!((shape(&plain), plain.read_as.as_ref().unwrap().index_column.is_none()), (vec![3, 12], true));
    let count = |t: usize| t.to_string();
    let seconds = |t: usize| format!("{:.2}", 0.72 * t as f64);
    let read = |text: String| read_series_bytes("x.csv", text.as_bytes(), Layout::TimeRegions).unwrap();
    for (text, column) in [
        (indexed(Some(",a,b,c"), count, ","), "1"),
        (indexed(Some("Unnamed: 0,a,b,c"), count, ","), "`Unnamed: 0`"),
        (indexed(Some(",a,b,c"), |t| format!("sub-01_{t}"), ","), "1"),
        (indexed(Some("Time,a,b,c"), seconds, ","), "`Time`"),
        (indexed(Some("frame,a,b,c"), |t| (t * t).to_string(), ","), "`frame`"),
        (indexed(Some("v,a,b,c"), |t| (t + 1).to_string(), ","), "`v`"),
        (indexed(None, count, ","), "1"),
        (indexed(None, seconds, ","), "1"),
        // R's write.table names the columns and not the names of rows.
        (indexed(Some("a,b,c"), |t| (t + 1).to_string(), ","), "1"),
        (indexed(Some("0,1,2,3"), count, ","), "`0`"),
        (indexed(Some(",17,53,54"), count, ","), "1"),
    ] {
        let series = read(text.clone());
        let read_as = series.read_as.as_ref().unwrap();
        assert_eq!((&series.values, read_as.index_column.as_deref()), (&plain.values, Some(column)), "{text}");
        assert!(read_as.recognised.iter().any(|r| r.contains("is an index")) && read_as.index.len() == 12, "{read_as:?}");
        assert!(series.names.is_none_or(|names| names.len() == 3));
    }
    let with = |text: String, index_column: &str| {
        let table = TableOptions { index_column: Some(index_column.into()), ..TableOptions::default() };
        read_series_bytes("x.csv", text.as_bytes(), SeriesOptions { table, ..SeriesOptions::default() })
    };
    let counted = || indexed(Some("v,a,b,c"), count, ",");
    assert_eq!(*with(counted(), "none").unwrap().values.shape(), [4, 12]);
    for named in ["v", "1"] {
        assert_eq!(with(counted(), named).unwrap().values, plain.values);
    }
    refused(with(counted(), "w"), &["--index-column w", "a place from 1 to 4"]);
    let falling = indexed(Some("time,a,b,c"), |t| (100 - t * t % 7).to_string(), ",");
    refused(read_series_bytes("x.csv", falling.as_bytes(), Layout::TimeRegions), &["`time`", "--index-column"]);
    // A few rows that count do not prove an index; they lead to a message.
    let short = read("a,b\n1,0.5\n2,0.25\n3,0.75\n4,0.1\n".into());
    assert_eq!(shape(&short), [2, 4]);
    assert!(short.read_as.unwrap().doubts[0].contains("column 1 (`a`)"));
    // In a table of regions by time, the index names the regions.
    let turned = indexed(Some(",0,1,2"), |t| format!("V{t}"), ",");
    let turned = read_series_bytes("x.csv", turned.as_bytes(), Layout::RegionsTime).unwrap();
    assert_eq!((shape(&turned), turned.names.unwrap()[11].as_str()), (vec![12, 3], "V11"));
}

#[test]
fn doubtful_first_rows_are_asked_about() {
    let ask = read_series_bytes("x.csv", b"17,53\n0.5,1.25\n0.75,2.5\n", Layout::TimeRegions);
    refused(ask, &["x.csv", "17, 53", "--header yes or --header no"]);
    // Where the values are whole numbers too, the first row is a row of values, and a message says that it counts the columns.
    let whole = read_series_bytes("x.csv", b"0,1,2\n5,1,3\n2,5,1\n", Layout::TimeRegions).unwrap();
    assert_eq!(shape(&whole), [3, 3]);
    assert!(whole.read_as.unwrap().doubts[0].contains("counts the columns"));
    let said = TableOptions { header: Some(true), ..TableOptions::default() };
    let whole = read_series_bytes("x.csv", b"0,1,2\n5,1,3\n2,5,1\n", SeriesOptions { table: said, ..SeriesOptions::default() });
    assert_eq!(*whole.unwrap().values.shape(), [3, 2]);
}

#[test]
fn other_delimiters_are_called_by_their_names() {
    for (name, text, parts) in [
        ("x.csv", "1;2;3\n4;5;6\n", ["semicolons", "commas are expected"]),
        ("x.csv", "a;b\n1;2\n", ["semicolons", "commas are expected"]),
        ("x.csv", "0,5;0,7\n0,1;0,2\n", ["semicolons", "commas are expected"]),
        ("x.csv", "1\t2\n3\t4\n", ["tabs", "commas are expected"]),
        ("x.tsv", "1,2\n3,4\n", ["commas", "tabs are expected"]),
    ] {
        refused(read_series_bytes(name, text.as_bytes(), Layout::TimeRegions), &parts);
    }
}

#[test]
fn an_index_of_vertices_is_no_frame() {
    let folder = case("gifti-node-index");
    for (name, vertices) in [("full", (0..12).collect::<Vec<usize>>()), ("sparse", vec![0, 3, 5, 7, 9, 11])] {
        let series = read_series(folder.join(format!("{name}.func.gii")), Layout::TimeRegions).unwrap();
        assert_eq!(shape(&series), [vertices.len(), 30], "{name}");
        assert_eq!(series.names.clone().unwrap(), vertices.iter().map(usize::to_string).collect::<Vec<_>>());
        holds(&series, &folder.join(format!("expected_{name}.npy")));
    }
    let text = fs::read_to_string(folder.join("sparse.func.gii")).unwrap();
    let read = |text: &str| read_series_bytes("x.func.gii", text.as_bytes(), Layout::TimeRegions);
    refused(read(&text.replace("NODE_INDEX", "TIME_SERIES_OF_WHAT")), &["data array 0", "TIME_SERIES_OF_WHAT", "series or a map"]);
    refused(read(&text.replace("NODE_INDEX", "LABEL")), &["data array 0", "LABEL", "series or a map"]);
    refused(read(&text.replace("NODE_INDEX", "VECTOR")), &["data array 0", "VECTOR"]);
    refused(read(&text.replace("TIME_SERIES", "NODE_INDEX")), &["31 arrays of intent NODE_INDEX"]);
}

#[test]
fn every_member_of_a_gzip_file_is_read() {
    let folder = case("gzip-of-several-members");
    let atlas = folder.join("atlas.nii.gz");
    for name in ["bold.nii.gz", "really_plain.nii.gz"] {
        holds(&atlas_series(folder.join(name), &atlas).unwrap(), &folder.join("expected.npy"));
    }
    let scratch = Folder::new("members");
    let bytes = fs::read(folder.join("bold.nii.gz")).unwrap();
    for at in [bytes.len() - 6, bytes.len() - 2] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refused(atlas_series(scratch.file("changed.nii.gz", changed), &atlas), &["changed.nii.gz", "gzip"]);
    }
    refused(atlas_series(scratch.file("cut.nii.gz", &bytes[..bytes.len() - 9]), &atlas), &["cut.nii.gz", "gzip"]);
}

#[test]
fn images_of_other_kinds_are_read_or_called_what_they_are() {
    let folder = case("images-of-other-kinds");
    let atlas = folder.join("atlas.nii.gz");
    for name in ["nifti2.nii.gz", "afni_5d.nii.gz"] {
        holds(&atlas_series(folder.join(name), &atlas).unwrap(), &folder.join("expected_nifti2_and_5d.npy"));
    }
    let old = read_series(folder.join("old_nibabel.func.gii"), Layout::TimeRegions).unwrap();
    holds(&old, &folder.join("expected_old_nibabel.npy"));
    let cifti = folder.join("rest.dtseries.nii");
    holds(&read_series(&cifti, Layout::TimeRegions).unwrap(), &folder.join("expected_cifti.npy"));
    refused(atlas_series(&cifti, &atlas), &["CIFTI", "grayordinates"]);
    // A field of displacements has the same axes as the other image, but its fifth axis is not time.
    let mut bytes = Vec::new();
    let packed = fs::read(folder.join("afni_5d.nii.gz")).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&packed[..]), &mut bytes).unwrap();
    let scratch = Folder::new("kinds");
    let changed = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        atlas_series(scratch.file("x.nii", bytes), &atlas)
    };
    refused(changed(68, &1007i16.to_le_bytes()), &["vectors", "intent 1007"]);
    refused(changed(68, &3002i16.to_le_bytes()), &["CIFTI", "CIFTI file (intent 3002)", "intent 3002"]);
    refused(changed(70, &128i16.to_le_bytes()), &["colours"]);
    refused(changed(344, b"ni1\0"), &["a pair .hdr and .img"]);
    refused(changed(344, b"\0\0\0\0"), &["ANALYZE"]);
    refused(changed(40, &[6, 0, 4, 0, 4, 0, 3, 0, 2, 0, 15, 0]), &["three or four axes", "[4, 4, 3, 2, 15"]);
    assert!(changed(68, &2001i16.to_le_bytes()).is_ok());
}
