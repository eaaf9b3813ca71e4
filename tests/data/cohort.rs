//! Files with an array for each subject, by the subject's name (`tests/goldens/make_hdf5.py`).

use super::assert_says;
use super::hdf5::{golden, holds, path};
use crate::common::folder::Folder;
use tapetum::HostTensor;
use tapetum::data::{Cohort, Layout, Series, read_cohort, write_npy};

fn read(name: &str) -> Cohort {
    read_cohort(path(name), Layout::TimeRegions).unwrap_or_else(|e| panic!("{name}: {e}")).unwrap_or_else(|| panic!("{name}: no cohort"))
}

fn names(cohort: &Cohort) -> Vec<&str> {
    cohort.subjects.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn subjects_have_names_and_frames_of_their_own() {
    let golden = golden();
    let regions: Vec<String> = (0..5).map(|i| format!("r{i}")).collect();
    for (file, subjects) in [
        ("cohort.h5", ["sub-01", "sub-02", "sub-10"]),
        ("cohort.h5:/rest", ["sub-01", "sub-02", "sub-10"]),
        ("cohort.npz", ["sub-01", "sub-02", "sub-10"]),
        ("cohort.mat:rest", ["sub_01", "sub_02", "sub_10"]),
        ("cohort.mat:all", ["1", "2", "3"]),
    ] {
        let cohort = read(file);
        assert_eq!(names(&cohort), subjects, "{file}");
        for ((_, series), wanted) in cohort.subjects.iter().zip(["sub-01", "sub-02", "sub-10"]) {
            holds(series, &golden["cohort"][wanted], file);
            assert_eq!(series.names.as_ref(), Some(&regions).filter(|_| !file.contains(".mat")), "{file}");
        }
        let ragged = cohort.frames().unwrap_err().to_string();
        assert!(ragged.contains(&format!("`{}` has 20 frames and `{}` has 25", subjects[0], subjects[1])), "{ragged}");
    }
    let nested = read("cohort_nested.h5");
    assert_eq!((names(&nested), nested.frames().unwrap()), (vec!["sub-01", "sub-02", "sub-10"], 15));
}

#[test]
fn subjects_are_selected_by_name() {
    let selected = |names: &[&str]| read("cohort.h5").selected(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let two = selected(&["sub-10", "sub-01"]).unwrap();
    assert_eq!(names(&two), ["sub-10", "sub-01"]);
    holds(&two.subjects[0].1, &golden()["cohort"]["sub-10"], "the first that is named");
    assert!(selected(&["sub-03"]).unwrap_err().to_string().contains("no subject `sub-03`: there are sub-01, sub-02, sub-10"));
    assert!(selected(&["sub-01", "sub-01"]).unwrap_err().to_string().contains("`sub-01` stands twice"));
}

#[test]
fn a_file_of_one_array_is_no_cohort() {
    for file in ["series.h5", "series.h5:group/big", "latest.h5", "plane.nwb", "one.mat", "level5.mat:x", "level5.mat:title", "big.mat"] {
        assert_eq!(read_cohort(path(file), Layout::TimeRegions).unwrap(), None, "{file}");
    }
    let folder = Folder::new("cohort");
    let array = folder.0.join("x.npy");
    write_npy(&array, &HostTensor::f32([3, 2], vec![0.0; 6]).unwrap()).unwrap();
    assert_eq!(read_cohort(&array, Layout::TimeRegions).unwrap(), None);
}

#[test]
fn what_is_no_cohort_is_refused() {
    let refused = |name: &str, parts: &[&str]| {
        let what = read_cohort(path(name), Layout::TimeRegions).expect_err(name).to_string();
        parts.iter().for_each(|part| assert!(what.contains(part) && !what.contains('\n'), "{name}: no `{part}` in `{what}`"));
    };
    refused("kinds.h5", &["kinds.h5", "the array of `subjects` is", "two axes are expected"]);
    refused("refused.h5", &["refused.h5", "bfloat16", "laid out in an unusual way"]);
    refused("level5.mat", &["level5.mat"]);
    refused("cohort.h5:/nothing", &["no array `nothing`", "rest/sub-01 [20, 5]"]);
    refused("cohort.mat:nothing", &["no array `nothing`"]);
    refused("none.h5", &["none.h5", "cannot be read"]);
    let other = read_cohort(path("wrong.tex"), Layout::TimeRegions);
    assert_says(other, &path("wrong.tex"), &["not a file of series by its extension"]);
    assert!(Cohort { subjects: Vec::<(String, Series)>::new() }.frames().is_err());
}
