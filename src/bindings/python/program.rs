//! Compiled programs and the state that they share.

use super::array::{as_given, numpy, of_type};
use super::device::device;
use super::var::PyVar;
use crate::{HostTensor, Program, State, TensorType};
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Named arrays that last between steps, and that programs on one device share.
#[pyclass(name = "State", module = "tapetum", frozen)]
pub(super) struct PyState(pub(super) State);

#[pymethods]
impl PyState {
    #[new]
    #[pyo3(signature = (device = None))]
    fn new(device: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self(State::new(&self::device(device.as_ref())?)))
    }

    /// The names, sorted.
    fn names(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| self.0.names())
    }

    /// The array of a name.
    fn read<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        numpy(py, py.detach(|| self.0.read(name))?)
    }

    /// Sets the array of a name, which keeps its type.
    fn write(&self, py: Python<'_>, name: &str, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = match py.detach(|| self.0.ty(name)) {
            Some(TensorType { dtype, .. }) => of_type(array, dtype)?,
            None => as_given(array)?,
        };
        Ok(py.detach(|| self.0.write(name, &value.to_real::<f32>()))?)
    }
}

/// A tape compiled for a device.
#[pyclass(name = "Program", module = "tapetum", frozen)]
pub(super) struct PyProgram(Mutex<Program>);

/// Steps that a GPU is given at once, between two looks for an interrupt.
const AT_ONCE: usize = 32;

impl PyProgram {
    pub(super) fn new(program: Program) -> Self {
        Self(Mutex::new(program))
    }

    fn lock(&self) -> MutexGuard<'_, Program> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills inputs.
    fn fill(&self, py: Python<'_>, inputs: &[(Bound<'_, PyVar>, Bound<'_, PyAny>)]) -> PyResult<()> {
        for (input, array) in inputs {
            let value = of_type(array, input.get().ty().dtype)?;
            let var = input.get().var;
            py.detach(|| self.lock().write(var, &value))?;
        }
        Ok(())
    }
}

#[pymethods]
impl PyProgram {
    /// The state that it reads and updates.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyState {
        PyState(py.detach(|| self.lock().state().clone()))
    }

    /// Fills an input, which keeps its value until it is filled again.
    fn write(&self, py: Python<'_>, input: Bound<'_, PyVar>, array: Bound<'_, PyAny>) -> PyResult<()> {
        self.fill(py, &[(input, array)])
    }

    /// Runs one step.
    fn step(&self, py: Python<'_>) -> PyResult<()> {
        self.steps(py, 1)
    }

    /// Runs `n` steps. An interrupt ends them between two.
    fn steps(&self, py: Python<'_>, n: usize) -> PyResult<()> {
        let most = if py.detach(|| self.lock().gpu().is_some()) { AT_ONCE } else { 1 };
        let mut left = n;
        while left > 0 {
            let now = left.min(most);
            py.detach(|| self.lock().steps(now))?;
            py.check_signals()?;
            left -= now;
        }
        Ok(())
    }

    /// Waits until the steps submitted so far are done.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.lock().wait())?)
    }

    /// An output as the last step left it.
    fn read<'py>(&self, py: Python<'py>, output: &Bound<'py, PyVar>) -> PyResult<Bound<'py, PyAny>> {
        let var = output.get().var;
        numpy(py, py.detach(|| self.lock().read(var))?)
    }

    /// Fills inputs, given as pairs or a dictionary of input and array, runs one step, and returns every output.
    #[pyo3(signature = (inputs = None))]
    fn run<'py>(&self, py: Python<'py>, inputs: Option<Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        if let Some(inputs) = inputs {
            let pairs = if inputs.hasattr("items")? { inputs.call_method0("items")? } else { inputs };
            let pairs = pairs.try_iter()?.map(|pair| pair?.extract()).collect::<PyResult<Vec<_>>>()?;
            self.fill(py, &pairs)?;
        }
        let found: Vec<HostTensor> = py.detach(|| self.lock().run(&[]))?;
        py.check_signals()?;
        found.into_iter().map(|value| numpy(py, value)).collect()
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyState>()?;
    module.add_class::<PyProgram>()
}
