//! Connectomes in lists of edges: a table with a row for each edge, which names its two nodes and its weight.

use super::super::table::is_text;
use super::Connectome;
use crate::{HostTensor, Result};
use csv::ByteRecord;
use std::collections::HashMap;

/// The names of the column of an edge's first node, of its second node, and of its weight, in lower case and without marks and spaces: as
/// Gephi, igraph, nilearn's users, OpenWorm, neuPrint and CAVE have them.
const SOURCE: [&str; 11] =
    ["source", "from", "node1", "region1", "roi1", "neuron1", "pre", "presynaptic", "bodyidpre", "prerootid", "preptrootid"];
const TARGET: [&str; 11] =
    ["target", "to", "node2", "region2", "roi2", "neuron2", "post", "postsynaptic", "bodyidpost", "postrootid", "postptrootid"];
const WEIGHT: [&str; 9] = ["weight", "weights", "w", "value", "strength", "correlation", "syncount", "synapses", "nbr"];

/// The most nodes of a list of edges or a sparse matrix: the whole matrix, which the length of the list does not bound, is of one gibibyte.
pub(super) const MOST: usize = 1 << 14;

/// The columns of a list of edges, counted from 0, and whether the first row is a header.
pub(super) struct Columns {
    header: bool,
    ends: [usize; 2],
    weight: usize,
}

/// The columns of a table that is a list of edges: by their names in a header, or three that cannot be a matrix. `None` where it is none.
pub(super) fn columns(records: &[ByteRecord], header: Option<bool>) -> Result<Option<Columns>, String> {
    let Some(first) = records.first() else { return Ok(None) };
    let names: Vec<String> = first.iter().map(plain).collect();
    let called = |of: &[&str]| names.iter().position(|name| of.contains(&name.as_str()));
    if let (Some(source), Some(target), Some(true)) = (called(&SOURCE), called(&TARGET), header.or(Some(true))) {
        let weight = called(&WEIGHT).ok_or_else(|| {
            let found = first.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(", ");
            format!("a list of edges without a column of weights, such as `weight`: there are {found}")
        })?;
        return Ok(Some(Columns { header: true, ends: [source, target], weight }));
    }
    let three = records.iter().all(|row| row.len() == 3);
    let header = header.unwrap_or_else(|| first.get(2).is_some_and(is_text));
    let body = || records.iter().skip(usize::from(header));
    let named = || body().all(|row| row.get(1).is_some_and(is_text));
    // A matrix of three columns has two rows and names at the left, three rows, or four with names above.
    let numbered = || records.len() > 4 && body().all(|row| whole(row.get(0)).is_some() && whole(row.get(1)).is_some());
    let is_list = three && (named() || numbered());
    Ok(is_list.then_some(Columns { header, ends: [0, 1], weight: 2 }))
}

/// True of a small table of numbers that may be a list of edges as well as a matrix: three columns, whole numbers in the first two, and no
/// edge twice.
pub(super) fn may_be(records: &[ByteRecord]) -> bool {
    let edge = |row: &ByteRecord| (row.len() == 3).then_some([whole(row.get(0))?, whole(row.get(1))?]);
    let edges: Option<Vec<[u64; 2]>> = records.iter().map(edge).collect();
    edges.is_some_and(|edges| edges.iter().enumerate().all(|(i, edge)| !edges[..i].contains(edge)))
}

fn whole(cell: Option<&[u8]>) -> Option<u64> {
    std::str::from_utf8(cell?).ok()?.parse().ok()
}

/// A name of a column in lower case, its letters and digits alone.
fn plain(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

pub(super) fn read(records: &[ByteRecord], columns: &Columns) -> Result<Connectome, String> {
    let mut graph = Graph::default();
    for (row, record) in records.iter().skip(usize::from(columns.header)).enumerate() {
        let cell = |at: usize| record.get(at).map(String::from_utf8_lossy).filter(|cell| !cell.is_empty());
        let missing = || format!("edge {}, counted from 1: two nodes and a weight are expected", row + 1);
        let [source, target] = columns.ends.map(cell);
        let (source, target) = (source.ok_or_else(missing)?, target.ok_or_else(missing)?);
        let weight = cell(columns.weight).ok_or_else(missing)?;
        let ends = [graph.node(&source), graph.node(&target)];
        graph.join(ends, weight_of(&weight, &source, &target)?, true)?;
    }
    if graph.nodes() == 0 {
        return Err("a header and no edges: at least one is expected".into());
    }
    let both_ways = graph.is_both_ways();
    if !both_ways {
        graph.mirror();
    }
    let graph = if graph.names.iter().all(|name| name.parse::<u64>().is_ok()) { graph.sorted() } else { graph };
    let edges = records.len() - usize::from(columns.header);
    let remark = match both_ways {
        true => format!("a list of {edges} edges, some in both directions: read as directed"),
        false => format!("a list of {edges} edges, none in both directions: read as undirected"),
    };
    Ok(Connectome { remarks: vec![remark], ..graph.connectome()? })
}

/// The weight of an edge.
pub(super) fn weight_of(text: &str, source: &str, target: &str) -> Result<f32, String> {
    let weight = text.trim().parse::<f64>().ok().map(|x| x as f32).filter(|x| x.is_finite());
    weight.ok_or_else(|| format!("the edge from `{source}` to `{target}` has the weight `{text}`: a finite number is expected"))
}

/// Nodes and the weights of the edges between them.
#[derive(Default)]
pub(super) struct Graph {
    names: Vec<String>,
    places: HashMap<String, usize>,
    weights: HashMap<[usize; 2], f32>,
}

impl Graph {
    /// The place of a node, which is a new one where no node has this name.
    pub(super) fn node(&mut self, name: &str) -> usize {
        if let Some(at) = self.places.get(name) {
            return *at;
        }
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The number of nodes.
    pub(super) fn nodes(&self) -> usize {
        self.names.len()
    }

    /// The place of a node that there is.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Gives the nodes other names.
    pub(super) fn rename(&mut self, names: Vec<String>) {
        self.names = names;
    }

    /// Adds an edge, and where it is not directed also the one the other way.
    pub(super) fn join(&mut self, [from, to]: [usize; 2], weight: f32, directed: bool) -> Result<(), String> {
        let ways = if directed || from == to { vec![[from, to]] } else { vec![[from, to], [to, from]] };
        for way in ways {
            if self.weights.insert(way, weight).is_some() {
                let [from, to] = way.map(|node| &self.names[node]);
                return Err(format!("the edge from `{from}` to `{to}` stands twice: once is expected"));
            }
        }
        Ok(())
    }

    /// True where two nodes are joined in both directions.
    fn is_both_ways(&self) -> bool {
        self.weights.keys().any(|[from, to]| from != to && self.weights.contains_key(&[*to, *from]))
    }

    /// Adds to every edge the one the other way.
    fn mirror(&mut self) {
        let back: Vec<_> = self.weights.iter().map(|([from, to], weight)| ([*to, *from], *weight)).collect();
        self.weights.extend(back);
    }

    /// The same graph with its nodes in the order of the numbers that name them.
    fn sorted(self) -> Self {
        let mut order: Vec<usize> = (0..self.nodes()).collect();
        order.sort_by_key(|&node| self.names[node].parse::<u64>().unwrap_or(u64::MAX));
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &node)| place[node] = at);
        let names: Vec<String> = order.iter().map(|&node| self.names[node].clone()).collect();
        let weights = self.weights.into_iter().map(|(ends, weight)| (ends.map(|node| place[node]), weight)).collect();
        Self { names, places: HashMap::new(), weights }
    }

    /// The matrix of the weights: row by column is from node to node, and 0 where there is no edge.
    pub(super) fn connectome(self) -> Result<Connectome, String> {
        let n = self.nodes();
        if n > MOST {
            return Err(format!("{n} nodes: a matrix of at most {MOST} is made of a list of edges"));
        }
        let mut values = vec![0.0; n * n];
        self.weights.iter().for_each(|([from, to], weight)| values[from * n + to] = *weight);
        let values = HostTensor::f32([n, n], values).map_err(|e| e.to_string())?;
        Connectome::new(values, Some(self.names)).map_err(|e| e.to_string())
    }
}
