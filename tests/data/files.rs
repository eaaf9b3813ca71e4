//! Reading and writing of files, and the messages about files that cannot be read.

use super::assert_says;
use crate::common::folder::Folder;
use half::f16;
use tapetum::data::{
    Connectome, Layout, Series, TableOptions, read_connectome, read_npy, read_npy_bytes, read_series, read_series_bytes, read_table,
    write_connectome, write_npy, write_series,
};
use tapetum::{DType, HostTensor};

/// A `.npy` file made by hand.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn le<const N: usize, T>(values: &[T], bytes: impl Fn(&T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(bytes).collect()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    le(values, |x| x.to_le_bytes())
}

#[test]
fn arrays_come_back_as_they_were_written() {
    let folder = Folder::new("round-trip");
    let halves = [f16::from_f32(0.1), f16::NEG_INFINITY, f16::MIN_POSITIVE];
    let tensors = [
        HostTensor::f32([2, 1, 2], vec![0.1, -2.5, f32::INFINITY, f32::MIN_POSITIVE]).unwrap(),
        HostTensor::f16([3], halves.to_vec()).unwrap(),
        HostTensor::i32([2, 2], vec![i32::MIN, -1, 0, i32::MAX]).unwrap(),
        HostTensor::u32([1, 2], vec![0, u32::MAX]).unwrap(),
        HostTensor::scalar(4.0),
        HostTensor::f32([0, 3], vec![]).unwrap(),
        HostTensor::f32([1; 8], vec![1.0]).unwrap(),
    ];
    for (i, tensor) in tensors.iter().enumerate() {
        let path = folder.0.join(format!("{i}.npy"));
        write_npy(&path, tensor).unwrap();
        assert_eq!(&read_npy(&path).unwrap(), tensor);
    }
    let double = HostTensor::real([2], vec![0.1_f64, 2.0]).unwrap();
    let path = folder.0.join("0.npy");
    write_npy(&path, &double).unwrap();
    assert_eq!(read_npy(&path).unwrap().as_f32().unwrap(), [0.1, 2.0]);
    assert_eq!(folder.names().len(), tensors.len(), "no temporary file is left");
}

#[test]
fn arrays_of_every_type_and_order_are_read() {
    let read = |descr: &str, data: Vec<u8>| read_npy_bytes("x.npy", &npy(descr, false, "(2,)", &data)).unwrap();
    assert_eq!(read("'<f8'", le(&[0.1_f64, f64::NAN], |x| x.to_le_bytes())).as_f32().unwrap()[0], 0.1);
    assert_eq!(read("'>f4'", le(&[1.5_f32, -2.0], |x| x.to_be_bytes())).as_f32().unwrap(), [1.5, -2.0]);
    assert_eq!(read("'<i8'", le(&[-3_i64, 4], |x| x.to_le_bytes())).as_i32().unwrap(), [-3, 4]);
    assert_eq!(read("'<u8'", le(&[3_u64, 4], |x| x.to_le_bytes())).as_i32().unwrap(), [3, 4]);
    assert_eq!(read("'<i2'", le(&[-3_i16, 400], |x| x.to_le_bytes())).as_i32().unwrap(), [-3, 400]);
    assert_eq!(read("'<u2'", le(&[3_u16, 60_000], |x| x.to_le_bytes())).as_i32().unwrap(), [3, 60_000]);
    assert_eq!(read("'|i1'", vec![0xFF, 1]).as_i32().unwrap(), [-1, 1]);
    assert_eq!(read("'|u1'", vec![0xFF, 1]).as_i32().unwrap(), [255, 1]);
    assert_eq!(read("'|b1'", vec![1, 0]).as_i32().unwrap(), [1, 0]);
    assert_eq!(read("'<f2'", le(&[f16::ONE, f16::PI], |x| x.to_le_bytes())).dtype(), DType::F16);

    let columns = npy("'<f4'", true, "(2, 3)", &f32s(&[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
    let tensor = read_npy_bytes("x.npy", &columns).unwrap();
    assert_eq!(&tensor.shape()[..], [2, 3]);
    assert_eq!(tensor.as_f32().unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn arrays_that_cannot_be_read_say_why() {
    let folder = Folder::new("npy-errors");
    let says = |name: &str, bytes: Vec<u8>, parts: &[&str]| {
        let path = folder.file(name, bytes);
        assert_says(read_npy(&path), &path, parts);
    };
    says("complex.npy", npy("'<c8'", false, "(1,)", &[0; 8]), &["'<c8'", "f16, f32, f64"]);
    says("long_double.npy", npy("'<f16'", false, "(1,)", &[0; 16]), &["'<f16'"]);
    says("text.npy", npy("'<U4'", false, "(1,)", &[0; 16]), &["'<U4'"]);
    says("object.npy", npy("'|O'", false, "(1,)", &[0; 16]), &["'|O'"]);
    says("record.npy", npy("[('age', '<i4')]", false, "(1,)", &[0; 4]), &["records", "'age'", "f16, f32, f64"]);
    says("deep.npy", npy("'<f4'", false, "(1,1,1,1,1,1,1,1,1)", &[0; 4]), &["9 axes", "at most 8"]);
    says("short.npy", npy("'<f4'", false, "(2, 3)", &[0; 20]), &["20 bytes", "[2, 3]", "24"]);
    says("vast.npy", npy("'<f4'", false, "(4294967296, 4294967296)", &[]), &["does not fit in memory"]);
    says("vast_empty.npy", npy("'<f4'", false, "(0, 4294967296, 4294967296)", &[]), &["does not fit in memory"]);
    says("overflow.npy", npy("'<f8'", false, "(1, 2)", &le(&[0.0_f64, 1e300], |x| x.to_le_bytes())), &["[0, 1]", "f32"]);
    let big = 1_i64 << 31;
    says("wide.npy", npy("'<i8'", true, "(2, 2)", &le(&[0, big, 0, 0], |x| x.to_le_bytes())), &["2147483648", "[1, 0]", "i32"]);
    says("unsigned.npy", npy("'<u8'", false, "(1,)", &[0xFF; 8]), &["18446744073709551615", "i32"]);
    says("picture.npy", b"\x89PNG".to_vec(), &["not a .npy array"]);
    says("empty.npy", vec![], &["not a .npy array"]);
    says("cut.npy", npy("'<f4'", false, "(1,)", &[])[..40].to_vec(), &["cut short: 40 bytes"]);
    says("stub.npy", b"\x93NUMPY\x02\x00".to_vec(), &["cut short: 8 bytes"]);
    says("claims.npy", [&b"\x93NUMPY\x02\x00"[..], &[0xFF; 8]].concat(), &["cut short: 16 bytes"]);
    says("nonsense.npy", npy("'<f4'", false, "(-1,)", &[]), &["not a .npy array"]);
    let missing = folder.0.join("missing.npy");
    assert_says(read_npy(&missing), &missing, &["cannot be read"]);
}

#[test]
fn tables_with_and_without_a_header_are_read() {
    let (folder, plain) = (Folder::new("tables"), TableOptions::default());
    let bare = read_table(folder.file("bare.csv", "1,2,3\n4,5e-1,-6\n"), &plain).unwrap();
    assert_eq!((&bare.values.shape()[..], bare.names), (&[2, 3][..], None));
    assert_eq!(bare.values.as_f32().unwrap(), [1.0, 2.0, 3.0, 4.0, 0.5, -6.0]);
    let named = read_table(folder.file("named.TSV", "\u{feff}\"V1, left\"\t V2 \r\n\r\n1\t2\r\n3\t 4 \r\n"), &plain).unwrap();
    assert_eq!(named.names.unwrap(), ["V1, left", "V2"]);
    assert_eq!(named.values.as_f32().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn tables_that_cannot_be_read_say_where() {
    let folder = Folder::new("table-errors");
    let says = |name: &str, text: &[u8], parts: &[&str]| {
        let path = folder.file(name, text);
        assert_says(read_table(&path, &TableOptions::default()), &path, parts);
    };
    says("ragged.csv", b"a,b\n1,2\n3\n", &["line 3", "1 columns", "2"]);
    says("ragged_header.csv", b"a,b,c\n1,2\n", &["line 2", "2 columns", "3"]);
    says("word.csv", b"a,b\r\n1,2\r\n\r\n3,four\r\n", &["line 4", "column 2", "`four`"]);
    says("second_header.csv", b"a,b\nc,d\n", &["line 2", "column 1", "`c`"]);
    says("missing.tsv", b"a\tb\n1\tn/a\n", &["line 2", "column 2", "`n/a`", "missing"]);
    says("missing_first.tsv", b"n/a\t1\n2\t3\n", &["line 1", "column 1", "`n/a`"]);
    says("nan.csv", b"1,2\nNaN,3\n", &["line 2", "column 1", "`NaN`"]);
    says("infinite.csv", b"1,2\n3,-inf\n", &["line 2", "column 2", "`-inf`"]);
    says("large.csv", b"1,1e39\n", &["line 1", "column 2", "`1e39`", "f32"]);
    says("hole.csv", b"1,2\n3,\n", &["line 2", "column 2", "empty"]);
    says("unnamed.csv", b"a,,b\n0,1,2\n", &["line 1", "column 2", "without a name"]);
    says("bytes.csv", b"a,b\n1,\xFF\xFE\n", &["line 2", "column 2"]);
    says("empty.csv", b"", &["no rows"]);
    says("header.csv", b"a,b\n", &["no rows"]);
    says("table.dot", b"1,2\n", &[".csv, .tsv and .txt"]);
    says("commas.txt", b"1,2\n3,4\n", &["line 2", "--delimiter comma"]);
    says("semicolons.csv", b"1;2\n3;4\n", &["line 2", "--delimiter semicolon"]);
    let missing = folder.0.join("none.csv");
    assert_says(read_table(&missing, &TableOptions::default()), &missing, &["cannot be read"]);
}

#[test]
fn series_are_turned_so_that_time_is_last() {
    let folder = Folder::new("series");
    let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let array = folder.file("two.npy", npy("'<f4'", false, "(3, 2)", &f32s(&rows)));
    let turned = read_series(&array, Layout::TimeRegions).unwrap();
    assert_eq!(&turned.values.shape()[..], [2, 3]);
    assert_eq!(turned.values.as_f32().unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    let kept = read_series(&array, Layout::RegionsTime).unwrap();
    assert_eq!((&kept.values.shape()[..], kept.values.as_f32().unwrap()), (&[3, 2][..], &rows[..]));

    let subjects = npy("'<i2'", false, "(2, 1, 3)", &le(&[1_i16, 2, 3, 4, 5, 6], |x| x.to_le_bytes()));
    let turned = read_series_bytes("subjects.npy", &subjects, Layout::TimeRegions).unwrap();
    assert_eq!((&turned.values.shape()[..], turned.values.as_f32().unwrap()), (&[2, 3, 1][..], &rows[..]));
    let unsigned = npy("'<u4'", false, "(1, 1)", &7_u32.to_le_bytes());
    assert_eq!(read_series_bytes("u.npy", &unsigned, Layout::TimeRegions).unwrap().values.to_f64_vec(), [7.0]);
    let half = npy("'<f2'", false, "(1, 1)", &f16::from_f32(0.5).to_le_bytes());
    assert_eq!(read_series_bytes("h.npy", &half, Layout::TimeRegions).unwrap().values.as_f32().unwrap(), [0.5]);

    let table = folder.file("table.csv", "V1,V2\n1,2\n3,4\n5,6\n");
    let series = read_series(&table, Layout::TimeRegions).unwrap();
    assert_eq!(series.values.to_f64_vec(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    // Values that single precision would round are kept in double precision.
    let second = npy("'<f8'", false, "(1, 2)", &le(&[1e9 + 0.5, 0.1_f64], |x| x.to_le_bytes()));
    let second = read_series_bytes("d.npy", &second, Layout::TimeRegions).unwrap().values;
    assert_eq!((second.is_f64(), second.to_f64_vec()), (true, vec![1e9 + 0.5, 0.1]));
    assert_eq!(series.names.unwrap(), ["V1", "V2"]);
    let series = read_series(&table, Layout::RegionsTime).unwrap();
    assert_eq!((&series.values.shape()[..], series.names), (&[3, 2][..], None));
}

/// XCP-D writes `n/a` at every frame of a region that its image does not cover.
#[test]
fn regions_without_values_are_known() {
    let folder = Folder::new("missing");
    let table = folder.file("xcp.tsv", "A\tB\tC\n1\tn/a\t2\n3\tn/a\t5\n");
    let series = read_series(&table, Layout::TimeRegions).unwrap();
    assert_eq!((series.missing.clone(), series.values.to_f64_vec()), (vec![false, true, false], vec![1.0, 3.0, 0.0, 0.0, 2.0, 5.0]));
    assert_eq!(series.missing_warning().unwrap(), "regions without values are left out: `B`");
    let turned = read_series_bytes("x.csv", b",t0,t1\nA,1,2\nB,nan,NaN\n", Layout::RegionsTime).unwrap();
    assert_eq!((turned.missing, turned.names.unwrap()), (vec![false, true], vec!["A".to_owned(), "B".to_owned()]));
    // A subject of a stack may lack a region that others have.
    let values = [1.0, f32::NAN, 2.0, f32::NAN, 3.0, 4.0, 5.0, 6.0];
    let stack = folder.file("stack.npy", npy("'<f4'", false, "(2, 2, 2)", &f32s(&values)));
    assert_eq!(read_series(&stack, Layout::TimeRegions).unwrap().missing, [false, true, false, false]);
    let none = folder.file("none.npy", npy("'<f4'", false, "(1, 2)", &f32s(&[f32::NAN; 2])));
    assert_says(read_series(&none, Layout::TimeRegions), &none, &["no region of subject 0", "has a value"]);
    // A comma at the end of each line makes no region, and a region with some values is no region without values.
    let says = |name: &str, text: &str, parts: &[&str]| {
        let path = folder.file(name, text);
        assert_says(read_series(&path, Layout::TimeRegions), &path, parts);
    };
    says("commas.csv", "1,2,\n3,5,\n", &["line 1, column 3", "an empty cell"]);
    says("some.csv", "A,B\n1,n/a\n3,4\n", &["line 2, column 2 (`B`)", "a missing value"]);
}

#[test]
fn names_stand_beside_an_array_and_in_an_archive() {
    let folder = Folder::new("names");
    let array = folder.file("x.npy", npy("'<f4'", false, "(2, 3)", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 7.0])));
    assert_eq!(read_series(&array, Layout::TimeRegions).unwrap().names, None);
    let beside = folder.file("x.names.txt", "left V1\nright V1\nM1\n");
    let series = read_series(&array, Layout::TimeRegions).unwrap();
    let names = ["left V1", "right V1", "M1"].map(str::to_owned).to_vec();
    assert_eq!(series.names.as_ref(), Some(&names));
    for written in ["y.npy", "y.npz", "y.csv", "y.tsv"] {
        let path = folder.0.join(written);
        write_series(&path, &series, Layout::TimeRegions).unwrap();
        let again = read_series(&path, Layout::TimeRegions).unwrap();
        assert_eq!((again.names.as_ref(), again.values.to_f64_vec()), (Some(&names), series.values.to_f64_vec()), "{written}");
    }
    // Names of others would be wrong names: the file beside the array is renewed with it.
    write_series(folder.0.join("y.npy"), &Series::new(series.values.clone()), Layout::TimeRegions).unwrap();
    assert_eq!(std::fs::read_to_string(folder.0.join("y.names.txt")).unwrap(), "0\n1\n2\n");
    folder.file("x.names.txt", "one\ntwo\n");
    assert_says(read_series(&array, Layout::TimeRegions), &beside, &["2 names of the 3 regions"]);
}

#[test]
fn connectomes_keep_their_names() {
    let folder = Folder::new("connectomes");
    let plain = TableOptions::default();
    let relmat = folder.file("relmat.tsv", "Node\tA\tB\tC\nA\t1\t0.5\tn/a\nB\t0.5\t1\tn/a\nC\tn/a\tn/a\tn/a\n");
    let read = read_connectome(&relmat, &plain).unwrap();
    let names = ["A", "B", "C"].map(str::to_owned).to_vec();
    assert_eq!(read.names.as_ref(), Some(&names));
    assert_eq!(&read.values.as_f32().unwrap()[..2], [1.0, 0.5]);
    assert!(read.values.as_f32().unwrap()[6..].iter().all(|x| x.is_nan()));
    for written in ["w.npy", "w.npz", "w.csv", "w.tsv"] {
        let path = folder.0.join(written);
        write_connectome(&path, &read).unwrap();
        let again = read_connectome(&path, &plain).unwrap();
        let bits = |c: &Connectome| c.values.as_f32().unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!((again.names.as_ref(), bits(&again)), (Some(&names), bits(&read)), "{written}");
    }
    for bare in ["1,2\n2,1\n", "A,B\n1,2\n2,1\n", "A,1,2\nB,2,1\n", ",A,B\nA,1,2\nB,2,1\n", "A,B\nA,1,2\nB,2,1\n"] {
        let path = folder.file("some.csv", bare);
        assert_eq!(read_connectome(&path, &plain).unwrap().values.as_f32().unwrap(), [1.0, 2.0, 2.0, 1.0], "{bare}");
    }
    let says = |text: &str, parts: &[&str]| {
        let path = folder.file("bad.csv", text);
        assert_says(read_connectome(&path, &plain), &path, parts);
    };
    says(",A,B\nB,1,2\nA,2,1\n", &["row 1 is called `B`, and column 1 `A`"]);
    says("0.1,2,3\n4,5,6\n7,8,9\n1,2,3\n5,5,5\n", &["5 rows of 3 values", "square"]);
    says("", &["no rows"]);
}

#[test]
fn series_that_cannot_be_read_say_where() {
    let folder = Folder::new("series-errors");
    let says = |name: &str, bytes: Vec<u8>, layout: Layout, parts: &[&str]| {
        let path = folder.file(name, bytes);
        assert_says(read_series(&path, layout), &path, parts);
    };
    let (rows, columns) = (Layout::TimeRegions, Layout::RegionsTime);
    says("flat.npy", npy("'<f4'", false, "(3,)", &[0; 12]), rows, &["[3]", "[time, regions] or [subjects, time, regions]"]);
    says("deep.npy", npy("'<f4'", false, "(1, 1, 1, 1)", &[0; 4]), columns, &["[1, 1, 1, 1]", "[regions, time]"]);
    says("no_frames.npy", npy("'<f4'", false, "(0, 4)", &[]), rows, &["no frames", "[0, 4]"]);
    says("no_regions.npy", npy("'<f4'", false, "(0, 4)", &[]), columns, &["no regions", "[0, 4]"]);
    says("no_subjects.npy", npy("'<f4'", false, "(0, 4, 4)", &[]), rows, &["no subjects", "[0, 4, 4]"]);
    let mut values = [0.0; 12];
    values[8] = f32::NAN;
    values[11] = f32::INFINITY;
    let bad = npy("'<f4'", false, "(2, 3, 2)", &f32s(&values));
    says("nan.npy", bad.clone(), rows, &["subject 1, frame 1, region 0", "NaN"]);
    says("nan_turned.npy", bad, columns, &["subject 1, frame 0, region 1", "NaN"]);
    says("infinite.npy", npy("'<f2'", false, "(1, 1)", &f16::INFINITY.to_le_bytes()), rows, &["subject 0, frame 0, region 0", "inf"]);
    says("complex.npy", npy("'<c8'", false, "(1, 1)", &[0; 8]), rows, &["'<c8'"]);
    says("nan.csv", b"V1,V2\n1,nan\n1,3\n".to_vec(), rows, &["line 2", "column 2", "`nan`", "V2"]);
    says("brain.nii.gz", vec![], rows, &["by an atlas"]);
    says("none", vec![], rows, &[".npy, .npz, .csv, .tsv"]);
    let missing = folder.0.join("missing.npy");
    assert_says(read_series(&missing, rows), &missing, &["cannot be read"]);
}
