//! MATLAB files as SciPy (version 5) and hdf5storage (version 7.3) write them (`tests/goldens/make_hdf5.py`).

use super::assert_says;
use super::hdf5::{golden, holds, names, path, read};
use crate::common::folder::Folder;
use std::fs;
use tapetum::data::{Layout, read_series};

const ALL: [&str; 3] = ["level5.mat", "level5_deflated.mat", "version73.mat"];

#[test]
fn a_variable_is_read_as_matlab_shows_it() {
    let golden = golden();
    for file in ALL {
        let x = read(&format!("{file}:x"));
        holds(&x, &golden["few"], file);
        assert_eq!(x.names.as_deref(), Some(&names(&golden)[..3]), "{file}");
        holds(&read(&format!("{file}:small")), &golden["small"], file);
        holds(&read(&format!("{file}:mask")), &golden["truth"], file);
        holds(&read(&format!("{file}:single")), &golden["kinds"], file);
        holds(&read(&format!("{file}:volume")), &golden["subjects"], file);
        assert!(x.values.is_f64() && !read(&format!("{file}:single")).values.is_f64(), "{file}");
    }
    holds(&read("one.mat"), &golden["one"], "the only matrix beside a number and a vector");
    holds(&read("big.mat"), &golden["one"], "a big-endian file");
}

#[test]
fn fields_and_cells_are_reached_by_their_places() {
    let golden = golden();
    for file in ALL {
        let x = read(&format!("{file}:st.x"));
        let one_more: Vec<f64> = read(&format!("{file}:x")).values.to_f64_vec().iter().map(|x| x + 1.0).collect();
        assert_eq!((x.values.to_f64_vec(), x.names.as_deref()), (one_more, Some(&names(&golden)[..3])), "{file}");
        for part in 0..2 {
            holds(&read(&format!("{file}:st.parts{{{}}}", part + 1)), &golden["parts"][part], file);
        }
    }
}

#[test]
fn what_is_no_series_is_refused() {
    let refused = |place: &str, parts: &[&str]| {
        let what = read_series(path(place), Layout::TimeRegions).expect_err(place).to_string();
        let missing: Vec<_> = parts.iter().filter(|part| !what.contains(**part)).collect();
        assert!(missing.is_empty() && !what.contains('\n'), "{place}: no {missing:?} in `{what}`");
    };
    for file in ALL {
        refused(
            file,
            &[file, "one array, or one called `series`, expected", "x [20, 3]", "names (a cell array)", "title (text)", "FILE.mat:NAME"],
        );
        refused(&format!("{file}:nothing"), &["no array `nothing`", "x [20, 3]"]);
        refused(&format!("{file}:names"), &["`names` holds (a cell array): numbers are expected"]);
        refused(&format!("{file}:title"), &["`title` holds (text): numbers are expected"]);
        refused(&format!("{file}:st"), &["`st` holds (a structure of ", "labels"]);
        refused(&format!("{file}:st.nothing"), &["no `st.nothing`", "a structure of "]);
        refused(&format!("{file}:st.parts{{3}}"), &["there is no `{3}` in a cell array of 2"]);
        refused(&format!("{file}:x{{1}}"), &["there is no `{1}` in [20, 3]"]);
        for wrong in ["st.", ".x", "x{0}", "x{a}", "x{1", "x{1}a", ""] {
            refused(&format!("{file}:{wrong}"), &["names no variable: NAME, NAME.FIELD or NAME{2}"]);
        }
    }
    refused("level5.mat:complex", &["complex numbers"]);
    refused("level5.mat:sparse", &["a sparse array"]);
    refused("level5.mat:none", &["no frames in an array of shape [0, 0]"]);
    refused("level4.mat", &["a MATLAB file of version 4", "save -v7"]);
}

#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new("matlab");
    for file in ["level5.mat", "level5_deflated.mat", "version73.mat", "big.mat"] {
        let whole = fs::read(path(file)).unwrap();
        let variable = if file == "big.mat" { "quantity" } else { "x" };
        for length in (0..whole.len()).step_by(41).chain([1, 7, 65, 127, 128, 129, whole.len() - 1]) {
            let cut = folder.file("cut.mat", &whole[..length]);
            let place = folder.0.join(format!("cut.mat:{variable}"));
            if let Err(e) = read_series(place, Layout::TimeRegions) {
                assert!(e.to_string().starts_with(&format!("{}", cut.display())) && !e.to_string().contains('\n'), "{length}: {e}");
            } else {
                assert!(file == "version73.mat" && length > whole.len() / 2, "{length} bytes of {file}");
            }
        }
    }
    assert_says(read_series(folder.file("a.mat", b""), Layout::TimeRegions), &folder.0.join("a.mat"), &["its head takes 128 bytes"]);
    assert_says(
        read_series(folder.file("b.mat", [b'x'; 200]), Layout::TimeRegions),
        &folder.0.join("b.mat"),
        &["of version 5 to 7.3 expected"],
    );
    let mut head = b"MATLAB 7.3 MAT-file".to_vec();
    head.resize(600, b' ');
    head[124..128].copy_from_slice(b"\x00\x02IM");
    assert_says(read_series(folder.file("c.mat", head), Layout::TimeRegions), &folder.0.join("c.mat"), &["an HDF5 file expected"]);
}

#[test]
fn a_claim_of_huge_extents_is_refused() {
    let folder = Folder::new("matlab-huge");
    let mut bytes = fs::read(path("big.mat")).unwrap();
    // The extents of the array are the two words after its flags: 128 bytes of head, 8 of the array's, 16 of flags, 8 of the extents' own.
    let at = 128 + 8 + 16 + 8;
    assert_eq!(bytes[at..at + 8], [0, 0, 0, 12, 0, 0, 0, 5]);
    bytes[at..at + 8].fill(0x7f);
    let file = folder.file("huge.mat", &bytes);
    assert_says(
        read_series(folder.0.join("huge.mat:quantity"), Layout::TimeRegions),
        &file,
        &["60 numbers where its extents are [2139062143, 2139062143]"],
    );
    bytes[at..at + 8].fill(0xff);
    let file = folder.file("negative.mat", &bytes);
    assert_says(read_series(&file, Layout::TimeRegions), &file, &["an extent of -1"]);
}
