//! Parcels learnt on a cortex.

use super::array::{as_given, numpy, real, series};
use super::device::device;
use super::wait::waited_hearing;
use crate::HostTensor;
use crate::connectome::parcels::cortex::Cortex;
use crate::connectome::parcels::learn_parcels::{Learner, Settings};
use pyo3::prelude::*;

/// Soft parcels of a cortex, learnt from series `[time, vertices]` at `coordinates` `[vertices, 3]` on a sphere.
///
/// `faces` `[faces, 3]` are the triangles of the mesh; without them a vertex's neighbours are the six nearest. `mask` `[vertices]` is not 0
/// for the vertices that get a parcel. `callback(step, loss)` is called every few steps. The result is the parcel of each vertex, i32
/// `[vertices]`, -1 where it has none; the memberships of the vertices that have one, f32 `[parcels, vertices]`; and the loss of each step.
#[pyfunction]
#[pyo3(signature = (series, coordinates, parcels, *, faces = None, mask = None, steps = 300, seed = 0, device = None, callback = None))]
#[allow(clippy::too_many_arguments, clippy::type_complexity, reason = "arguments are named in Python, and a tuple is taken apart at once")]
fn parcellate<'py>(
    py: Python<'py>,
    series: &Bound<'py, PyAny>,
    coordinates: &Bound<'py, PyAny>,
    parcels: usize,
    faces: Option<Bound<'py, PyAny>>,
    mask: Option<Bound<'py, PyAny>>,
    steps: u32,
    seed: u64,
    device: Option<Bound<'py, PyAny>>,
    callback: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let faces = faces.as_ref().map(as_given).transpose()?;
    let mask = mask.as_ref().map(real).transpose()?;
    let (series, coordinates) = (self::series(series)?, real(coordinates)?);
    let settings = Settings { steps, seed, ..Settings::of(parcels) };
    let device = self::device(device.as_ref())?;
    let learn = move |tell: &dyn Fn((u32, f32)) -> crate::Result<()>| {
        let cortex = Cortex::centred(&series, &coordinates, faces, mask.as_ref(), parcels)?;
        let learner = Learner::new(&device, &cortex.surface(0..cortex.frames())?, &settings)?;
        let learnt = learner.run(|step, loss| tell((step, loss)))?;
        Ok((cortex.spread(&learnt.labels), learnt))
    };
    let (labels, learnt) = waited_hearing(py, learn, |at| callback.as_ref().map_or(Ok(()), |f| f.call1(py, at).map(drop)))?;
    let labels = HostTensor::i32([labels.len()], labels)?;
    let losses = HostTensor::f32([learnt.losses.len()], learnt.losses)?;
    Ok((numpy(py, labels)?, numpy(py, learnt.memberships)?, numpy(py, losses)?))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(parcellate, module)?)
}
