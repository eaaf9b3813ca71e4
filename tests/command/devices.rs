//! `tapetum devices`, `tapetum check` and `tapetum shaders`.

use super::run::{Folder, names};
use serde_json::{Value, json};

#[test]
fn devices_are_listed() {
    let folder = Folder::new("devices");
    let json = folder.run("devices --json").json();
    let adapters = json["adapters"].as_array().unwrap();
    assert!(!adapters.is_empty(), "a Vulkan, Metal or DX12 adapter; the README says how to get one");
    for (i, adapter) in adapters.iter().enumerate() {
        assert_eq!(adapter["index"], json!(i));
        let why = adapter["not_cooperative"].as_str();
        assert_eq!(adapter["cooperative"], json!(why.is_none()), "{adapter}");
        assert!(adapter["limits"]["storage_binding_bytes"].as_u64().unwrap() > 0, "{adapter}");
    }
    assert!(json["cpu"]["cores"].as_u64().unwrap() > 0);
    let real = |a: &&Value| a["usable"] == json!(true) && a["kind"] != json!("software");
    let auto = &json["auto"];
    match adapters.iter().find(real) {
        None => assert_eq!(auto, &json!("cpu")),
        Some(_) => assert!(real(&&adapters[auto.as_str().unwrap().parse::<usize>().unwrap()])),
    }
    let text = folder.run("devices");
    let said = |a: &Value| text.stdout.contains(a["name"].as_str().unwrap());
    assert!(text.code == Some(0) && adapters.iter().all(said) && text.stdout.contains("`auto` takes: "), "{text:?}");
}

#[test]
fn check_holds_an_op_to_its_definition() {
    let folder = Folder::new("check");
    let json = folder.run("check add --json").json();
    let outcomes = json["outcomes"].as_array().unwrap();
    assert_eq!((&json["checked"], &json["failed"]), (&json!(outcomes.len()), &json!(0)));
    assert!(!outcomes.is_empty());
    for o in outcomes {
        // Filters do not tell capitals apart.
        assert!(o["case"].as_str().unwrap().to_lowercase().contains("add"), "{o}");
        let within = |e: &str, t: &str| o[e].is_null() || o[e].as_f64().unwrap() <= o[t].as_f64().unwrap();
        assert!(o["passed"] == json!(true) && within("forward", "tolerance") && within("reverse", "reverse_tolerance"), "{o}");
    }
    let text = folder.run("check add");
    assert!(text.code == Some(0) && text.stdout.ends_with(&format!("\n{} passed, 0 failed\n", outcomes.len())), "{text:?}");
    folder.run("check nosuchop").failed(&["`nosuchop`"]);
    folder.run("check add --device cpu").failed(&["--device cpu", "adapter"]);
    folder.run("check add --device nosuch").failed(&["--device nosuch"]);
}

#[test]
fn shaders_are_listed_and_written() {
    let folder = Folder::new("shaders");
    let json = folder.run("shaders SOFTMAX --json").json();
    let kernels = json["kernels"].as_array().unwrap();
    assert!(!kernels.is_empty() && kernels.iter().all(|k| k["kernel"].as_str().unwrap().contains("softmax")), "{json}");
    let json = folder.run("shaders softmax --emit wgsl deep/out --json").json();
    assert_eq!((&json["written"], names(&folder.0.join("deep/out")).len()), (&json!(kernels.len()), kernels.len()));
    folder.run("shaders nosuchkernel").failed(&["`nosuchkernel`"]);
    let misused = folder.run("shaders softmax --emit glsl other");
    misused.misused("glsl");
    assert!(misused.stderr.contains("Usage: tapetum shaders"), "{misused:?}");
    folder.file("file", "");
    folder.run("shaders softmax --emit hlsl file").failed(&["file", "cannot be made"]);
    assert_eq!(folder.names(), ["deep", "file"]);
}

#[test]
fn help_pages_end_with_the_options_that_mean_something_there_and_an_example() {
    let folder = Folder::new("help");
    let page = |of: &str| folder.run(&format!("{of} --help")).stdout;
    for of in ["devices", "check", "connectivity", "denoise", "topology", "shaders", "parcellate", "run", "demo", "bench", "tune"] {
        let text = page(of);
        let (own, global) = text.split_once("Global options:").unwrap_or_else(|| panic!("{of}: {text}"));
        assert!(!own.contains("--json") && global.contains("--json"), "{of}: {text}");
        assert!(global.contains(&format!("Example: tapetum {of}")), "{of}: {text}");
    }
    let has = |of: &str, option: &str| page(of).contains(option);
    assert!(has("demo", "--seed") && has("demo", "--tuning") && has("demo", "--device") && has("topology test", "--seed"));
    assert!(!has("topology distance", "--seed") && has("topology distance", "--tuning"));
    assert!(!has("connectivity", "--seed") && has("connectivity", "--tuning") && !has("tune", "--tuning <FILE>"));
    assert!(!has("devices", "--seed") && !has("devices", "--tuning <FILE>") && !has("shaders", "--device"));
}

#[test]
fn compiled_pipelines_are_kept_where_the_environment_says() {
    let folder = Folder::new("kept");
    let devices = || folder.command(["devices", "--json"]);
    let json = |command: &mut std::process::Command| super::run::done(command.output().unwrap()).json();
    let listed = json(&mut devices());
    assert_eq!(listed["pipelines"], Value::Null, "TAPETUM_CACHE=none");
    let offered =
        listed["adapters"].as_array().unwrap().iter().any(|a| a["features"].as_array().unwrap().contains(&json!("pipeline-cache")));
    if !offered {
        return;
    }
    assert_eq!(json(devices().env("TAPETUM_CACHE", "here"))["pipelines"], json!("here"));
    if cfg!(target_os = "linux") {
        let user = json(devices().env_remove("TAPETUM_CACHE").env("XDG_CACHE_HOME", "/somewhere"));
        assert_eq!(user["pipelines"], json!("/somewhere/tapetum"));
    }
    folder.file("series.csv", "1,2\n3,5\n4,1\n2,2\n");
    for _ in 0..2 {
        let mut command = folder.command(["connectivity", "series.csv", "-o", "out.npy", "--device", "0"]);
        assert_eq!(command.env("TAPETUM_CACHE", "kept").output().unwrap().status.code(), Some(0));
        assert_eq!(names(&folder.0.join("kept")).len(), 1);
    }
}
