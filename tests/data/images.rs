//! NIfTI images as nibabel writes them, series by an atlas, and archives of arrays.

use crate::common::folder::Folder;
use base64::Engine;
use serde_json::Value;
use std::io::Write;
use tapetum::data::{Layout, MapSeries, Resample, SeriesOptions, npy_bytes};
use tapetum::data::{atlas_series, read_nifti, read_npz, read_series};
use tapetum::{Error, HostTensor};

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/images.json")).unwrap()
}

fn decoded(text: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn numbers(json: &Value) -> Vec<f64> {
    match json {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

/// f32 holds what nibabel reads in f64, and the affine's f32 words, to half a unit in the last place.
fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0)
}

#[test]
fn images_are_what_nibabel_reads() {
    let folder = Folder::new("read");
    for (name, case) in golden()["images"].as_object().unwrap() {
        let extension = if case["zipped"] == true { "nii.gz" } else { "nii" };
        let image = read_nifti(folder.file(&format!("image.{extension}"), decoded(&case["file"]))).unwrap();
        assert_eq!(image.extents.map(|n| n as f64).to_vec(), numbers(&case["extents"]), "{name}");
        let values = numbers(&case["values"]);
        assert_eq!(image.values().len(), values.len(), "{name}");
        assert!(image.values().iter().zip(&values).all(|(&a, &b)| near(a, b)), "{name}");
        let lies = image.affine.as_flattened().iter().zip(numbers(&case["affine"])).all(|(&a, b)| near(a, b));
        assert!(lies, "{name}: {:?}", image.affine);
    }
}

#[test]
fn regions_are_means_over_labels_and_maps() {
    let folder = Folder::new("atlas");
    let golden = golden();
    let image = folder.file("image.nii", decoded(&golden["images"]["float32"]["file"]));
    for (atlas, names) in [("labels", vec!["5", "10", "15"]), ("maps", vec!["0", "1"])] {
        let extension = if atlas == "labels" { "nii.gz" } else { "nii" };
        let file = folder.file(&format!("{atlas}.{extension}"), decoded(&golden[atlas]));
        let options = SeriesOptions { maps: MapSeries::WeightedMean, ..SeriesOptions::default().with_atlas(file) };
        let series = read_series(&image, options).unwrap();
        assert_eq!(series.names.unwrap(), names);
        let wanted = numbers(&golden[&format!("of {atlas}")]);
        assert_eq!(*series.values.shape(), [names.len(), 6]);
        assert!(series.values.to_f64_vec().iter().zip(&wanted).all(|(&a, &b)| near(a, b)), "{atlas}");
    }
}

/// One file's error, and what it says.
#[track_caller]
fn refused<T: std::fmt::Debug>(found: Result<T, Error>, parts: &[&str]) {
    let text = found.unwrap_err().to_string();
    parts.iter().for_each(|part| assert!(text.contains(part), "no `{part}`: {text}"));
}

#[test]
fn other_images_are_refused() {
    let folder = Folder::new("refused");
    let golden = golden();
    let bytes = decoded(&golden["images"]["float32"]["file"]);
    let image = folder.file("image.nii", &bytes);
    let cut = folder.file("cut.nii", &bytes[..bytes.len() - 8]);
    refused(read_nifti(&cut), &["cut.nii", "a NIfTI image expected"]);
    refused(read_nifti(folder.file("text.nii", b"no image")), &["text.nii", "a NIfTI image expected"]);
    refused(read_nifti(folder.0.join("none.nii.gz")), &["none.nii.gz"]);
    refused(read_series(&image, Layout::TimeRegions), &["image.nii", "an atlas"]);
    // Values that are not whole numbers cannot be labels.
    let first = folder.file("first.nii", &{
        let mut one = bytes.clone();
        one[48..50].copy_from_slice(&1u16.to_le_bytes());
        one.truncate(352 + 4 * 60);
        one
    });
    refused(atlas_series(&image, &first), &["first.nii", "whole numbers"]);
    let moved = folder.file("moved.nii", &{
        let mut labels = decoded(&golden["images"]["int16, big endian"]["file"]);
        labels[280..284].copy_from_slice(&(-2.0f32).to_be_bytes());
        labels
    });
    let never = SeriesOptions { resample: Resample::Never, ..SeriesOptions::default().with_atlas(moved) };
    refused(read_series(&image, never), &["moved.nii", "another grid", "--resample never"]);
    let nan = folder.file("nan.nii", &{
        let mut bytes = bytes.clone();
        (0..60).for_each(|voxel| bytes[352 + 4 * voxel..][..4].copy_from_slice(&f32::NAN.to_le_bytes()));
        bytes
    });
    let labels = folder.file("labels.nii.gz", decoded(&golden["labels"]));
    refused(atlas_series(&nan, &labels), &["labels.nii.gz", "no region", "nan.nii", "NaN"]);
}

/// A `.npz` archive of arrays: stored, as `numpy.savez` does, or deflated, as `numpy.savez_compressed` does.
fn npz(arrays: &[(&str, HostTensor)], deflated: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, array) in arrays {
        let method = if deflated { rawzip::CompressionMethod::DEFLATE } else { rawzip::CompressionMethod::STORE };
        let (mut entry, config) = archive.new_file(format!("{name}.npy")).compression_method(method).start().unwrap();
        let descriptor = if deflated {
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(&npy_bytes(array).unwrap()).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(&npy_bytes(array).unwrap()).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

#[test]
fn archives_hold_arrays_by_name() {
    let folder = Folder::new("npz");
    let of = |shape: [usize; 2], from: f32| HostTensor::f32(shape, (0..shape[0] * shape[1]).map(|i| from + i as f32).collect()).unwrap();
    let (a, b) = (of([3, 2], 1.0), of([2, 2], -4.0));
    let one = folder.file("one.npz", npz(&[("anything", a.clone())], false));
    assert_eq!(read_npz(&one, None).unwrap(), a);
    assert_eq!(*read_series(&one, Layout::TimeRegions).unwrap().values.shape(), [2, 3]);
    let two = folder.file("two.npz", npz(&[("other", a.clone()), ("series", b.clone())], true));
    assert_eq!((read_npz(&two, None).unwrap(), read_npz(&two, Some("other")).unwrap()), (b, a.clone()));
    refused(read_npz(&two, Some("third")), &["two.npz", "no array `third`", "other, series"]);
    let open = folder.file("open.npz", npz(&[("x", a.clone()), ("y", a)], false));
    refused(read_npz(&open, None), &["open.npz", "it has x, y"]);
    refused(read_npz(folder.file("text.npz", b"no archive"), None), &["text.npz", "a .npz archive expected"]);
}
