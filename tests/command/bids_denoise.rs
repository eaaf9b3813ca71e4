//! `tapetum denoise --bids`, against nilearn's `load_confounds` and `NiftiLabelsMasker` (`tests/goldens/make_bids.py`).

use super::bids::{close, golden};
use super::run::Folder;
use crate::common::golden::numbers;
use base64::Engine;
use serde_json::Value;
use std::fs;

/// An image of fMRIPrep with the confounds beside it is as clean as nilearn makes it with the confounds that it finds beside it.
#[test]
fn an_image_is_cleaned_by_the_confounds_beside_it() {
    let (folder, golden) = (Folder::new("bids-denoise"), golden());
    let bold = &golden["bold"];
    let decoded = |text: &Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
    let run = "prep/sub-01/func/sub-01_task-rest_run-1";
    let image = format!("{run}_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold");
    folder.put(&format!("{image}.nii.gz"), decoded(&bold["image"]));
    folder.put(&format!("{run}_desc-confounds_timeseries.tsv"), bold["confounds"].as_str().unwrap());
    folder.put("prep/task-rest_bold.json", r#"{"RepetitionTime": 0.8}"#);
    folder.file("atlas-Four_dseg.nii.gz", decoded(&bold["atlas"]));
    let formula = "(dd1(rps))^^2+wm+csf";
    let line = |more: &str| folder.run(&format!("denoise --bids prep --atlas atlas-Four_dseg.nii.gz -o clean --device cpu --json {more}"));
    let done = line(&format!("--formula {formula}"));
    let json = done.json();
    let result = &json["results"][0];
    let path = "clean/sub-01/func/sub-01_task-rest_run-1_space-MNI152NLin2009cAsym_seg-Four_res-2_stat-mean_desc-denoised_timeseries";
    assert_eq!(result["out"], format!("{path}.tsv"));
    assert_eq!(result["confounds"], format!("{run}_desc-confounds_timeseries.tsv"));
    assert_eq!(result["columns"].as_array().unwrap().len(), bold["columns"].as_array().unwrap().len());
    let text = fs::read_to_string(folder.0.join(format!("{path}.tsv"))).unwrap();
    let found: Vec<f64> = text.lines().skip(1).flat_map(|l| l.split('\t').map(|x| x.parse().unwrap()).collect::<Vec<f64>>()).collect();
    let wanted = numbers(&bold["expected"]["data"]);
    let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    close(&found.iter().map(|x| x / scale).collect::<Vec<_>>(), &wanted.iter().map(|x| x / scale).collect::<Vec<_>>(), 3e-6);
    let sidecar: Value = serde_json::from_str(&fs::read_to_string(folder.0.join(format!("{path}.json"))).unwrap()).unwrap();
    assert_eq!((&sidecar["RepetitionTime"], &sidecar["Denoising"]["Formula"]), (&0.8.into(), &formula.into()));
    assert_eq!(sidecar["Sources"].as_array().unwrap().len(), 2);

    // The band needs the time from frame to frame: that of the sidecar, at which 0.6 Hz is below the Nyquist frequency of 0.625 Hz.
    assert_eq!(line("--strategy motion6 --band 0.01 0.6").code, Some(0));
    line("--strategy motion6 --band 0.01 0.63").failed(&["Nyquist frequency 0.625"]);
    let warned = line("--strategy motion6 --band 0.01 0.1 --tr 2");
    assert!(warned.stderr.contains("--tr 2 is taken, where 0.8 s are stated"), "{warned:?}");
    fs::remove_file(folder.0.join("prep/task-rest_bold.json")).unwrap();
    let open = line("--strategy motion6 --band 0.01 0.1");
    // The image's own header gives 0.8 s, where headers are read.
    assert!(open.code == Some(0) || open.stderr.contains("--tr S is expected"), "{open:?}");
    // Confounds in another tree.
    fs::create_dir_all(folder.0.join("other/sub-01/func")).unwrap();
    let name = "sub-01/func/sub-01_task-rest_run-1_desc-confounds_timeseries.tsv";
    fs::rename(folder.0.join("prep").join(name), folder.0.join("other").join(name)).unwrap();
    line("--strategy motion6").failed(&["sub-01_task-rest_run-1_desc-confounds_timeseries.tsv is expected"]);
    assert_eq!(line("--strategy motion6 --confounds other").json()["results"][0]["confounds"], format!("other/{name}"));
    assert_eq!(line("--none").json()["results"][0]["rank"], 1);
    // One resolution of two.
    let two = image.replace("res-2", "res-1");
    fs::copy(folder.0.join(format!("{image}.nii.gz")), folder.0.join(format!("{two}.nii.gz"))).unwrap();
    line("--none").failed(&["prep: ", "sub-01", "`res`", "1, 2", "--entity res-VALUE"]);
    assert_eq!(line("--none --entity res-1").code, Some(0));
}
