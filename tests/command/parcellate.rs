//! `tapetum parcellate`: the demo's data given as files, and what it refuses.

use super::run::{Folder, done, f32s, names, npy, read_f32, read_i32};
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(name)
}

fn run(folder: &Folder, arguments: &[&str]) -> super::run::Done {
    let (series, xyz) = (data("fsa4_lh_bold_f16.npy"), data("fsa4_lh_sphere_xyz.npy"));
    let mut command = folder.command(["parcellate"]);
    command.arg(series).arg("--coordinates").arg(xyz).args(["--layout", "regions-time", "--device", "cpu", "--json"]).args(arguments);
    done(command.output().unwrap())
}

/// Given the demo's mesh, mask and numbers, it does what the demo does.
#[test]
fn the_demos_data_give_the_demos_parcels() {
    let folder = Folder::new("parcellate-demo");
    let (mask, faces) = (data("fsa4_lh_valid_mask.npy"), data("fsa4_lh_faces.npy"));
    let (mask, faces) = (mask.to_str().unwrap(), faces.to_str().unwrap());
    run(&folder, &["--parcels", "200", "--steps", "3", "-o", "own", "--mask", mask, "--faces", faces]).json();
    folder.run("demo --steps 3 --device cpu --json --out demo").json();
    let read = |name: &str| std::fs::read(folder.0.join(name)).unwrap();
    for name in ["labels.npy", "memberships.npy", "parcel_correlation.npy", "parcel_order.npy", "loss.csv", "parcels.svg"] {
        assert!(read(&format!("own/{name}")) == read(&format!("demo/{name}")), "{name}");
    }
}

#[test]
fn without_a_mesh_neighbours_are_the_nearest() {
    let folder = Folder::new("parcellate-bare");
    let json = run(&folder, &["--parcels", "7", "--steps", "40", "-o", "out", "--hold-out", "0"]).json();
    assert!(json["homogeneity"].is_null() && json["frames"]["test"] == 0, "{json}");
    let files = [
        "correlation.svg",
        "labels.npy",
        "loss.csv",
        "loss.svg",
        "memberships.npy",
        "parcel_correlation.npy",
        "parcel_order.npy",
        "parcels.label.gii",
        "report.html",
        "result.json",
    ];
    assert_eq!(names(&folder.0.join("out")), files);
    // The medial wall's series do not vary.
    let labels = read_i32(folder.0.join("out/labels.npy"), &[2562]);
    assert!(labels.iter().all(|l| (-1..7).contains(l)) && labels.iter().filter(|l| **l >= 0).count() > 2300);
    let r = read_f32(folder.0.join("out/parcel_correlation.npy"), &[7, 7]);
    assert!((0..7).all(|i| r[i * 8] == 1.0));
    let json = run(&folder, &["--parcels", "40", "--steps", "100", "-o", "judged"]).json();
    let score = |key: &str| json["homogeneity"][key].as_f64().unwrap();
    let random = json["homogeneity"]["random"]["best"].as_f64().unwrap();
    assert!(score("learnt") > random, "{json:#}");
    assert!(json["homogeneity"]["schaefer"].is_null());
}

#[test]
fn refusals_name_the_file() {
    let folder = Folder::new("parcellate-refusals");
    let series: Vec<f32> = (0..20 * 8).map(|i| ((i * 37) % 101) as f32).collect();
    folder.file("s.npy", npy("<f4", &[20, 8], &f32s(&series)));
    let angle = |v: usize| v as f32 * 0.7;
    let xyz: Vec<f32> = (0..8).flat_map(|v| [angle(v).cos() * 100.0, angle(v).sin() * 100.0, 0.0]).collect();
    folder.file("c.npy", npy("<f4", &[8, 3], &f32s(&xyz)));
    folder.file("short.npy", npy("<f4", &[7, 3], &f32s(&xyz[..21])));
    let folded: Vec<f32> = xyz.iter().enumerate().map(|(i, x)| if i < 3 { x * 1.5 } else { *x }).collect();
    folder.file("folded.npy", npy("<f4", &[8, 3], &f32s(&folded)));
    folder.file("mask.npy", npy("<f4", &[3], &f32s(&[1.0, 1.0, 0.0])));
    folder.file("faces.csv", "0,1,8\n");
    let line = "parcellate s.npy --parcels 2 -o out --device cpu --steps 2";
    assert_eq!(folder.run(&format!("{line} --coordinates c.npy")).code, Some(0));
    for (arguments, parts) in [
        ("--coordinates none.npy", ["none.npy", "cannot be read"]),
        ("--coordinates short.npy", ["short.npy", "[8, 3] is expected"]),
        ("--coordinates folded.npy", ["folded.npy", "sphere about the origin"]),
        ("--coordinates c.npy --mask mask.npy", ["mask.npy", "[8] is expected"]),
        ("--coordinates c.npy --faces faces.csv", ["faces.csv", "from 0 to 7"]),
        ("--coordinates c.npy --hold-out 0.95", ["s.npy", "20 frames"]),
        ("--coordinates c.npy --hold-out 1", ["--hold-out 1", "below 1"]),
    ] {
        folder.run(&format!("{line} {arguments}")).failed(&parts);
    }
    folder.run("parcellate s.npy --coordinates c.npy --parcels 9 -o out --device cpu").failed(&["--parcels 9", "8 vertices"]);
    folder.run("parcellate s.npy --coordinates c.npy --parcels 0 -o out").misused("0 is not in");
}
