//! Series of an atlas' regions: on other grids, of maps and of labels, with the values that nilearn gives.

use crate::common::folder::Folder;
use crate::common::image::nifti;
use base64::Engine;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tapetum::data::{MapSeries, NiftiReader, Resample, Series, SeriesOptions, atlas_series, read_nifti, read_series};
use tapetum::{Error, Result};

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/atlases.json")).unwrap()
}

fn file(folder: &Folder, name: &str, text: &Value) -> PathBuf {
    folder.file(name, base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap())
}

/// The series of each region, `None` for one without values.
fn rows(json: &Value) -> Vec<Option<Vec<f64>>> {
    serde_json::from_value(json.clone()).unwrap()
}

fn by_maps(image: &Path, atlas: &Path, maps: MapSeries) -> Result<Series> {
    read_series(image, SeriesOptions { maps, ..SeriesOptions::default().with_atlas(atlas) })
}

#[track_caller]
fn holds(series: &Series, wanted: &Value, what: &str) {
    let wanted = rows(wanted);
    let frames = wanted.iter().flatten().next().unwrap().len();
    assert_eq!(*series.values.shape(), [wanted.len(), frames], "{what}");
    assert_eq!(series.missing, wanted.iter().map(Option::is_none).collect::<Vec<_>>(), "{what}");
    let found = series.values.to_f64_vec();
    for (i, (found, wanted)) in found.chunks(frames).zip(&wanted).enumerate() {
        let wanted = wanted.clone().unwrap_or(vec![0.0; frames]);
        let near = found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0));
        assert!(near, "{what}, region {i}: {found:?} where {wanted:?} is expected");
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(found: Result<T, Error>, parts: &[&str]) {
    let text = found.unwrap_err().to_string();
    parts.iter().for_each(|part| assert!(text.contains(part), "no `{part}`: {text}"));
}

#[test]
fn labels_on_another_grid_are_taken_as_nilearn_takes_them() {
    let (golden, folder) = (golden(), Folder::new("grids"));
    for (name, case) in golden["labels"].as_object().unwrap() {
        let image = file(&folder, "image.nii.gz", &golden["images"][case["image"].as_str().unwrap()]);
        let atlas = file(&folder, "atlas.nii.gz", &case["atlas"]);
        let series = atlas_series(&image, &atlas).unwrap();
        let labels: Vec<u64> = serde_json::from_value(case["labels"].clone()).unwrap();
        assert_eq!(series.names.clone().unwrap(), labels.iter().map(u64::to_string).collect::<Vec<_>>(), "{name}");
        holds(&series, &case["values"], name);
        let same = name == "the same grid";
        assert_eq!(series.remarks.iter().filter(|r| r.contains("another grid") && r.contains("nearest voxel")).count(), usize::from(!same));
        let never = SeriesOptions { resample: Resample::Never, ..SeriesOptions::default().with_atlas(&atlas) };
        match same {
            true => assert_eq!(read_series(&image, never).unwrap(), series),
            false => refused(read_series(&image, never), &["atlas.nii.gz", "another grid", "image.nii.gz", "--resample never"]),
        }
    }
}

#[test]
fn maps_are_fitted_or_averaged_as_nilearn_does() {
    let (golden, folder) = (golden(), Folder::new("maps"));
    for (name, case) in golden["maps"].as_object().unwrap() {
        let image = file(&folder, "image.nii.gz", &golden["images"][case["image"].as_str().unwrap()]);
        let atlas = file(&folder, "atlas.nii.gz", &case["atlas"]);
        let series = by_maps(&image, &atlas, MapSeries::LeastSquares).unwrap();
        holds(&series, &case["least squares"], name);
        assert!(series.remarks.iter().any(|r| r.contains("least-squares")), "{:?}", series.remarks);
        assert_eq!(series, atlas_series(&image, &atlas).unwrap());
        // Weights below 0 make no weighted mean.
        refused(by_maps(&image, &atlas, MapSeries::WeightedMean), &["atlas.nii.gz", "weights from 0 on", "in map 0"]);
        let positive = file(&folder, "positive.nii.gz", &case["positive"]);
        let series = by_maps(&image, &positive, MapSeries::WeightedMean).unwrap();
        holds(&series, &case["weighted means"], name);
        assert!(series.remarks.iter().any(|r| r.contains("weighted-mean")), "{:?}", series.remarks);
    }
}

#[test]
fn voxels_that_are_never_a_number_are_left_out() {
    let (golden, folder) = (golden(), Folder::new("outside"));
    let case = &golden["outside"];
    let image = file(&folder, "image.nii.gz", &case["image"]);
    let series = atlas_series(&image, file(&folder, "atlas.nii.gz", &case["atlas"])).unwrap();
    holds(&series, &case["values"], "labels");
    assert!(series.remarks.iter().any(|r| r.contains("NaN at every frame")), "{:?}", series.remarks);
    assert!(series.missing_warning().unwrap().contains("`2`"));
    let maps = file(&folder, "maps.nii.gz", &case["maps"]);
    holds(&by_maps(&image, &maps, MapSeries::LeastSquares).unwrap(), &case["least squares"], "least squares");
    holds(&by_maps(&image, &maps, MapSeries::WeightedMean).unwrap(), &case["weighted means"], "weighted means");
}

/// Four voxels over three frames; voxel `v` at frame `t` is 10 v + t².
fn small() -> Vec<f32> {
    (0..12).map(|i| 10.0 * (i % 4) as f32 + ((i / 4) * (i / 4)) as f32).collect()
}

#[test]
fn values_that_are_not_finite_are_refused_where_they_are() {
    let folder = Folder::new("finite");
    let atlas = folder.file("atlas.nii", nifti(&[4, 1, 1], &[1.0, 1.0, 2.0, 0.0]));
    let read = |changes: &[(usize, f32)]| {
        let mut values = small();
        changes.iter().for_each(|(at, x)| values[*at] = *x);
        atlas_series(folder.file("bold.nii", nifti(&[4, 1, 1, 3], &values)), &atlas)
    };
    assert_eq!(read(&[]).unwrap().values.to_f64_vec(), [5.0, 6.0, 9.0, 20.0, 21.0, 24.0]);
    // The background may be anything.
    assert!(read(&[(3, f32::NAN), (11, f32::INFINITY)]).is_ok());
    let one_out = read(&[(0, f32::NAN), (4, f32::NAN), (8, f32::NAN)]).unwrap();
    assert_eq!(one_out.values.to_f64_vec(), [10.0, 11.0, 14.0, 20.0, 21.0, 24.0]);
    refused(read(&[(5, f32::NAN)]), &["bold.nii", "voxel [1, 0, 0]", "frame 1", "NaN at every frame"]);
    refused(read(&[(0, f32::NAN)]), &["bold.nii", "voxel [0, 0, 0] is NaN at frame 0", "at frame 1"]);
    refused(read(&[(0, f32::NAN), (4, f32::NAN), (8, f32::INFINITY)]), &["voxel [0, 0, 0] is NaN at frame 0", "inf", "at frame 2"]);
    refused(read(&[(10, f32::NEG_INFINITY)]), &["voxel [2, 0, 0] at frame 2", "-inf"]);
    let all: Vec<(usize, f32)> = (0..12).map(|at| (at, f32::NAN)).collect();
    refused(read(&all), &["atlas.nii", "no region", "bold.nii", "NaN"]);
}

#[test]
fn atlases_that_do_not_fit_are_refused() {
    let folder = Folder::new("unfit");
    let image = folder.file("bold.nii", nifti(&[4, 1, 1, 3], &small()));
    let by = |name: &str, bytes: Vec<u8>| atlas_series(&image, folder.file(name, bytes));
    // NaN is background in an atlas.
    let background = by("nan.nii", nifti(&[4, 1, 1], &[f32::NAN, 3.0, 0.0, f32::NAN])).unwrap();
    assert_eq!((background.names.unwrap(), background.values.to_f64_vec()), (vec!["3".to_owned()], vec![10.0, 11.0, 14.0]));
    refused(by("empty.nii", nifti(&[4, 1, 1], &[0.0; 4])), &["empty.nii", "one label above 0"]);
    refused(by("half.nii", nifti(&[4, 1, 1], &[0.5, 1.0, 2.0, 3.0])), &["half.nii", "whole numbers", "0.5"]);
    refused(by("minus.nii", nifti(&[4, 1, 1], &[-1.0, 1.0, 2.0, 3.0])), &["minus.nii", "whole numbers", "-1"]);
    refused(
        by("infinite.nii", nifti(&[4, 1, 1, 2], &[1.0, 0.0, f32::INFINITY, 0.0, 1.0, 1.0, 1.0, 1.0])),
        &["infinite.nii", "map 0", "inf"],
    );
    let twice = [1.0, 0.5, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0];
    refused(by("twice.nii", nifti(&[4, 1, 1, 2], &twice)), &["twice.nii", "map 1", "combination", "weighted-mean"]);
    // A map without a voxel has no value; the others are fitted without it.
    let one = by("one.nii", nifti(&[4, 1, 1, 2], &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0])).unwrap();
    assert_eq!((one.missing.clone(), one.values.to_f64_vec()), (vec![true, false], vec![0.0, 0.0, 0.0, 10.0, 10.5, 12.0]));
    // One that lies a metre away, and one whose affine is no map.
    let placed = |at: usize, x: f32| {
        let mut bytes = nifti(&[4, 1, 1], &[1.0, 1.0, 2.0, 2.0]);
        bytes[at..at + 4].copy_from_slice(&x.to_le_bytes());
        bytes
    };
    refused(by("away.nii", placed(292, 1000.0)), &["away.nii", "no region", "lie elsewhere"]);
    refused(by("flat.nii", placed(280, 0.0)), &["flat.nii", "affine"]);
    refused(by("nan.nii", placed(292, f32::NAN)), &["nan.nii", "affine"]);
    refused(atlas_series(folder.0.join("none.nii"), folder.0.join("none.nii")), &["none.nii"]);
    refused(atlas_series(&folder.0, &image), &["a folder"]);
}

#[test]
fn images_are_read_frame_by_frame() {
    let folder = Folder::new("frames");
    let bytes = nifti(&[4, 1, 1, 3], &small());
    let path = folder.file("bold.nii", &bytes);
    let mut reader = NiftiReader::open(&path).unwrap();
    assert_eq!((reader.extents(), reader.affine()), ([4, 1, 1, 3], read_nifti(&path).unwrap().affine));
    let frames: Vec<Vec<f64>> = reader.frames().collect::<Result<_>>().unwrap();
    assert_eq!(frames.concat(), read_nifti(&path).unwrap().values());
    assert!(reader.frames().next().is_none());
    // A gzipped file that ends too early gives the frames before its end, then one error.
    let packed = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&bytes[..bytes.len() - 4]).unwrap();
        encoder.finish().unwrap()
    };
    let short = folder.file("short.nii.gz", &packed);
    let mut reader = NiftiReader::open(&short).unwrap();
    let read: Vec<Result<Vec<f64>>> = reader.frames().collect();
    assert_eq!((read.len(), read[0].is_ok(), read[1].is_ok()), (3, true, true));
    refused(read.into_iter().last().unwrap(), &["short.nii.gz", "cut short: 44 bytes", "take 48"]);
    refused(read_nifti(&short), &["short.nii.gz", "cut short: 44 bytes"]);
    // A header that claims more than there is costs nothing.
    let claims = nifti(&[32_000, 32_000, 1, 32_000], &small());
    refused(NiftiReader::open(folder.file("claims.nii", &claims)), &["claims.nii", "cut short: 48 bytes"]);
}

#[test]
fn the_repetition_time_is_that_of_the_header_or_the_sidecar() {
    let folder = Folder::new("step");
    let atlas = folder.file("atlas.nii", nifti(&[4, 1, 1], &[1.0, 1.0, 2.0, 0.0]));
    let read = |spacing: f32, unit: u8| {
        let mut bytes = nifti(&[4, 1, 1, 3], &small());
        bytes[92..96].copy_from_slice(&spacing.to_le_bytes());
        bytes[123] = unit;
        let series = atlas_series(folder.file("bold.nii", bytes), &atlas).unwrap();
        (series.step, series.remarks.join("; "))
    };
    const MILLIMETRES: u8 = 2;
    for (spacing, unit, step, remark) in [
        (0.72, 8, Some(0.72), ""),
        (1.0, 8, Some(1.0), ""),
        (720.0, 16, Some(0.72), ""),
        (2_500_000.0, 24, Some(2.5), ""),
        (0.0, 8, None, ""),
        (f32::NAN, 8, None, ""),
        (f32::INFINITY, 8, None, ""),
        (2.0, 32, None, ""),
        (1.0, 0, None, "not taken"),
        (2000.0, 0, None, "not taken"),
        (2.0, 0, Some(2.0), "taken as seconds"),
        (2000.0, 8, Some(2000.0), "milliseconds, perhaps"),
    ] {
        let (found, remarks) = read(spacing, unit | MILLIMETRES);
        assert_eq!(found, step, "{spacing} of unit {unit}");
        assert_eq!((remarks.contains(remark), remarks.is_empty()), (true, remark.is_empty()), "{spacing} of unit {unit}: {remarks}");
    }
    folder.file("bold.json", r#"{"RepetitionTime": 0.8}"#);
    assert_eq!(read(0.8, 8), (Some(0.8), String::new()));
    assert_eq!(read(1.0, 0), (Some(0.8), String::new()));
    let (step, remarks) = read(2.0, 8);
    assert_eq!((step, remarks.contains("2 s by the header and 0.8 s by"), remarks.contains("bold.json")), (Some(0.8), true, true));
    for text in [r#"{"RepetitionTime": "2"}"#, r#"{"RepetitionTime": -2}"#, "no JSON"] {
        folder.file("bold.json", text);
        let (step, remarks) = read(2.0, 8);
        assert_eq!((step, remarks.contains("no repetition time is read from")), (Some(2.0), true), "{text}: {remarks}");
    }
    folder.file("bold.json", "{}");
    assert_eq!(read(2.0, 8), (Some(2.0), String::new()));
}
