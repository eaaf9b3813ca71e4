//! Connectomes from matrices and lists of edges, whose expected values are by networkx (`tests/goldens/make_graphs.py`) or by hand.

use super::assert_says;
use crate::common::folder::Folder;
use tapetum::data::{Connectome, Delimiter, TableOptions, read_connectome};

fn read(folder: &Folder, name: &str, text: &str) -> tapetum::Result<Connectome> {
    folder.file(name, text);
    read_connectome(folder.0.join(name), &TableOptions::default())
}

#[track_caller]
fn found(folder: &Folder, name: &str, text: &str) -> (Vec<String>, Vec<f64>) {
    let made = read(folder, name, text).unwrap_or_else(|e| panic!("{name}: {e}"));
    (made.names.unwrap_or_default(), made.values.to_f64_vec())
}

#[track_caller]
fn refused(folder: &Folder, name: &str, text: &str, parts: &[&str]) {
    assert_says(read(folder, name, text), &folder.0.join(name), parts);
}

#[test]
fn graphs_are_those_of_networkx() {
    let folder = Folder::new("graphs");
    let golden: serde_json::Value = serde_json::from_str(include_str!("../goldens/graphs.json")).unwrap();
    let files = golden.as_object().unwrap();
    assert!(files.len() >= 10);
    for (name, wanted) in files {
        let (names, values) = found(&folder, name, wanted["text"].as_str().unwrap());
        assert_eq!(serde_json::json!(names), wanted["names"], "{name}");
        let rows = wanted["matrix"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        let wanted: Vec<f64> = rows.map(|x| f64::from(x.as_f64().unwrap() as f32)).collect();
        assert_eq!(values, wanted, "{name}");
    }
}

#[test]
fn a_list_of_edges_says_how_it_was_read() {
    let folder = Folder::new("edges");
    let remark = |text| read(&folder, "a.csv", text).unwrap().remarks.concat();
    assert!(remark("from,to,w\nA,B,1\nB,C,2\n").contains("none in both directions: read as undirected"));
    assert!(remark("from,to,w\nA,B,1\nB,A,1\n").contains("some in both directions: read as directed"));
    // Other columns, quotes, and a self-connection on the diagonal.
    let (names, values) = found(&folder, "b.csv", "Type,Neuron 1,Neuron 2,Nbr\nEJ,\"x, 1\",y,3\nS,y,y,4\n");
    assert_eq!((names, values), (vec!["x, 1".into(), "y".into()], vec![0.0, 3.0, 3.0, 4.0]));
    // Three columns without a header, and with one of other names.
    for text in ["A B 0.5\nA C 0.25\n", "one other r\nA B 0.5\nA C 0.25\n"] {
        let (names, values) = found(&folder, "c.txt", text);
        assert_eq!((names.join(""), values), ("ABC".into(), vec![0.0, 0.5, 0.25, 0.5, 0.0, 0.0, 0.25, 0.0, 0.0]), "{text}");
    }
    let semicolons = TableOptions { delimiter: Some(Delimiter::Semicolon), ..TableOptions::default() };
    folder.file("d.csv", "source;target;weight\nA;B;1\n");
    assert_eq!(read_connectome(folder.0.join("d.csv"), &semicolons).unwrap().regions(), 2);
    refused(&folder, "d.csv", "source;target;weight\nA;B;1\n", &["semicolons", "--delimiter semicolon"]);
}

#[test]
fn bad_lists_of_edges_are_refused() {
    let folder = Folder::new("bad-edges");
    refused(&folder, "a.csv", "source,target,weight\nA,B,1\nA,B,2\n", &["from `A` to `B`", "twice"]);
    refused(&folder, "a.csv", "source,target,weight\nA,B,n/a\n", &["from `A` to `B`", "`n/a`", "finite number"]);
    refused(&folder, "a.csv", "source,target,weight\nA,B,1e99\n", &["`1e99`"]);
    refused(&folder, "a.csv", "source,target,weight\nA,,1\n", &["edge 1", "two nodes and a weight"]);
    refused(&folder, "a.csv", "source,target,weight\nA,B,1\nA\n", &["edge 2"]);
    refused(&folder, "a.csv", "source,target,colour\nA,B,red\n", &["without a column of weights", "colour"]);
    refused(&folder, "a.csv", "source,target,weight\n", &["no edges"]);
    refused(&folder, "a.csv", "", &["no rows"]);
    // Three rows of three numbers may be either.
    refused(&folder, "a.csv", "0,1,5\n0,2,6\n1,2,7\n", &["matrix or a list of edges", "source, target, weight"]);
    let (_, values) = found(&folder, "b.csv", "0,1,2\n1,0,3\n2,3,0\n");
    assert_eq!(values, [0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 2.0, 3.0, 0.0]);
    let many: String = (0..9000).map(|i| format!("{},{},1\n", 2 * i, 2 * i + 1)).collect();
    refused(&folder, "c.csv", &format!("source,target,weight\n{many}"), &["18000 nodes", "16384"]);
}

fn graphml(default: &str, body: &str) -> String {
    format!(
        "<graphml><key id=\"w\" for=\"edge\" attr.name=\"weight\" attr.type=\"double\">{default}</key><key id=\"l\" for=\"edge\" \
         attr.name=\"length\" attr.type=\"double\"/><key id=\"v\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>{body}</graphml>"
    )
}

#[test]
fn graphml_has_defaults_names_and_choices() {
    let folder = Folder::new("graphml");
    let node = |id: &str, name: &str| format!("<node id=\"{id}\"><data key=\"v\">{name}</data></node>");
    let edge = "<edge source=\"n0\" target=\"n1\"/><edge source=\"n1\" target=\"n2\" directed=\"true\"><data key=\"w\">2</data><data \
        key=\"l\">9</data></edge>";
    let nodes = [("n0", "a"), ("n1", "b"), ("n2", "c")].map(|(id, name)| node(id, name)).concat();
    let body = format!("<graph edgedefault=\"undirected\">{nodes}{edge}</graph>");
    let (names, values) = found(&folder, "a.graphml", &graphml("<default>0.5</default>", &body));
    assert_eq!((names.join(""), values), ("abc".into(), vec![0.0, 0.5, 0.0, 0.5, 0.0, 2.0, 0.0, 0.0, 0.0]));
    // Names that are the same for two nodes name none.
    let (names, _) = found(&folder, "b.graphml", &graphml("<default>0.5</default>", &body.replace(">c<", ">b<")));
    assert_eq!(names, ["n0", "n1", "n2"]);
    let chosen = read_connectome(folder.0.join("a.graphml:length"), &TableOptions::default()).unwrap_err().to_string();
    assert!(chosen.contains("from `n0` to `n1` has no `length`"), "{chosen}");
    let bad = |body: &str, parts: &[&str]| refused(&folder, "c.graphml", &graphml("", body), parts);
    bad(&body, &["from `n0` to `n1` has no `weight`"]);
    bad("", &["0 graphs"]);
    bad("<graph edgedefault=\"undirected\"/>", &["no nodes"]);
    bad("<graph><node id=\"a\"/></graph>", &["edgedefault"]);
    bad("<graph edgedefault=\"directed\"><node id=\"a\"/><node id=\"a\"/></graph>", &["`a` stands twice"]);
    bad("<graph edgedefault=\"directed\"><node id=\"a\"/><edge source=\"a\" target=\"b\"/></graph>", &["node `b`"]);
    bad("<graph edgedefault=\"directed\"><node id=\"a\"><graph edgedefault=\"directed\"/></node></graph>", &["<node>", "nodes and edges"]);
    let twice = "<edge source=\"a\" target=\"b\"><data key=\"w\">1</data></edge>".repeat(2);
    bad(&format!("<graph edgedefault=\"directed\"><node id=\"a\"/><node id=\"b\"/>{twice}</graph>"), &["twice"]);
    refused(&folder, "d.graphml", "<gexf/>", &["<gexf>"]);
    refused(&folder, "d.graphml", "<graphml>", &["GraphML expected"]);
}

#[test]
fn names_that_are_numbers_stay_names() {
    let folder = Folder::new("numbers");
    let (names, values) = found(&folder, "a.tsv", "Node\t2\t1\n2\t1\t0.5\n1\t0.5\t1\n");
    assert_eq!((names.concat(), values), ("21".into(), vec![1.0, 0.5, 0.5, 1.0]));
    let (names, values) = found(&folder, "b.csv", "A,none\n1,0.5\n0.5,1\n");
    assert_eq!((names, values), (vec!["A".into(), "none".into()], vec![1.0, 0.5, 0.5, 1.0]));
    let (names, values) = found(&folder, "c.csv", "7,1,0.5\n9,0.5,1\n");
    assert_eq!((names, values), (vec!["7".into(), "9".into()], vec![1.0, 0.5, 0.5, 1.0]));
    // A row too many is no header of a matrix, and a column too many no names.
    refused(&folder, "d.csv", "0.1,0.2\n1,0.5\n0.5,1\n", &["3 rows of 2 values"]);
    refused(&folder, "d.csv", "0.5,1,0.5\n0.7,0.5,1\n", &["2 rows of 3 values"]);
    refused(&folder, "e.tsv", "Node\tA\tB\nB\t1\t0\nA\t0\t1\n", &["row 1 is called `B`, and column 1 `A`"]);
}

#[test]
fn whole_numbers_are_weights() {
    let folder = Folder::new("whole");
    let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([0i32, 7, 7, 0].iter().flat_map(|x| x.to_le_bytes()));
    folder.file("w.npy", bytes);
    let made = read_connectome(folder.0.join("w.npy"), &TableOptions::default()).unwrap();
    assert_eq!(made.values.elements::<f32>().unwrap(), [0.0, 7.0, 7.0, 0.0]);
}
