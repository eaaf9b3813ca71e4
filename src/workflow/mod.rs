//! Workflows: a differentiable program described in JSON, between a hand-set pipeline and an end-to-end network (Ciric et al. 2022).
//!
//! A workflow names its data, the parameters with where they live and whether they are learnt, the blocks in order, the losses, how it
//! is trained, how subjects are divided, and what is reported. `examples/workflow.schema.json` is its schema ([`schema`]). It is checked
//! whole before anything runs: every file is opened, and every batch is recorded on a tape. A refusal names the place in the file.
//!
//! | | |
//! |---|---|
//! | [`Workflow::read`] | the file, its data, and every tape: nothing that can be known beforehand fails later |
//! | [`Workflow::run`] | trains each fold, with checkpoints, and judges it on the subjects it has not seen |
//! | [`Outcome`] | losses, metrics, values |

mod block;
mod blocks;
mod data;
mod judge;
mod metric;
mod parameter;
mod place;
mod reader;
mod record;
mod run;
mod schema;
mod settings;
mod split;
mod terms;

pub use judge::{Measured, Outcome, Picture, Shown};
pub use place::setting;
pub use run::{Progress, Resume};
pub use schema::schema;
pub use split::Fold;

use crate::{Error, Result};
use data::Data;
use metric::Metric;
use parameter::Parameter;
use place::Place;
use record::Recording;
use serde_json::Value;
use settings::Train;
use split::Split;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use terms::Term;

/// A workflow, read and checked.
#[derive(Debug)]
pub struct Workflow {
    json: Value,
    seed: u64,
    data: Data,
    parameters: Vec<Parameter>,
    terms: Vec<Term>,
    train: Train,
    folds: Vec<Fold>,
    metrics: Vec<Metric>,
    results: Vec<judge::Wanted>,
}

impl Workflow {
    /// Reads a workflow from `path`, sets what `sets` say (place and JSON value, as `train.steps` and `300`; text that is no JSON is text),
    /// and checks all of it. Files that it names are looked for beside it.
    ///
    /// # Errors
    /// Where the file cannot be read or is no JSON (with line and column), a key, value, shape or file is not what is expected (with its
    /// place), or a block refuses its operands.
    pub fn read(path: impl AsRef<Path>, sets: &[(String, String)], seed: u64) -> Result<Self> {
        let path = path.as_ref();
        let named = |e: Error| Error::file(path, e.to_string());
        let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
        let mut json: Value = crate::json::parse(&text).map_err(|e| Error::file(path, format!("no JSON: {e}")))?;
        for (place, value) in sets {
            place::set(&mut json, place, serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone())))?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::new(json, folder, seed).map_err(named)
    }

    /// A workflow that a program puts together; files are looked for in `folder`.
    ///
    /// # Errors
    /// As [`Workflow::read`].
    pub fn new(json: Value, folder: &Path, seed: u64) -> Result<Self> {
        let root = Place::root(&json);
        const KEYS: [&str; 11] =
            ["$schema", "title", "description", "data", "parameters", "blocks", "losses", "train", "split", "metrics", "results"];
        root.only(&KEYS)?;
        for text in ["title", "description"] {
            root.find(text).map(|p| p.text()).transpose()?;
        }
        let data = Data::open(&root.get("data")?, folder)?;
        let named = root.find("parameters").map_or(Ok(Vec::new()), |p| p.entries())?;
        let parameter = |(i, (name, at)): (usize, &(&str, Place<'_>))| Parameter::parse(name, at, folder, seed, i as u32);
        let parameters = named.iter().enumerate().map(parameter).collect::<Result<Vec<_>>>()?;
        let train = root.find("train").map_or(Ok(Train::default()), |p| Train::parse(&p))?;
        let items = |key: &str| root.find(key).map_or(Ok(Vec::new()), |p| p.items());
        let terms = items("losses")?.iter().map(|p| Term::parse(p, train.steps)).collect::<Result<Vec<_>>>()?;
        if let Some(losses) = root.find("losses").filter(|_| !terms.is_empty() && train.steps == 0) {
            return Err(losses.error("there is no `train` that says how they are learnt from"));
        }
        let metrics = items("metrics")?.iter().map(Metric::parse).collect::<Result<Vec<_>>>()?;
        let results = items("results")?.iter().map(judge::Wanted::parse).collect::<Result<Vec<_>>>()?;
        let folds = Split::parse(root.find("split").as_ref(), folder)?.folds(data.subjects(), seed)?;
        let workflow = Self { seed, data, parameters, terms, train, folds, metrics, results, json: json.clone() };
        workflow.check()?;
        Ok(workflow)
    }

    /// Records what will be recorded, so that what is wrong is said now.
    fn check(&self) -> Result<()> {
        record::distinct_names(self)?;
        let sizes: BTreeSet<usize> = self.folds.iter().map(|fold| self.batch_of(&fold.train)).collect();
        for (i, fold) in self.folds.iter().enumerate() {
            if let Some(batch) = self.train.batch.filter(|batch| *batch > fold.train.len()) {
                return Err(Error::argument(format!(
                    "train.batch: {batch} of the {} subjects that fold {i} learns from",
                    fold.train.len()
                )));
            }
        }
        for batch in sizes {
            Recording::training(self, batch)?;
        }
        let first = &self.folds[0];
        let made = Recording::forward(self, self.batch_of(&first.test))?;
        self.metrics.iter().try_for_each(|metric| metric.check(&made))?;
        judge::check(self, &made)
    }

    /// Subjects of a batch out of these.
    fn batch_of(&self, subjects: &[usize]) -> usize {
        self.train.batch.unwrap_or(subjects.len())
    }

    /// The names of values that metrics and results are of, each once.
    fn wanted(&self) -> BTreeSet<String> {
        let metrics = self.metrics.iter().flat_map(Metric::values);
        metrics.chain(self.results.iter().map(|w| w.value.as_str())).map(String::from).collect()
    }

    /// Its title.
    pub fn title(&self) -> &str {
        self.json["title"].as_str().unwrap_or("Workflow")
    }

    /// What it says of itself.
    pub fn description(&self) -> &str {
        self.json["description"].as_str().unwrap_or_default()
    }

    /// The workflow as JSON, after what was set.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The seed of whatever is random.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Subjects in all.
    pub fn subjects(&self) -> usize {
        self.data.subjects()
    }

    /// The divisions of the subjects.
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// Steps of each fold.
    pub fn steps(&self) -> u32 {
        self.train.steps
    }

    /// Every file it reads, and the SHA-256 of its bytes.
    pub fn inputs(&self) -> &BTreeMap<PathBuf, String> {
        self.data.hashes()
    }

    /// One hash of all that decides the result, but for the device: the workflow, its inputs, the seed, and this crate's version.
    pub fn identity(&self) -> String {
        let inputs: Vec<&String> = self.inputs().values().collect();
        let all = serde_json::json!([self.json, inputs, self.seed, env!("CARGO_PKG_VERSION")]);
        data::hash_of(all.to_string().as_bytes())
    }
}
