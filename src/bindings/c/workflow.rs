//! Workflows described in JSON, on files and on arrays in memory.

use super::array::TapetumArray;
use super::border::{TapetumStatus, call, given, make};
use super::device::TapetumDevice;
use super::handle::{Handle, free, held};
use super::progress::{TapetumProgress, Watch};
use super::results::TapetumResults;
use super::text::Text;
use crate::workflow::{Figure, MetricResult, ReadOptions, RunResult, Workflow};
use crate::{Error, HostTensor, Result};
use serde_json::{Map, Value, json};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A workflow described in JSON, with its seed, settings and arrays.
pub struct TapetumWorkflow(Mutex<Source>);

/// The source that a workflow is read from.
#[derive(Clone)]
struct Source {
    /// The workflow, if it is not in a file.
    json: Option<Value>,
    /// Its file, or the folder of the files that it names.
    path: PathBuf,
    options: ReadOptions,
}

impl Handle for TapetumWorkflow {
    const NAME: &'static str = "a tapetum_workflow";
}

impl TapetumWorkflow {
    fn new(json: Option<Value>, path: &str) -> Self {
        Self(Mutex::new(Source { json, path: path.into(), options: Workflow::options() }))
    }

    fn source(&self) -> Source {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(ReadOptions) -> ReadOptions) {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.options = change(std::mem::take(&mut source.options));
    }

    /// Reads the workflow and checks all of it.
    fn read(&self) -> Result<Workflow> {
        let Source { json, path, options } = self.source();
        match json {
            None => options.read(path),
            Some(json) => options.build(json, path),
        }
    }
}

/// A workflow in a file, which is read when it is checked or run. Files that it names are looked for beside it.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_of_file(path: Text, workflow: Option<&mut MaybeUninit<*mut TapetumWorkflow>>) -> TapetumStatus {
    make("workflow", workflow, || Ok(TapetumWorkflow::new(None, path.read("path")?)))
}

/// A workflow in a text of JSON. Files that it names are looked for in `folder`; NULL stands for the folder that the process is in.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_of_text(
    text: Text,
    folder: Text,
    workflow: Option<&mut MaybeUninit<*mut TapetumWorkflow>>,
) -> TapetumStatus {
    make("workflow", workflow, || {
        let json = crate::json::parse(text.read("text")?).map_err(|e| Error::argument(format!("text: no JSON: {e}")))?;
        Ok(TapetumWorkflow::new(Some(json), folder.maybe("folder")?.unwrap_or_default()))
    })
}

/// Sets the seed of whatever is random; it is 0 otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_seed(workflow: *mut TapetumWorkflow, seed: u64) -> TapetumStatus {
    call(|| {
        held(workflow, "workflow")?.change(|options| options.seed(seed));
        Ok(())
    })
}

/// Sets the value at a place of the workflow, such as `train.steps` or `blocks[2].ridge`, to a value in JSON.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_set(workflow: *mut TapetumWorkflow, place: Text, value: Text) -> TapetumStatus {
    call(|| {
        let (workflow, place) = (held(workflow, "workflow")?, place.read("place")?);
        let value = crate::json::parse(value.read("value")?).map_err(|e| Error::argument(format!("{place}: no JSON: {e}")))?;
        workflow.change(|options| options.set(place, value));
        Ok(())
    })
}

/// Gives the workflow an array, which an entry `{"input": NAME}` of its data takes: series `[subjects, time, regions]`, an array
/// `[subjects, ..]`, or one that all subjects share. It is copied.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_array(workflow: *mut TapetumWorkflow, name: Text, array: Option<&TapetumArray>) -> TapetumStatus {
    call(|| {
        let (workflow, name) = (held(workflow, "workflow")?, name.read("name")?);
        let value = given("array", array)?.tensor("array")?;
        workflow.change(|options| options.array(name, value));
        Ok(())
    })
}

/// Reads a workflow and checks all of it: what can be known beforehand. The report of the results has `subjects`, `steps`, `folds` (lists
/// of `train` and `test`, indices of subjects) and `warnings`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_check(
    workflow: *mut TapetumWorkflow,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let read = held(workflow, "workflow")?.read()?;
        let report = json!({
            "subjects": read.subjects(), "steps": read.steps(), "folds": folds(&read), "warnings": read.notes().collect::<Vec<_>>(),
        });
        Ok(TapetumResults::new(Vec::new(), report))
    })
}

/// Runs a workflow: trains a model for each fold and evaluates it. `progress` may be NULL.
///
/// The results have the values that the workflow asks for, by name, and `losses.FOLD.TERM`, `float` `[steps]`, for each fold (counted
/// from 0) and each term of the loss; `losses.FOLD.loss` is their sum. The report has `metrics`, by name, with lists `train` and `test`
/// of a number for each fold, and `pooled` (null where one is undefined, with the reason in the list `undefined`); `folds`; `names`, of
/// the regions along the axes of values; `warnings`; `condition`, the largest condition number of what is inverted, null where nothing is
/// or it is infinite; and `on_host`, true where the cores took the place of a device that does not hold that condition.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_run(
    workflow: *mut TapetumWorkflow,
    device: *mut TapetumDevice,
    progress: TapetumProgress,
    user: *mut c_void,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let (workflow, device) = (held(workflow, "workflow")?, held(device, "device")?);
        let read = workflow.read()?;
        let mut watch = Watch::new(progress, user);
        let found = read.run_with(&device.device, None, |p| watch.tell(p.fold, p.step, p.loss));
        Ok(results_of(&read, watch.or(found)?)?)
    })
}

/// Frees a workflow and sets the handle to NULL. Its results stay valid.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_workflow_free(workflow: Option<&mut *mut TapetumWorkflow>) -> TapetumStatus {
    call(|| Ok(free(workflow, "workflow")?))
}

fn folds(workflow: &Workflow) -> Vec<Value> {
    workflow.folds().iter().map(|fold| json!({ "train": fold.train, "test": fold.test })).collect()
}

fn results_of(workflow: &Workflow, found: RunResult) -> Result<TapetumResults> {
    let figures = |all: &[Figure]| all.iter().map(|figure| figure.as_ref().ok().copied()).collect::<Vec<_>>();
    let metric = |metric: &MetricResult| {
        let value = json!({ "train": figures(&metric.train), "test": figures(&metric.test), "pooled": metric.pooled.as_ref().ok() });
        (metric.name.clone(), value)
    };
    let names = found.values.iter().filter_map(|value| Some((value.name.clone(), json!(value.names.as_ref()?))));
    let report = json!({
        "metrics": found.metrics.iter().map(metric).collect::<Map<_, _>>(),
        "undefined": found.metrics.iter().flat_map(MetricResult::undefined).collect::<Vec<_>>(),
        "folds": folds(workflow),
        "names": names.collect::<Map<_, _>>(),
        "warnings": workflow.notes().map(str::to_owned).chain(found.warnings()).collect::<Vec<_>>(),
        "condition": found.condition,
        "on_host": found.on_host,
    });
    let mut arrays: Vec<(String, HostTensor)> = found.values.into_iter().map(|value| (value.name, value.value)).collect();
    for (fold, terms) in found.losses.into_iter().enumerate() {
        for (term, losses) in terms {
            arrays.push((format!("losses.{fold}.{term}"), HostTensor::f32([losses.len()], losses)?));
        }
    }
    Ok(TapetumResults::new(arrays, report))
}
