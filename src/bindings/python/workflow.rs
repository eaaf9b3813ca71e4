//! Workflows described in JSON, on arrays in memory.

use super::array::{as_given, numpy};
use super::device::device;
use super::wait::{waited, waited_hearing};
use crate::Error;
use crate::workflow::{Figure, MetricResult, Progress, ReadOptions, RunResult, Workflow, schema};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::path::{Path, PathBuf};

/// A workflow, and the settings with which it is read.
#[derive(FromPyObject)]
struct Source<'py> {
    /// The workflow's text, if it is not in a file.
    #[pyo3(item)]
    text: Option<String>,
    /// Its file, or the folder of the files that it names.
    #[pyo3(item)]
    path: PathBuf,
    #[pyo3(item)]
    seed: u64,
    /// Places and their values, in JSON.
    #[pyo3(item)]
    settings: Vec<(String, String)>,
    #[pyo3(item)]
    arrays: Bound<'py, PyDict>,
}

impl Source<'_> {
    fn options(&self) -> PyResult<ReadOptions> {
        let mut options = Workflow::options().seed(self.seed);
        for (place, value) in &self.settings {
            let value = crate::json::parse(value).map_err(|e| Error::argument(format!("{place}: no JSON: {e}")))?;
            options = options.set(place, value);
        }
        for (name, array) in self.arrays.iter() {
            options = options.array(name.extract::<String>()?, as_given(&array)?);
        }
        Ok(options)
    }
}

/// Reads a workflow from its text, or from its file.
fn read(text: Option<&str>, path: &Path, options: &ReadOptions) -> crate::Result<Workflow> {
    let Some(text) = text else { return options.read(path) };
    let json = crate::json::parse(text).map_err(|e| Error::argument(format!("no JSON: {e}")))?;
    options.build(json, path)
}

/// Reads a workflow, checks all of it, and says how many subjects, folds and steps it has.
#[pyfunction]
fn check_workflow(py: Python<'_>, source: Source<'_>) -> PyResult<(usize, usize, u32)> {
    let options = source.options()?;
    let (text, path) = (source.text, source.path);
    let workflow = waited(py, move || read(text.as_deref(), &path, &options))?;
    Ok((workflow.subjects(), workflow.folds().len(), workflow.steps()))
}

/// Runs a workflow. `callback(fold, step, loss)` is called every few steps. The result is a dictionary.
#[pyfunction]
#[pyo3(signature = (source, device = None, callback = None))]
fn run_workflow<'py>(
    py: Python<'py>,
    source: Source<'py>,
    device: Option<Bound<'py, PyAny>>,
    callback: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (options, device) = (source.options()?, self::device(device.as_ref())?);
    let (text, path) = (source.text, source.path);
    let run = move |tell: &dyn Fn(Progress) -> crate::Result<()>| {
        let workflow = read(text.as_deref(), &path, &options)?;
        let found = workflow.run_with(&device, None, tell)?;
        Ok((workflow, found))
    };
    let told = |Progress { fold, step, loss }| callback.as_ref().map_or(Ok(()), |f| f.call1(py, (fold, step, loss)).map(drop));
    let (workflow, found) = waited_hearing(py, run, told)?;
    result(py, &workflow, found)
}

fn result<'py>(py: Python<'py>, workflow: &Workflow, found: RunResult) -> PyResult<Bound<'py, PyDict>> {
    let made = PyDict::new(py);
    made.set_item("warnings", workflow.notes().map(str::to_owned).chain(found.warnings()).collect::<Vec<_>>())?;
    made.set_item("undefined", found.metrics.iter().flat_map(MetricResult::undefined).collect::<Vec<_>>())?;
    made.set_item("on_host", found.on_host)?;
    made.set_item("condition", found.condition)?;
    made.set_item("folds", workflow.folds().iter().map(|fold| (fold.train.clone(), fold.test.clone())).collect::<Vec<_>>())?;
    let losses = PyList::empty(py);
    for fold in found.losses {
        let terms = PyDict::new(py);
        for (name, curve) in fold {
            terms.set_item(name, numpy(py, crate::HostTensor::f32([curve.len()], curve)?)?)?;
        }
        losses.append(terms)?;
    }
    made.set_item("losses", losses)?;
    let metrics = PyDict::new(py);
    for metric in &found.metrics {
        let figures = |all: &[Figure]| all.iter().map(|figure| figure.clone().ok()).collect::<Vec<_>>();
        let one = PyDict::new(py);
        one.set_item("train", figures(&metric.train))?;
        one.set_item("test", figures(&metric.test))?;
        one.set_item("pooled", metric.pooled.clone().ok())?;
        metrics.set_item(&metric.name, one)?;
    }
    made.set_item("metrics", metrics)?;
    let (values, names) = (PyDict::new(py), PyDict::new(py));
    for value in found.values {
        if let Some(regions) = &value.names {
            names.set_item(&value.name, regions)?;
        }
        values.set_item(value.name, numpy(py, value.value)?)?;
    }
    made.set_item("values", values)?;
    made.set_item("names", names)?;
    Ok(made)
}

/// The JSON Schema of workflows, as text.
#[pyfunction]
fn workflow_schema() -> String {
    schema().to_string()
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check_workflow, module)?)?;
    module.add_function(wrap_pyfunction!(run_workflow, module)?)?;
    module.add_function(wrap_pyfunction!(workflow_schema, module)?)
}
