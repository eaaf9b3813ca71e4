//! `tapetum bench --traffic`: the bytes that kernels load and store. All expected numbers are counted by hand.

use super::run::Folder;
use serde_json::{Value, json};

const HEAD: &str = "@group(0) @binding(0) var<storage, read> x: array<vec2<f32>>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;\n";

/// The only row of a kernel on 1000 scalars each way, in 4 workgroups of 128 invocations.
fn counted(folder: &Folder, body: &str) -> Value {
    folder.file("own.wgsl", format!("{HEAD}{body}"));
    let json = folder.run("bench --kernel own.wgsl --bindings x=1000,y=1000 --workgroups 4 --traffic --json").json();
    let [row] = &json["traffic"].as_array().unwrap()[..] else { panic!("{json}") };
    assert_eq!((&row["kernel"], &row["compulsory"], &row["launches"]), (&json!("own"), &json!(8000.0), &json!(1)));
    row.clone()
}

fn figures(row: &Value) -> [f64; 6] {
    ["loaded", "stored", "ratio", "workgroup_loaded", "workgroup_stored", "barriers"].map(|key| row[key].as_f64().unwrap())
}

#[test]
fn a_copy_moves_what_is_compulsory() {
    let folder = Folder::new("traffic-copy");
    let row = counted(
        &folder,
        "@compute @workgroup_size(128) fn main(@builtin(global_invocation_id) at: vec3<u32>) {
            if (at.x >= 500u) { return; }
            let pair = x[at.x];
            y[2u * at.x] = pair.x;
            y[2u * at.x + 1u] = pair.y;
        }",
    );
    assert_eq!(figures(&row), [4000.0, 4000.0, 1.0, 0.0, 0.0, 0.0]);
}

/// Functions, loops left early, short-circuits, components of vectors, workgroup memory and barriers.
#[test]
fn every_way_to_load_and_store_is_counted() {
    let folder = Folder::new("traffic-ways");
    let row = counted(
        &folder,
        "var<workgroup> tile: array<f32, 128>;
        fn first(i: u32) -> f32 { return x[i].x; }
        @compute @workgroup_size(128) fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
            tile[lane] = first(lane);
            workgroupBarrier();
            var sum = 0.0;
            for (var i = 0u; i < 100u; i++) {
                if (i == 10u) { break; }
                sum += tile[i];
            }
            workgroupBarrier();
            if (lane < 64u && x[lane].y < 1e30) { return; }
            y[group.x * 128u + lane] = sum;
        }",
    );
    // 512 invocations load 4 bytes each, and half of them 4 bytes more; the other half store.
    assert_eq!(figures(&row), [3072.0, 1024.0, 4096.0 / 8000.0, 20_480.0, 2048.0, 2.0]);
}

/// 2^20 invocations load 8 bytes 600 times each: more bytes than 32 bits count.
#[test]
fn counts_pass_32_bits() {
    let folder = Folder::new("traffic-many");
    folder.file(
        "own.wgsl",
        format!(
            "{HEAD}@compute @workgroup_size(256) fn main(@builtin(local_invocation_index) lane: u32) {{
                var sum = vec2<f32>();
                for (var i = 0u; i < 600u; i++) {{ sum += x[lane]; }}
                y[lane] = sum.x + sum.y;
            }}"
        ),
    );
    let json = folder.run("bench --kernel own.wgsl --bindings x=512,y=256 --workgroups 4096 --traffic --json").json();
    assert_eq!(figures(&json["traffic"][0])[..2], [4800.0 * 1_048_576.0, 4.0 * 1_048_576.0]);
}

#[test]
fn kernels_for_gpus_are_counted_and_written() {
    let folder = Folder::new("traffic-out");
    let json = folder.run("bench transpose --traffic --quick --out counted --json").json();
    let rows = json["traffic"].as_array().unwrap();
    assert!(!rows.is_empty() && json["machine"]["adapter"].is_string(), "{json}");
    // A transpose through workgroup memory loads and stores each element once.
    assert!(rows.iter().any(|r| r["kernel"] == json!("shape/transpose") && r["ratio"] == json!(1.0)), "{json}");
    let table = std::fs::read_to_string(folder.0.join("counted/traffic.tsv")).unwrap();
    assert_eq!(table.lines().count(), 1 + rows.len());
    assert!(table.starts_with("kernel\tvariant\twork\tdirection\tshape\tsize\tlaunches\tloaded\tstored\tcompulsory\tratio\t"), "{table}");
    let text = folder.run("bench transpose --traffic --quick");
    assert!(text.code == Some(0) && text.stdout.contains("B loaded") && text.stdout.contains("1.00"), "{text:?}");
    folder.run("bench transpose --traffic --device cpu").failed(&["host executor has no kernels"]);
    folder.run("bench transpose --traffic --compare x.json").misused("--compare");
    // llvmpipe leaves an invocation's loops after 65,535 iterations, and would count too little.
    folder.file(
        "long.wgsl",
        format!(
            "{HEAD}@compute @workgroup_size(1) fn main() {{
                for (var i = 0u; i < 60000u; i++) {{ y[i % 4u] += x[i % 2u].x; }}
            }}"
        ),
    );
    let json = folder.run("bench --kernel long.wgsl --bindings x=4,y=4 --workgroups 1 --traffic --json").json();
    assert!(json["traffic"].as_array().unwrap().is_empty(), "{json}");
    assert!(json["left_out"][0]["why"].as_str().unwrap().contains("more iterations than a software adapter runs"), "{json}");
}
