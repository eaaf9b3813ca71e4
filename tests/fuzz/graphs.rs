//! Connectomes: matrices in tables, lists of edges, GraphML.

use super::target::{PLAIN, Target, done, target};
use tapetum::data::{self, TableOptions};

pub fn connectomes() -> Vec<Target> {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../goldens/graphs.json")).unwrap();
    let ending = |end: &str| -> Vec<Vec<u8>> {
        let files = golden.as_object().unwrap().iter().filter(|(name, _)| name.ends_with(end));
        files.map(|(_, file)| file["text"].as_str().unwrap().as_bytes().to_vec()).collect()
    };
    let matrices = ["Node\tA\tB\nA\t1\tn/a\nB\tn/a\t1\n", "1\t0.5\n0.5\t1\n", "A\tB\n1\t2\n2\t1\n"].map(|text| text.as_bytes().to_vec());
    let tables = [ending(".tsv"), matrices.to_vec()].concat();
    let read = |name: &'static str| move |bytes: &[u8]| done(data::read_connectome_bytes(name, bytes, &TableOptions::default()));
    vec![
        target("connectome", tables, PLAIN, read("x.tsv")),
        target("edges", ending(".txt"), PLAIN, read("x.txt")),
        target("graphml", ending(".graphml"), PLAIN, read("x.graphml")),
    ]
}
