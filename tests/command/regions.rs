//! Names of regions from files to results, regions without values, and delimiters, in every command that reads them.

use super::run::{Folder, f32s, npy, read_f32};
use serde_json::{Value, json};
use std::fs;

const REGIONS: usize = 5;
const FRAMES: usize = 24;
const MISSING: usize = 3;

fn name(region: usize) -> String {
    format!("LH_Vis_{region}")
}

/// Series of a subject without pattern, frames first.
fn value(subject: usize, frame: usize, region: usize) -> f64 {
    let x = ((subject * 131 + frame) * REGIONS + region) as f64;
    (x * 12.9898).sin() * 43_758.545_3 % 1.0
}

/// A table of the series of a subject, with `n/a` for the missing region of every second one.
fn table(subject: usize, delimiter: &str) -> String {
    let cell = |frame: usize, region: usize| match region == MISSING && subject % 2 == 1 {
        true => "n/a".to_owned(),
        false => value(subject, frame, region).to_string(),
    };
    let row = |cells: Vec<String>| cells.join(delimiter) + "\n";
    let rows = (0..FRAMES).map(|frame| row((0..REGIONS).map(|region| cell(frame, region)).collect()));
    row((0..REGIONS).map(name).collect()) + &rows.collect::<String>()
}

/// Pearson's correlation by its definition.
fn correlation(subject: usize, a: usize, b: usize) -> f64 {
    let series = |region: usize| (0..FRAMES).map(|frame| value(subject, frame, region)).collect::<Vec<f64>>();
    let centred = |x: Vec<f64>| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.into_iter().map(|x| x - mean).collect::<Vec<f64>>()
    };
    let (x, y) = (centred(series(a)), centred(series(b)));
    let sum = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    sum(&x, &y) / (sum(&x, &x) * sum(&y, &y)).sqrt()
}

#[test]
fn a_report_of_connectivity_names_regions_in_the_order_of_clusters() {
    let folder = Folder::new("report");
    folder.file("series.tsv", table(1, "\t"));
    let done = folder.run("connectivity series.tsv -o r.tsv --report out --device cpu --json").json();
    assert_eq!((&done["report"], &done["names"][4]), (&json!("out"), &json!("LH_Vis_4")));
    let html = fs::read_to_string(folder.0.join("out/report.html")).unwrap();
    assert!(!html.contains("NaN") && html.contains("1 region without a value is left out"), "{html}");
    assert!(html.contains("regions without values are left out: `LH_Vis_3`") || html.contains("<code>LH_Vis_3</code>"));
    let svg = fs::read_to_string(folder.0.join("out/connectome.svg")).unwrap();
    assert!([0, 1, 2, 4].iter().all(|&region| svg.contains(&name(region))) && !svg.contains(&name(MISSING)));
    // The strongest connection comes first.
    let kept = [0, 1, 2, 4];
    let pairs = kept.iter().flat_map(|&a| kept.iter().map(move |&b| (a, b))).filter(|(a, b)| a < b);
    let (a, b) = pairs.max_by(|x, y| correlation(1, x.0, x.1).abs().total_cmp(&correlation(1, y.0, y.1).abs())).unwrap();
    let row =
        format!("<td class=\"number\">1</td><td>{}</td><td>{}</td><td class=\"number\">{:.4}</td>", name(a), name(b), correlation(1, a, b));
    assert!(html.contains(&row), "{row}");
    // A stack has a map of the mean and of the first subjects; a single region has a map and no connections.
    let stack: Vec<f32> = (0..5).flat_map(|s| (0..FRAMES * 2).map(move |at| value(s, at / 2, at % 2) as f32)).collect();
    folder.file("stack.npy", npy("<f4", &[5, FRAMES, 2], &f32s(&stack)));
    folder.run("connectivity stack.npy -o s.npy --report two --device cpu --json").json();
    let html = fs::read_to_string(folder.0.join("two/report.html")).unwrap();
    assert!(html.contains("Mean over 5 subjects") && html.contains("Subject 2") && !html.contains("Subject 3"));
    folder.file("one.npy", npy("<f4", &[FRAMES, 1], &f32s(&stack[..FRAMES])));
    folder.run("connectivity one.npy -o s.npy --report one --device cpu --json").json();
    let html = fs::read_to_string(folder.0.join("one/report.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("Strongest"));
    folder.run("connectivity series.tsv -o r.tsv --report series.tsv --device cpu").failed(&["series.tsv: ", "folder cannot be made"]);
}

/// A workflow of four subjects, two of whom lack a region, and of the matrices of the same.
fn workflow() -> Value {
    let files = |what: &str| (0..4).map(|s| format!("{what}-{s}.tsv")).collect::<Vec<_>>();
    json!({
        "data": { "fmri": { "series": files("series") }, "given": { "matrices": files("matrix") } },
        "blocks": [
            { "name": "r", "block": "correlation", "series": "fmri" },
            { "name": "pairs", "block": "pair_weights", "weights": "fmri.present" },
            { "name": "error", "block": "square_error", "predicted": "r", "target": "given" },
            { "name": "edges", "block": "upper_triangle", "of": "r" },
            { "name": "weights", "block": "upper_triangle", "of": "pairs" },
            { "name": "strength", "block": "weighted_mean", "of": "edges", "weights": "weights", "axes": [-1] },
            { "name": "group", "block": "weighted_mean", "of": "r", "weights": "pairs", "axes": [0] },
        ],
        "results": [
            { "value": "r", "picture": "heat_map" },
            { "value": "error" },
            { "value": "strength" },
            { "value": "group", "picture": "heat_map" },
            { "value": "fmri.present", "names": "fmri" },
        ],
    })
}

fn folder_of_subjects(tag: &str) -> Folder {
    let folder = Folder::new(tag);
    for subject in 0..4 {
        folder.file(&format!("series-{subject}.tsv"), table(subject, "\t"));
        folder.run(&format!("connectivity series-{subject}.tsv -o matrix-{subject}.tsv --device cpu --json")).json();
    }
    folder
}

#[test]
fn workflows_keep_names_and_weigh_regions_by_what_is_there() {
    let folder = folder_of_subjects("regions");
    folder.file("workflow.json", workflow().to_string());
    let done = folder.run("run workflow.json -o out --device cpu --json");
    assert!(done.stderr.contains("warning: series-1.tsv: regions without values: `LH_Vis_3`"), "{done:?}");
    assert!(done.stderr.contains("warning: data.given: ") && !done.stderr.contains("warning: data.fmri: "), "{done:?}");
    let done = done.json();
    let names: Vec<String> = (0..REGIONS).map(name).collect();
    let found = |value: &str| done["values"].as_array().unwrap().iter().find(|v| v["name"] == value).unwrap()["names"].clone();
    for value in ["r", "error", "group", "fmri.present"] {
        assert_eq!(found(value), json!(names), "{value}");
        let beside = fs::read_to_string(folder.0.join(format!("out/{value}.names.txt"))).unwrap();
        assert_eq!(beside.lines().collect::<Vec<_>>(), names, "{value}");
    }
    assert!(found("strength").is_null());
    let html = fs::read_to_string(folder.0.join("out/report.html")).unwrap();
    assert!(html.contains("LH_Vis_4<") && html.contains("average-linkage"));

    let r = read_f32(folder.0.join("out/r.npy"), &[4, REGIONS, REGIONS]);
    let is_there = |subject: usize, region: usize| region != MISSING || subject.is_multiple_of(2);
    for (at, found) in r.iter().enumerate() {
        let (subject, a, b) = (at / 25, at / 5 % 5, at % 5);
        let wanted = if is_there(subject, a) && is_there(subject, b) { correlation(subject, a, b) } else { 0.0 };
        assert!((found - wanted).abs() < 1e-5, "{subject} {a} {b}: {found}, not {wanted}");
    }
    assert!(read_f32(folder.0.join("out/error.npy"), &[4, REGIONS, REGIONS]).iter().all(|x| *x < 1e-10));
    let present = read_f32(folder.0.join("out/fmri.present.npy"), &[4, REGIONS]);
    assert!(present.iter().enumerate().all(|(at, x)| *x == f64::from(u8::from(is_there(at / 5, at % 5)))));
    let pairs: Vec<(usize, usize)> = (0..5).flat_map(|a| (a + 1..5).map(move |b| (a, b))).collect();
    let mean = |of: Vec<f64>| of.iter().sum::<f64>() / of.len() as f64;
    for (subject, found) in read_f32(folder.0.join("out/strength.npy"), &[4]).into_iter().enumerate() {
        let there = pairs.iter().filter(|(a, b)| is_there(subject, *a) && is_there(subject, *b));
        assert!((found - mean(there.map(|&(a, b)| correlation(subject, a, b)).collect())).abs() < 1e-5, "{subject}");
    }
    let group = read_f32(folder.0.join("out/group.npy"), &[REGIONS, REGIONS]);
    let of = |a: usize, b: usize| (0..4).filter(|&s| is_there(s, a) && is_there(s, b)).map(|s| correlation(s, a, b)).collect();
    assert!((0..25).all(|at| (group[at] - mean(of(at / 5, at % 5))).abs() < 1e-5), "{group:?}");

    // An adapter computes the same.
    folder.run("run workflow.json -o adapter --device 0 --json").json();
    for (file, shape) in [("strength.npy", &[4][..]), ("group.npy", &[REGIONS, REGIONS])] {
        let [a, b] = ["out", "adapter"].map(|out| read_f32(folder.0.join(out).join(file), shape));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5), "{file}: {a:?} {b:?}");
    }
    // Learning passes by what is not there.
    let mut learns = workflow();
    learns["parameters"] = json!({ "frames": { "shape": ["fmri[2]"], "init": { "constant": 1.0 }, "domain": "positive" } });
    learns["blocks"][0]["weights"] = "frames".into();
    let blocks = learns["blocks"].as_array_mut().unwrap();
    blocks.push(json!({ "name": "twice", "block": "scale", "of": "given", "by": 0.5 }));
    blocks.push(json!({ "name": "off", "block": "square_error", "predicted": "r", "target": "twice" }));
    blocks.push(json!({ "name": "loss_of_each", "block": "weighted_mean", "of": "off", "weights": "pairs", "axes": [-1, -2] }));
    learns["losses"] = json!([{ "name": "fit", "score": "loss_of_each" }]);
    learns["train"] = json!({ "steps": 8, "rate": 0.1 });
    folder.file("learns.json", learns.to_string());
    folder.run("run learns.json -o learnt --device cpu --json").json();
    let losses = fs::read_to_string(folder.0.join("learnt/losses.csv")).unwrap();
    let losses: Vec<f64> = losses.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!(losses.len() == 8 && losses.iter().all(|x| x.is_finite()) && losses[7] < losses[0], "{losses:?}");

    // Without the weights, a warning.
    let mut bare = workflow();
    bare["blocks"] = json!([bare["blocks"][0]]);
    bare["results"] = json!([bare["results"][0]]);
    folder.file("bare.json", bare.to_string());
    let done = folder.run("run bare.json -o bare --device cpu --json");
    assert!(done.stderr.contains("warning: data.fmri: ") && done.stderr.contains("nothing uses `fmri.present`"), "{done:?}");
    assert!(done.json()["notes"].to_string().contains("fmri.present"));
}

#[test]
fn names_that_differ_or_fit_nothing_are_refused_in_workflows() {
    let folder = folder_of_subjects("names");
    let check = |change: &dyn Fn(&mut Value), parts: &[&str]| {
        let mut of = workflow();
        change(&mut of);
        folder.file("workflow.json", of.to_string());
        folder.run("run workflow.json --check --device cpu").failed(parts);
    };
    check(&|w| w["results"][2]["names"] = "fmri".into(), &["results[2]", "5 names", "no axis"]);
    check(&|w| w["results"][2]["names"] = "pairs".into(), &["results[2]", "names of regions"]);
    folder.file("matrix-2.tsv", table(1, "\t"));
    check(&|_| (), &["matrix-2.tsv", "square matrix"]);
    folder.file("matrix-2.tsv", "Node\tA\tB\nA\t1\tn/a\nB\t0.5\t1\n");
    check(&|_| (), &["matrix-2.tsv", "finite number"]);
    folder.file("matrix-2.tsv", "Node\tA\tB\nA\tn/a\tn/a\nB\tn/a\tn/a\n");
    check(&|_| (), &["matrix-2.tsv", "no region has a value"]);
    folder.file("series-2.tsv", table(2, "\t").replace("LH_Vis_1", "RH_Vis_1"));
    check(&|_| (), &["series-2.tsv", "`RH_Vis_1`", "`LH_Vis_1`"]);
    // One file may hold the matrices of all subjects.
    let stack: Vec<f32> = (0..4 * 9).map(|at| if at % 9 % 4 == 0 { 1.0 } else { 0.5 }).collect();
    folder.file("stack.npy", npy("<f4", &[4, 3, 3], &f32s(&stack)));
    let of = json!({ "data": { "w": { "matrices": "stack.npy" } }, "results": [{ "value": "w" }] });
    folder.file("stack.json", of.to_string());
    folder.run("run stack.json -o out --device cpu --json").json();
    assert_eq!(read_f32(folder.0.join("out/w.npy"), &[4, 3, 3])[1], 0.5);
}

#[test]
fn a_matrix_whose_axes_may_be_of_something_else_has_no_names_unless_they_are_said() {
    let folder = Folder::new("doubt");
    folder.file("series.tsv", table(0, "\t"));
    let of = |names: Value| {
        let mut of = json!({
            "data": { "fmri": { "series": "series.tsv" } },
            "parameters": { "maps": { "shape": [REGIONS, "fmri[1]"], "init": { "normal": 1.0 } } },
            "blocks": [
                { "name": "parcels", "block": "linear_parcellation", "weights": "maps", "series": "fmri" },
                { "name": "r", "block": "correlation", "series": "parcels" },
            ],
            "results": [{ "value": "r" }],
        });
        if names.is_string() {
            of["results"][0]["names"] = names;
        }
        folder.file("workflow.json", of.to_string());
        folder.run("run workflow.json -o out --device cpu --json").json()["values"][0]["names"].clone()
    };
    // As many parcels as regions, by number.
    assert!(of(Value::Null).is_null());
    assert_eq!(of("fmri".into())[0], "LH_Vis_0");
    // The names of the run before do not stay beside values that have none.
    assert!(of(Value::Null).is_null());
    assert_eq!(fs::read_to_string(folder.0.join("out/r.names.txt")).unwrap(), "0\n1\n2\n3\n4\n");
}

#[test]
fn another_delimiter_is_named_and_can_be_said() {
    let folder = Folder::new("delimiters");
    for (delimiter, word, file) in [(";", "semicolon", "a.csv"), (" ", "space", "a.tsv"), ("|", "bar", "a.txt"), ("\t", "tab", "a.csv")] {
        folder.file(file, table(0, delimiter));
        let (series, said) = (format!("{file} -o out.npy --device cpu"), format!("--delimiter {word}"));
        for command in ["connectivity", "denoise --none"] {
            folder.run(&format!("{command} {series}")).failed(&[file, &format!("separated by {word}s"), &said]);
            folder.run(&format!("{command} {series} {said} --json")).json();
        }
        let matrix = format!("Node{delimiter}A{delimiter}B\nA{delimiter}1{delimiter}2\nB{delimiter}2{delimiter}1\n");
        folder.file(file, matrix);
        folder.run(&format!("topology decompose {file} -o out --device cpu")).failed(&[file, &format!("separated by {word}s"), &said]);
        folder.run(&format!("topology decompose {file} -o out --device cpu {said} --json")).json();
    }
    // Tables of which no delimiter can be said.
    folder.file("s.csv", table(0, ","));
    folder.file("confounds.tsv", table(0, ";"));
    let done = folder.run("denoise s.csv --confounds confounds.tsv --columns LH_Vis_0 -o c.csv --device cpu");
    done.failed(&["confounds.tsv", "separated by semicolons, where tabs are expected"]);
    // A workflow.
    folder.file("s.csv", table(0, ";"));
    let mut of = json!({ "data": { "fmri": { "series": "s.csv" } }, "results": [{ "value": "fmri" }] });
    folder.file("w.json", of.to_string());
    folder.run("run w.json --check --device cpu").failed(&["s.csv", "\"delimiter\": \"semicolon\""]);
    of["data"]["fmri"]["delimiter"] = "semicolon".into();
    folder.file("w.json", of.to_string());
    folder.run("run w.json --check --device cpu --json").json();
}
