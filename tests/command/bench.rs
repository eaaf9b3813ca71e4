//! `tapetum bench`: its files and tables, and the comparison with an earlier run.

use super::run::{Done, Folder};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// A run of few kernels, as its file.
fn earlier(folder: &Folder, device: &str) -> (PathBuf, Value) {
    let done = folder.run(&format!("bench sparse/product --quick --out first --json {device}"));
    let path = folder.0.join("first/bench.json");
    let json: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(done.json(), json, "what is printed is what is written");
    (path, json)
}

/// Runs again and compares with a file, with a threshold so high that other programs on the machine do not make the run pass it.
fn beside(folder: &Folder, device: &str, json: &Value) -> Done {
    folder.file("other.json", json.to_string());
    folder.run(&format!("bench sparse/product --quick --compare other.json --threshold 1000 --json {device}"))
}

fn scaled(json: &Value, factor: f64) -> Value {
    let mut json = json.clone();
    for row in json["rows"].as_array_mut().unwrap() {
        for key in ["median_ns", "q1_ns", "q3_ns", "min_ns"] {
            row[key] = json!(row[key].as_f64().unwrap() * factor);
        }
    }
    json
}

#[test]
fn kernels_are_timed_and_written() {
    let folder = Folder::new("bench");
    let (_, json) = earlier(&folder, "");
    assert_eq!(super::run::names(&folder.0.join("first")), ["bench.csv", "bench.json", "roofline.svg"]);
    let machine = &json["machine"];
    assert!(["adapter", "backend", "driver", "kind", "version", "date"].iter().all(|key| machine[key].is_string()), "{machine}");
    let positive = |v: &Value| v.as_f64().is_some_and(|x| x > 0.0);
    let c = &json["ceilings"];
    assert!(positive(&c["copy_bytes_per_second"]) && positive(&c["fma_f32_flops"]), "{c}");
    assert!(positive(&c["dispatch"]["median_ns"]) && positive(&c["round_trip"]["median_ns"]), "{c}");
    let rows = json["rows"].as_array().unwrap();
    let directions: std::collections::BTreeSet<_> = rows.iter().map(|r| r["direction"].as_str().unwrap()).collect();
    assert_eq!(directions.into_iter().collect::<Vec<_>>(), ["forward", "reverse"]);
    for r in rows {
        assert_eq!((&r["kernel"], &r["size"]), (&json!("sparse/product"), &json!("small")), "{r}");
        let rate = r["flops"].as_f64().unwrap() / r["median_ns"].as_f64().unwrap();
        assert!((rate / r["gflops_per_second"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{r}");
        assert!(positive(&r["percent_of_roofline"]) && ["gpu", "wall"].contains(&r["timing"].as_str().unwrap()), "{r}");
        assert!(positive(&r["control"]["median_ns"]) && r["steady"] == json!(true), "a software adapter has no clocks: {r}");
        assert!(positive(&r["launches"]) && r["workgroup"].as_array().unwrap().len() == 3, "{r}");
    }
    let csv = fs::read_to_string(folder.0.join("first/bench.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + rows.len());
    assert!(csv.starts_with("kernel,variant,work,direction,shape,size,launches,workgroup,median_ns,"), "{csv}");
    let svg = fs::read_to_string(folder.0.join("first/roofline.svg")).unwrap();
    assert_eq!(svg.matches("<title>").count(), rows.len(), "a point a row");

    let same = beside(&folder, "", &json).json();
    let comparison = &same["comparison"];
    assert_eq!((comparison["rows"].as_array().unwrap().len(), &comparison["unmatched"]), (rows.len(), &json!(0)));
    assert!(positive(&comparison["control"]["ratio"]) && comparison["slower"] == json!(false), "{comparison}");
    // The earlier file is changed as if all kernels had been a hundred thousand times as fast.
    let slower = beside(&folder, "", &scaled(&json, 1e-5));
    assert_eq!((slower.code, slower.stdout.contains("\"slower\": true")), (Some(3), true), "{slower:?}");
    let mut elsewhere = json.clone();
    elsewhere["machine"]["adapter"] = json!("Another GPU");
    beside(&folder, "", &elsewhere).failed(&["other.json", "was measured on Another GPU", "nothing to compare"]);
}

#[test]
fn the_host_executor_is_timed() {
    let folder = Folder::new("bench-host");
    let (_, json) = earlier(&folder, "--device cpu");
    assert_eq!((&json["machine"]["adapter"], &json["timing"]), (&json!("cpu"), &json!("wall")));
    assert!(json["ceilings"]["fma_f16_flops"].is_null());
    let rows = json["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|r| r["kernel"] == json!("host") && r["workgroup"].is_null()), "{json}");
    assert_eq!(beside(&folder, "--device cpu", &json).code, Some(0));
    let text = folder.run("bench fisher_z --quick --device cpu");
    assert!(text.code == Some(0) && text.stdout.contains("of roofline") && text.stdout.contains("FMA in f32"), "{text:?}");
    assert_eq!(
        folder.run("bench step/correlation --device cpu --quick --json").json()["steps"][0]["name"],
        json!("step/correlation 4x100")
    );
}

#[test]
fn sizes_and_shapes_are_those_asked_for() {
    let folder = Folder::new("bench-sizes");
    let rows = |line: &str| folder.run(&format!("bench {line} --quick --json")).json()["rows"].as_array().unwrap().clone();
    let all = |rows: &[Value], key: &str, value: &str| !rows.is_empty() && rows.iter().all(|r| r[key] == json!(value));
    assert!(all(&rows("fisher_z --size medium"), "size", "medium"));
    let own = rows("matmul --shape 7x65,65x3");
    assert!(all(&own, "size", "own") && all(&own, "shape", "[7, 65] [65, 3]") && all(&own, "work", "matmul"), "{own:?}");
    let refused = |line: &str, parts: &[&str]| folder.run(&format!("bench {line}")).failed(parts);
    refused("matmul --shape 7x65", &["`matmul` has 2 operands", "1 shapes were given"]);
    refused("softmax --shape 7x65", &["shapes are those of one work", "softmax rows, softmax columns"]);
    refused("matmul --shape 7x65,64x3 --quick", &["65 and 64"]);
    folder.run("bench matmul --shape 7x,65").misused("no extent");
    folder.run("bench --shape 7x65").misused("FILTER");
    folder.run("bench matmul --size huge").misused("small, medium or large");
}

/// A WGSL file stands in for the built-in one: a wrong kernel is found out, and a name without a kernel is refused.
#[test]
fn shaders_of_a_folder_stand_in_for_built_in_ones() {
    let folder = Folder::new("bench-shaders");
    fs::create_dir_all(folder.0.join("own/shape")).unwrap();
    let built_in = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/shape/one_hot.wgsl")).unwrap();
    let check = || folder.run("check one_hot --shaders own --json");
    folder.file("own/shape/one_hot.wgsl", &built_in);
    let done = check();
    assert_eq!((done.code, &done.json()["failed"]), (Some(0), &json!(0)), "{done:?}");
    assert!(done.stderr.contains("1 WGSL files stand in"), "{done:?}");
    assert!(built_in.contains("1.0"), "the kernel writes ones");
    folder.file("own/shape/one_hot.wgsl", built_in.replace("1.0", "2.0"));
    assert_eq!(check().code, Some(3));
    folder.file("own/shape/no_such.wgsl", "");
    folder.run("check one_hot --shaders own").failed(&["no_such.wgsl", "there is no kernel `shape/no_such`"]);
    folder.run("check one_hot --shaders missing").failed(&["missing"]);
}

#[test]
fn a_kernel_of_ones_own_is_timed() {
    let folder = Folder::new("bench-own");
    let kernel = "struct Params { n: u32, scale: f32 }
        @group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
        @group(0) @binding(1) var<storage, read> index: array<u32>;
        @group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
        @group(1) @binding(0) var<uniform> params: Params;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) at: vec3<u32>) {
            if (at.x < params.n) { y[at.x] = params.scale * x[index[at.x]]; }
        }";
    folder.file("own.wgsl", kernel);
    let line = "bench --kernel own.wgsl --bindings x=100x4,index=100,y=400 --workgroups 2 --params 100,0.5 --flops 400 --quick --json";
    let json = folder.run(line).json();
    let [row] = &json["rows"].as_array().unwrap()[..] else { panic!("{json}") };
    // x and y have 400 words, the indices 100.
    assert_eq!((&row["kernel"], &row["bytes"], &row["flops"]), (&json!("own"), &json!(3600.0), &json!(400.0)), "{row}");
    assert!(row["median_ns"].as_f64().unwrap() > 0.0);
    let refused =
        |line: &str, parts: &[&str]| folder.run(&format!("bench --kernel own.wgsl --workgroups 2 --bindings {line}")).failed(parts);
    refused("x=400,index=100 --params 100,0.5", &["own.wgsl", "`y` is not bound"]);
    refused("x=400,index=100,y=400,z=4 --params 100,0.5", &["own.wgsl", "no storage buffer `z`", "`x`, `index`, `y`"]);
    refused("x=400,index=100,y=400,x=4 --params 100,0.5", &["own.wgsl", "`x` is bound twice"]);
    refused("x=401,index=100,y=400 --params 100,0.5", &["own.wgsl", "`x` is bound to 401 scalars", "has 4"]);
    refused("x=0,index=100,y=400 --params 100,0.5", &["own.wgsl", "`x` is bound to 0 scalars"]);
    refused("x=400,index=100,y=400 --params 100", &["own.wgsl", "2 words, and 1 are given"]);
    refused("x=400,index=100,y=400 --params -1,2", &["own.wgsl", "`n` is a u32"]);
    folder.run("bench --kernel missing.wgsl --bindings x=4 --workgroups 2").failed(&["missing.wgsl"]);
    folder.file("broken.wgsl", "fn main() { nothing(); }");
    // The error of the compiler names the line.
    folder.run("bench --kernel broken.wgsl --bindings x=4 --workgroups 2").failed(&["broken.wgsl", "wgsl:1:13"]);
    folder.run("bench --kernel own.wgsl --bindings x=4").misused("--workgroups");
    folder.run("bench --kernel own.wgsl --bindings 400 --workgroups 2").misused("NAME=SHAPE");
    folder.run("bench --kernel own.wgsl --bindings x=4y --workgroups 2").misused("no extent");
    folder
        .run("bench --kernel own.wgsl --bindings x=400,index=100,y=400 --workgroups 2 --params 100,0.5 --device cpu")
        .failed(&["host executor"]);
}

/// Every step begins with the contents that the bindings give, whatever the kernel wrote before.
#[test]
fn a_kernel_of_ones_own_finds_its_contents() {
    use tapetum::bench::job::{Direction, RecordedWork};
    use tapetum::bench::own::{Bound, Contents, Launch, work};
    let folder = Folder::new("bench-contents");
    let kernel = "@group(0) @binding(0) var<storage, read_write> sums: array<f32>;
        @group(0) @binding(1) var<storage, read> index: array<u32>;
        @group(0) @binding(2) var<storage, read> x: array<vec2<f32>>;
        @compute @workgroup_size(1)
        fn main(@builtin(workgroup_id) group: vec3<u32>) { sums[group.x] += x[index[group.x]].y; }";
    folder.file("gather.wgsl", kernel);
    let file = |name: &str, value: tapetum::HostTensor| {
        tapetum::data::write_npy(folder.0.join(name), &value).unwrap();
        Contents::File(folder.0.join(name))
    };
    let index = file("index.npy", tapetum::HostTensor::i32([3], vec![2, 0, 2]).unwrap());
    let x = file("x.npy", tapetum::HostTensor::f32([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
    let negative = file("negative.npy", tapetum::HostTensor::i32([3], vec![2, -1, 2]).unwrap());
    let launch = |index: &Contents, x: &Contents| {
        let bound = |name: &str, contents: &Contents| Bound { name: name.into(), contents: contents.clone() };
        let bindings = vec![bound("x", x), bound("sums", &Contents::Zeros([3].into())), bound("index", index)];
        work(&folder.0.join("gather.wgsl"), &Launch { bindings, workgroups: 3, ..Launch::default() })
    };
    let made = launch(&index, &x).unwrap();
    let recorded = RecordedWork::new(&made.sizes[0].1, Direction::Forward).unwrap();
    let mut program = crate::common::gpu().compile(&recorded.tape, &recorded.outputs).unwrap();
    program.steps(3).unwrap();
    assert_eq!(program.read(recorded.outputs[0]).unwrap().to_f64_vec(), [6.0, 2.0, 6.0]);
    let refused = |index: &Contents, x: &Contents| launch(index, x).unwrap_err().to_string();
    let error = refused(&negative, &x);
    assert!(error.contains("negative.npy") && error.contains("negative numbers"), "{error}");
    let error = refused(&index, &index);
    assert!(error.contains("index.npy") && error.contains("holds i32, and f32 is expected, as `x` is"), "{error}");
}

#[test]
fn steps_are_timed() {
    let folder = Folder::new("bench-steps");
    let json = folder.run("bench step/parcels --quick --json --trace trace.json").json();
    let trace: Value = serde_json::from_str(&fs::read_to_string(folder.0.join("trace.json")).unwrap()).unwrap();
    let of = |phase: &str| trace["traceEvents"].as_array().unwrap().iter().filter(|e| e["ph"] == json!(phase)).count();
    assert_eq!((json!(of("X")), of("M")), (json["steps"][0]["dispatches"].clone(), 1), "an event a dispatch, and the step's name");
    folder.run("bench step/parcels --quick --device cpu --trace host.json").failed(&["--trace", "timestamps"]);
    folder.run("bench fisher_z --quick --trace works.json").failed(&["--trace", "no training step"]);
    let [step] = &json["steps"].as_array().unwrap()[..] else { panic!("{json}") };
    assert!(json["rows"].as_array().unwrap().is_empty());
    for key in ["dispatches", "encode_ns_a_dispatch", "kernels_ns", "planned_bytes", "peak_bytes"] {
        assert!(step[key].as_f64().unwrap() > 0.0, "{key} of {step}");
    }
    assert!(step["peak_bytes"].as_f64() > step["planned_bytes"].as_f64());
    assert!(step["idle"].is_null() || (0.0..=1.0).contains(&step["idle"].as_f64().unwrap()), "{step}");
}

#[test]
fn what_bench_refuses() {
    let folder = Folder::new("bench-refusals");
    let fails = |line: &str, parts: &[&str]| folder.run(&format!("bench {line} --device cpu")).failed(parts);
    fails("nosuchkernel", &["`nosuchkernel`", "there are"]);
    fails("matmul --compare missing.json", &["missing.json", "cannot be read"]);
    for (name, text, what) in [
        ("text.json", "no json", "is no JSON"),
        ("list.json", "[]", "has no `format`"),
        ("old.json", r#"{"format": 1}"#, "format 1"),
        ("bare.json", r#"{"format": 2}"#, "`rows`"),
        ("rows.json", r#"{"format": 2, "rows": [{"kernel": 3}], "machine": {}}"#, "`machine`"),
    ] {
        folder.file(name, text);
        fails(&format!("matmul --compare {name}"), &[name, what]);
    }
    folder.file("file", "");
    fails("matmul --quick --out file", &["file", "cannot be made"]);
    folder.run("bench --threshold 1.5").misused("--compare");
    folder.run("bench --compare x.json --threshold 0.5").misused("above 1");
    folder.run("bench --device nosuch").failed(&["--device nosuch"]);
    assert_eq!(folder.names().len(), 6, "nothing is left behind: {:?}", folder.names());
}

#[test]
fn starts_are_timed_without_and_with_kept_pipelines() {
    let folder = Folder::new("bench-start");
    let json = folder.run("bench start/parcels --quick --json --device 0").json();
    let start = &json["starts"][0];
    assert_eq!((json["starts"].as_array().unwrap().len(), &start["name"]), (1, &json!("start/parcels 3x90x120")));
    let kept = start["kept_bytes"].as_u64().unwrap();
    assert_eq!(start["warm"].is_null(), kept == 0, "{start}");
    for times in [&start["cold"], &start["warm"]].into_iter().filter(|times| !times.is_null()) {
        let median = |until: &str| times[until]["median_ns"].as_f64().unwrap();
        assert!(0.0 < median("device") && median("device") < median("compiled") && median("compiled") < median("step"), "{times}");
    }
    let json = folder.run("bench start/parcels --quick --json --device cpu").json();
    assert_eq!((&json["starts"][0]["warm"], &json["starts"][0]["cold"]["device"]["median_ns"]), (&Value::Null, &json!(0.0)));
    assert!(folder.names().is_empty());
}
