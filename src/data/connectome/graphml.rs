//! GraphML (Brandes et al. 2002, <http://graphml.graphdrawing.org>), as networkx, igraph and Gephi write it: nodes, edges, and data of both
//! by keys. Nested graphs and hyperedges are not read.

use super::Connectome;
use super::edges::{Graph, weight_of};
use crate::Result;
use roxmltree::{Document, Node};
use std::collections::BTreeSet;

/// The attributes of nodes that name them, the first that all nodes have.
const NAMES: [&str; 2] = ["name", "label"];

/// Reads the graph of a file; the weights are the edges' data of the key `weight`, or of the one that is chosen.
pub(super) fn read(bytes: &[u8], chosen: Option<&str>) -> Result<Connectome, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "GraphML expected: not text in UTF-8")?;
    let document = Document::parse(text).map_err(|e| format!("GraphML expected: {e}"))?;
    let root = document.root_element();
    if root.tag_name().name() != "graphml" {
        return Err(format!("GraphML expected, found XML of <{}>", root.tag_name().name()));
    }
    let graphs: Vec<Node<'_, '_>> = named(root, "graph").collect();
    let [graph] = graphs[..] else { return Err(format!("{} graphs: one is expected", graphs.len())) };
    let directed = match graph.attribute("edgedefault") {
        Some("directed") => true,
        Some("undirected") => false,
        found => return Err(format!("edgedefault is `{}`: directed or undirected is expected", found.unwrap_or_default())),
    };
    if let Some(other) = graph.children().find(|child| child.has_tag_name("hyperedge") || named(*child, "graph").next().is_some()) {
        return Err(format!("a <{}> that is a hyperedge or holds a graph: nodes and edges alone are read", other.tag_name().name()));
    }
    let mut found = nodes(graph)?;
    let key = Key::of_weights(root, chosen)?;
    for edge in named(graph, "edge") {
        let end = |end: &str| edge.attribute(end).ok_or_else(|| format!("an edge without {end}"));
        let (source, target) = (end("source")?, end("target")?);
        let node = |id: &str| found.find(id).ok_or_else(|| format!("an edge with the node `{id}`, which there is not"));
        let ends = [node(source)?, node(target)?];
        let weight = key.value(edge).ok_or_else(|| format!("the edge from `{source}` to `{target}` has no `{}`", key.name))?;
        let directed = edge.attribute("directed").map_or(directed, |said| said == "true");
        found.join(ends, weight_of(weight, source, target)?, directed)?;
    }
    if let Some(names) = names(root, graph) {
        found.rename(names);
    }
    found.connectome()
}

/// The children of this name in GraphML's namespace, or in none.
fn named<'a, 'input: 'a>(of: Node<'a, 'input>, name: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
    of.children().filter(move |child| child.tag_name().name() == name)
}

/// The nodes by their ids, in the order of the file.
fn nodes(graph: Node<'_, '_>) -> Result<Graph, String> {
    let mut found = Graph::default();
    for node in named(graph, "node") {
        let id = node.attribute("id").ok_or("a node without id")?;
        if found.find(id).is_some() {
            return Err(format!("the node `{id}` stands twice: once is expected"));
        }
        found.node(id);
    }
    match found.nodes() {
        0 => Err("no nodes: at least one is expected".into()),
        _ => Ok(found),
    }
}

/// The names of the nodes where they have them, and all differ. Programs that number nodes in their ids write names as data.
fn names(root: Node<'_, '_>, graph: Node<'_, '_>) -> Option<Vec<String>> {
    let key = NAMES.iter().find_map(|name| Key::all(root, "node").into_iter().find(|key| key.name == *name))?;
    let names: Vec<String> = named(graph, "node").map(|node| key.value(node).map(str::to_owned)).collect::<Option<_>>()?;
    let distinct = names.iter().collect::<BTreeSet<_>>().len() == names.len();
    (distinct && names.iter().all(|name| !name.is_empty())).then_some(names)
}

/// A key of data of nodes or edges.
struct Key<'a> {
    id: &'a str,
    name: &'a str,
    is_number: bool,
    default: Option<&'a str>,
}

impl<'a> Key<'a> {
    /// The keys of data of nodes or of edges.
    fn all(root: Node<'a, '_>, of: &str) -> Vec<Self> {
        let key = |key: Node<'a, '_>| {
            let id = key.attribute("id")?;
            let is_number = matches!(key.attribute("attr.type"), Some("double" | "float" | "int" | "long"));
            let default = key.children().find(|child| child.tag_name().name() == "default").and_then(|child| child.text());
            Some(Self { id, name: key.attribute("attr.name").unwrap_or(id), is_number, default })
        };
        let fits = |key: &Node<'_, '_>| key.tag_name().name() == "key" && matches!(key.attribute("for"), Some(a) if a == of || a == "all");
        root.children().filter(fits).filter_map(key).collect()
    }

    /// The key of the weights of edges: the one chosen, else `weight`, else the only one of numbers.
    fn of_weights(root: Node<'a, '_>, chosen: Option<&str>) -> Result<Self, String> {
        let mut keys = Self::all(root, "edge");
        let listed = keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
        let listed = if keys.is_empty() { "edges have no data".to_owned() } else { format!("edges have {listed}") };
        let at = match chosen {
            Some(name) => keys.iter().position(|key| key.name == name),
            None => keys.iter().position(|key| key.name == "weight").or_else(|| {
                let mut numbers = keys.iter().enumerate().filter(|(_, key)| key.is_number).map(|(at, _)| at);
                numbers.next().filter(|_| numbers.next().is_none())
            }),
        };
        at.map(|at| keys.swap_remove(at)).ok_or_else(|| match chosen {
            Some(name) => format!("no data `{name}` of edges: {listed}"),
            None => format!("no data `weight` of edges: {listed}; FILE.graphml:NAME takes one"),
        })
    }

    /// The data of a node or an edge by this key.
    fn value(&self, of: Node<'a, '_>) -> Option<&'a str> {
        let data = of.children().find(|child| child.tag_name().name() == "data" && child.attribute("key") == Some(self.id));
        data.and_then(|data| data.text()).or(self.default)
    }
}
