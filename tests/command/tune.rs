//! `tapetum tune`, and the file it writes.

use super::run::Folder;
use serde_json::{Value, json};
use std::fs;

#[test]
fn variants_are_chosen_written_and_taken() {
    let folder = Folder::new("tune");
    let done = folder.run("tune matmul/matmul --quick --out tuning.json --json").json();
    let file: Value = serde_json::from_str(&fs::read_to_string(folder.0.join("tuning.json")).unwrap()).unwrap();
    assert_eq!(done["tuning"], file, "what is printed is what is written");
    assert_eq!(file["version"], env!("CARGO_PKG_VERSION"));
    let trials = done["trials"].as_array().unwrap();
    assert!(!trials.is_empty());
    for trial in trials {
        let times = trial["times"].as_object().unwrap();
        let time = |key: &str| times[trial[key].as_str().unwrap()].as_f64().unwrap();
        assert!(times.len() > 1 && (time("rule") - 1.0).abs() < 1e-9, "{trial}");
        // The chosen variant is the rule's, or it is the fastest of all and faster than the rule's.
        let fastest = times.values().all(|t| t.as_f64().unwrap() >= time("chosen"));
        assert!(trial["chosen"] == trial["rule"] || fastest && time("chosen") < 0.97, "{trial}");
        assert_eq!(file["variants"][trial["kernel"].as_str().unwrap()], trial["chosen"]);
    }

    // A kernel runs in the variant that the file says.
    let mut other = file.clone();
    other["variants"] = json!({ "matmul/matmul@small": "shared32" });
    folder.file("other.json", other.to_string());
    let rows = folder.run("bench matmul/ --quick --json --tuning other.json").json();
    let rows = rows["rows"].as_array().unwrap();
    let variants: Vec<_> = rows.iter().filter(|r| r["kernel"] == "matmul/matmul").map(|r| r["variant"].as_str().unwrap()).collect();
    assert!(!variants.is_empty() && variants.iter().all(|v| v.starts_with("shared32")), "{variants:?}");
}

#[test]
fn a_tuning_of_something_else_is_refused() {
    let folder = Folder::new("tune-refused");
    let tuning = |adapter: &str, variants: Value| {
        json!({ "adapter": adapter, "backend": "vulkan", "driver": "1", "version": "0.1.0", "variants": variants }).to_string()
    };
    folder.file("adapter.json", tuning("Another GPU", json!({ "topology/tree@large": "boruvka" })));
    folder.file("kernel.json", tuning("Another GPU", json!({ "matmul/nothing@small": "shared32" })));
    folder.file("variant.json", tuning("Another GPU", json!({ "matmul/matmul@small": "fastest" })));
    folder.file("way.json", tuning("Another GPU", json!({ "topology/tree": "kruskal" })));
    folder.file("text.json", "not a tuning");
    let refused = [
        ("adapter.json", "made on Another GPU, vulkan, 1"),
        ("kernel.json", "no kernel `matmul/nothing`"),
        ("variant.json", "one of direct16, direct8, cooperative, cooperative8, shared64, shared128, shared32 expected, found `fastest`"),
        ("way.json", "one of prim, boruvka expected, found `kruskal`"),
        ("text.json", "a tuning in JSON expected"),
        ("missing.json", "cannot be read: No such file"),
    ];
    for (file, why) in refused {
        folder.run(&format!("bench matmul/ --quick --tuning {file}")).failed(&[file, why]);
    }
    // Every command reports a fault in the tuning file, including commands that run no kernels.
    for line in ["devices", "shaders softmax", "demo --device cpu --steps 1"] {
        folder.run(&format!("{line} --tuning missing.json")).failed(&["missing.json", "cannot be read: No such file"]);
    }
    folder.run("tune nothing-of-the-kind").failed(&["no kernel whose name contains `nothing-of-the-kind`"]);
    folder.run("tune --device cpu").failed(&["runs no kernels"]);
}
