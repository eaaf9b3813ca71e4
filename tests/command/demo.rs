//! `tapetum demo`: the files it writes, its reproducibility by seed, and scores that are better than those of known parcellations.

use super::run::{Folder, names, read_f32, read_i32};
use serde_json::json;
use std::fs;
use std::path::Path;
use tapetum::data::read_npy;

const FILES: [&str; 12] = [
    "comparison.svg",
    "correlation.svg",
    "labels.npy",
    "loss.csv",
    "loss.svg",
    "memberships.npy",
    "parcel_correlation.npy",
    "parcel_order.npy",
    "parcels.label.gii",
    "parcels.svg",
    "report.html",
    "result.json",
];
const VERTICES: usize = 2562;
const USABLE: usize = 2341;
const PARCELS: usize = 200;

/// Within the mask the memberships of a vertex sum to 1 and its label is the greatest; elsewhere they are 0 and it is −1.
fn check_parcels(out: &Path) -> Vec<i32> {
    let labels = read_i32(out.join("labels.npy"), &[VERTICES]);
    let a = read_f32(out.join("memberships.npy"), &[PARCELS, VERTICES]);
    assert_eq!(labels.iter().filter(|&&l| l != -1).count(), USABLE);
    for (v, &label) in labels.iter().enumerate() {
        let column: Vec<f64> = (0..PARCELS).map(|p| a[p * VERTICES + v]).collect();
        let sum: f64 = column.iter().sum();
        match usize::try_from(label) {
            Ok(l) => {
                assert!((sum - 1.0).abs() < 1e-5 && column.iter().all(|a| *a >= 0.0), "vertex {v}: {sum}");
                assert!(column.iter().all(|a| *a <= column[l]), "vertex {v}: label {label}");
            }
            Err(_) => assert!(label == -1 && column.iter().all(|a| *a == 0.0), "vertex {v}: {label}"),
        }
    }
    labels
}

fn check_correlation(out: &Path) {
    let r = read_f32(out.join("parcel_correlation.npy"), &[PARCELS, PARCELS]);
    for i in 0..PARCELS {
        assert_eq!(r[i * PARCELS + i], 1.0, "parcel {i}");
        assert!((0..PARCELS).all(|j| r[i * PARCELS + j].abs() <= 1.0 && (r[i * PARCELS + j] - r[j * PARCELS + i]).abs() < 1e-6));
    }
    let mut order = read_i32(out.join("parcel_order.npy"), &[PARCELS]);
    order.sort_unstable();
    assert!(order.iter().enumerate().all(|(i, &parcel)| parcel as usize == i), "every parcel once");
}

fn check_pictures(out: &Path) {
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let report = read("report.html");
    for name in FILES.iter().filter(|name| name.ends_with(".svg")) {
        let svg = read(name);
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(document.root_element().tag_name().name(), "svg", "{name}");
        assert!(report.contains(svg.trim()), "{name} is not in the report");
    }
    assert!(report.starts_with("<!DOCTYPE html>") && !report.contains("src=\"http"), "a page that needs nothing else");
}

fn check_losses(out: &Path, steps: usize) {
    let text = fs::read_to_string(out.join("loss.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("step,loss"));
    let rows: Vec<(usize, f64)> =
        lines.map(|l| l.split_once(',').unwrap()).map(|(s, l)| (s.parse().unwrap(), l.parse().unwrap())).collect();
    assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), (0..steps).collect::<Vec<_>>());
    assert!(rows.iter().all(|r| r.1.is_finite() && r.1 != 0.0), "{rows:?}");
}

#[test]
fn a_short_demo_writes_what_it_should_and_a_seed_repeats_it() {
    let folder = Folder::new("demo");
    let run = |out: &str, seed: &str| {
        let done = folder.run(&format!("demo --steps 5 --device cpu --json --out {out} --seed {seed}"));
        assert_eq!(done.stderr.trim(), "device: cpu", "{done:?}");
        assert_eq!(names(&folder.0.join(out)), FILES);
        (done.json(), check_parcels(&folder.0.join(out)))
    };
    let (json, labels) = run("deep/first", "0");
    let out = folder.0.join("deep/first");
    check_correlation(&out);
    check_pictures(&out);
    check_losses(&out, 5);
    assert_eq!((&json["steps"], &json["seed"], &json["device"]), (&json!(5), &json!(0), &json!("cpu")));
    let written: serde_json::Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(written, json, "the file and standard output say the same");

    let (_, again) = run("again", "0");
    assert_eq!(again, labels, "the same seed");
    let (json, other) = run("other", "18446744073709551615");
    assert_ne!(other, labels, "another seed");
    assert_eq!(json["seed"], json!(u64::MAX));
}

#[test]
fn a_demo_that_cannot_be_written_says_so_before_it_runs() {
    let folder = Folder::new("demo-out");
    folder.file("file", "");
    folder.run("demo --device cpu --out file").failed(&["file", "cannot be made"]);
    folder.run("demo --device cpu --out file/deeper").failed(&["file/deeper", "cannot be made"]);
    folder.run("demo --device nosuch --out out").failed(&["--device nosuch"]);
    #[cfg(target_os = "linux")]
    folder.run("demo --device cpu --out /proc").failed(&["/proc", "cannot be written in"]);
    assert_eq!(folder.names(), ["file"]);
}

/// The definition: for each parcel the mean correlation over distinct pairs of its vertices, weighted by size; one vertex counts 0.
fn homogeneity(series: &[Vec<f64>], labels: &[i32]) -> f64 {
    let unit = |x: &Vec<f64>| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let norm = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>().sqrt();
        x.iter().map(|x| (x - mean) / norm).collect::<Vec<_>>()
    };
    let mut parcels = std::collections::BTreeMap::<i32, Vec<Vec<f64>>>::new();
    for (x, &l) in series.iter().zip(labels).filter(|(_, l)| **l >= 0) {
        parcels.entry(l).or_default().push(unit(x));
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let of = |rows: &Vec<Vec<f64>>| {
        let n = rows.len();
        let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let total: f64 = pairs.map(|(i, j)| dot(&rows[i], &rows[j])).sum();
        if n < 2 { 0.0 } else { n as f64 * total / (n * (n - 1) / 2) as f64 }
    };
    parcels.values().map(of).sum::<f64>() / parcels.values().map(Vec::len).sum::<usize>() as f64
}

#[test]
fn the_demo_beats_random_parcellations_and_schaefer() {
    let folder = Folder::new("demo-full");
    let json = folder.run("demo --device cpu --json --out out").json();
    check_losses(&folder.0.join("out"), 300);
    let score = |path: &str| json.pointer(path).and_then(serde_json::Value::as_f64).unwrap();
    let learnt = score("/homogeneity/learnt");
    println!("{json:#}");
    assert!(learnt > score("/homogeneity/random/best") && learnt > score("/homogeneity/schaefer") && learnt > 0.605, "{json}");
    assert_eq!(json.pointer("/homogeneity/random/parcellations"), Some(&json!(20)));

    // The scores equal those of the definition on the test frames.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let read = |name: &str| read_npy(data.join(name)).unwrap().to_f64_vec();
    let unseen: Vec<Vec<f64>> = read("fsa4_lh_bold_f16.npy").chunks_exact(652).map(|row| row[326..].to_vec()).collect();
    let labels = check_parcels(&folder.0.join("out"));
    let atlas: Vec<i32> =
        read("fsa4_lh_schaefer400.npy").iter().zip(&labels).map(|(a, l)| if *l < 0 { -1 } else { *a as i32 - 1 }).collect();
    assert!((homogeneity(&unseen, &labels) - learnt).abs() < 1e-6);
    assert!((homogeneity(&unseen, &atlas) - score("/homogeneity/schaefer")).abs() < 1e-6);
    let parcels = labels.iter().filter(|l| **l >= 0).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(json.pointer("/parcels/non_empty"), Some(&json!(parcels)));
}
