//! Births and deaths of graphs, their distances and clusters.

use super::array::{numpy, real};
use super::device::device;
use super::wait::waited;
use crate::topology::clustering::Top;
use crate::topology::{Diagrams, Dimension, symmetric_to_rounding};
use crate::{HostTensor, Shape};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

fn dimension_of(name: &str) -> PyResult<Dimension> {
    match name {
        "components" => Ok(Dimension::Components),
        "cycles" => Ok(Dimension::Cycles),
        "both" => Ok(Dimension::Both),
        _ => Err(PyValueError::new_err(format!("dimension {name:?}: components, cycles or both is expected"))),
    }
}

/// The graphs of an argument, and whether it is one graph.
fn graphs(given: &Bound<'_, PyAny>) -> PyResult<(HostTensor, bool)> {
    let given = real(given)?;
    Ok((symmetric_to_rounding(&given)?, given.shape().rank() == 2))
}

/// The lists of all graphs, `[graphs, length]`, or `[length]` where there is one.
fn lists<'py>(py: Python<'py>, of: &Diagrams, one: bool, list: impl Fn(usize) -> Vec<f32>) -> PyResult<Bound<'py, PyAny>> {
    let all: Vec<Vec<f32>> = (0..of.len()).map(list).collect();
    let length = all.first().map_or(0, Vec::len);
    let shape = if one { Shape::from([length]) } else { Shape::from([all.len(), length]) };
    numpy(py, HostTensor::f32(shape, all.concat())?)
}

/// The births and the deaths of graphs, symmetric weights `[nodes, nodes]` or `[graphs, nodes, nodes]`; each list ascends.
#[pyfunction]
#[pyo3(signature = (weights, device = None))]
fn births_deaths<'py>(
    py: Python<'py>,
    weights: &Bound<'py, PyAny>,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let ((graphs, one), device) = (graphs(weights)?, self::device(device.as_ref())?);
    let found = waited(py, move || Diagrams::new(&device, &graphs))?;
    Ok((lists(py, &found, one, |g| found.births(g).to_vec())?, lists(py, &found, one, |g| found.deaths(g).to_vec())?))
}

/// The distances of every graph of one argument to every graph of another, or among the graphs of one.
#[pyfunction]
#[pyo3(signature = (a, b, dimension, order, root, device = None))]
fn distance<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: Option<Bound<'py, PyAny>>,
    dimension: &str,
    order: f64,
    root: bool,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (dimension, device) = (dimension_of(dimension)?, self::device(device.as_ref())?);
    let (a, a_is_one) = graphs(a)?;
    let b = b.as_ref().map(graphs).transpose()?;
    let b_is_one = b.as_ref().map_or(a_is_one, |(_, one)| *one);
    let (count, values) = waited(py, move || {
        let a = Diagrams::new(&device, &a)?;
        let other = b.map(|(b, _)| Diagrams::new(&device, &b)).transpose()?;
        let b = other.as_ref().unwrap_or(&a);
        Ok(([a.len(), b.len()], a.distances(b, dimension, order, root)?))
    })?;
    let extents = [(count[0], a_is_one), (count[1], b_is_one)].into_iter().filter(|(_, one)| !one).map(|(n, _)| n).collect::<Vec<_>>();
    let shape = Shape::try_new(&extents).unwrap_or_else(|| Shape::from([]));
    numpy(py, HostTensor::real(shape, values)?)
}

/// The cluster of each graph `[graphs]`, and the inertia.
#[pyfunction]
#[pyo3(signature = (weights, clusters, topology, seed, rounds, initial, device = None))]
#[allow(clippy::too_many_arguments, reason = "the settings of a clustering, named in Python")]
fn cluster<'py>(
    py: Python<'py>,
    weights: &Bound<'py, PyAny>,
    clusters: usize,
    topology: f32,
    seed: u64,
    rounds: usize,
    initial: Vec<usize>,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, f64, bool)> {
    let ((graphs, _), device) = (graphs(weights)?, self::device(device.as_ref())?);
    let settings = Top { weight: topology, rounds, initial, ..Top::new(clusters, seed) };
    let found = waited(py, move || settings.run(&graphs, &Diagrams::new(&device, &graphs)?))?;
    let labels = found.clusters.iter().map(|&c| c as i32).collect::<Vec<_>>();
    Ok((numpy(py, HostTensor::i32([labels.len()], labels)?)?, found.inertia, found.converged))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(births_deaths, module)?)?;
    module.add_function(wrap_pyfunction!(distance, module)?)?;
    module.add_function(wrap_pyfunction!(cluster, module)?)
}
