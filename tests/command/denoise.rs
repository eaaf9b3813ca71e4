//! `tapetum denoise`, against nilearn's `signal.clean` (`tests/goldens/make_signal.py`).

use super::run::{Done, Folder, done, f32s, npy, read_f32};
use crate::common::golden::numbers;
use serde_json::Value;
use std::fs;

const FRAMES: usize = 130;
const REGIONS: usize = 5;

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/denoise.json")).unwrap()
}

/// `[regions, time]` turned.
fn turned(x: &[f64], rows: usize) -> Vec<f64> {
    let columns = x.len() / rows;
    (0..x.len()).map(|i| x[i % rows * columns + i / rows]).collect()
}

/// A folder with `series.npy`, frames first, and `confounds.tsv`.
fn folder(test: &str) -> Folder {
    let (folder, golden) = (Folder::new(test), golden());
    let series: Vec<f32> = turned(&numbers(&golden["series"]["data"]), REGIONS).into_iter().map(|x| x as f32).collect();
    folder.file("series.npy", npy("<f4", &[FRAMES, REGIONS], &f32s(&series)));
    folder.file("confounds.tsv", golden["confounds"].as_str().unwrap());
    folder
}

fn run(folder: &Folder, out: &str, arguments: &[&str]) -> Done {
    let given = ["denoise", "series.npy", "-o", out, "--confounds", "confounds.tsv", "--device", "cpu", "--json"];
    done(folder.command(given.iter().chain(arguments)).output().unwrap())
}

/// Residuals of about 1 % of the series, which lose their means in f64: what is left is f32's rounding of scores, fits and differences, and
/// of the filter's product.
const TOLERANCE: f64 = 3e-6;

#[track_caller]
fn close(found: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = found.iter().zip(wanted).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / scale;
    assert!(worst < TOLERANCE, "{what}: {worst:e} of {scale}");
}

#[test]
fn residuals_are_nilearns() {
    let (folder, golden) = (folder("denoise-golden"), golden());
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() > 8);
    for case in cases {
        let arguments: Vec<&str> = case["arguments"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let json = run(&folder, "out.npy", &arguments).json();
        let kept = case["kept"].as_array().map_or(FRAMES, Vec::len);
        let found = read_f32(folder.0.join("out.npy"), &[kept, REGIONS]);
        let wanted = turned(&numbers(&case["expected"]["data"]), REGIONS);
        close(&found, &wanted, &arguments.join(" "));
        assert_eq!((json["kept"].as_u64(), json["frames"].as_u64()), (Some(kept as u64), Some(FRAMES as u64)));
        assert_eq!(json["censored"].as_array().unwrap().len(), FRAMES - kept);
        let rank = json["rank"].as_u64().unwrap();
        assert_eq!(json["degrees_of_freedom"].as_u64(), Some(kept as u64 - rank));
        // Intercept and, where no filter follows, trend stand beside the confounds.
        let trend = arguments.contains(&"--detrend") && !arguments.contains(&"--band");
        assert_eq!(rank, 1 + u64::from(trend) + json["columns"].as_array().unwrap().len() as u64, "{arguments:?}");
    }
    assert_eq!(folder.names(), ["confounds.tsv", "out.npy", "series.npy"]);
}

#[test]
fn layouts_tables_and_means_are_kept() {
    let (folder, golden) = (folder("denoise-layout"), golden());
    run(&folder, "out.npy", &["--strategy", "gsr"]).json();
    let residual = read_f32(folder.0.join("out.npy"), &[FRAMES, REGIONS]);

    let series = numbers(&golden["series"]["data"]);
    let single: Vec<f32> = series.iter().map(|&x| x as f32).collect();
    folder.file("series.npy", npy("<f4", &[1, REGIONS, FRAMES], &f32s(&single)));
    run(&folder, "turned.npy", &["--strategy", "gsr", "--layout", "regions-time", "--keep-mean"]).json();
    let found = read_f32(folder.0.join("turned.npy"), &[REGIONS, FRAMES]);
    for (row, (found, series)) in found.chunks(FRAMES).zip(series.chunks(FRAMES)).enumerate() {
        let mean = series.iter().sum::<f64>() / FRAMES as f64;
        for (t, found) in found.iter().enumerate() {
            assert!((found - mean - residual[t * REGIONS + row]).abs() < 2e-4, "{row} {t}: rounding of 1000 in f32");
        }
    }

    let frame = |t: usize| (0..REGIONS).map(|r| single[r * FRAMES + t].to_string()).collect::<Vec<_>>().join("\t");
    let table = (0..FRAMES).map(|t| frame(t) + "\n").collect::<String>();
    folder.file("series.tsv", format!("a\tb\t\"c, d\"\te\tf\n{table}"));
    let line = "denoise series.tsv -o out.csv --confounds confounds.tsv --strategy gsr --device cpu";
    assert_eq!(folder.run(line).code, Some(0));
    let text = fs::read_to_string(folder.0.join("out.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("a,b,\"c, d\",e,f"));
    let found: Vec<f64> = lines.flat_map(|l| l.split(',').map(|x| x.parse().unwrap()).collect::<Vec<_>>()).collect();
    close(&found, &residual, "table");
}

#[test]
fn without_confounds_the_mean_goes() {
    let folder = folder("denoise-none");
    let done = run(&folder, "out.npy", &[]);
    assert_eq!(done.json()["rank"], 1);
    assert!(done.stderr.contains("no confounds were regressed out"), "{done:?}");
    let found = read_f32(folder.0.join("out.npy"), &[FRAMES, REGIONS]);
    assert!((0..REGIONS).all(|r| found.iter().skip(r).step_by(REGIONS).sum::<f64>().abs() < 1e-2));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let folder = folder("denoise-refused");
    let fails = |arguments: &[&str], parts: &[&str]| run(&folder, "out.npy", arguments).failed(parts);
    fails(&["--strategy", "acompcor"], &["confounds.tsv", "5 aCompCor components of CSF", ".json"]);
    fails(&["--columns", "csf,dust,snow"], &["no column `dust`, `snow`"]);
    fails(&["--formula", "dd1(csf"], &["confounds.tsv", "character 8"]);
    fails(&["--strategy", "36p", "--censor-fd", "0.01"], &["series.npy", "frames are kept for a model of"]);
    fails(&["--censor-fd=-1"], &["--censor-fd -1", "positive"]);
    fails(&["--strategy", "9p", "--tr", "2", "--band", "0.1", "0.01"], &["--band", "in order"]);
    fails(&["--strategy", "9p", "--tr", "2", "--band", "0.1", "0.3"], &["Nyquist frequency 0.25"]);
    run(&folder, "out.npy", &["--tr", "2"]).misused("--band");
    run(&folder, "out.npy", &["--strategy", "9p", "--columns", "csf"]).misused("cannot be used with");
    run(&folder, "out.npy", &["--strategy", "nine"]).misused("36p");
    run(&folder, "out.gii", &[]).failed(&["out.gii", ".npy"]);
    run(&folder, "confounds.tsv", &[]).failed(&["would replace"]);

    let text = golden()["confounds"].as_str().unwrap().to_owned();
    let lines: Vec<&str> = text.lines().collect();
    folder.file("confounds.tsv", lines[..100].join("\n"));
    fails(&["--strategy", "gsr"], &["99 frames", "has 130"]);
    folder.file("confounds.tsv", text.replacen(lines[3].split('\t').next().unwrap(), "much", 1));
    fails(&["--strategy", "gsr"], &["line 4", "`trans_x`", "`much`"]);
    folder.file("confounds.tsv", text.replacen("trans_y", "trans_x", 1));
    fails(&["--strategy", "gsr"], &["two columns are called `trans_x`"]);
    folder.file("confounds.tsv", lines[0]);
    fails(&["--strategy", "gsr"], &["no frames"]);
    assert_eq!(folder.names(), ["confounds.tsv", "series.npy"]);
}
