//! The kind of a system's error survives wherever an error about a file is handed on; what a file holds has none.

use crate::common::folder::Folder;
use std::io::ErrorKind;
use std::path::Path;
use tapetum::data::{
    Layout, NpyRows, TableOptions, bids, read_cohort, read_confounds, read_connectome, read_gifti_bytes, read_mesh, read_nifti, read_npy,
    read_series, read_worms,
};
use tapetum::error::Reason;
use tapetum::file::{FileWriter, OutputFolder, write_file, write_files};
use tapetum::workflow::Workflow;
use tapetum::{Error, Tuning};

#[test]
fn a_missing_file_is_not_found() {
    let folder = Folder::new("not-found");
    let at = |name: &str| folder.0.join(name);
    let found: Vec<(&str, Option<Error>)> = vec![
        ("npy", read_npy(at("x.npy")).err()),
        ("rows", NpyRows::open(at("x.npy")).err()),
        ("table", read_series(at("x.tsv"), Layout::TimeRegions).err()),
        ("npz", read_series(at("x.npz"), Layout::TimeRegions).err()),
        ("hdf5", read_series(at("x.h5"), Layout::TimeRegions).err()),
        ("matlab", read_series(at("x.mat"), Layout::TimeRegions).err()),
        ("gifti", read_series(at("x.func.gii"), Layout::TimeRegions).err()),
        ("cifti", read_series(at("x.dtseries.nii"), Layout::TimeRegions).err()),
        ("image", read_nifti(at("x.nii.gz")).err()),
        ("mesh", read_mesh(at("x.surf.gii")).err()),
        ("connectome", read_connectome(at("x.csv"), &TableOptions::default()).err()),
        ("cohort", read_cohort(at("x.npz"), Layout::TimeRegions).err()),
        ("confounds", read_confounds(at("x.tsv")).err()),
        ("worms", read_worms(at("x.h5")).err()),
        ("tree", bids::BidsTree::open(at("tree")).err()),
        ("tuning", Tuning::open(at("x.json")).err()),
        ("checkpoint", tapetum::checkpoint::Checkpoint::open(at("x.safetensors")).err()),
        ("workflow", Workflow::read(at("x.json")).err()),
        ("writing", write_file(at("none/x"), b"").err()),
        ("writing several", write_files(&[(at("none/x"), Vec::new())]).err()),
        ("writing by parts", FileWriter::new(at("none/x")).err()),
    ];
    for (what, error) in found {
        let error = error.unwrap_or_else(|| panic!("{what}: no error"));
        assert_eq!(error.io_kind(), Some(ErrorKind::NotFound), "{what}: {error}");
    }
}

#[test]
fn a_file_that_another_file_names_is_not_found() {
    let folder = Folder::new("named");
    let workflow = folder.file(
        "workflow.json",
        r#"{"data": {"rest": {"series": "rest.npy"}},
            "blocks": [{"name": "connectome", "block": "correlation", "series": "rest"}], "results": [{"value": "connectome"}]}"#,
    );
    let error = Workflow::read(&workflow).expect_err("a file is missing");
    assert!(error.to_string().starts_with(&format!("{}: ", workflow.display())) && error.to_string().contains("rest.npy"), "{error}");
    assert_eq!(error.io_kind(), Some(ErrorKind::NotFound), "{error}");

    let external = br#"<GIFTI Version="1.0" NumberOfDataArrays="1"><DataArray Intent="NIFTI_INTENT_TIME_SERIES" DataType="NIFTI_TYPE_FLOAT32"
        Dimensionality="1" Dim0="3" Encoding="ExternalFileBinary" Endian="LittleEndian" ExternalFileName="x.dat"><Data/></DataArray></GIFTI>"#;
    let error = read_gifti_bytes(&folder.0.join("x.func.gii"), external).expect_err("the external file is missing");
    assert!(error.to_string().contains("data array 0") && error.to_string().contains("x.dat cannot be read"), "{error}");
    assert_eq!(error.io_kind(), Some(ErrorKind::NotFound), "{error}");
}

#[test]
fn contents_have_no_kind() {
    let folder = Folder::new("contents");
    let cut = folder.file("cut.npy", b"\x93NUMPY");
    let packed = folder.file("x.nii.gz", b"\x1f\x8b\x08no more of it");
    let table = folder.file("x.tsv", b"a\tb\n1\t\xff\n");
    for error in [read_npy(&cut).err(), NpyRows::open(&cut).err(), read_nifti(&packed).err(), read_confounds(&table).err()] {
        let error = error.expect("damaged contents");
        assert!(matches!(error, Error::File { .. }) && error.io_kind().is_none(), "{error}");
    }
}

#[test]
fn a_folder_is_no_file() {
    let folder = Folder::new("folder");
    let found = [read_npy(&folder.0).err(), write_file(&folder.0, b"").err(), FileWriter::new(&folder.0).err()];
    for error in found {
        assert_eq!(error.expect("a folder").io_kind(), Some(ErrorKind::IsADirectory));
    }
    let file = folder.file("file", b"");
    let error = OutputFolder::new(file.join("below")).expect_err("a file stands in the way");
    assert_eq!(error.io_kind(), Some(ErrorKind::NotADirectory), "{error}");
}

/// Root reads everything, so that the system's refusal cannot be caused here.
#[test]
fn a_place_and_a_file_are_added_without_losing_the_kind() {
    let denied = std::io::Error::from(ErrorKind::PermissionDenied);
    let error = Error::io("inner", "cannot be read", &denied);
    let placed = Error::argument(Reason::from(error).at("data.rest"));
    assert_eq!(placed.io_kind(), Some(ErrorKind::PermissionDenied));
    let outer = Error::file(Path::new("outer"), placed);
    assert_eq!(outer.io_kind(), Some(ErrorKind::PermissionDenied));
    assert_eq!(outer.to_string(), "outer: data.rest: inner: cannot be read: permission denied");
    assert_eq!(Error::argument("text").io_kind(), None);
    assert_eq!(Error::op("add", "text").io_kind(), None);
}
