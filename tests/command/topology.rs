//! `tapetum topology`: births, deaths and edges in files, distances, barycentres, clusters and tests; and bad input.

use super::run::{Folder, f32s, npy, read_f32, read_i32};
use serde_json::json;
use std::fs;

/// Symmetric weights of noise, without ties.
fn graph(n: usize, seed: usize) -> Vec<f32> {
    let weight = |i: usize, j: usize| ((i.min(j) * n + i.max(j)) as f64 * 0.754_877 + seed as f64 * 0.569_84).fract() as f32;
    (0..n * n).map(|at| weight(at / n, at % n)).collect()
}

fn file(folder: &Folder, name: &str, shape: &[usize], weights: &[f32]) {
    folder.file(name, npy("<f4", shape, &f32s(weights)));
}

/// Births and deaths by Kruskal's algorithm, implemented as simply as possible.
fn lists(w: &[f32], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut edges: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    edges.sort_by(|a, b| w[b.0 * n + b.1].total_cmp(&w[a.0 * n + a.1]));
    let mut set: Vec<usize> = (0..n).collect();
    let (mut births, mut deaths) = (Vec::new(), Vec::new());
    for (i, j) in edges {
        let (a, b) = (set[i], set[j]);
        if a == b { &mut deaths } else { &mut births }.insert(0, f64::from(w[i * n + j]));
        set.iter_mut().filter(|s| **s == a).for_each(|s| *s = b);
    }
    (births, deaths)
}

fn square(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum()
}

/// A report needs nothing but itself.
fn report_holds(folder: &Folder, name: &str) {
    let html = fs::read_to_string(folder.0.join(name)).unwrap();
    assert!(html.contains("<svg") && html.ends_with("</html>\n") && !html.contains("<script") && !html.contains("NaN"), "{name}");
}

#[test]
fn a_graph_is_decomposed() {
    let folder = Folder::new("decompose");
    let w = graph(9, 1);
    file(&folder, "w.npy", &[9, 9], &w);
    let (births, deaths) = lists(&w, 9);
    let done = folder.run("topology decompose w.npy -o out --device cpu --json").json();
    assert_eq!((&done["births"], &done["deaths"], &done["nodes"]), (&json!(8), &json!(28), &json!(9)));
    assert_eq!(
        super::run::names(&folder.0.join("out")),
        ["barcode.svg", "births.npy", "deaths.npy", "edges.npy", "edges.tsv", "report.html"]
    );
    assert_eq!(read_f32(folder.0.join("out/births.npy"), &[8]), births);
    assert_eq!(read_f32(folder.0.join("out/deaths.npy"), &[28]), deaths);
    let bytes = fs::read(folder.0.join("out/edges.npy")).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[..header]).contains("'<u4'"));
    let ends: Vec<usize> = bytes[header..].chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap()) as usize).collect();
    let of_edges = ends.chunks_exact(2).map(|e| if e[0] < e[1] { f64::from(w[e[0] * 9 + e[1]]) } else { f64::NAN });
    assert_eq!(of_edges.collect::<Vec<_>>(), [births, deaths].concat());
    report_holds(&folder, "out/report.html");
    // An adapter gives the same files.
    let kept = fs::read(folder.0.join("out/deaths.npy")).unwrap();
    let adapter = folder.run("devices --json").json()["adapters"][0]["index"].to_string();
    folder.run(&format!("topology decompose w.npy -o out --device {adapter} --json")).json();
    assert_eq!(fs::read(folder.0.join("out/deaths.npy")).unwrap(), kept);
    assert_eq!(fs::read(folder.0.join("out/edges.npy")).unwrap(), bytes);
}

#[test]
fn distances_and_their_squares() {
    let folder = Folder::new("distance");
    let (a, b) = (graph(7, 1), graph(7, 2));
    file(&folder, "a.npy", &[7, 7], &a);
    file(&folder, "b.npy", &[7, 7], &b);
    let (x, y) = (lists(&a, 7), lists(&b, 7));
    let [w0, w1] = [square(&x.0, &y.0), square(&x.1, &y.1)];
    let near = |found: &serde_json::Value, wanted: f64| assert!((found.as_f64().unwrap() - wanted).abs() < 1e-9, "{found}, not {wanted}");
    let done = folder.run("topology distance a.npy b.npy --device cpu --json").json();
    [("w0", w0), ("w1", w1), ("total", w0 + w1)].iter().for_each(|(key, wanted)| near(&done["squared"][*key], *wanted));
    [("w0", w0), ("w1", w1), ("total", w0 + w1)].iter().for_each(|(key, wanted)| near(&done[*key], wanted.sqrt()));
    let done = folder.run("topology distance a.npy b.npy --dimension 1 --device cpu --json").json();
    near(&done["squared"]["total"], w1);
    assert!(done["w0"].is_null());
    let done = folder.run("topology distance a.npy a.npy --device cpu");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[0].contains("distance") && lines[0].ends_with("squared"), "{done:?}");
    assert!(lines.len() == 4 && lines[1..].iter().all(|line| line.ends_with("0.000000  0.000000")), "{done:?}");
    // For a graph of another size, the shorter births are filled up with their greatest value and the shorter deaths with their least.
    let c = graph(5, 3);
    file(&folder, "c.npy", &[5, 5], &c);
    let z = lists(&c, 5);
    let filled = [z.0.clone(), vec![z.0[3]; 2]].concat();
    near(&folder.run("topology distance a.npy c.npy --dimension 0 --device cpu --json").json()["squared"]["w0"], square(&x.0, &filled));
    let filled = [vec![z.1[0]; 9], z.1.clone()].concat();
    near(&folder.run("topology distance c.npy a.npy --dimension 1 --device cpu --json").json()["squared"]["w1"], square(&x.1, &filled));
    // Two nodes have no cycles.
    file(&folder, "two.npy", &[2, 2], &[0.0, 0.5, 0.5, 0.0]);
    let done = folder.run("topology distance a.npy two.npy --device cpu --json").json();
    assert!(done["w1"].is_null() && done["total"].is_null() && done["undefined"].is_string() && done["w0"].is_f64(), "{done}");
}

/// Weights that are near 1 within a half of the nodes, or near 1 everywhere; and which.
fn two_kinds(each: usize, n: usize) -> (Vec<f32>, Vec<i32>) {
    let near = |g: usize, at: usize| if g < each && (at / n < n / 2) != (at % n < n / 2) { 0.1 } else { 0.9 };
    let noise: Vec<Vec<f32>> = (0..2 * each).map(|g| graph(n, g)).collect();
    let weights = (0..2 * each).flat_map(|g| (0..n * n).map(move |at| (g, at))).map(|(g, at)| near(g, at) + 0.05 * noise[g][at]);
    (weights.collect(), (0..2 * each).map(|g| if g < each { 7 } else { -2 }).collect())
}

#[test]
fn stacks_have_barycentres_clusters_and_tests() {
    let folder = Folder::new("stack");
    let (weights, labels) = two_kinds(6, 8);
    file(&folder, "stack.npy", &[12, 8, 8], &weights);
    folder.file("labels.npy", npy("<i4", &[12], &labels.iter().flat_map(|l| l.to_le_bytes()).collect::<Vec<_>>()));
    folder.run("topology barycenter stack.npy -o mean --device cpu --json").json();
    let all: Vec<_> = weights.chunks_exact(64).map(|w| lists(w, 8)).collect();
    let mean = |k: usize, list: usize| all.iter().map(|l| [&l.0, &l.1][list][k]).sum::<f64>() / 12.0;
    let births = read_f32(folder.0.join("mean/births.npy"), &[7]);
    let deaths = read_f32(folder.0.join("mean/deaths.npy"), &[21]);
    assert!(births.iter().enumerate().all(|(k, b)| (b - mean(k, 0)).abs() < 1e-6));
    assert!(deaths.iter().enumerate().all(|(k, d)| (d - mean(k, 1)).abs() < 1e-6));
    report_holds(&folder, "mean/report.html");

    for weight in ["", "--weight 0.5", "--weight 0"] {
        let line = format!("topology cluster stack.npy --clusters 2 --labels labels.npy -o clusters {weight} --device cpu --json");
        let done = folder.run(&line).json();
        assert_eq!((&done["purity"], &done["accuracy"]), (&json!(1.0), &json!(1.0)), "{weight}");
        assert_eq!(done["confusion"]["labels"], json!([-2, 7]));
        assert_eq!(done["converged"], json!(true), "{weight}");
        let clusters = read_i32(folder.0.join("clusters/clusters.npy"), &[12]);
        assert!((0..12).all(|g| (clusters[g] == clusters[0]) == (g < 6)), "{clusters:?}");
    }
    report_holds(&folder, "clusters/report.html");
    // After one round it is not known whether another would change anything. A message says so, and the clusters so far are kept.
    let cut = folder.run("topology cluster stack.npy --clusters 2 -o cut --rounds 1 --device cpu --json");
    assert!(cut.stderr.contains("the clusters still changed in round 1"), "{cut:?}");
    assert_eq!((&cut.json()["rounds"], &cut.json()["converged"]), (&json!(1), &json!(false)));

    file(&folder, "a.npy", &[6, 8, 8], &weights[..6 * 64]);
    file(&folder, "b.npy", &[6, 8, 8], &weights[6 * 64..]);
    let done = folder.run("topology test a.npy b.npy --transpositions 20000 -o tested --device cpu --json").json();
    // Of the 924 ways to choose a group, only this one and its complement have this ratio.
    assert!(done["p"].as_f64().unwrap() < 0.01 && done["ratio"].as_f64().unwrap() > 2.0, "{done}");
    report_holds(&folder, "tested/report.html");
    let done = folder.run("topology test a.npy b.npy --dimension 0 --device cpu");
    assert!(done.code == Some(0) && done.stdout.contains("p = "), "{done:?}");
}

#[test]
fn groups_in_which_nothing_differs_have_p_of_1_and_a_report() {
    let folder = Folder::new("nothing-differs");
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/topology-test-nothing-differs");
    for name in ["a", "b", "constant", "pairs"] {
        folder.file(&format!("{name}.npy"), fs::read(cases.join(format!("{name}.npy"))).unwrap());
    }
    for line in ["a.npy b.npy", "constant.npy constant.npy", "pairs.npy pairs.npy --dimension 1"] {
        let done = folder.run(&format!("topology test {line} --transpositions 5000 -o out --device cpu --json")).json();
        assert_eq!(done["p"], json!(1.0), "{line}");
        assert!(done["ratio"].is_null() && done["ratio_undefined"].as_str().unwrap().contains("not defined"), "{done}");
        report_holds(&folder, "out/report.html");
        let done = folder.run(&format!("topology test {line} --transpositions 5000 --device cpu"));
        assert!(done.code == Some(0) && done.stdout.contains("p = 1.000 by 5000"), "{done:?}");
    }
    // Groups are named after their files.
    folder.run("topology test a.npy b.npy --transpositions 100 -o out --device cpu --json").json();
    let html = fs::read_to_string(folder.0.join("out/report.html")).unwrap();
    assert!(html.contains(">a<") && html.contains(">b<"));
}

#[test]
fn bad_graphs_are_one_line_and_leave_nothing() {
    let folder = Folder::new("bad-graphs");
    let bad = |shape: &[usize], change: &[(usize, f32)], line: &str, parts: &[&str]| {
        let n = shape[shape.len() - 1];
        let mut w: Vec<f32> = (0..shape.iter().product::<usize>() / (n * n).max(1)).flat_map(|g| graph(n, g)).collect();
        w.resize(shape.iter().product(), 0.5);
        change.iter().for_each(|&(at, x)| w[at] = x);
        file(&folder, "w.npy", shape, &w);
        let done = folder.run(&format!("topology {line} --device cpu"));
        done.failed(parts);
        assert!(done.stderr.starts_with("tapetum: w.npy: "), "{done:?}");
        assert_eq!(folder.names(), ["w.npy"], "{line}");
    };
    bad(&[3, 4], &[], "decompose w.npy -o out", &["[3, 4]", "[n, n]"]);
    bad(&[2, 3, 3], &[], "decompose w.npy -o out", &["2 graphs", "--index N"]);
    bad(&[1, 1], &[], "decompose w.npy -o out", &["1 node", "at least 2"]);
    bad(&[4, 4], &[(6, f32::NAN)], "decompose w.npy -o out", &["row 1, column 2", "NaN", "finite"]);
    bad(&[4, 4], &[(6, f32::NEG_INFINITY), (9, f32::NEG_INFINITY)], "distance w.npy w.npy", &["row 1, column 2", "-inf"]);
    bad(&[4, 4], &[(6, 3.5)], "decompose w.npy -o out", &["row 1, column 2", "3.5", "symmetric"]);
    bad(&[0, 3, 3], &[], "barycenter w.npy -o out", &["no graphs"]);
    bad(&[2, 3, 4], &[], "cluster w.npy --clusters 2 -o out", &["[2, 3, 4]", "[graphs, n, n]"]);
    bad(&[2, 3, 3], &[], "cluster w.npy --clusters 3 -o out", &["2 graphs", "--clusters 3"]);
    bad(&[2, 3, 3], &[(11, f32::NAN)], "cluster w.npy --clusters 1 -o out", &["graph 1, row 0, column 2", "NaN"]);
    bad(&[2, 3, 3], &[], "cluster w.npy --clusters 2 --labels w.npy -o out", &["f32[2, 3, 3]", "2 whole numbers"]);
    bad(&[1, 3, 3], &[], "test w.npy w.npy", &["1 graph", "at least 2"]);
    folder.run("topology cluster w.npy --clusters 0 -o out").misused("--clusters");
    folder.run("topology cluster w.npy --clusters 2 --weight 1.5 -o out").misused("0 to 1");
    folder.run("topology distance w.npy w.npy --dimension 2").misused("--dimension");
    folder.run("topology").misused("Usage");
}

/// A correlation as XCP-D writes it, from `graph`, with `n/a` in the rows and columns of `missing`.
fn relmat(n: usize, seed: usize, missing: &[usize]) -> String {
    let w = graph(n, seed);
    let names: Vec<String> = (0..n).map(|i| format!("LH_{i}")).collect();
    let cell = |i: usize, j: usize| match missing.contains(&i) || missing.contains(&j) {
        true => "n/a".to_owned(),
        false => w[i * n + j].to_string(),
    };
    let row = |i: usize| format!("{}\t{}\n", names[i], (0..n).map(|j| cell(i, j)).collect::<Vec<_>>().join("\t"));
    format!("Node\t{}\n{}", names.join("\t"), (0..n).map(row).collect::<String>())
}

#[test]
fn matrices_of_xcp_d_keep_their_names_and_leave_out_what_has_no_value() {
    let folder = Folder::new("relmats");
    for subject in 1..=6 {
        let missing: &[usize] = if subject == 2 { &[3] } else { &[] };
        folder.file(&format!("sub-{subject}_relmat.tsv"), relmat(7, subject, missing));
    }
    let done = folder.run("topology decompose sub-2_relmat.tsv -o out --device cpu --json");
    assert!(done.stderr.contains("warning: sub-2_relmat.tsv: regions without values are left out: `LH_3`"), "{done:?}");
    let done = done.json();
    assert_eq!(done["names"], json!(["LH_0", "LH_1", "LH_2", "LH_4", "LH_5", "LH_6"]));
    assert_eq!((&done["nodes"], &done["births"], &done["deaths"]), (&json!(6), &json!(5), &json!(10)));
    // The edges by name are those of the file, and the numbers beside them are its rows.
    let w = graph(7, 2);
    let rows = fs::read_to_string(folder.0.join("out/edges.tsv")).unwrap();
    let ends = read_i32_as_u32(&folder, "out/edges.npy", 15);
    let mut lines = rows.lines();
    assert_eq!(lines.next(), Some("source\ttarget\tweight\tkind"));
    for (edge, line) in lines.enumerate() {
        let [i, j] = [ends[2 * edge], ends[2 * edge + 1]];
        let kind = if edge < 5 { "birth" } else { "death" };
        assert_eq!(line, format!("LH_{i}\tLH_{j}\t{}\t{kind}", w[i * 7 + j]));
        assert!(i != 3 && j != 3);
    }
    // A table of edges is a graph again.
    assert_eq!(folder.run("topology decompose out/edges.tsv -o again --device cpu --json").json()["births"], json!(5));
    assert_eq!(fs::read(folder.0.join("again/deaths.npy")).unwrap(), fs::read(folder.0.join("out/deaths.npy")).unwrap());
    let html = fs::read_to_string(folder.0.join("out/report.html")).unwrap();
    assert!(html.contains(">LH_4<") && !html.contains(">LH_3<"));

    // Of several files, what one leaves out is left out of all.
    let done = folder.run("topology barycenter sub-1_relmat.tsv sub-2_relmat.tsv -o mean --device cpu --json").json();
    assert_eq!((&done["graphs"], &done["nodes"], &done["stack"]), (&json!(2), &json!(6), &json!(["sub-1_relmat.tsv", "sub-2_relmat.tsv"])));
    let done = folder.run("topology distance sub-1_relmat.tsv sub-2_relmat.tsv --device cpu --json").json();
    assert_eq!(done["graphs"][0]["kept"], json!([0, 1, 2, 4, 5, 6]));
    folder.file("other.tsv", relmat(7, 1, &[]).replace("LH_4", "RH_4"));
    folder.run("topology barycenter sub-1_relmat.tsv other.tsv -o no --device cpu").failed(&["other.tsv: ", "node 4", "`RH_4`", "`LH_4`"]);
    folder.file("six.tsv", relmat(6, 1, &[]));
    folder.run("topology barycenter sub-1_relmat.tsv six.tsv -o no --device cpu").failed(&["six.tsv: ", "6 nodes", "has 7"]);
    folder.file("one.tsv", relmat(3, 1, &[0, 1]));
    folder.run("topology decompose one.tsv -o no --device cpu").failed(&["one.tsv: ", "at least 2"]);
}

/// The elements of a u32 `[edges, 2]`.
fn read_i32_as_u32(folder: &Folder, name: &str, edges: usize) -> Vec<usize> {
    let bytes = fs::read(folder.0.join(name)).unwrap();
    let words: Vec<usize> =
        bytes[bytes.len() - 8 * edges..].chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap()) as usize).collect();
    assert_eq!(words.len(), 2 * edges);
    words
}

#[test]
fn labels_are_joined_by_participant() {
    let folder = Folder::new("labels");
    let (weights, _) = two_kinds(6, 8);
    for (g, w) in weights.chunks_exact(64).enumerate() {
        let row = |r: &[f32]| r.iter().map(f32::to_string).collect::<Vec<_>>().join(",") + "\n";
        folder.file(&format!("sub-{g:02}_task-rest_w.csv"), w.chunks_exact(8).map(row).collect::<String>());
    }
    let files: Vec<String> = (0..12).map(|g| format!("sub-{g:02}_task-rest_w.csv")).collect();
    let files = files.join(" ");
    // The rows stand in another order than the files.
    let rows: String = (0..12).rev().map(|g| format!("sub-{g:02}\t{}\n", if g < 6 { "patient" } else { "control" })).collect();
    folder.file("participants.tsv", format!("participant_id\tgroup\n{rows}"));
    let cluster = format!("topology cluster {files} --clusters 2 -o out --device cpu --json --labels participants.tsv");
    let done = folder.run(&format!("{cluster} --column group"));
    assert!(done.stderr.contains("rows found by `participant_id`"), "{done:?}");
    let done = done.json();
    assert_eq!((&done["purity"], &done["confusion"]["labels"]), (&json!(1.0), &json!(["control", "patient"])));
    let test = format!("topology test {files} --transpositions 20000 --device cpu --json");
    let by_label = folder.run(&format!("{test} --labels participants.tsv --column group")).json();
    assert_eq!((&by_label["groups"], &by_label["graphs"]), (&json!(["control", "patient"]), &json!([6, 6])));
    let [first, second]: [Vec<&str>; 2] = [files.split(' ').take(6).collect(), files.split(' ').skip(6).collect()];
    let line = format!("topology test {} --against {} --transpositions 20000 --device cpu --json", first.join(" "), second.join(" "));
    let against = folder.run(&line).json();
    assert_eq!(against["graphs"], json!([6, 6]));
    let near = |key: &str| (against[key].as_f64().unwrap() - by_label[key].as_f64().unwrap()).abs() < 1e-9;
    assert!(near("ratio") && against["ratio"].as_f64().unwrap() > 2.0, "{against} {by_label}");
    // Refusals.
    folder.run(&cluster).failed(&["participants.tsv: ", "--column NAME"]);
    folder.run(&format!("{cluster} --column age")).failed(&["participants.tsv: ", "no column `age`", "group"]);
    folder.file("participants.tsv", format!("participant_id\tgroup\n{}", rows.replace("sub-03\tpatient", "sub-03\tn/a")));
    folder.run(&format!("{cluster} --column group")).failed(&["graph 3", "no `group`"]);
    folder.file("participants.tsv", format!("participant_id\tgroup\n{}", rows.replace("sub-03", "sub-33")));
    folder.run(&format!("{cluster} --column group")).failed(&["no row of sub-03"]);
    folder.file("participants.tsv", "id\tgroup\na\tx\n");
    folder.run(&format!("{cluster} --column group")).failed(&["1 rows", "12 are expected"]);
    folder.run(&test).failed(&["12 given", "--against"]);
    folder.run("topology cluster a.npy --clusters 2 -o out --column group").misused("--labels");
}

#[test]
fn directed_graphs_are_made_symmetric_where_that_is_asked_for() {
    let folder = Folder::new("directed");
    folder.file("d.csv", "pre,post,weight\na,b,1.5\nb,a,0.5\nb,c,-2\na,c,0.25\n");
    folder.run("topology decompose d.csv -o out --device cpu").failed(&[
        "d.csv: ",
        "1.5, and 0.5 across the diagonal",
        "--symmetrise mean or max",
    ]);
    // Missing edges are 0: the larger of -2 and 0 is 0.
    for (how, births, death) in [("mean", [0.125, 1.0], -1.0), ("max", [0.25, 1.5], 0.0)] {
        folder.run(&format!("topology decompose d.csv -o out --device cpu --symmetrise {how} --json")).json();
        assert_eq!(read_f32(folder.0.join("out/births.npy"), &[2]), births, "{how}");
        assert_eq!(read_f32(folder.0.join("out/deaths.npy"), &[1]), [death], "{how}");
    }
    folder.run("topology decompose d.csv -o out --symmetrise min").misused("mean, max");
}

#[test]
fn a_graph_of_a_stack_is_taken_by_its_number() {
    let folder = Folder::new("index");
    let stack: Vec<f32> = (0..3).flat_map(|seed| graph(5, seed)).collect();
    file(&folder, "stack.npy", &[3, 5, 5], &stack);
    file(&folder, "b.npy", &[5, 5], &graph(5, 2));
    folder.run("topology decompose stack.npy --index 2 -o out --device cpu --json").json();
    assert_eq!(read_f32(folder.0.join("out/births.npy"), &[4]), lists(&graph(5, 2), 5).0);
    let squared = |line: &str| folder.run(&format!("topology distance {line} --device cpu --json")).json()["squared"]["total"].clone();
    assert_eq!(squared("stack.npy stack.npy --index 0,1"), squared("stack.npy stack.npy --index 1,0"));
    assert_eq!(squared("stack.npy stack.npy --index 2"), json!(0.0));
    folder.run("topology distance stack.npy b.npy --index 2 --device cpu").failed(&["b.npy: ", "--index 2 of 1 graphs"]);
    assert_eq!(squared("stack.npy b.npy --index 2,0"), json!(0.0));
    folder.run("topology decompose stack.npy --index 3 -o out --device cpu").failed(&["stack.npy: ", "from 0 to 2"]);
    folder.run("topology distance stack.npy b.npy --index 1,2,3 --device cpu").failed(&["--index"]);
}
