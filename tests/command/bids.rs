//! BIDS trees in, and results in the same layout out, against numpy and nilearn (`tests/goldens/make_bids.py`).

use super::run::{Folder, names};
use crate::common::golden::{numbers, worst};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/bids.json")).unwrap()
}

const RUN: &str = "task-rest_space-MNI152NLin6Asym_seg-Seven";

/// The path of the series of a participant.
pub fn series(label: &str) -> String {
    format!("xcp_d/sub-{label}/func/sub-{label}_{RUN}_stat-mean_timeseries.tsv")
}

/// A folder with the tree `xcp_d` of five participants of 7 regions.
pub fn tree(test: &str) -> Folder {
    let (folder, golden) = (Folder::new(test), golden());
    folder.put("xcp_d/dataset_description.json", r#"{"Name": "XCP-D", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}"#);
    for (i, table) in golden["tables"].as_array().unwrap().iter().enumerate() {
        let label = format!("{:02}", i + 1);
        folder.put(&series(&label), table.as_str().unwrap());
        folder.put(&format!("xcp_d/sub-{label}/func/sub-{label}_task-rest_desc-denoised_bold.json"), r#"{"RepetitionTime": 0.8}"#);
    }
    folder.put("xcp_d/participants.tsv", "participant_id\tage\nsub-01\t23\nsub-02\tn/a\nsub-03\t31\nsub-05\t40\n");
    folder
}

fn result(label: &str, statistic: &str) -> String {
    format!("out/sub-{label}/func/sub-{label}_{RUN}_stat-{statistic}_relmat.tsv")
}

/// The names of the regions, and the matrix; NaN for n/a.
fn matrix(folder: &Folder, path: &str) -> (Vec<String>, Vec<f64>) {
    let text = fs::read_to_string(folder.0.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let names: Vec<String> = rows[0][1..].iter().map(|name| (*name).to_owned()).collect();
    assert_eq!((rows[0][0], rows[1..].iter().map(|row| row[0]).collect::<Vec<_>>()), ("Node", names.iter().map(String::as_str).collect()));
    let number = |cell: &&str| if *cell == "n/a" { f64::NAN } else { cell.parse().unwrap() };
    (names, rows[1..].iter().flat_map(|row| row[1..].iter().map(number).collect::<Vec<f64>>()).collect())
}

#[track_caller]
pub fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    let worst = worst(found.iter().zip(wanted).map(|(a, b)| (a - b).abs()));
    assert!(worst <= tolerance, "{worst:e}");
}

/// The files below a folder, sorted, by their paths.
fn files(folder: &Path, below: &str, found: &mut Vec<String>) {
    for name in names(folder) {
        let (path, below) = (folder.join(&name), format!("{below}{name}"));
        if path.is_dir() { files(&path, &format!("{below}/"), found) } else { found.push(below) }
    }
}

#[test]
fn one_command_gives_a_matrix_for_each_and_a_group_tangent() {
    let (folder, golden) = (tree("bids-group"), golden());
    let done =
        folder.run("connectivity --bids xcp_d --atlas Seven --space MNI152NLin6Asym --kind correlation,tangent -o out --device cpu --json");
    let json = done.json();
    let mut written = Vec::new();
    files(&folder.0.join("out"), "", &mut written);
    let mut wanted = vec!["dataset_description.json".to_owned(), "participants.tsv".to_owned()];
    for end in ["tsv", "json"] {
        wanted.push(format!("group/{RUN}_stat-geometricmean_relmat.{end}"));
        for label in ["01", "02", "03", "04", "05"] {
            for statistic in ["pearsoncorrelation", "tangent"] {
                wanted.push(result(label, statistic)[4..].replace("tsv", end));
            }
        }
    }
    wanted.sort();
    written.sort();
    assert_eq!(written, wanted);

    let tangents = numbers(&golden["tangents"]["data"]);
    let regions: Vec<String> = golden["regions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    for (i, label) in ["01", "02", "03", "04", "05"].into_iter().enumerate() {
        let (names, found) = matrix(&folder, &result(label, "pearsoncorrelation"));
        assert_eq!(names, regions);
        close(&found, &numbers(&golden["correlations"][i]["data"]), 1e-6);
        close(&matrix(&folder, &result(label, "tangent")).1, &tangents[i * 49..][..49], 1e-6);
    }
    close(&matrix(&folder, &format!("out/group/{RUN}_stat-geometricmean_relmat.tsv")).1, &numbers(&golden["mean"]["data"]), 1e-5);

    let read = |path: &str| serde_json::from_str::<Value>(&fs::read_to_string(folder.0.join(path)).unwrap()).unwrap();
    let description = read("out/dataset_description.json");
    assert_eq!(description["DatasetType"], "derivative");
    assert_eq!((&description["GeneratedBy"][0]["Name"], &description["SourceDatasets"][0]["Name"]), (&"tapetum".into(), &"XCP-D".into()));
    assert_eq!(description["GeneratedBy"][0]["Version"], env!("CARGO_PKG_VERSION"));
    let sidecar = read(&result("03", "pearsoncorrelation").replace(".tsv", ".json"));
    assert_eq!((&sidecar["Frames"], &sidecar["RepetitionTime"], &sidecar["FisherZ"]), (&33.into(), &0.8.into(), &false.into()));
    assert_eq!(sidecar["Sources"][0], format!("bids:source:{}", &series("03")[6..]));
    let table = fs::read_to_string(folder.0.join("out/participants.tsv")).unwrap();
    assert_eq!(table, "participant_id\tage\nsub-01\t23\nsub-02\tn/a\nsub-03\t31\nsub-04\tn/a\nsub-05\t40\n");
    let first = json["results"].as_array().unwrap().iter().find(|made| made["participant"]["participant_id"] == "sub-01").unwrap();
    assert_eq!((&first["participant"]["age"], &first["step"]), (&"23".into(), &0.8.into()));
    assert!(done.stderr.contains("participants.tsv: no row of sub-04"), "{done:?}");

    // Others are written to the same folder; results of another tree are not.
    let again = folder.run("connectivity --bids xcp_d --participant 02,03 --kind covariance -o out --device cpu");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(fs::read_to_string(folder.0.join("out/participants.tsv")).unwrap(), table);
    folder.put("copy/sub-01/func/sub-01_seg-T_timeseries.tsv", golden["tables"][0].as_str().unwrap());
    folder.run("connectivity --bids copy -o out --device cpu").failed(&["out: ", "another tree"]);
    assert!(folder.0.join(result("02", "covariance")).exists() && folder.0.join(result("01", "tangent")).exists());
}

#[test]
fn a_region_that_one_lacks_is_left_out_of_the_group() {
    let (folder, golden) = (tree("bids-lacking"), golden());
    folder.put(&series("04"), golden["uncovered"].as_str().unwrap());
    let done = folder.run("connectivity --bids xcp_d --kind tangent,correlation -o out --device cpu");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("sub-04") && done.stderr.contains("`LH_Region3`"), "{done:?}");
    assert!(done.stderr.contains("1 of 7 regions are left out of all tangents"), "{done:?}");
    let kept: Vec<usize> = (0..49).filter(|at| at / 7 != 2 && at % 7 != 2).collect();
    let wanted = numbers(&golden["tangents_without"]["data"]);
    for (i, label) in ["01", "02", "03", "04", "05"].into_iter().enumerate() {
        let (_, found) = matrix(&folder, &result(label, "tangent"));
        close(&kept.iter().map(|at| found[*at]).collect::<Vec<_>>(), &wanted[i * 36..][..36], 1e-6);
        assert!((0..49).all(|at| found[at].is_nan() != kept.contains(&at)));
        // A correlation is of one file: the others keep the region.
        let (_, own) = matrix(&folder, &result(label, "pearsoncorrelation"));
        assert_eq!(own.iter().any(|x| x.is_nan()), label == "04");
    }
    let (_, mean) = matrix(&folder, &format!("out/group/{RUN}_stat-geometricmean_relmat.tsv"));
    close(&kept.iter().map(|at| mean[*at]).collect::<Vec<_>>(), &numbers(&golden["mean_without"]["data"]), 1e-5);
}

/// One file that fails does not take the results of the others, and is named; a group has no result then.
#[test]
fn a_file_that_fails_is_named_and_the_others_are_written() {
    let folder = tree("bids-failing");
    folder.put(&series("02"), "LH_Region1\tLH_Region2\n1\t2\n3\n");
    let done = folder.run("connectivity --bids xcp_d -o out --device cpu --json");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains(&format!("failed: {}: line 3", series("02"))), "{done:?}");
    assert!(done.stderr.lines().last().unwrap().contains("no result of 1 of 5 files: sub-02"), "{done:?}");
    assert_eq!(serde_json::from_str::<Value>(&done.stdout).unwrap()["failed"].as_array().unwrap().len(), 1);
    assert_eq!(names(&folder.0.join("out")), ["dataset_description.json", "participants.tsv", "sub-01", "sub-03", "sub-04", "sub-05"]);
    folder.run("connectivity --bids xcp_d --kind tangent -o none --device cpu").failed(&[&series("02"), "line 3"]);
    assert!(!folder.0.join("none").exists());
    // All fail.
    let all = folder.run("connectivity --bids xcp_d --participant 02 -o none --device cpu");
    all.failed(&[&series("02"), "line 3"]);
    assert!(!folder.0.join("none").exists());
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = tree("bids-refused");
    let run = |arguments: &str| folder.run(&format!("connectivity --bids {arguments} --device cpu"));
    run("xcp_d -o xcp_d").failed(&["xcp_d: ", "folder of the series"]);
    run("xcp_d -o out.npy").failed(&["out.npy: ", "a folder"]);
    run("xcp_d/sub-01 -o out").failed(&["xcp_d/sub-01: ", "no folder sub-.."]);
    run("nowhere -o out").failed(&["nowhere: "]);
    run("xcp_d --atlas Gordon -o out").failed(&["xcp_d: ", "atlas Gordon", "atlas is Seven"]);
    run("xcp_d --atlas image.nii.gz -o out").failed(&["xcp_d: ", "_bold.nii.gz", "5 of .._timeseries.tsv"]);
    run("xcp_d --participant 01,09 -o out").failed(&["participant 09"]);
    run("xcp_d --participant 01 --kind tangent -o out").failed(&["1 subject", "a tangent is of a group"]);
    run("xcp_d --participants-tsv other.tsv -o out").failed(&["other.tsv: "]);
    folder.run("connectivity x.tsv --bids xcp_d -o out").misused("cannot be used with");
    folder.run("connectivity x.tsv --space A -o out").misused("--bids");
    folder.run("connectivity -o out").misused("<SERIES>");
    folder.run("connectivity x.tsv --kind correlation,tangent -o out.tsv").misused("--bids");
    run("xcp_d --kind tangent,tangent -o out").misused("twice");
    run("xcp_d --entity res2 -o out").misused("res-2");

    let other = fs::read_to_string(folder.0.join(series("01"))).unwrap().replacen("LH_Region2", "RH_Region2", 1);
    folder.put(&series("05"), other);
    run("xcp_d -o out").failed(&[&series("05"), "region 2", "`RH_Region2`", "`LH_Region2`", &series("01")]);
    folder.put(&series("05"), "a\tb\n1\t2\n3\t5\n4\t4\n");
    run("xcp_d -o out").failed(&[&series("05"), "2 regions", "has 7"]);
    folder.put("foreign/dataset_description.json", r#"{"Name": "raw"}"#);
    run("xcp_d -o foreign").failed(&["foreign: ", "another program"]);
    // Two sessions are two results, and no group of participants.
    fs::remove_file(folder.0.join(series("05"))).unwrap();
    let second = format!("xcp_d/sub-01/ses-2/func/sub-01_ses-2_{RUN}_stat-mean_timeseries.tsv");
    folder.put(&second, fs::read(folder.0.join(series("01"))).unwrap());
    run("xcp_d --kind tangent -o out").failed(&["xcp_d: ", "sub-01", "`ses`", "none, 2", "--session"]);
    assert!(!folder.0.join("out").exists());
    let done = run("xcp_d -o out");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("xcp_d: no such file of sub-05"), "{done:?}");
    assert!(folder.0.join(format!("out/sub-01/ses-2/func/sub-01_ses-2_{RUN}_stat-pearsoncorrelation_relmat.tsv")).exists());
}

#[test]
fn a_glob_chooses_files() {
    let folder = tree("bids-glob");
    let json = folder.run("connectivity --bids xcp_d/sub-0[13]/func/*_timeseries.tsv -o out --device cpu --json").json();
    assert_eq!((json["results"].as_array().unwrap().len(), &json["without"]), (2, &serde_json::json!(["02", "04", "05"])));
    folder.run("connectivity --bids xcp_d/sub-*/anat/* -o out --device cpu").failed(&["xcp_d: ", "sub-*/anat/*"]);
}
