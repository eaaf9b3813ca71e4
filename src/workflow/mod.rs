//! Workflows: a differentiable program described in JSON, between a hand-set pipeline and an end-to-end network (Ciric et al. 2022).
//!
//! A workflow names its data, its parameters with their domains (learnt or fixed), the blocks in order, the losses, the training, the
//! division of subjects into training and test sets, and the results to report. [`schema`] is its JSON Schema,
//! `examples/workflow.schema.json`, and [`page`] describes the same in a page to read, `examples/WORKFLOWS.md`. A workflow is checked as a
//! whole before anything runs: every file is opened, and every batch is recorded on a tape. An error names the place in the file.
//!
//! | | |
//! |---|---|
//! | [`Workflow::read`], [`Workflow::options`] | the file, its data, and every tape: nothing that can be known beforehand fails later |
//! | [`Workflow::run`], [`Workflow::run_with`] | trains a model for each fold, with checkpoints, and evaluates it on the subjects it has not seen |
//! | [`Workflow::run_over`] | the same on several ranks, with the same bits |
//! | [`RunResult`] | losses, metrics, values |
//! | [`NamedTape`] | the same blocks on a tape, for a program that trains by a loop of its own |
//!
//! ```no_run
//! use tapetum::{Device, workflow::Workflow};
//! # fn main() -> tapetum::Result<()> {
//! let workflow = Workflow::read("examples/brain_states.json")?;
//! let result = workflow.run(&Device::cpu())?;
//! println!("{:?}", result.metrics[0].pooled);
//! // The same with other settings and another seed.
//! let workflow = Workflow::options().set("train.steps", 100).seed(1).read("examples/brain_states.json")?;
//! # Ok(())
//! # }
//! ```

mod block;
mod blocks;
mod cohort;
mod data;
mod entry;
mod evaluate;
mod form;
mod given;
mod metric;
mod named;
mod object;
#[cfg(feature = "c")]
pub(crate) mod options;
mod page;
mod parameter;
mod place;
mod ranks;
mod reader;
mod record;
mod results;
mod rows;
mod run;
mod schedule;
mod settings;
mod split;
mod terms;

pub use metric::Figure;
pub use named::NamedTape;
pub use page::page;
pub use place::setting;
pub use results::{Leading, MetricResult, Picture, RunResult, ValueResult, over_folds};
pub use run::{Checkpoints, Progress};
pub use serde_json::Value;
pub use split::Fold;

use crate::{Error, HostTensor, Result};
use block::Step;
use data::Data;
use form::{Form, Placed, text};
use metric::Metric;
use object::object;
use parameter::Parameter;
use place::{Files, Place};
use record::Recording;
use results::Request;
use serde_json::json;
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
    title: Option<String>,
    description: Option<String>,
    samples: String,
    files: BTreeMap<PathBuf, String>,
    data: Data,
    parameters: Vec<Parameter>,
    steps: Vec<Placed<Step>>,
    terms: Vec<Placed<Term>>,
    train: Train,
    folds: Vec<Fold>,
    metrics: Vec<Placed<Metric>>,
    requests: Vec<Request>,
    /// The names of regions along the axes of results, by value.
    names: results::RegionNames,
    warnings: Vec<String>,
}

/// Settings with which a workflow is read: a seed, values other than the file's, and arrays in memory.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    seed: u64,
    sets: Vec<(String, Value)>,
    arrays: BTreeMap<String, HostTensor>,
}

impl ReadOptions {
    /// The seed of whatever is random; 0 where it is not given.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the value at a place such as `train.steps` or `blocks[2].ridge`, after all that was set before.
    pub fn set(mut self, place: impl Into<String>, value: impl Into<Value>) -> Self {
        self.sets.push((place.into(), value.into()));
        self
    }

    /// Gives the array of that name, which an entry `{ "input": NAME }` of the workflow's data takes: series `[subjects, time, regions]`, an
    /// array `[subjects, ..]`, or one that all subjects share, as the entry says.
    ///
    /// ```
    /// use tapetum::workflow::Workflow;
    /// use tapetum::{Device, HostTensor};
    /// use serde_json::json;
    ///
    /// let series = HostTensor::f32([2, 5, 3], (0..30).map(|i| ((i * i) % 11) as f32).collect())?;
    /// let workflow = json!({
    ///     "data": { "rest": { "input": "rest" } },
    ///     "blocks": [{ "name": "connectome", "block": "correlation", "series": "rest" }],
    ///     "results": [{ "value": "connectome" }]
    /// });
    /// let result = Workflow::options().array("rest", series).build(workflow, "")?.run(&Device::cpu())?;
    /// assert_eq!(result.values[0].value.shape()[..], [2, 3, 3]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    pub fn array(mut self, name: impl Into<String>, values: HostTensor) -> Self {
        self.arrays.insert(name.into(), values);
        self
    }

    /// Reads a workflow from `path` and checks all of it. Files that it names are looked for beside it.
    ///
    /// # Errors
    /// Returns an error where the file cannot be read or is not JSON (with line and column), a key, value, shape or file is not what is
    /// expected (with its place), or a block refuses its operands.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Workflow> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(|e| Error::io(path, "cannot be read", &e))?;
        let json = crate::json::parse(text).map_err(|e| Error::file(path, format!("no JSON: {e}")))?;
        self.build(json, path.parent().unwrap_or(Path::new(""))).map_err(|e| Error::file(path, e))
    }

    /// Reads a workflow that a program puts together; files that it names are looked for in `folder`.
    ///
    /// # Errors
    /// The same as those of [`ReadOptions::read`].
    pub fn build(&self, mut json: Value, folder: impl AsRef<Path>) -> Result<Workflow> {
        for (place, value) in &self.sets {
            place::set(&mut json, place, value.clone())?;
        }
        Workflow::parse(json, folder.as_ref(), self)
    }
}

/// The place of a workflow's files, which is known before they are opened.
fn folder() -> (object::Field<Option<String>>, object::Field<Option<String>>) {
    (
        text().maybe("folder", "where the files are, from the folder of the workflow; that folder itself where it is not given"),
        text().maybe("made_by", "the command that writes the files, which a refusal names where one is missing"),
    )
}

/// The remaining parts of a workflow, as they stand in the file.
struct Parts {
    title: Option<String>,
    description: Option<String>,
    samples: String,
    data: Vec<(String, Placed<data::Described>)>,
    parameters: Vec<(String, Placed<parameter::Described>)>,
    steps: Vec<Placed<Step>>,
    terms: Vec<Placed<Term>>,
    train: Option<Train>,
    split: Option<Split>,
    metrics: Vec<Placed<Metric>>,
    requests: Vec<Request>,
}

fn parts() -> Form<Parts> {
    let heading = (
        text().maybe("$schema", "where this schema is"),
        text().maybe("title", "the title of the report"),
        text().maybe("description", "what the workflow is for; the report begins with it"),
        text().or("samples", "subjects", "what the rows of the data are, where they are not subjects: windows, runs, worms"),
        folder(),
    );
    let model = (
        entry::entry().by_name().field("data", "what is read, by name"),
        parameter::parameter().by_name().or("parameters", json!({}), "the parameters, by name"),
        blocks::step().list(0).or("blocks", json!([]), "the blocks, in order; each makes a value of its name"),
        terms::term().list(0).or("losses", json!([]), "the terms of the loss, whose weighted sum is made small"),
        settings::train().maybe("train", "how the model is trained"),
        split::split().maybe("split", "which subjects are trained on and which are tested on; all are both where it is not given"),
    );
    let report = (
        metric::metric().list(0).or("metrics", json!([]), "the metrics"),
        results::request().list(0).or("results", json!([]), "the values that are written and shown"),
    );
    object("Run by `tapetum run WORKFLOW.json`.", (heading, model, report), |(heading, model, report)| {
        let (_, title, description, samples, ..) = heading;
        let (data, parameters, steps, terms, train, split) = model;
        let (metrics, requests) = report;
        Ok(Parts { title, description, samples, data, parameters, steps, terms, train, split, metrics, requests })
    })
    .form()
}

/// The JSON Schema of workflows, 2020-12, made of the same forms that read them.
pub fn schema() -> Value {
    let mut schema = parts().schema();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "A workflow of tapetum".into();
    schema["$defs"] = json!({
        "value": { "description": "the name of a value: of a block, a parameter or an entry of the data", "type": "string" },
        "array": { "description": "the name of an entry of the data that all subjects share", "type": "string" },
    });
    schema
}

impl Workflow {
    /// Reads a workflow with seed 0 and as its file says, see [`ReadOptions::read`].
    ///
    /// # Errors
    /// The same as those of [`ReadOptions::read`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        ReadOptions::default().read(path)
    }

    /// Reads a workflow with a seed, or with other values than its file says.
    pub fn options() -> ReadOptions {
        ReadOptions::default()
    }

    fn parse(json: Value, folder: &Path, options: &ReadOptions) -> Result<Self> {
        let seed = options.seed;
        let here = Files::of(folder.to_owned(), None);
        let root = Place::root(&json, &here);
        let said = |key: &str| root.find(key).map(|p| p.text()).transpose();
        let files = Files::of(folder.join(said("folder")?.unwrap_or_default()), said("made_by")?).with_arrays(options.arrays.clone());
        let parts = parts().read(&Place::root(&json, &files))?;
        let train = parts.train.unwrap_or_else(Train::none);
        if !parts.terms.is_empty() && train.steps == 0 {
            return Err(Error::argument("losses: there is no `train` that says how they are made small"));
        }
        let data = Data::new(parts.data)?;
        let folds = parts.split.unwrap_or(Split::None).folds(data.subjects(), seed)?;
        let parameters = parts.parameters.into_iter().enumerate().map(|(i, (name, said))| Parameter::new(name, said, i as u32)).collect();
        let Parts { title, description, samples, steps, terms, metrics, requests, .. } = parts;
        let files = files.found();
        let mut workflow = Self {
            title,
            description,
            samples,
            seed,
            files,
            data,
            parameters,
            steps,
            terms,
            train,
            folds,
            metrics,
            requests,
            names: BTreeMap::new(),
            warnings: Vec::new(),
            json: json.clone(),
        };
        (workflow.names, workflow.warnings) = workflow.check()?;
        Ok(workflow)
    }

    /// Records every tape that the run will record, so that errors are found before it begins. Returns the names of regions along the axes
    /// of results, and warnings.
    fn check(&self) -> Result<(results::RegionNames, Vec<String>)> {
        record::distinct_names(self)?;
        let sizes: BTreeSet<usize> = self.folds.iter().map(|fold| self.batch_of(&fold.train)).collect();
        for (i, fold) in self.folds.iter().enumerate() {
            if let Some(batch) = self.train.batch.filter(|batch| *batch > fold.train.len()) {
                return Err(Error::argument(format!(
                    "train.batch: {batch} of the {} {} that fold {i} is trained on",
                    fold.train.len(),
                    self.samples
                )));
            }
        }
        self.check_parts()?;
        for batch in sizes {
            Recording::training(self, batch)?;
        }
        let recording = Recording::forward(self, self.chunk_of(&self.folds[0].test))?;
        results::check(self, &recording)?;
        Ok((results::region_names(self, &recording)?, recording.unused_weights(self)))
    }

    /// The number of subjects in a batch taken from these.
    fn batch_of(&self, subjects: &[usize]) -> usize {
        self.train.batch.unwrap_or(subjects.len())
    }

    /// The names of the values that metrics and results need, each once.
    fn requested(&self) -> BTreeSet<String> {
        let metrics = self.metrics.iter().flat_map(|metric| metric.value.values());
        metrics.chain(self.requests.iter().map(|request| &request.value)).map(|name| name.value.clone()).collect()
    }

    /// The workflow's title.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Workflow")
    }

    /// The workflow's description, empty where it has none.
    pub fn description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    /// The name of the rows of its data: `subjects`, or what the workflow calls them.
    pub fn samples(&self) -> &str {
        &self.samples
    }

    /// The workflow as JSON, with the settings of [`ReadOptions`] applied.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The seed of all random draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of subjects.
    pub fn subjects(&self) -> usize {
        self.data.subjects()
    }

    /// Messages about the headers and index columns recognised in the workflow's tables of series, about doubts, and about regions without
    /// values whose weights are not used; one line each.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.data.notes().chain(self.warnings.iter().map(String::as_str))
    }

    /// The divisions of the subjects into training and test sets.
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// The number of training steps in each fold.
    pub fn steps(&self) -> u32 {
        self.train.steps
    }

    /// The path of every file that the workflow reads, and the SHA-256 of its bytes; `input:NAME` for an array in memory.
    pub fn inputs(&self) -> &BTreeMap<PathBuf, String> {
        &self.files
    }

    /// A hash of everything that determines the result apart from the device: the workflow, its inputs, the seed, and this crate's version.
    pub fn identity(&self) -> String {
        let inputs: Vec<&String> = self.inputs().values().collect();
        let all = serde_json::json!([self.json, inputs, self.seed, env!("CARGO_PKG_VERSION")]);
        place::hash_of(all.to_string().as_bytes())
    }
}
