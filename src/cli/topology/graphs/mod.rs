//! Graphs from files, with the names of their nodes.

mod symmetry;

pub(super) use symmetry::Symmetrise;

use crate::cli::common::note;
use crate::cli::ranks::{Frames, Ranks};
use crate::cli::source::Tables;
use crate::data::{self, Connectome};
use crate::error::Reason;
use crate::statistics::centre::listed;
use crate::statistics::missing::regions_without_values;
use crate::topology::Diagrams;
use crate::{Device, Error, HostTensor, Result, Shape};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The options by which files of graphs are read.
#[derive(Debug, clap::Args)]
pub(super) struct Reading {
    /// Make the weights of directed graphs symmetric: the mean of the two directions, or the larger of the two by value (of -0.9 and 0.1
    /// it is 0.1). An edge that stands in one direction alone is 0 in the other.
    #[arg(long, value_enum, value_name = "mean|max", hide_possible_values = true)]
    symmetrise: Option<Symmetrise>,
    #[command(flatten)]
    tables: Tables,
}

/// The matrices of a file, as they stand there.
pub(super) struct File {
    path: PathBuf,
    read: Connectome,
}

impl File {
    pub(super) fn regions(&self) -> usize {
        self.read.regions()
    }

    pub(super) fn graphs(&self) -> usize {
        self.read.graphs()
    }

    /// The one graph of the file, or the one of this number.
    fn one(self, index: Option<usize>) -> Result<Self> {
        let (graphs, n) = (self.graphs(), self.regions());
        let at = match index {
            Some(at) if at < graphs => at,
            Some(at) => return Err(self.error(format!("--index {at} of {graphs} graphs: a number from 0 to {} is expected", graphs - 1))),
            None if graphs == 1 => 0,
            None => return Err(self.error(format!("{graphs} graphs: --index N, from 0 to {}, takes one", graphs - 1))),
        };
        let values = self.read.values.elements::<f32>()?[at * n * n..][..n * n].to_vec();
        Ok(Self { read: Connectome { values: HostTensor::f32([n, n], values)?, ..self.read }, ..self })
    }

    fn error(&self, what: String) -> Error {
        Error::file(&self.path, what)
    }

    /// Carries the file to another rank.
    fn add_to(frames: &mut Frames, file: &Self) -> Result<()> {
        let (path, read) = (file.path.to_string_lossy(), &file.read);
        frames.add_json(&json!({ "path": path, "shape": read.values.shape().to_vec(), "names": read.names, "remarks": read.remarks }));
        frames.add_f32(read.values.elements::<f32>()?);
        Ok(())
    }

    /// The file that [`add_to`](Self::add_to) added, without its places on the brain, which graphs do not have.
    fn next_of(frames: &mut Frames) -> Result<Self> {
        let record = frames.next_json()?;
        let malformed = || Error::argument("the record of a file of graphs cannot be read");
        let list = |key: &str| record[key].as_array().ok_or_else(malformed);
        let text = |text: &Value| text.as_str().map(str::to_owned).ok_or_else(malformed);
        let extent = |n: &Value| n.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(malformed);
        let shape = list("shape")?.iter().map(extent).collect::<Result<Vec<_>>>()?;
        let shape = Shape::try_new(&shape).ok_or_else(malformed)?;
        let names = if record["names"].is_null() { None } else { Some(list("names")?.iter().map(text).collect::<Result<_>>()?) };
        let values = HostTensor::f32(shape, frames.next_f32(shape.elements())?)?;
        let remarks = list("remarks")?.iter().map(text).collect::<Result<_>>()?;
        Ok(Self { path: PathBuf::from(text(&record["path"])?), read: Connectome { remarks, ..Connectome::new(values, names)? } })
    }

    /// The difference of the nodes of two files in words; `None` where they have as many and, where both name them, the same.
    pub(super) fn differs(&self, first: &Self) -> Option<String> {
        let (n, wanted) = (self.regions(), first.regions());
        if n != wanted {
            return Some(format!("graphs of {n} nodes, and {} has {wanted}: as many are expected", first.path.display()));
        }
        let (names, wanted) = (self.read.names.as_ref()?, first.read.names.as_ref()?);
        let at = (0..n).find(|&i| names[i] != wanted[i])?;
        let of = first.path.display();
        Some(format!("node {at}, counted from 0, is called `{}`, and `{}` in {of}: the same is expected", names[at], wanted[at]))
    }
}

/// Graphs of one set of nodes, those left out that have no value in a graph.
pub(super) struct Graphs {
    /// f32 `[graphs, n, n]`, symmetric, with 0 on the diagonals.
    pub(super) weights: HostTensor,
    /// The places of the nodes in the files.
    pub(super) kept: Vec<usize>,
    /// The files, and how many graphs each has.
    pub(super) files: Vec<(PathBuf, usize)>,
    names: Option<Vec<String>>,
    warning: Option<String>,
    remarks: Vec<String>,
}

impl Reading {
    /// One graph of a file.
    pub(super) fn one(&self, path: &Path, index: Option<usize>) -> Result<File> {
        self.file(path)?.one(index)
    }

    /// All graphs of files, in their order, at rank 0; `None` at other ranks. The files are read by all ranks, each its share, because
    /// reading a text takes longer than what comes after.
    pub(super) fn stack(&self, paths: &[PathBuf], ranks: &Ranks) -> Result<Option<Graphs>> {
        let files = ranks.spread(paths.len(), |at| self.file(&paths[at]), File::add_to, File::next_of)?;
        ranks.is_first().then(|| self.graphs(files)).transpose()
    }

    fn file(&self, path: &Path) -> Result<File> {
        let read = data::read_connectome(path, &self.tables.options())?;
        let file = File { path: path.to_owned(), read };
        match file.regions() {
            n if n < 2 => Err(file.error(format!("graphs of {n} node: at least 2 are expected"))),
            _ => Ok(file),
        }
    }

    /// The graphs of files that have the same nodes.
    pub(super) fn graphs(&self, files: Vec<File>) -> Result<Graphs> {
        let Some(first) = files.first() else { return Err(Error::argument("no files of graphs: at least one is expected")) };
        let n = first.regions();
        if let Some((other, what)) = files.iter().find_map(|file| Some((file, file.differs(first)?))) {
            return Err(other.error(what));
        }
        let names = files.iter().find_map(|file| file.read.names.clone());
        let mut missing = vec![false; n];
        for file in &files {
            let all = file.read.values.elements::<f32>()?.chunks_exact(n * n);
            all.for_each(|w| missing.iter_mut().zip(regions_without_values(w, n)).for_each(|(missing, here)| *missing |= here));
        }
        let (left, kept): (Vec<usize>, Vec<usize>) = (0..n).partition(|node| missing[*node]);
        let graphs: usize = files.iter().map(File::graphs).sum();
        let named =
            |node: usize| names.as_ref().map_or_else(|| format!("node {node} (counted from 0)"), |names| format!("`{}`", names[node]));
        let warning = (!left.is_empty()).then(|| {
            let of =
                if graphs > 1 { "regions without values in a graph are left out of all" } else { "regions without values are left out" };
            format!("{of}: {}", listed(&left, named))
        });
        if kept.len() < 2 {
            return Err(first.error(format!("{} regions with values in every graph: at least 2 are expected", kept.len())));
        }
        let mut weights = Vec::with_capacity(graphs * kept.len() * kept.len());
        for file in &files {
            let many = file.graphs() > 1;
            for (graph, w) in file.read.values.elements::<f32>()?.chunks_exact(n * n).enumerate() {
                let of = if many { format!("graph {graph}, ") } else { String::new() };
                let made = symmetry::checked(w, n, &kept, self.symmetrise).map_err(|what| file.error(format!("{of}{what}")))?;
                weights.extend(made);
            }
        }
        let remark = |file: &File| file.read.remarks.iter().map(|what| format!("{}: {what}", file.path.display())).collect::<Vec<_>>();
        Ok(Graphs {
            weights: HostTensor::f32([graphs, kept.len(), kept.len()], weights)?,
            names: names.map(|names| kept.iter().map(|&node| names[node].clone()).collect()),
            remarks: files.iter().flat_map(remark).collect(),
            files: files.iter().map(|file| (file.path.clone(), file.graphs())).collect(),
            kept,
            warning,
        })
    }
}

impl Graphs {
    /// The number of nodes.
    pub(super) fn nodes(&self) -> usize {
        self.kept.len()
    }

    /// The number of graphs.
    pub(super) fn len(&self) -> usize {
        self.weights.shape()[0]
    }

    /// The births and deaths of the graphs.
    pub(super) fn diagrams(&self, device: &Device) -> Result<Diagrams> {
        Diagrams::new(device, &self.weights).map_err(|e| match e {
            Error::Argument { what } => self.error(what),
            other => other,
        })
    }

    /// An error about the graphs, which names their first file.
    pub(super) fn error(&self, what: impl Into<Reason>) -> Error {
        match self.files.first() {
            Some((path, _)) => Error::file(path, what),
            None => Error::argument(what),
        }
    }

    /// The names of the nodes; their places in the files, counted from 0, where they have none.
    pub(super) fn node_names(&self) -> Vec<String> {
        self.names.clone().unwrap_or_else(|| self.kept.iter().map(usize::to_string).collect())
    }

    /// The mean weights over graphs, `[n, n]`.
    pub(super) fn mean(&self) -> Result<Vec<f32>> {
        let each = self.nodes() * self.nodes();
        let mut sums = vec![0.0f64; each];
        for w in self.weights.elements::<f32>()?.chunks_exact(each) {
            sums.iter_mut().zip(w).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        Ok(sums.into_iter().map(|sum| (sum / self.len() as f64) as f32).collect())
    }

    /// The graphs in this order.
    pub(super) fn ordered(self, order: &[usize]) -> Result<Self> {
        let (n, all) = (self.nodes(), self.weights.elements::<f32>()?);
        let weights = order.iter().flat_map(|&graph| all[graph * n * n..][..n * n].iter().copied()).collect();
        Ok(Self { weights: HostTensor::f32([order.len(), n, n], weights)?, ..self })
    }

    /// The files in words, for the first line of a report.
    pub(super) fn title(&self) -> String {
        match self.files.as_slice() {
            [(one, _)] => one.display().to_string(),
            [(first, _), .., (last, _)] => format!("{} files from {} to {}", self.files.len(), first.display(), last.display()),
            [] => String::new(),
        }
    }

    /// The path of the file, or those of several, for `--json`.
    pub(super) fn paths(&self) -> Value {
        paths(self.files.iter().map(|(path, _)| path))
    }

    /// Says how the graphs were read, and which nodes were left out.
    pub(super) fn say(&self) {
        self.remarks.iter().for_each(|remark| note(remark));
        self.warning.iter().for_each(|warning| note(&format!("warning: {}: {warning}", self.title())));
    }

    /// Adds to the result of a command what was read, for `--json`.
    pub(super) fn describe(&self, json: &mut Value) {
        json["names"] = json!(self.names);
        json["kept"] = json!(self.kept);
        json["warnings"] = json!(self.warning.iter().collect::<Vec<_>>());
        json["remarks"] = json!(self.remarks);
    }

    /// The same as an object of its own.
    pub(super) fn described(&self) -> Value {
        let mut json = json!({ "files": self.paths(), "nodes": self.nodes() });
        self.describe(&mut json);
        json
    }
}

/// One path, or several.
pub(super) fn paths<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Value {
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    match paths.as_slice() {
        [] => Value::Null,
        [one] => json!(one),
        more => json!(more),
    }
}
