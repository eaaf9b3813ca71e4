//! Births and deaths of graphs, their distances and clusters.

use super::array::TapetumArray;
use super::border::{TapetumStatus, given, make};
use super::device::TapetumDevice;
use super::handle::held;
use super::results::TapetumResults;
use super::text::Text;
use crate::bindings::named;
use crate::topology::{Diagrams, symmetric_to_rounding};
use crate::workflow::options;
use crate::{HostTensor, Result};
use serde_json::json;
use std::mem::MaybeUninit;

fn graphs(array: Option<&TapetumArray>, argument: &str) -> Result<HostTensor> {
    symmetric_to_rounding(&given(argument, array)?.real(argument)?)
}

/// The list of each graph, one after the other.
fn lists<'a>(of: &'a Diagrams, list: impl Fn(&'a Diagrams, usize) -> &'a [f32]) -> Result<HostTensor> {
    let all: Vec<f32> = (0..of.len()).flat_map(|graph| list(of, graph).iter().copied()).collect();
    HostTensor::f32([of.len(), all.len() / of.len().max(1)], all)
}

/// The births of components and the deaths of cycles of graphs: symmetric `weights`, `float` or `double`, `[nodes, nodes]` or `[graphs,
/// nodes, nodes]`, as a threshold on them rises. Weights of an edge that only rounding parts, up to 1e-6 of the larger, count as their
/// mean.
///
/// The results have `births`, `float` `[graphs, nodes - 1]`, and `deaths`, `float` `[graphs, (nodes - 1)(nodes - 2) / 2]`; each row
/// ascends.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_births_deaths(
    device: *mut TapetumDevice,
    weights: Option<&TapetumArray>,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let found = Diagrams::new(&held(device, "device")?.device, &graphs(weights, "weights")?)?;
        let arrays = vec![("births".to_owned(), lists(&found, Diagrams::births)?), ("deaths".to_owned(), lists(&found, Diagrams::deaths)?)];
        Ok(TapetumResults::new(arrays, json!({})))
    })
}

/// The distances of every graph of `a` to every graph of `b`, or among those of `a` where `b` is NULL. Graphs are as in
/// `tapetum_births_deaths`; those of different size are compared by their lists filled up.
///
/// `options` is NULL or JSON: `dimension` (`components`, `cycles` or `both`), `order` (2), the power r of |x - y| that is summed over
/// sorted births or deaths, and `root`, whether the r-th root is taken.
///
/// The results have `distances`, `double` `[graphs of a, graphs of b]`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_distance(
    device: *mut TapetumDevice,
    a: Option<&TapetumArray>,
    b: Option<&TapetumArray>,
    options: Text,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let device = held(device, "device")?;
        let (dimension, order, root) = options::distance(options.maybe("options")?)?;
        let (a, b) = (graphs(a, "a")?, b.map(|b| graphs(Some(b), "b")).transpose()?);
        let a = named("a", Diagrams::new(&device.device, &a))?;
        let other = b.map(|b| named("b", Diagrams::new(&device.device, &b))).transpose()?;
        let b = other.as_ref().unwrap_or(&a);
        let distances = HostTensor::real([a.len(), b.len()], a.distances(b, dimension, order, root)?)?;
        Ok(TapetumResults::new(vec![("distances".into(), distances)], json!({})))
    })
}

/// Clusters graphs, `weights` `[graphs, nodes, nodes]`, by topology and by the weights of edges.
///
/// `options` is JSON: `clusters` (which must be given), `topology` (1; 0 for the weights of edges alone), `seed` (0), `rounds` (300) and
/// `initial`, the graphs that are the first centres.
///
/// The results have `clusters`, `int32_t` `[graphs]`. The report has `inertia`, the sum of squared distances to the centres, and
/// `converged`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_cluster(
    device: *mut TapetumDevice,
    weights: Option<&TapetumArray>,
    options: Text,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let device = held(device, "device")?;
        let settings = options::cluster(options.maybe("options")?)?;
        let graphs = graphs(weights, "weights")?;
        let found = settings.run(&graphs, &Diagrams::new(&device.device, &graphs)?)?;
        let clusters: Vec<i32> = found.clusters.iter().map(|&cluster| cluster as i32).collect();
        let report = json!({ "inertia": found.inertia, "converged": found.converged });
        Ok(TapetumResults::new(vec![("clusters".into(), HostTensor::i32([clusters.len()], clusters)?)], report))
    })
}
