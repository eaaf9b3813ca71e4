//! `tapetum run`.

use super::run::{DEVICES, Folder, done, f32s, npy, read_f32};
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

const SUBJECTS: usize = 12;
const FRAMES: usize = 40;
const REGIONS: usize = 5;

/// Numbers that look random and are the same everywhere.
fn noise(i: usize) -> f32 {
    let x = (i as u32).wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
    let x = (x ^ (x >> 15)).wrapping_mul(0x85eb_ca6b);
    (x >> 8) as f32 / (1 << 23) as f32 - 1.0
}

/// Series of a subject, frames first: regions 0 and 1 go together in every second subject.
fn series(subject: usize) -> Vec<f32> {
    let at = |t: usize, r: usize| noise((subject * FRAMES + t) * REGIONS + r);
    let value = |t: usize, r: usize| if r == 1 && subject % 2 == 1 { at(t, 0) + 0.5 * at(t, 1) } else { at(t, r) };
    (0..FRAMES).flat_map(|t| (0..REGIONS).map(move |r| value(t, r))).collect()
}

fn workflow() -> Value {
    json!({
        "title": "Two groups",
        "data": {
            "series": { "series": "series.npy" },
            "group": { "table": "people.csv", "column": "group", "classes": ["a", "b"] },
            "age": { "table": "people.csv", "column": "age", "standardise": true },
        },
        "parameters": {
            "frames": { "shape": ["series[2]"], "init": { "constant": 1.0 }, "domain": "positive" },
            "weights": { "shape": ["edges[1]", 1] },
            "slopes": { "shape": ["edges[1]", 1], "init": { "normal": 0.01 } },
        },
        "blocks": [
            { "name": "connectome", "block": "correlation", "series": "series", "weights": "frames" },
            { "name": "edges", "block": "upper_triangle", "of": "connectome" },
            { "name": "logit", "block": "linear", "of": "edges", "weights": "weights" },
            { "name": "years", "block": "linear", "of": "edges", "weights": "slopes" },
            { "name": "wrong", "block": "logistic_loss", "predicted": "logit", "target": "group" },
            { "name": "off", "block": "square_error", "predicted": "years", "target": "age" },
            { "name": "excess", "block": "scale", "of": "frames", "plus": -1.0 },
            { "name": "both", "block": "concatenate", "values": ["weights", "slopes"], "axis": 0 },
            { "name": "size", "block": "function", "of": "both", "apply": "square" },
        ],
        "losses": [
            { "name": "group", "score": "wrong" },
            { "name": "age", "score": "off", "weight": { "linear": [0.0, 1.0] }, "reduce": ["mean"] },
            { "name": "even", "score": "excess", "reduce": "mean_square", "weight": 3.0 },
            { "name": "ridge", "score": "size", "reduce": [{ "sum": true, "axes": [0] }, "mean"], "weight": 0.03 },
        ],
        "train": { "steps": 60, "rate": { "cosine": [0.2, 0.02] }, "checkpoint": 20 },
        "split": { "folds": 3, "stratify": { "table": "people.csv", "column": "group" } },
        "metrics": [
            { "name": "curve", "metric": "area_under_curve", "predicted": "logit", "target": "group" },
            { "name": "years", "metric": "mean_absolute_error", "predicted": "years", "target": "age" },
        ],
        "results": [
            { "value": "connectome", "picture": "heat_map" },
            { "value": "frames", "picture": "lines", "title": "Weights of the frames" },
        ],
    })
}

/// A folder with the workflow and its data.
fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    let all: Vec<f32> = (0..SUBJECTS).flat_map(series).collect();
    folder.file("series.npy", npy("<f4", &[SUBJECTS, FRAMES, REGIONS], &f32s(&all)));
    let row = |s: usize| format!("s{s},{},{}\n", if s % 2 == 1 { "b" } else { "a" }, 20 + 10 * (s % 2) + s / 2);
    folder.file("people.csv", format!("who,group,age\n{}", (0..SUBJECTS).map(row).collect::<String>()));
    folder.file("w.json", workflow().to_string());
    folder
}

/// Pearson's correlation of two regions of a subject, in f64.
fn pearson(subject: usize, i: usize, j: usize) -> f64 {
    let x: Vec<f64> = series(subject).into_iter().map(f64::from).collect();
    let column = |r: usize| (0..FRAMES).map(|t| x[t * REGIONS + r]).collect::<Vec<f64>>();
    let centred = |x: Vec<f64>| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.into_iter().map(|x| x - mean).collect::<Vec<f64>>()
    };
    let (a, b) = (centred(column(i)), centred(column(j)));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

#[test]
fn it_learns_from_some_and_is_judged_by_others() {
    let folder = folder("workflow-learns");
    let json = folder.run("run w.json --out out --device cpu --json").json();
    assert!(json["metrics"]["curve"]["pooled"].as_f64().unwrap() > 0.9, "{json:#}");
    // The groups are ten years apart, so a model that always predicts the mean has an error of 5 or more.
    assert!(json["metrics"]["years"]["pooled"].as_f64().unwrap() < 4.5, "{json:#}");
    let tested: Vec<u64> =
        json["folds"].as_array().unwrap().iter().flat_map(|f| f["test"].as_array().unwrap()).map(|s| s.as_u64().unwrap()).collect();
    assert_eq!(tested.len(), SUBJECTS);
    for fold in json["losses"].as_array().unwrap() {
        assert!(fold["group"]["last"].as_f64() < fold["group"]["first"].as_f64(), "{fold}");
    }
    let names = ["connectome.npy", "frames.npy", "losses.csv", "models", "report.html", "result.json", "run.json"];
    assert_eq!(super::run::names(&folder.0.join("out")), names);
    let weights = read_f32(folder.0.join("out/frames.npy"), &[3, FRAMES]);
    assert!(weights.iter().all(|w| *w > 0.0) && weights.iter().any(|w| (w - 1.0).abs() > 0.01), "frames were not learnt");
    let record: Value = serde_json::from_str(&fs::read_to_string(folder.0.join("out/run.json")).unwrap()).unwrap();
    assert_eq!(record["workflow"], workflow());
    assert_eq!(record["inputs"].as_object().unwrap().len(), 2);
    let report = fs::read_to_string(folder.0.join("out/report.html")).unwrap();
    assert!(report.contains("Weights of the frames") && report.matches("<svg").count() >= 4);
    roxmltree::Document::parse(
        &report
            .replace("<!DOCTYPE html>\n", "")
            .replace("<meta charset=\"utf-8\">", "")
            .replace("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">", ""),
    )
    .unwrap();
}

#[test]
fn what_is_fixed_is_the_plain_pipeline() {
    let folder = folder("workflow-fixed");
    let fixed = "--set parameters.frames.learn=false --set parameters.weights.learn=false --set parameters.slopes.learn=false";
    let run = folder.run(&format!("run w.json --out out --device cpu --json {fixed}"));
    run.json();
    assert!(run.stderr.contains("nothing was learnt"), "{run:?}");
    let found = read_f32(folder.0.join("out/connectome.npy"), &[SUBJECTS, REGIONS, REGIONS]);
    for (at, r) in found.iter().enumerate() {
        let (s, i, j) = (at / (REGIONS * REGIONS), at / REGIONS % REGIONS, at % REGIONS);
        assert!((r - pearson(s, i, j)).abs() < 1e-6, "subject {s}, {i}, {j}: {r}");
    }
}

/// Groups told apart by a graph network: nodes known by their connections, two convolutions' worth of messages, the best nodes read out.
#[test]
fn graphs_are_classified_by_a_network() {
    let folder = folder("workflow-graphs");
    let mut graphs = workflow();
    graphs["parameters"] = json!({
        "first": { "shape": ["nodes[2]", 6], "init": { "normal": 0.5 } },
        "best": { "shape": ["hidden[2]", 1], "init": { "normal": 0.5 } },
        "second": { "shape": ["hidden[2]", 6], "init": { "normal": 0.5 } },
        "receiver": { "shape": [1, "second[1]"], "init": { "normal": 0.5 } },
        "sender": { "shape": [1, "second[1]"], "init": { "normal": 0.5 } },
        "looks": { "shape": ["attended[2]", 1] },
        "weights": { "shape": ["read[1]", 1] },
    });
    graphs["blocks"] = json!([
        { "name": "connectome", "block": "correlation", "series": "series" },
        { "name": "graph", "block": "function", "of": "connectome", "apply": "relu" },
        { "name": "nodes", "block": "node_features", "graph": "graph" },
        { "name": "convolved", "block": "graph_convolution", "graph": "graph", "of": "nodes", "weights": "first" },
        { "name": "hidden", "block": "function", "of": "convolved", "apply": "tanh" },
        { "name": "few", "block": "top_k_pooling", "graph": "graph", "of": "hidden", "weights": "best", "ratio": 0.8 },
        { "name": "attended", "block": "graph_attention", "graph": "few.graph", "of": "few", "weights": "second", "receiver": "receiver",
          "sender": "sender" },
        { "name": "read", "block": "attention_pooling", "of": "attended", "weights": "looks" },
        { "name": "logit", "block": "linear", "of": "read", "weights": "weights" },
        { "name": "wrong", "block": "logistic_loss", "predicted": "logit", "target": "group" },
    ]);
    graphs["losses"] = json!([{ "name": "group", "score": "wrong" }]);
    graphs["metrics"] = json!([{ "name": "curve", "metric": "area_under_curve", "predicted": "logit", "target": "group" }]);
    graphs["results"] = json!([{ "value": "read.attention" }]);
    graphs["data"].as_object_mut().unwrap().remove("age");
    folder.file("w.json", graphs.to_string());
    let json = folder.run("run w.json --out out --device cpu --json").json();
    // Eight subjects are few for so many weights. The training subjects are classified correctly, and the test subjects better than by
    // chance.
    let folds = |part: &str| json["metrics"]["curve"][part].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
    assert_eq!(folds("train"), [1.0; 3], "{json:#}");
    assert!(folds("test").iter().all(|curve| *curve > 0.5), "{json:#}");
    // Of five nodes four are kept, whose attention sums to 1.
    let attention = read_f32(folder.0.join("out/read.attention.npy"), &[SUBJECTS, 4]);
    assert!(attention.chunks(4).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6));
}

/// Series in one file for each subject, read in batches, give the same results as one file read at once.
#[test]
fn subjects_are_read_in_batches() {
    let folder = folder("workflow-batches");
    let files: Vec<String> = (0..SUBJECTS).map(|s| format!("s{s}.npy")).collect();
    for (s, name) in files.iter().enumerate() {
        folder.file(name, npy("<f4", &[FRAMES, REGIONS], &f32s(&series(s))));
    }
    let mut other = workflow();
    other["data"]["series"]["series"] = json!(files);
    folder.file("files.json", other.to_string());
    let of = |name: &str, out: &str| folder.run(&format!("run {name} --out {out} --device cpu --json --set train.batch=3")).json();
    let (a, b) = (of("w.json", "a"), of("files.json", "b"));
    assert_eq!(a["metrics"], b["metrics"]);
    assert_eq!(fs::read(folder.0.join("a/connectome.npy")).unwrap(), fs::read(folder.0.join("b/connectome.npy")).unwrap());
    let whole = folder.run("run w.json --out c --device cpu --json").json();
    assert_ne!(a["metrics"], whole["metrics"], "batches of 3 learn as batches of 8 do");
}

#[test]
fn each_subject_may_have_its_own() {
    let folder = folder("workflow-own");
    let mut own = workflow();
    own["parameters"]["frames"]["per"] = json!("subject");
    own.as_object_mut().unwrap().remove("split");
    folder.file("own.json", own.to_string());
    folder.run("run own.json --out out --device cpu --json").json();
    let frames = read_f32(folder.0.join("out/frames.npy"), &[SUBJECTS, FRAMES]);
    assert_ne!(frames[..FRAMES], frames[FRAMES..2 * FRAMES]);
}

#[test]
fn a_run_that_was_killed_goes_on_as_if_it_had_not_been() {
    let folder = folder("workflow-killed");
    let line = "run w.json --device cpu --json --set train.steps=4000 --set train.batch=4";
    folder.run(&format!("{line} --out whole")).json();
    let arguments = format!("{line} --out killed");
    let mut child = folder.command(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (began, second) = (Instant::now(), folder.0.join("killed/models/fold-1.safetensors"));
    while !second.exists() && began.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(second.exists() && !folder.0.join("killed/result.json").exists(), "it was not stopped midway");
    folder.run(&format!("{arguments} --resume")).json();
    for name in ["losses.csv", "connectome.npy", "frames.npy"] {
        assert_eq!(fs::read(folder.0.join("whole").join(name)).unwrap(), fs::read(folder.0.join("killed").join(name)).unwrap(), "{name}");
    }
    let other = folder.run("run w.json --device cpu --set train.steps=4001 --out killed --resume");
    other.failed(&["another run was begun here"]);
}

/// Σ log w by gradient descent of rate 0.3: w goes 1, 0.7, 0.271, −0.834, whose logarithm the fourth step cannot take. The model of the
/// third step stays.
#[test]
fn a_loss_that_becomes_nan_ends_the_run_at_that_step() {
    let folder = folder("workflow-nan");
    let mut falls = workflow();
    falls["parameters"] = json!({ "w": { "shape": [1], "init": { "constant": 1.0 } } });
    falls["blocks"] = json!([
        { "name": "depth", "block": "function", "of": "w", "apply": "log" },
        { "name": "twice", "block": "scale", "of": "depth", "by": 2.0 },
        { "name": "kept", "block": "scale", "of": "twice", "by": 0.5 },
    ]);
    falls["losses"] = json!([{ "name": "deep", "score": "kept", "reduce": "sum" }]);
    falls["train"] = json!({ "steps": 60, "optimiser": "sgd", "rate": 0.3, "checkpoint": 1 });
    for key in ["metrics", "results", "split"] {
        falls.as_object_mut().unwrap().remove(key);
    }
    folder.file("falls.json", falls.to_string());
    for device in DEVICES {
        let run = folder.run(&format!("run falls.json --out {device} --device {device} --json"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        let last = run.stderr.lines().last().unwrap();
        for part in ["step 4 of 60: the loss is NaN, by its term `deep`", "log(parameters.w) f32[1], which is `depth`"] {
            assert!(last.contains(part), "no `{part}`: {run:?}");
        }
        let model = tapetum::checkpoint::Checkpoint::open(folder.0.join(device).join("models/fold-0.safetensors")).unwrap();
        assert_eq!(model.states()["step"].item().unwrap(), 3.0);
        assert!((model.states()["parameters.w"].item().unwrap() + 0.833_834_6).abs() < 1e-4, "{}", model.states()["parameters.w"]);
        assert!(!folder.0.join(device).join("result.json").exists());
    }
    for (set, part) in [("train.rate=-0.1", "a learning rate of -0.1"), ("train.momentum=-1", "train.momentum")] {
        folder.run(&format!("run falls.json --out no --device cpu --set {set}")).failed(&["falls.json", "train", part]);
    }
}

#[test]
fn refusals_name_the_place() {
    let folder = folder("workflow-refusals");
    folder.file("nan.npy", npy("<f4", &[SUBJECTS], &f32s(&[f32::NAN; SUBJECTS])));
    for (set, parts) in [
        ("blocks[1].of=conectome", ["blocks[1].of", "no value is called `conectome`"]),
        ("blocks[2].block=liner", ["blocks[2].block", "no block is called `liner`"]),
        ("blocks[0].fisher=true", ["blocks[0]", "no key is called `fisher`"]),
        ("blocks[0].fisher_z=1", ["blocks[0].fisher_z", "true or false"]),
        ("blocks[3].name=logit", ["blocks[3].name", "another value is called `logit`"]),
        ("parameters.weights.shape=[3,1]", ["blocks[2]", "matmul"]),
        ("parameters.weights.shape=[\"edges[5]\",1]", ["parameters.weights", "axis 5"]),
        ("parameters.weights.init={\"dirichlet\":-1}", ["parameters.weights.init.dirichlet", "above 0"]),
        ("parameters.other={\"shape\":[2]}", ["parameters.other", "nothing uses it"]),
        ("data.series.series=no.npy", ["data.series.series", "no.npy"]),
        ("data.group.classes=[\"a\",\"c\"]", ["data.group.classes", "`b`"]),
        ("data.age.column=agee", ["data.age.column", "no column `agee`"]),
        ("data.age.column=who", ["row 1", "`s0`"]),
        ("losses[0].score=nothing", ["losses[0].score", "no value is called `nothing`"]),
        ("losses[0].weight={\"linear\":[1]}", ["losses[0].weight.linear", "two numbers"]),
        ("losses[0].name=loss", ["losses[0].name", "is called `loss`"]),
        ("data.age.standardise=1", ["data.age.standardise", "true or false"]),
        ("data.age={\"array\":\"nan.npy\",\"per\":\"subject\"}", ["nan.npy", "is NaN"]),
        ("losses[0].reduce=median", ["losses[0].reduce", "median"]),
        ("train.rate=fast", ["train.rate", "an object"]),
        ("train.batch=9", ["train.batch", "9 of the 8"]),
        ("split.folds=13", ["split", "fold 12"]),
        ("metrics[0].target=edges", ["metrics[0]", "[4, 10]"]),
        ("results[0].value=edges", ["results[0]", "heat map"]),
        ("blocks[10].name=x", ["blocks[10].name", "9 items"]),
        ("results[1].value=connectome", ["results[1].value", "`connectome` is a result already"]),
        ("metrics[1].name=curve", ["metrics[1]", "another metric is called `curve`"]),
        ("losses[1].name=group", ["losses[1]", "group"]),
        ("metrics[0].metric=auc", ["metrics[0].metric", "no metric is called `auc`: there are area_under_curve"]),
        ("data.group.classes=[\"a\",\"b\",\"a\"]", ["data.group.classes", "`a` stands twice"]),
        ("parameters.weights.shape=[4000000000,4000000000,4000000000]", ["parameters.weights", "268435456 elements"]),
        ("train.momentum=0.9", ["train", "no key is called `momentum`"]),
        ("train.rate=-0.1", ["train", "-0.1"]),
        ("folder=elsewhere", ["data.", "elsewhere"]),
    ] {
        let run = done(folder.command(["run", "w.json", "--check", "--device", "cpu", "--set", set]).output().unwrap());
        run.failed(&parts);
    }
    let made_by = folder.run("run w.json --check --device cpu --set folder=elsewhere --set made_by=make-them");
    made_by.failed(&["is not there: `make-them` writes it"]);
    let twice = workflow().to_string().replacen("\"series\":\"series.npy\"", "\"series\":\"a.npy\",\"series\":\"series.npy\"", 1);
    folder.file("twice.json", format!("\u{feff}{twice}"));
    folder.run("run twice.json --check --device cpu").failed(&["twice.json", "`data.series.series` stands twice"]);
    folder.file("marked.json", format!("\u{feff}{}", workflow()));
    folder.run("run marked.json --check --device cpu --json").json();
    folder.file("deep.json", "[".repeat(100_000));
    folder.run("run deep.json").failed(&["deep.json", "recursion limit"]);
    folder.file("broken.json", "{ \"data\": {");
    folder.run("run broken.json").failed(&["broken.json", "line 1"]);
    folder.run("run none.json").failed(&["none.json", "cannot be read"]);
    folder.run("run").misused("WORKFLOW");
    folder.run("run w.json --set steps").misused("KEY=VALUE");
    folder.run("run w.json --set blocks[0]={\"name\":\"c\",\"name\":\"d\"}").misused("`name` stands twice");
    assert!(!folder.0.join("tapetum-run").exists(), "a refusal leaves nothing behind");
}

/// An undefined metric is null with a reason in JSON, and a dash in the table.
#[test]
fn undefined_metrics_are_no_numbers() {
    let folder = folder("workflow-undefined");
    let mut other = workflow();
    // Each test set is one whole group, so it has no curve for its single class and no correlation for predictions that are all 0.
    other["split"] = json!({ "leave_out": { "table": "people.csv", "column": "group" } });
    other["parameters"]["slopes"] = json!({ "shape": ["edges[1]", 1], "learn": false });
    other["metrics"].as_array_mut().unwrap().push(json!({ "metric": "pearson", "predicted": "years", "target": "age" }));
    other["train"]["steps"] = json!(5);
    folder.file("w.json", other.to_string());
    let run = folder.run("run w.json --out out --device cpu --json");
    let json = run.json();
    assert_eq!(json["metrics"]["curve"]["test"], json!([null, null]), "{json:#}");
    assert!(json["metrics"]["curve"]["pooled"].is_number(), "{json:#}");
    let why = json["metrics"]["curve"]["undefined"].as_array().unwrap();
    assert!(why.len() == 4 && why.iter().all(|why| why.as_str().unwrap().contains("positives and")), "{json:#}");
    assert_eq!(json["metrics"]["pearson"]["test"], json!([null, null]), "{json:#}");
    assert!(json["metrics"]["pearson"]["undefined"][0].as_str().unwrap().contains("constant"), "{json:#}");
    let table = folder.run("run w.json --out out --device cpu").stdout;
    let row = table.lines().find(|line| line.contains("pearson")).unwrap();
    assert!(table.contains("pooled") && row.contains('–'), "{table}");
}

/// Workflows that ship can be read from a clone without changes, or their error names the command that writes their data.
#[test]
fn workflows_that_ship_run_or_say_what_makes_their_data() {
    let here = Folder::new("workflow-ships");
    let run = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        done(here.command(["run", path.to_str().unwrap(), "--check", "--device", "cpu"]).output().unwrap())
    };
    assert!(run("brain_states.json").stdout.contains("3 runs to train on, 2 to test on; 200 steps"));
    for (name, example) in [("prediction.json", "prediction"), ("denoising.json", "denoising"), ("c_elegans.json", "c_elegans")] {
        let found = run(name);
        // Where the example was run in this clone, its data are there.
        if !found.stdout.contains("steps") {
            found.failed(&[name, &format!("`cargo run --release --example {example}")]);
        }
    }
}

#[test]
fn the_page_that_ships_is_of_this_program() {
    let printed = Folder::new("workflow-page").run("run --blocks").stdout;
    let ships = fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/WORKFLOWS.md")).unwrap();
    assert!(printed.trim_end() == ships.trim_end(), "write it anew: tapetum run --blocks > examples/WORKFLOWS.md");
}

#[test]
fn the_schema_that_ships_is_of_this_program() {
    let folder = Folder::new("workflow-schema");
    let printed = folder.run("run --schema --json").json();
    let ships = fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workflow.schema.json")).unwrap();
    let ships: Value = serde_json::from_str(&ships).unwrap();
    assert_eq!(printed, ships, "write it anew: tapetum run --schema > examples/workflow.schema.json");
}
