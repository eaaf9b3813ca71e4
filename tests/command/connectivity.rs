//! `tapetum connectivity` on every kind of file, compared with the formulas in f64.

use super::run::{Done, Folder, done, f32s, npy, read_f32};
use crate::common::golden::worst;
use half::f16;
use serde_json::json;

const FRAMES: usize = 37;
const REGIONS: usize = 5;

/// A region's series of a subject: quarters below 512, which f16 holds exactly.
fn series(subject: usize, region: usize) -> Vec<f64> {
    let value = |t: usize| {
        let own = (t * t * (region + 2) + 31 * subject + 7 * region) % 101;
        100.0 * region as f64 + own as f64 / 4.0 + ((3 * t + subject) % 17) as f64
    };
    (0..FRAMES).map(value).collect()
}

/// The values of some subjects as a file holds them, row-major.
fn values(subjects: usize, regions_first: bool) -> Vec<f64> {
    let mut out = Vec::new();
    for s in 0..subjects {
        let rows: Vec<_> = (0..REGIONS).map(|r| series(s, r)).collect();
        if regions_first {
            out.extend(rows.concat());
        } else {
            out.extend((0..FRAMES).flat_map(|t| rows.iter().map(move |row| row[t])));
        }
    }
    out
}

fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (n - 1.0)
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    covariance(x, y) / (covariance(x, x) * covariance(y, y)).sqrt()
}

fn fisher_z(x: &[f64], y: &[f64]) -> f64 {
    if x == y { 0.0 } else { correlation(x, y).atanh() }
}

type Entry = fn(&[f64], &[f64]) -> f64;

const KINDS: [(&str, Entry); 3] =
    [("--kind covariance", covariance), ("--kind correlation", correlation), ("--kind correlation --fisher-z", fisher_z)];

/// Asserts that the matrices in `out.npy` equal the definition within `tolerance` times the largest entry.
#[track_caller]
fn holds(folder: &Folder, subjects: Option<usize>, entry: Entry, tolerance: f64) {
    let shape: Vec<usize> = subjects.into_iter().chain([REGIONS, REGIONS]).collect();
    let found = read_f32(folder.0.join("out.npy"), &shape);
    let mut wanted = Vec::new();
    for s in 0..subjects.unwrap_or(1) {
        wanted.extend((0..REGIONS * REGIONS).map(|k| entry(&series(s, k / REGIONS), &series(s, k % REGIONS))));
    }
    let scale = wanted.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    let worst = worst(found.iter().zip(&wanted).map(|(f, w)| (f - w).abs() / scale));
    assert!(worst <= tolerance, "{worst:.1e}");
}

#[test]
fn connectivity_of_arrays_of_every_type_and_layout() {
    let folder = Folder::new("arrays");
    for subjects in [None, Some(3)] {
        for layout in ["time-regions", "regions-time"] {
            let x = values(subjects.unwrap_or(1), layout == "regions-time");
            let rows = if layout == "regions-time" { [REGIONS, FRAMES] } else { [FRAMES, REGIONS] };
            let shape: Vec<usize> = subjects.into_iter().chain(rows).collect();
            let half: Vec<u8> = x.iter().flat_map(|&x| f16::from_f64(x).to_le_bytes()).collect();
            let single = f32s(&x.iter().map(|&x| x as f32).collect::<Vec<_>>());
            let double: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
            for (descr, data) in [("<f2", half), ("<f4", single), ("<f8", double)] {
                folder.file("in.npy", npy(descr, &shape, &data));
                for (kind, entry) in KINDS {
                    let json = folder.run(&format!("connectivity in.npy -o out.npy {kind} --layout {layout} --device cpu --json")).json();
                    assert_eq!((&json["frames"], &json["regions"]), (&json!(FRAMES), &json!(REGIONS)), "{json}");
                    assert_eq!((&json["subjects"], &json["warnings"]), (&json!(subjects.unwrap_or(1)), &json!([])), "{json}");
                    holds(&folder, subjects, entry, 1e-6);
                }
            }
        }
    }
}

/// Lines of cells.
fn table(rows: &[Vec<String>], separator: &str, end: &str) -> String {
    rows.iter().map(|row| row.join(separator) + end).collect()
}

#[test]
fn connectivity_of_tables() {
    let folder = Folder::new("tables");
    let regions: Vec<Vec<f64>> = (0..REGIONS).map(|r| series(0, r)).collect();
    let frames: Vec<Vec<String>> = (0..FRAMES).map(|t| regions.iter().map(|x| x[t].to_string()).collect()).collect();
    let header: Vec<String> = (0..REGIONS).map(|r| format!("V{r}")).collect();
    let headed: Vec<Vec<String>> = [header].into_iter().chain(frames.clone()).collect();
    let turned: Vec<Vec<String>> = regions.iter().map(|x| x.iter().map(f64::to_string).collect()).collect();
    let cases = [
        ("bare.csv", table(&frames, ",", "\n"), ""),
        ("headed.csv", table(&headed, ", ", "\n"), ""),
        ("bare.tsv", table(&frames, "\t", "\n"), ""),
        ("headed.TSV", format!("\u{feff}{}", table(&headed, "\t", "\r\n")), ""),
        ("turned.csv", table(&turned, ",", "\n"), "--layout regions-time"),
    ];
    for (name, text, layout) in cases {
        folder.file(name, text);
        for (kind, entry) in KINDS {
            let line = format!("connectivity {name} -o out.npy {kind} {layout} --device cpu");
            let done = folder.run(&line);
            assert_eq!((done.code, done.stderr.as_str()), (Some(0), "device: cpu\n"), "{line}: {done:?}");
            assert_eq!(done.stdout, "37 frames, 5 regions -> out.npy f32[5, 5]\n", "{line}");
            holds(&folder, None, entry, 1e-6);
        }
    }
}

/// Fails where there is no Vulkan, Metal or DX12 adapter at all; the README says how to get one.
#[test]
fn connectivity_on_an_adapter_by_name_and_by_index() {
    let folder = Folder::new("adapter");
    let x: Vec<f32> = values(2, false).into_iter().map(|x| x as f32).collect();
    folder.file("in.npy", npy("<f4", &[2, FRAMES, REGIONS], &f32s(&x)));
    let devices = folder.run("devices --json").json();
    let adapter = devices["adapters"].as_array().unwrap().iter().find(|a| a["usable"] == json!(true)).expect("a usable adapter");
    let name = adapter["name"].as_str().unwrap();
    let part = name.split_whitespace().next().unwrap().to_uppercase();
    for device in [part, adapter["index"].to_string()] {
        for (kind, entry) in KINDS {
            let done = folder.run(&format!("connectivity in.npy -o out.npy {kind} --device {device} --json"));
            assert_eq!(done.json()["device"], json!(name), "{device}");
            assert!(done.stderr.starts_with(&format!("device: {name} (")), "{done:?}");
            holds(&folder, Some(2), entry, 5e-6);
        }
    }
}

#[test]
fn the_device_is_the_flag_else_the_environment_else_auto() {
    let folder = Folder::new("device");
    folder.file("in.npy", npy("<f4", &[3, 2], &f32s(&[1.0, 2.0, 2.0, 1.0, 4.0, 0.0])));
    let run = |variable: &str, flag: &str| {
        let line = format!("connectivity in.npy -o out.npy {flag}");
        done(folder.command(line.split_whitespace()).env("TAPETUM_DEVICE", variable).output().unwrap())
    };
    assert_eq!(run("cpu", "").stderr, "device: cpu\n");
    assert_eq!(run("nosuch", "--device cpu").stderr, "device: cpu\n");
    run("nosuch", "").failed(&["TAPETUM_DEVICE=nosuch", "none is called `nosuch`", "`cpu`"]);
    let auto = folder.run("connectivity in.npy -o out.npy --json").json();
    for (variable, flag) in [("", ""), ("auto", ""), ("nosuch", "--device AUTO")] {
        assert_eq!(run(variable, &format!("{flag} --json")).json(), auto, "{variable} {flag}");
    }
}

/// Warnings are on standard error, a line each, and in the object.
#[track_caller]
fn warned(done: &Done, parts: &[&str]) {
    let found: Vec<String> = done.json()["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect();
    let lines: Vec<&str> = done.stderr.lines().filter(|l| l.starts_with("warning: ")).collect();
    assert_eq!((found.len(), lines.len()), (parts.len(), parts.len()), "{done:?}");
    for ((part, warning), line) in parts.iter().zip(&found).zip(lines) {
        assert!(warning.contains(part) && line.ends_with(warning), "no `{part}`: {done:?}");
    }
}

#[test]
fn doubtful_series_are_warned_about() {
    let folder = Folder::new("warnings");
    let run = |name: &str| folder.run(&format!("connectivity {name} -o out.npy --device cpu --json"));

    folder.file("wide.npy", npy("<f4", &[2, 3], &f32s(&[1.0, 2.0, 3.0, 3.0, 2.5, 1.0])));
    warned(&run("wide.npy"), &["fewer frames (2) than regions (3)"]);
    folder.file("flat.csv", "Left,Right,Mid\n1,5,2\n2,5,1\n3,5,7\n");
    warned(&run("flat.csv"), &["constant series get zeros: `Right`"]);
    folder.file("counted.csv", "0,1,2\n5,1,3\n2,5,1\n3,6,7\n");
    warned(&run("counted.csv"), &["first row counts the columns"]);
    folder.file("typo.csv", "1.5,2.O,3\n5,1,3\n2,5,1\n3,6,7\n");
    warned(&run("typo.csv"), &["read as a header"]);

    // Exactly the rows whose diagonal is zero are named; here one row is constant up to rounding.
    let rows = [[1000.0, 1_000.000_1, 1000.0, 1_000.000_1], [1000.0, 1000.1, 1000.0, 1000.1], [2.0, 2.0, 2.0, 2.0], [1.0, 3.0, 2.0, 5.0]];
    let rows: Vec<f32> = rows.concat();
    folder.file("nearly.npy", npy("<f4", &[1, 4, 4], &f32s(&rows)));
    let done = folder.run("connectivity nearly.npy -o out.npy --layout regions-time --device cpu --json");
    warned(&done, &["subject 0 region 0 (counted from 0), subject 0 region 2"]);
    let found = read_f32(folder.0.join("out.npy"), &[1, 4, 4]);
    assert_eq!([0, 1, 2, 3].map(|i| found[5 * i]), [0.0, 1.0, 0.0, 1.0]);
}

/// Three regions in units that make numbers large or small: times 2 to this power, which changes no digit.
fn scaled(folder: &Folder, power: i32, kind: &str) -> Done {
    let rows: Vec<f32> = (0..3).flat_map(|r| series(0, r)).map(|x| (x * 2f64.powi(power)) as f32).collect();
    folder.file("in.npy", npy("<f4", &[3, FRAMES], &f32s(&rows)));
    folder.run(&format!("connectivity in.npy -o out.npy --kind {kind} --layout regions-time --device cpu --json"))
}

#[track_caller]
fn scaled_holds(folder: &Folder, entry: Entry, scale: f64) {
    let found = read_f32(folder.0.join("out.npy"), &[3, 3]);
    let wanted: Vec<f64> = (0..9).map(|k| entry(&series(0, k / 3), &series(0, k % 3)) * scale).collect();
    let largest = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    assert!(found.iter().zip(&wanted).all(|(f, w)| (f - w).abs() <= 1e-6 * largest), "{found:?} {wanted:?}");
}

/// A correlation does not depend on units. A covariance does; where f32 cannot hold it, there is an error and not a matrix of NaN or zeros.
#[test]
fn units_that_make_numbers_large_or_small() {
    let folder = Folder::new("scale");
    for power in [-100, -73, -50, 60, 116] {
        scaled(&folder, power, "correlation").json();
        scaled_holds(&folder, correlation, 1.0);
    }
    for power in [-50, 50] {
        scaled(&folder, power, "covariance").json();
        scaled_holds(&folder, covariance, 2f64.powi(2 * power));
    }
    std::fs::remove_file(folder.0.join("out.npy")).unwrap();
    scaled(&folder, 100, "covariance").failed(&["in.npy", "too large", "covariance"]);
    scaled(&folder, -73, "covariance").failed(&["in.npy", "too small", "covariance"]);
    assert_eq!(folder.names(), ["in.npy"]);
}
