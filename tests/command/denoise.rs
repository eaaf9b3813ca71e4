//! `tapetum denoise`, against nilearn's `signal.clean` (`tests/goldens/make_signal.py`).

use super::run::{DEVICES, Done, Folder, done, f32s, npy, read_f32};
use crate::common::golden::{numbers, worst};
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

/// The tolerance for residuals of about 1 % of the series. Means are subtracted in f64, so the error is the f32 rounding of scores, fits
/// and differences, and of the filter's product.
const TOLERANCE: f64 = 3e-6;

#[track_caller]
fn close(found: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let scale = wanted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = worst(found.iter().zip(wanted).map(|(a, b)| (a - b).abs())) / scale;
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
        // The intercept and, where no filter follows, the trend are regressors in addition to the confounds.
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
    let done = run(&folder, "out.npy", &["--none"]);
    assert_eq!(done.json()["rank"], 1);
    assert!(done.stderr.contains("no confounds were regressed out"), "{done:?}");
    let found = read_f32(folder.0.join("out.npy"), &[FRAMES, REGIONS]);
    assert!((0..REGIONS).all(|r| found.iter().skip(r).step_by(REGIONS).sum::<f64>().abs() < 1e-2));
    // No table is needed for that.
    let line = "denoise series.npy -o bare.npy --none --device cpu";
    assert_eq!(folder.run(line).code, Some(0));
    assert_eq!(read_f32(folder.0.join("bare.npy"), &[FRAMES, REGIONS]), found);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let folder = folder("denoise-refused");
    let fails = |arguments: &[&str], parts: &[&str]| run(&folder, "out.npy", arguments).failed(parts);
    fails(&["--strategy", "acompcor"], &["confounds.tsv", "5 aCompCor components of CSF", ".json"]);
    fails(&["--columns", "csf,dust,snow"], &["no column `dust`, `snow`"]);
    fails(&["--formula", "dd1(csf"], &["confounds.tsv", "character 8"]);
    fails(&["--strategy", "36p", "--censor-fd", "0.01"], &["series.npy", "frames are kept for a model of"]);
    fails(&[], &["no confounds are chosen", "--strategy", "--none"]);
    fails(&["--detrend"], &["no confounds are chosen"]);
    folder.command(["denoise", "series.npy", "-o", "out.npy", "--strategy", "9p"]).output().map(done).unwrap().misused("--confounds");
    fails(&["--censor-fd=-1"], &["--censor-fd -1", "positive"]);
    fails(&["--strategy", "9p", "--tr", "2", "--band", "0.1", "0.01"], &["--band", "in order"]);
    fails(&["--strategy", "9p", "--tr", "2", "--band", "0.1", "0.3"], &["Nyquist frequency 0.25"]);
    fails(&["--strategy", "9p", "--band", "0.01", "0.1"], &["series.npy", "repetition time", "--tr S"]);
    run(&folder, "out.npy", &["--tr", "2"]).misused("--band");
    run(&folder, "out.npy", &["--strategy", "9p", "--columns", "csf"]).misused("cannot be used with");
    run(&folder, "out.npy", &["--strategy", "nine"]).misused("36p");
    run(&folder, "out.txt", &[]).failed(&["out.txt", ".npy"]);
    run(&folder, "confounds.tsv", &[]).failed(&["would replace"]);

    let text = golden()["confounds"].as_str().unwrap().to_owned();
    let lines: Vec<&str> = text.lines().collect();
    // A quality column may miss its first value alone.
    let cut = |name: &str, frame: usize| {
        let at = lines[0].split('\t').position(|n| n == name).unwrap();
        let without = |(i, line): (usize, &&str)| {
            let mut cells: Vec<&str> = line.split('\t').collect();
            if i == frame + 1 {
                cells[at] = "n/a";
            }
            cells.join("\t") + "\n"
        };
        lines.iter().enumerate().map(without).collect::<String>()
    };
    for (name, arguments) in [
        ("framewise_displacement", &["--strategy", "gsr", "--censor-fd", "0.5"][..]),
        ("framewise_displacement", &["--strategy", "scrubbing"]),
        ("std_dvars", &["--strategy", "scrubbing"]),
        ("framewise_displacement", &["--formula", "csf + [SCATTER](1_[>0.5](fd))"]),
        ("csf", &["--columns", "csf"]),
    ] {
        folder.file("confounds.tsv", cut(name, 7));
        fails(arguments, &["confounds.tsv", &format!("`{name}`"), "at frame 7", "only its first"]);
    }
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

/// A case's folder, copied for a test: several may take one case at a time.
fn case(name: &str, test: &str) -> Folder {
    let folder = Folder::new(&format!("denoise-{test}"));
    for entry in fs::read_dir(format!("{}/tests/cases/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let path = entry.unwrap().path();
        folder.file(path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
    }
    folder
}

/// The expected values of a case, `[frames, regions]`.
fn expected(folder: &Folder) -> ([usize; 2], Vec<f64>) {
    let tensor = tapetum::data::read_npy(folder.0.join("expected.npy")).unwrap();
    ([tensor.shape()[0], tensor.shape()[1]], tensor.to_f64_vec())
}

fn on(folder: &Folder, device: &str, arguments: &str) -> Done {
    let line = format!("denoise series.npy -o out.npy --json --device {device} {arguments}");
    folder.run(&line)
}

/// A trend that detrending removes is not used as a regressor as well, whatever its unit and the number of digits in the table.
#[test]
fn a_trend_that_detrending_took_is_no_regressor() {
    let folder = case("trend-among-confounds", "trend");
    let (shape, wanted) = expected(&folder);
    let table = fs::read_to_string(folder.0.join("confounds.tsv")).unwrap();
    // A third trend, written to nine digits.
    let third =
        |(i, line): (usize, &str)| if i == 0 { format!("{line}\tshort\n") } else { format!("{line}\t{:.9}\n", (i - 1) as f64 / 199.0) };
    folder.file("confounds.tsv", table.lines().enumerate().map(third).collect::<String>());
    for device in DEVICES {
        for trend in ["", ",linear_trend", ",linear_trend_scaled", ",short", ",linear_trend,short"] {
            let columns = format!("trans_x,trans_y,trans_z,rot_x,rot_y,rot_z{trend}");
            let arguments = format!("--confounds confounds.tsv --columns {columns} --detrend");
            let done = on(&folder, device, &format!("{arguments} --band .01 .1 --tr 2"));
            assert_eq!(done.json()["rank"], 7, "{trend} on {device}");
            close(&read_f32(folder.0.join("out.npy"), &shape), &wanted, &format!("{trend} on {device}"));
            // Without a filter, intercept, trend and the six of motion.
            assert_eq!(on(&folder, device, &arguments).json()["rank"], 8, "{trend} on {device}");
        }
    }
}

#[test]
fn volumes_before_the_steady_state_leave() {
    let folder = case("non-steady-state", "steady");
    let (shape, wanted) = expected(&folder);
    let early = serde_json::json!([0, 1, 2]);
    for device in DEVICES {
        let done = on(&folder, device, "--confounds confounds.tsv --strategy motion6");
        let json = done.json();
        close(&read_f32(folder.0.join("out.npy"), &shape), &wanted, device);
        assert_eq!((&json["censored"], &json["non_steady_state"]), (&early, &early));
        assert!(done.stderr.contains("3 volumes before the steady state"), "{done:?}");
    }
    // Whatever is selected, these frames are removed before the trend and the filter are applied.
    for selection in ["--columns trans_x", "--formula rps", "--none"] {
        let json = on(&folder, "cpu", &format!("--confounds confounds.tsv {selection} --detrend --band .01 .1 --tr 2")).json();
        assert_eq!((&json["kept"], &json["censored"]), (&117.into(), &early), "{selection}");
        let most = read_f32(folder.0.join("out.npy"), &shape).iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!(most < 5.0, "{selection}: {most}, where saturation of 40 was added to the first frame");
    }
    let json = on(&folder, "cpu", "--confounds confounds.tsv --strategy motion6 --keep-non-steady-state").json();
    assert_eq!((&json["kept"], &json["censored"]), (&120.into(), &serde_json::json!([])));
    let table = fs::read_to_string(folder.0.join("confounds.tsv")).unwrap();
    folder.file("confounds.tsv", table.replacen("\t1\t0\t0", "\tn/a\t0\t0", 1));
    let refused = on(&folder, "cpu", "--confounds confounds.tsv --strategy motion6");
    refused.failed(&["confounds.tsv", "`non_steady_state_outlier00`", "at frame 0"]);
}

#[test]
fn a_sidecar_matters_to_those_who_read_it() {
    let folder = case("sidecar-not-needed", "sidecar");
    let (shape, wanted) = expected(&folder);
    for device in DEVICES {
        for name in ["nan", "bom", "cut"] {
            let done = on(&folder, device, &format!("--confounds {name}.tsv --strategy motion6"));
            done.json();
            close(&read_f32(folder.0.join("out.npy"), &shape), &wanted, name);
            assert_eq!(done.stderr.contains("cut.json"), name == "cut", "{done:?}");
        }
    }
    for strategy in ["acompcor", "acompcor50", "compcor"] {
        let refused = on(&folder, "cpu", &format!("--confounds cut.tsv --strategy {strategy}"));
        refused.failed(&["cut.tsv", "CompCor components of", "cut.json"]);
    }
}

/// Tables without squares: the message says what makes them, and it does.
#[test]
fn squares_that_are_missing_are_made_by_a_formula() {
    let folder = case("trend-among-confounds", "squares");
    let refused = on(&folder, "cpu", "--confounds confounds.tsv --strategy 24p");
    refused.failed(&["`trans_x_power2`", "the formula `(dd1(rps))^^2` makes them"]);
    let json = on(&folder, "cpu", "--confounds confounds.tsv --formula (dd1(rps))^^2").json();
    assert_eq!(json["columns"].as_array().unwrap().len(), 24);
}

/// The first `n` numbers of the generator in `make_signal.py`.
fn noise(n: usize, seed: u32) -> Vec<f64> {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(x >> 8) / f64::from(1 << 24) - 0.5
    };
    (0..n).map(|_| next()).collect()
}

/// The cost of a filter grows with the number of frames and not with its square, which would take gigabytes here.
#[test]
fn long_recordings_are_filtered() {
    let golden: Value = serde_json::from_str(include_str!("../goldens/long.json")).unwrap();
    let golden = &golden["denoised"];
    let frames = golden["frames"].as_u64().unwrap() as usize;
    let folder = Folder::new("denoise-long");
    let series: Vec<Vec<f64>> = (1..=4).map(|seed| noise(frames, seed)).collect();
    let values: Vec<f32> = (0..frames).flat_map(|t| series.iter().map(move |row| row[t] as f32)).collect();
    folder.file("series.npy", npy("<f4", &[frames, 4], &f32s(&values)));
    folder.file("confounds.tsv", noise(frames, 5).iter().fold(String::from("a\n"), |text, v| text + &format!("{v:.6}\n")));
    let (at, scale) = (numbers(&golden["at"]), golden["scale"].as_f64().unwrap());
    for device in DEVICES {
        let json = on(&folder, device, "--confounds confounds.tsv --columns a --band .01 .1 --tr 1").json();
        assert_eq!(json["rank"], 2);
        let found = read_f32(folder.0.join("out.npy"), &[frames, 4]);
        for (region, wanted) in golden["expected"].as_array().unwrap().iter().enumerate() {
            for (t, wanted) in at.iter().zip(numbers(wanted)) {
                let error = (found[*t as usize * 4 + region] - wanted).abs() / scale;
                assert!(error < TOLERANCE, "{device}, region {region}, frame {t}: {error:e}");
            }
        }
    }
}

/// A workflow censors the frames that `--strategy scrubbing` leaves out: the weights of the frames stand beside the confounds.
#[test]
fn a_workflow_scrubs_as_the_command_does() {
    let folder = folder("denoise-scrubbing-workflow");
    let json = run(&folder, "clean.npy", &["--strategy", "scrubbing"]).json();
    let censored = json["censored"].as_array().unwrap().len();
    assert!(censored > 0 && censored < FRAMES, "{json}");
    folder.run("connectivity clean.npy -o r.npy --device cpu --json").json();
    let wanted = read_f32(folder.0.join("r.npy"), &[REGIONS, REGIONS]);
    let workflow = |weights: Value| {
        let mut blocks = serde_json::json!([
            { "name": "clean", "block": "confound_regression", "series": "series", "confounds": "motion" },
            { "name": "r", "block": "correlation", "series": "clean" },
        ]);
        if !weights.is_null() {
            blocks.as_array_mut().unwrap().iter_mut().for_each(|block| block["weights"] = weights.clone());
        }
        let data = serde_json::json!({
            "series": { "series": ["series.npy"] },
            "motion": { "confounds": ["confounds.tsv"], "strategy": "scrubbing" },
        });
        serde_json::json!({ "data": data, "blocks": blocks, "results": [{ "value": "r" }] }).to_string()
    };
    folder.file("w.json", workflow("motion.kept".into()));
    for device in DEVICES {
        let json = folder.run(&format!("run w.json -o out --device {device} --json")).json();
        assert!(json["notes"].to_string().contains(&format!("{censored} of {FRAMES} frames are censored")), "{json}");
        // The command fits in f64 and the workflow in f32, whose rounding counts a hundredfold in residuals of 1 % of the series.
        let found = read_f32(folder.0.join("out/r.npy"), &[1, REGIONS, REGIONS]);
        assert!(found.iter().zip(&wanted).all(|(f, w)| (f - w).abs() < 1e-5), "{device}: {found:?} {wanted:?}");
    }
    folder.file("w.json", workflow(Value::Null));
    folder.run("run w.json -o out --device cpu").failed(&["data.motion", "scrubbing censors frames", "`motion.kept` as weights"]);
}

/// The index that pandas writes first has no name, and is no confound.
#[test]
fn an_index_without_a_name_is_no_confound() {
    let folder = folder("denoise-index");
    run(&folder, "plain.npy", &["--columns", "trans_x,rot_y"]).json();
    let table = fs::read_to_string(folder.0.join("confounds.tsv")).unwrap();
    for name in ["", "Unnamed: 0"] {
        let row = |(i, line): (usize, &str)| if i == 0 { format!("{name}\t{line}\n") } else { format!("{}\t{line}\n", i - 1) };
        folder.file("confounds.tsv", table.lines().enumerate().map(row).collect::<String>());
        run(&folder, "indexed.npy", &["--columns", "trans_x,rot_y"]).json();
        assert_eq!(fs::read(folder.0.join("plain.npy")).unwrap(), fs::read(folder.0.join("indexed.npy")).unwrap());
    }
    folder.file("confounds.tsv", table.replacen("trans_y", "", 1));
    run(&folder, "out.npy", &["--columns", "rot_y"]).failed(&["column 2 of the header is ``"]);
}

/// A key that stands twice in the file beside the table is told of where the file matters, and in a remark where it does not.
#[test]
fn a_key_twice_beside_the_table_is_told_of() {
    let folder = folder("denoise-sidecar-twice");
    folder.file("confounds.json", r#"{"a_comp_cor_00": {"Mask": "CSF"}, "a_comp_cor_00": {"Mask": "WM"}}"#);
    let done = run(&folder, "out.npy", &["--columns", "trans_x"]);
    assert!(done.code == Some(0) && done.stderr.contains("`a_comp_cor_00` stands twice"), "{done:?}");
    run(&folder, "out.npy", &["--strategy", "acompcor"]).failed(&["`a_comp_cor_00` stands twice"]);
}

/// Confounds that differ by a hundred-thousandth are both taken out by a workflow, as by the command: a device hands them to the host.
#[test]
fn a_workflow_tells_confounds_apart_that_nearly_coincide() {
    let folder = folder("denoise-near-confounds");
    let one = |t: usize| ((t * t * 7 + 3 * t) % 23) as f64 / 8.0;
    let other = |t: usize| one(t) + 1e-5 * ((t * t * 5 + t) % 19) as f64 / 8.0;
    let rows: String = (0..FRAMES).map(|t| format!("{}\t{}\n", one(t), other(t))).collect();
    folder.file("confounds.tsv", format!("one\tother\n{rows}"));
    run(&folder, "clean.npy", &["--columns", "one,other"]).json();
    folder.run("connectivity clean.npy -o r.npy --device cpu --json").json();
    let wanted = read_f32(folder.0.join("r.npy"), &[REGIONS, REGIONS]);
    let w = serde_json::json!({
        "data": { "series": { "series": ["series.npy"] }, "near": { "confounds": ["confounds.tsv"], "columns": ["one", "other"] } },
        "blocks": [
            { "name": "clean", "block": "confound_regression", "series": "series", "confounds": "near" },
            { "name": "r", "block": "correlation", "series": "clean" },
        ],
        "results": [{ "value": "r" }],
    });
    folder.file("w.json", w.to_string());
    for device in DEVICES {
        let json = folder.run(&format!("run w.json -o out --device {device} --json")).json();
        assert_eq!(json["on_host"], device != "cpu", "{json}");
        let found = read_f32(folder.0.join("out/r.npy"), &[1, REGIONS, REGIONS]);
        // As above: the command's residuals are f32.
        assert!(found.iter().zip(&wanted).all(|(f, w)| (f - w).abs() < 1e-5), "{device}: {found:?} {wanted:?}");
    }
}
