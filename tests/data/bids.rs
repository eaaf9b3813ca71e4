//! Trees of BIDS derivatives, with the names that fMRIPrep and XCP-D give in fact (from the lists of outputs in their repositories).

use super::assert_says;
use crate::common::folder::Folder;
use tapetum::data::bids::{BidsName, BidsQuery, BidsSeries, BidsTree, Participants, derivative};

/// A file name, its entities, its suffix and its extension.
type Name = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

/// Names of files by the specification.
const NAMES: [Name; 9] = [
    (
        "sub-01_task-rest_run-1_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz",
        &[("sub", "01"), ("task", "rest"), ("run", "1"), ("space", "MNI152NLin2009cAsym"), ("res", "2"), ("desc", "preproc")],
        "bold",
        ".nii.gz",
    ),
    (
        "sub-1648798153_ses-PNC1_task-rest_acq-singleband_space-fsLR_seg-HCP_den-91k_stat-mean_timeseries.ptseries.nii",
        &[
            ("sub", "1648798153"),
            ("ses", "PNC1"),
            ("task", "rest"),
            ("acq", "singleband"),
            ("space", "fsLR"),
            ("seg", "HCP"),
            ("den", "91k"),
            ("stat", "mean"),
        ],
        "timeseries",
        ".ptseries.nii",
    ),
    ("sub-01_task-rest_desc-confounds_timeseries.tsv", &[("sub", "01"), ("task", "rest"), ("desc", "confounds")], "timeseries", ".tsv"),
    (
        "sub-01_task-rest_space-MNI152NLin2009cAsym_atlas-Schaefer417_timeseries.tsv",
        &[("sub", "01"), ("task", "rest"), ("space", "MNI152NLin2009cAsym"), ("atlas", "Schaefer417")],
        "timeseries",
        ".tsv",
    ),
    (
        "sub-01_task-rest_atlas-Gordon_measure-pearsoncorrelation_conmat.tsv",
        &[("sub", "01"), ("task", "rest"), ("atlas", "Gordon"), ("measure", "pearsoncorrelation")],
        "conmat",
        ".tsv",
    ),
    (
        "sub-01_task-rest_hemi-L_space-fsaverage5_bold.func.gii",
        &[("sub", "01"), ("task", "rest"), ("hemi", "L"), ("space", "fsaverage5")],
        "bold",
        ".func.gii",
    ),
    ("task-rest_bold.json", &[("task", "rest")], "bold", ".json"),
    ("SUB_BOLD.NII.GZ", &[], "", ""),
    ("sub-01_bold.NII.GZ", &[("sub", "01")], "bold", ".nii.gz"),
];

#[test]
fn names_are_taken_apart() {
    for (text, entities, suffix, extension) in NAMES {
        let found = BidsName::parse(text);
        if suffix.is_empty() {
            assert!(found.is_none(), "{text}");
            continue;
        }
        let found = found.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found.entities().collect::<Vec<_>>(), entities, "{text}");
        assert_eq!((found.suffix(), found.extension()), (suffix, extension), "{text}");
        assert_eq!(found.to_string().to_lowercase(), text.to_lowercase());
    }
    for none in [
        "",
        "sub-01",
        "sub-01.html",
        "sub-01_",
        "_bold.nii",
        "sub-_bold.nii",
        "sub_bold.nii",
        "sub-01_sub-02_bold.nii",
        "-1_x",
        ".bidsignore",
    ] {
        assert!(BidsName::parse(none).is_none(), "{none}");
    }
}

#[test]
fn entities_are_put_where_they_belong() {
    let name = BidsName::parse("sub-01_task-rest_space-A_res-2_desc-preproc_bold.nii.gz").unwrap();
    let made = name.clone().with("seg", "Tian").with("stat", "mean").with("desc", "denoised").ending("timeseries", ".tsv");
    assert_eq!(made.to_string(), "sub-01_task-rest_space-A_seg-Tian_res-2_stat-mean_desc-denoised_timeseries.tsv");
    let other = BidsName::parse("sub-02_task-rest_space-B_res-2_desc-preproc_bold.nii.gz").unwrap();
    assert_eq!(name.shared(&other).to_string(), "task-rest_res-2_desc-preproc_bold.nii.gz");
    let path = |name: &str| derivative::path(&BidsName::parse(name).unwrap()).display().to_string();
    assert_eq!(path("sub-01_ses-2_task-a_relmat.tsv"), "sub-01/ses-2/func/sub-01_ses-2_task-a_relmat.tsv");
    assert_eq!(path("sub-01_relmat.tsv"), "sub-01/func/sub-01_relmat.tsv");
    assert_eq!(path("task-a_relmat.tsv"), "group/task-a_relmat.tsv");
    let label = |name: &str| derivative::atlas_label(std::path::Path::new(name));
    assert_eq!(label("x/tpl-A_atlas-Schaefer2018_desc-400Parcels_dseg.nii.gz"), "Schaefer2018");
    assert_eq!(label("my atlas_2mm.nii.gz"), "myatlas2mm");
}

/// A tree in a folder, with empty files of these names in the folders of their participants.
fn tree(folder: &Folder, names: &[&str]) -> BidsTree {
    folder.file("dataset_description.json", r#"{"Name": "x", "BIDSVersion": "1.10.0"}"#);
    for name in names {
        let parsed = BidsName::parse(name).unwrap();
        folder.put(&derivative::path(&parsed).display().to_string(), "");
    }
    BidsTree::open(&folder.0).unwrap()
}

fn found(tree: &BidsTree, query: &BidsQuery) -> Vec<String> {
    tree.select(query).unwrap().files.iter().map(|file| file.name.to_string()).collect()
}

#[track_caller]
fn refused(tree: &BidsTree, query: &BidsQuery, parts: &[&str]) {
    assert_says(tree.select(query), &tree.root, parts);
}

#[test]
fn what_is_open_is_refused_by_its_entity() {
    let folder = Folder::new("bids-open");
    let of = |sub: &str, rest: &str| format!("sub-{sub}_task-rest_{rest}");
    let names: Vec<String> = ["01", "02"]
        .iter()
        .flat_map(|sub| {
            let rest = [
                "space-MNI152NLin6Asym_seg-Tian_stat-mean_timeseries.tsv",
                "space-MNI152NLin6Asym_seg-HCP_stat-mean_timeseries.tsv",
                "space-fsLR_seg-HCP_stat-mean_timeseries.tsv",
                "space-fsLR_seg-HCP_den-91k_stat-mean_timeseries.ptseries.nii",
                "space-fsLR_seg-HCP_stat-coverage_bold.tsv",
                "space-fsLR_seg-HCP_stat-pearsoncorrelation_relmat.tsv",
                "desc-confounds_timeseries.tsv",
                "space-fsLR_den-91k_desc-denoised_bold.dtseries.nii",
                "space-fsLR_den-91k_desc-denoisedSmoothed_bold.dtseries.nii",
            ];
            rest.map(|rest| of(sub, rest))
        })
        .collect();
    let tree = tree(&folder, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let query = BidsQuery::default();
    refused(&tree, &query, &["sub-01", "`space`", "MNI152NLin6Asym, fsLR", "--space"]);
    refused(&tree, &query.clone().entity("space", "MNI152NLin6Asym"), &["`atlas`", "Tian", "HCP", "--atlas"]);
    let hcp = query.clone().entity("atlas", "HCP").entity("space", "fsLR");
    assert_eq!(found(&tree, &hcp), ["01", "02"].map(|sub| of(sub, "space-fsLR_seg-HCP_stat-mean_timeseries.tsv")));
    assert!(
        tree.select(&hcp).unwrap().remarks[0].contains(".ptseries.nii of the same series stands beside them (2 in all)"),
        "the twins are named"
    );
    let dense = hcp.entity("den", "91k");
    assert_eq!(found(&tree, &dense), ["01", "02"].map(|sub| of(sub, "space-fsLR_seg-HCP_den-91k_stat-mean_timeseries.ptseries.nii")));
    assert_eq!(
        found(&tree, &query.clone().entity("seg", "seg-Tian").entity("sub", "sub-02")),
        [of("02", "space-MNI152NLin6Asym_seg-Tian_stat-mean_timeseries.tsv")]
    );
    let images = BidsQuery::new(BidsSeries::Dense);
    refused(&tree, &images, &["`desc`", "denoised", "denoisedSmoothed", "--entity desc-VALUE"]);
    assert_eq!(found(&tree, &images.entity("desc", "denoised")).len(), 2);
    refused(&tree, &query.clone().entity("atlas", "Gordon"), &["atlas Gordon", "_timeseries.tsv", "atlas is HCP, Tian"]);
    refused(&tree, &BidsQuery::new(BidsSeries::Images), &["_bold.nii.gz", "8 of .._timeseries.tsv", "4 of .._bold.dtseries.nii"]);
    refused(&tree, &query.entity("sub", "09"), &["participant 09", "01, 02"]);
}

#[test]
fn recordings_have_a_result_each() {
    let folder = Folder::new("bids-runs");
    let tree = tree(
        &folder,
        &[
            "sub-01_ses-a_task-rest_run-01_seg-T_timeseries.tsv",
            "sub-01_ses-a_task-rest_run-02_seg-T_timeseries.tsv",
            "sub-01_ses-b_task-rest_seg-T_timeseries.tsv",
            "sub-01_ses-b_task-film_dir-AP_seg-T_timeseries.tsv",
            "sub-01_ses-b_task-film_dir-PA_seg-T_timeseries.tsv",
            "sub-02_ses-a_task-rest_run-01_seg-T_timeseries.tsv",
            "sub-02_ses-a_task-rest_seg-T_timeseries.tsv",
            "sub-03_ses-a_task-rest_seg-T_desc-confounds_timeseries.tsv",
        ],
    );
    let query = || BidsQuery::default();
    let selection = tree.select(&query().entity("task", "rest").entity("sub", "01")).unwrap();
    assert_eq!((selection.files.len(), selection.without.len()), (3, 0));
    // Directions are no runs: one is chosen, or both.
    refused(&tree, &query(), &["sub-01", "`dir`", "AP, PA", "--entity dir-VALUE"]);
    assert_eq!(found(&tree, &query().entity("task", "film").entity("dir", "AP").entity("dir", "PA")).len(), 2);
    // A file of all runs joined beside one of a run.
    refused(&tree, &query().entity("task", "rest"), &["sub-02", "`run`", "none", "01", "--run VALUE", "joined"]);
    let joined = tree.select(&query().entity("run", "none").entity("task", "rest")).unwrap();
    assert_eq!((joined.files.len(), joined.without.clone()), (2, vec!["03".to_owned()]));
    // A run is a number.
    assert_eq!(found(&tree, &query().entity("run", "1")).len(), 2);
    assert_eq!(found(&tree, &query().entity("run", "1").entity("run", "2")).len(), 3);
    let at = |glob: &str| query().pattern(glob).unwrap();
    assert_eq!(found(&tree, &at("sub-01/ses-a/*/*_run-*_timeseries.tsv")).len(), 2);
    assert_eq!(found(&tree, &at("sub-*/ses-b/**/*task-rest*")).len(), 1);
    refused(&tree, &at("sub-*/*.tsv"), &["a path that fits `sub-*/*.tsv`"]);
    assert!(query().pattern("a***").is_err());
}

/// Participants that each have one space, but not the same.
#[test]
fn files_of_different_spaces_do_not_belong_together() {
    let folder = Folder::new("bids-spaces");
    let tree = tree(&folder, &["sub-01_space-A_seg-T_timeseries.tsv", "sub-02_space-B_seg-T_timeseries.tsv"]);
    refused(&tree, &BidsQuery::default(), &["sub-01 and sub-02", "`space`", "A, B"]);
    let selection = tree.select(&BidsQuery::default().entity("space", "B")).unwrap();
    assert_eq!((selection.files.len(), selection.without), (1, vec!["01".to_owned()]));
}

#[test]
fn a_glob_is_split_where_the_tree_begins() {
    let split = |path: &str| BidsQuery::split_glob(path.as_ref()).map(|(root, glob)| (root.display().to_string(), glob));
    let wanted = |root: &str, glob: &str| Some((root.to_owned(), glob.to_owned()));
    assert_eq!(split("a/xcp_d/sub-*/func/*.tsv"), wanted("a/xcp_d", "sub-*/func/*.tsv"));
    assert_eq!(split("/xcp_d/sub-01/ses-[ab]/x.tsv"), wanted("/xcp_d", "sub-01/ses-[ab]/x.tsv"));
    assert_eq!(split("sub-0?/x.tsv"), wanted(".", "sub-0?/x.tsv"));
    assert_eq!(split("a/xcp_d"), None);
}

#[test]
fn sidecars_are_inherited() {
    let folder = Folder::new("bids-sidecars");
    let tree = || {
        tree(
            &folder,
            &[
                "sub-01_task-rest_space-A_desc-preproc_bold.nii.gz",
                "sub-01_task-rest_space-A_seg-T_timeseries.tsv",
                "sub-01_task-film_space-A_seg-T_timeseries.tsv",
            ],
        )
    };
    let time = |tree: &BidsTree, at: usize| tree.repetition_time(&tree.files[at]);
    // film, then the image of rest, then its table: the order of their paths.
    let plain = tree();
    assert_eq!(plain.files[1].name.suffix(), "bold");
    assert_eq!(time(&plain, 1).seconds, None);
    folder.file("task-rest_bold.json", r#"{"RepetitionTime": 2, "EchoTime": 0.03}"#);
    assert_eq!(time(&tree(), 1).seconds, Some(2.0));
    folder.put("sub-01/sub-01_task-rest_bold.json", r#"{"RepetitionTime": 1.5}"#);
    folder.put("sub-01/func/sub-01_task-rest_desc-preproc_bold.json", r#"{"RepetitionTime": 0.8, "Mask": NaN}"#);
    folder.put("sub-01/func/sub-01_task-rest_space-B_desc-preproc_bold.json", r#"{"RepetitionTime": 7}"#);
    let deep = tree();
    let image = deep.files.iter().position(|file| file.name.extension() == ".nii.gz").unwrap();
    assert_eq!(time(&deep, image).seconds, Some(0.8));
    assert_eq!(deep.sidecar(&deep.files[image]).unwrap()["EchoTime"], 0.03);
    // The table of the run has no time of its own: the sidecars of its images disagree.
    let table = deep.files.iter().position(|file| file.name.suffix() == "timeseries" && file.name.get("task") == Some("rest")).unwrap();
    let open = time(&deep, table);
    assert!(open.seconds.is_none() && open.warnings[0].contains("0.8 s and 7 s"), "{open:?}");
    folder.put("sub-01/func/sub-01_task-rest_space-B_desc-preproc_bold.json", r#"{"RepetitionTime": 0.8}"#);
    assert_eq!(time(&deep, table).seconds, Some(0.8));
    // XCP-D's sidecar says "TR" in the place of a number.
    folder.put("sub-01/func/sub-01_task-rest_space-A_seg-T_timeseries.json", r#"{"SamplingFrequency": "TR"}"#);
    assert_eq!(time(&deep, table).seconds, Some(0.8));
    folder.put("sub-01/func/sub-01_task-rest_space-A_seg-T_timeseries.json", r#"{"SamplingFrequency": 4}"#);
    assert_eq!(time(&deep, table).seconds, Some(0.25));
    for bad in ["2000", "0", "-2", "\"2\"", "[1]"] {
        folder.put("sub-01/func/sub-01_task-film_space-A_seg-T_timeseries.json", format!("{{\"RepetitionTime\": {bad}}}"));
        let found = time(&deep, 0);
        assert!(found.seconds.is_none() && found.warnings[0].contains(&format!("RepetitionTime is {bad}")), "{found:?}");
    }
    folder.put("sub-01/func/sub-01_task-film_space-A_seg-T_timeseries.json", "[]");
    assert!(time(&deep, 0).warnings[0].contains("an object"));
    folder.put("sub-01/func/sub-01_task-film_space-A_seg-T_timeseries.json", "{\"RepetitionTime\": ");
    assert!(time(&deep, 0).warnings[0].contains("JSON"));
}

#[test]
fn confounds_are_those_of_the_recording() {
    let folder = Folder::new("bids-confounds");
    let tree = tree(
        &folder,
        &[
            "sub-01_task-rest_run-1_space-A_res-2_desc-preproc_bold.nii.gz",
            "sub-01_task-rest_run-1_desc-confounds_timeseries.tsv",
            "sub-01_task-rest_run-2_echo-1_desc-preproc_bold.nii.gz",
            "sub-01_task-rest_run-2_desc-confounds_regressors.tsv",
            "sub-01_task-rest_run-3_desc-preproc_bold.nii.gz",
            "sub-01_task-rest_run-4_desc-preproc_bold.nii.gz",
            "sub-01_task-rest_run-4_desc-confounds_timeseries.tsv",
            "sub-01_task-rest_run-4_desc-confounds_regressors.tsv",
        ],
    );
    let images: Vec<_> = tree.files.iter().filter(|file| file.name.suffix() == "bold").collect();
    let of = |at: usize| tree.confounds(images[at]).map(|file| file.name.to_string());
    assert_eq!(of(0).unwrap(), "sub-01_task-rest_run-1_desc-confounds_timeseries.tsv");
    assert_eq!(of(1).unwrap(), "sub-01_task-rest_run-2_desc-confounds_regressors.tsv");
    assert_says(of(2), &images[2].path, &["sub-01_task-rest_run-3_desc-confounds_timeseries.tsv is expected"]);
    assert_says(of(3), &images[3].path, &["2 tables of confounds"]);
}

#[test]
fn participants_are_read_as_they_stand() {
    let folder = Folder::new("bids-participants");
    let path = folder.file("participants.tsv", "\u{feff}participant_id\tage\tgroup\r\nsub-01\t23\tn/a\r\nsub-02\tn/a\t\"a b\r\n");
    let table = Participants::read(&path).unwrap();
    assert_eq!(table.row("01").unwrap(), ["23", "n/a"]);
    assert_eq!((table.cell("02", "group"), table.cell("02", "sex"), table.cell("03", "age")), (Some("\"a b"), None, None));
    assert_eq!(table.text(["02", "07"]), "participant_id\tage\tgroup\nsub-02\tn/a\t\"a b\nsub-07\tn/a\tn/a\n");
    for (text, parts) in [
        ("id\tage\nsub-01\t3\n", &["`participant_id`", "id, age"][..]),
        ("participant_id\tage\nsub-01\t3\nsub-01\t4\n", &["line 3", "sub-01 stands twice"]),
        ("participant_id\tage\nsub-01\n", &["1 fields", "2"]),
        ("participant_id\tage\tage\nsub-01\t1\t2\n", &["two columns", "age"]),
        ("participant_id\nn/a\n", &["line 2", "n/a"]),
        ("", &["`participant_id`"]),
        ("participant_id\tage\nsub-01\t\u{0}\n", &[]),
    ] {
        folder.file("participants.tsv", text);
        if parts.is_empty() { drop(Participants::read(&path)) } else { assert_says(Participants::read(&path), &path, parts) }
    }
    let data = folder.0.join("derivatives").join("xcp_d");
    std::fs::create_dir_all(&data).unwrap();
    assert_eq!(Participants::beside(&data), Some(path.clone()));
    assert_eq!(Participants::beside(&folder.0), Some(path));
    assert_eq!(Participants::beside(&folder.0.join("other")), None);
}

#[test]
fn folders_that_are_no_trees_say_so() {
    let folder = Folder::new("bids-none");
    let open = |path: &std::path::Path| BidsTree::open(path);
    assert_says(open(&folder.0), &folder.0, &["no folder sub-..", "no folder in it"]);
    assert_says(open(&folder.0.join("nowhere")), &folder.0.join("nowhere"), &["a BIDS tree is expected"]);
    let file = folder.file("sub-01", "");
    assert_says(open(&file), &file, &["a file"]);
    assert_says(open(&folder.0), &folder.0, &["no folder sub-.."]);
    folder.put("derivatives/xcp_d/sub-01/func/x", "");
    assert_says(open(&folder.0), &folder.0, &["derivatives/xcp_d has them"]);
    // A tree without a description, and with a file that has no entities.
    folder.put("sub-02/sub-02", "");
    folder.put("sub-02/func/sub-02_TIMESERIES.TSV", "");
    folder.put("sub-02/.git/sub-02_timeseries.tsv", "");
    let tree = open(&folder.0).unwrap();
    assert_eq!((tree.files.len(), tree.participants.clone()), (1, vec!["02".to_owned()]));
    assert!(tree.warnings[0].contains("no dataset_description.json"), "{:?}", tree.warnings);
    refused(&tree, &BidsQuery::default(), &["1 files", "none that hold series"]);
    folder.file("dataset_description.json", "{");
    assert!(open(&folder.0).unwrap().warnings[0].contains("dataset_description.json"));
}

#[cfg(unix)]
#[test]
fn links_and_names_of_all_kinds_are_met() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let folder = Folder::new("bids-links");
    let store = Folder::new("bids-store");
    let real = store.file("a", "");
    let name = "sub-01_seg-T_timeseries.tsv";
    tree(&folder, &["sub-01_seg-U_timeseries.tsv"]);
    let func = folder.0.join("sub-01").join("func");
    symlink(&real, func.join(name)).unwrap();
    symlink("../..", func.join("back")).unwrap();
    symlink(store.0.join("gone"), func.join("sub-01_seg-V_timeseries.tsv")).unwrap();
    std::fs::write(func.join(OsStr::from_bytes(b"sub-01_\xff_timeseries.tsv")), "").unwrap();
    std::fs::write(func.join("sub-01\\func\\sub-01_seg-W_timeseries.tsv"), "").unwrap();
    let tree = BidsTree::open(&folder.0).unwrap();
    let names: Vec<String> = tree.files.iter().map(|file| file.name.to_string()).collect();
    assert_eq!(names, [name, "sub-01_seg-U_timeseries.tsv", "sub-01_seg-V_timeseries.tsv"].map(str::to_owned));
    assert!(tree.warnings.iter().any(|w| w.contains("UTF-8")) && tree.warnings.iter().any(|w| w.contains("back")), "{:?}", tree.warnings);
    assert_eq!(found(&tree, &BidsQuery::default().entity("atlas", "V")).len(), 1);
    // The superuser may read every folder.
    use std::os::unix::fs::PermissionsExt;
    let closed = folder.0.join("sub-02");
    std::fs::create_dir_all(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let opened = BidsTree::open(&folder.0);
    if std::fs::read_dir(&closed).is_err() {
        assert_says(opened, &closed, &["cannot be read"]);
    }
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
}
