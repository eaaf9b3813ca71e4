//! Compiled programs and the state that they share.

use super::array::{as_given, numpy, of_type};
use super::device::device;
use super::var::PyVar;
use super::wait::{PATIENCE, waited, waited_hearing};
use crate::{HostTensor, Program, Result, State, TensorType, Var};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

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
    fn names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let state = self.0.clone();
        waited(py, move || Ok(state.names()))
    }

    /// The array of a name.
    fn read<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let (state, name) = (self.0.clone(), name.to_owned());
        numpy(py, waited(py, move || state.read(&name))?)
    }

    /// Sets the array of a name, which keeps its type.
    fn write(&self, py: Python<'_>, name: &str, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let (asked, state) = (self.0.clone(), self.0.clone());
        let (sought, name) = (name.to_owned(), name.to_owned());
        let value = match waited(py, move || Ok(asked.ty(&sought)))? {
            Some(TensorType { dtype, .. }) => of_type(array, dtype)?,
            None => as_given(array)?,
        };
        waited(py, move || state.write(&name, &value.to_real::<f32>()))
    }
}

/// A tape compiled for a device. What an interrupted call began goes on, and the next call waits for its end.
#[pyclass(name = "Program", module = "tapetum", frozen)]
pub(super) struct PyProgram {
    program: Arc<Mutex<Program>>,
    state: State,
    /// The steps that the device is given at once.
    at_once: usize,
}

/// The steps that a GPU is given at once.
const AT_ONCE: usize = 32;

impl PyProgram {
    pub(super) fn new(program: Program) -> Self {
        let at_once = if program.gpu().is_some() { AT_ONCE } else { 1 };
        Self { state: program.state().clone(), program: Arc::new(Mutex::new(program)), at_once }
    }

    /// Does something with the program.
    fn with<T: Send + 'static>(&self, py: Python<'_>, run: impl FnOnce(&mut Program) -> Result<T> + Send + 'static) -> PyResult<T> {
        let program = Arc::clone(&self.program);
        waited(py, move || run(&mut program.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// An input and its value.
fn filled(input: &Bound<'_, PyVar>, array: &Bound<'_, PyAny>) -> PyResult<(Var, HostTensor)> {
    let input = input.get();
    Ok((input.var, of_type(array, input.ty().dtype)?))
}

#[pymethods]
impl PyProgram {
    /// The state that it reads and updates.
    #[getter]
    fn state(&self) -> PyState {
        PyState(self.state.clone())
    }

    /// Fills an input, which keeps its value until it is filled again.
    fn write(&self, py: Python<'_>, input: Bound<'_, PyVar>, array: Bound<'_, PyAny>) -> PyResult<()> {
        let (var, value) = filled(&input, &array)?;
        self.with(py, move |program| program.write(var, &value))
    }

    /// Runs one step.
    fn step(&self, py: Python<'_>) -> PyResult<()> {
        self.steps(py, 1)
    }

    /// Runs `n` steps. An interrupt ends the call; the steps of that moment end unseen.
    fn steps(&self, py: Python<'_>, n: usize) -> PyResult<()> {
        let (program, at_once) = (Arc::clone(&self.program), self.at_once);
        let run = move |tell: &dyn Fn(()) -> Result<()>| {
            let mut program = program.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut left, mut told) = (n, Instant::now());
            while left > 0 {
                let now = left.min(at_once);
                program.steps(now)?;
                left -= now;
                if told.elapsed() > PATIENCE {
                    tell(())?;
                    told = Instant::now();
                }
            }
            Ok(())
        };
        waited_hearing(py, run, |()| Ok(()))
    }

    /// Waits until the steps submitted so far are done.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |program| program.wait())
    }

    /// An output as the last step left it.
    fn read<'py>(&self, py: Python<'py>, output: &Bound<'py, PyVar>) -> PyResult<Bound<'py, PyAny>> {
        let var = output.get().var;
        numpy(py, self.with(py, move |program| program.read(var))?)
    }

    /// Fills inputs, given as pairs or a dictionary of input and array, runs one step, and returns every output.
    #[pyo3(signature = (inputs = None))]
    fn run<'py>(&self, py: Python<'py>, inputs: Option<Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut values = Vec::new();
        if let Some(inputs) = inputs {
            let pairs = if inputs.hasattr("items")? { inputs.call_method0("items")? } else { inputs };
            for pair in pairs.try_iter()? {
                let (input, array): (Bound<'_, PyVar>, Bound<'_, PyAny>) = pair?.extract()?;
                values.push(filled(&input, &array)?);
            }
        }
        let found = self.with(py, move |program| program.run(&values.iter().map(|(var, value)| (*var, value)).collect::<Vec<_>>()))?;
        found.into_iter().map(|value| numpy(py, value)).collect()
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyState>()?;
    module.add_class::<PyProgram>()
}
