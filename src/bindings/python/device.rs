//! Devices: `Device`, `devices()`, and the device that a call takes where none is given.

use super::program::{PyProgram, PyState};
use super::tape::PyTape;
use super::var::PyVar;
use super::wait::waited;
use crate::gpu::{adapters, best};
use crate::{Device, State, Var};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::OnceLock;

/// A device on which programs run: a GPU, or the cores of the host.
///
/// `name` is "auto" (a GPU where there is one, else the cores), "cpu", or an adapter by its index in `devices()` or part of its name.
#[pyclass(name = "Device", module = "tapetum", frozen)]
pub(super) struct PyDevice {
    pub(super) device: Device,
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (name = "auto"))]
    fn new(py: Python<'_>, name: &str) -> PyResult<Self> {
        let name = name.to_owned();
        let device = waited(py, move || if name == "auto" { Ok(auto()) } else { Device::named(&name) })?;
        Ok(Self { device })
    }

    /// The adapter's name, or "cpu".
    #[getter]
    fn name(&self) -> &str {
        self.device.name()
    }

    /// True for a GPU.
    #[getter]
    fn is_gpu(&self) -> bool {
        matches!(self.device, Device::Gpu(_))
    }

    /// Compiles what `outputs` and the tape's assignments need. Programs on one `state` share what lasts between steps.
    #[pyo3(signature = (tape, outputs, state = None))]
    fn compile(
        &self,
        py: Python<'_>,
        tape: &Bound<'_, PyTape>,
        outputs: Vec<Bound<'_, PyVar>>,
        state: Option<&Bound<'_, PyState>>,
    ) -> PyResult<PyProgram> {
        let outputs: Vec<Var> = outputs.iter().map(|v| v.get().var).collect();
        let state = state.map_or_else(|| State::new(&self.device), |state| state.get().0.clone());
        let (tape, device) = (tape.get().lock().replica(), self.device.clone());
        Ok(PyProgram::new(waited(py, move || device.compile_with(&tape, &outputs, &state))?))
    }

    fn __repr__(&self) -> String {
        format!("Device({:?})", self.device.name())
    }
}

/// `Device::auto`, chosen once: to look for adapters takes a while.
fn auto() -> Device {
    static AUTO: OnceLock<Device> = OnceLock::new();
    AUTO.get_or_init(Device::auto).clone()
}

/// The device of an argument: `None`, a name, or a `Device`.
pub(super) fn device(given: Option<&Bound<'_, PyAny>>) -> PyResult<Device> {
    let Some(given) = given.filter(|given| !given.is_none()) else {
        return Python::attach(|py| waited(py, || Ok(auto())));
    };
    if let Ok(device) = given.cast::<PyDevice>() {
        return Ok(device.get().device.clone());
    }
    match given.extract::<String>() {
        Ok(name) => Ok(PyDevice::new(given.py(), &name)?.device),
        Err(_) => Err(PyTypeError::new_err("device: None, a name or a tapetum.Device is expected")),
    }
}

/// The adapters of this machine, one dictionary for each: index, name, backend, kind, driver, usable, and whether "auto" takes it.
#[pyfunction]
fn devices(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let all = waited(py, || Ok(pollster::block_on(adapters())))?;
    let auto = best(&all, false);
    let list = PyList::empty(py);
    for (index, adapter) in all.iter().enumerate() {
        let one = PyDict::new(py);
        one.set_item("index", index)?;
        one.set_item("name", adapter.name())?;
        one.set_item("backend", adapter.backend().to_string())?;
        one.set_item("kind", adapter.kind())?;
        one.set_item("driver", adapter.driver())?;
        one.set_item("usable", adapter.usable())?;
        one.set_item("auto", auto == Some(index))?;
        list.append(one)?;
    }
    Ok(list)
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyDevice>()?;
    module.add_function(wrap_pyfunction!(devices, module)?)
}
