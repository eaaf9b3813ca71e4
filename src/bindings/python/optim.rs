//! Optimisers, and schedules of their rates.

use super::tape::PyTape;
use super::var::PyVar;
use crate::Var;
use crate::optim::{Adam, Optimiser, Schedule, Sgd};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A number that follows the step.
#[pyclass(name = "Schedule", module = "tapetum", frozen)]
struct PySchedule(Schedule);

#[pymethods]
impl PySchedule {
    /// Half a cosine from `start` to `end` in `steps` steps, then `end`.
    #[staticmethod]
    fn cosine(start: f32, end: f32, steps: u32) -> Self {
        Self(Schedule::Cosine { start, end, steps })
    }

    /// A line from `start` to `end` in `steps` steps, then `end`.
    #[staticmethod]
    fn linear(start: f32, end: f32, steps: u32) -> Self {
        Self(Schedule::Linear { start, end, steps })
    }

    /// `start`, multiplied by `factor` after every `every` steps.
    #[staticmethod]
    fn step(start: f32, factor: f32, every: u32) -> Self {
        Self(Schedule::Step { start, factor, every })
    }

    /// The same schedule, which rises from nothing in the first `steps` steps.
    fn warm_up(&self, steps: u32) -> Self {
        Self(Schedule::WarmUp { steps, then: Box::new(self.0.clone()) })
    }
}

fn schedule(rate: &Bound<'_, PyAny>) -> PyResult<Schedule> {
    if let Ok(schedule) = rate.cast::<PySchedule>() {
        return Ok(schedule.get().0.clone());
    }
    rate.extract::<f32>().map(Schedule::Constant).map_err(|_| PyTypeError::new_err("rate: a number or a tapetum.Schedule is expected"))
}

/// Records the updates of parameters by their gradients.
fn apply(optimiser: &Optimiser, tape: &Bound<'_, PyTape>, pairs: &[(Bound<'_, PyVar>, Bound<'_, PyVar>)]) -> PyResult<()> {
    let pairs: Vec<(Var, Var)> = pairs.iter().map(|(parameter, gradient)| (parameter.get().var, gradient.get().var)).collect();
    Ok(optimiser.apply(&mut tape.get().lock(), &pairs)?)
}

/// Adam with PyTorch's defaults; AdamW where the decay is `decoupled`.
#[pyclass(name = "Adam", module = "tapetum", frozen)]
struct PyAdam(Optimiser);

#[pymethods]
impl PyAdam {
    #[new]
    #[pyo3(signature = (rate, *, betas = (0.9, 0.999), epsilon = 1e-8, decay = 0.0, decoupled = false))]
    fn new(rate: &Bound<'_, PyAny>, betas: (f32, f32), epsilon: f32, decay: f32, decoupled: bool) -> PyResult<Self> {
        let adam = Adam { beta1: betas.0, beta2: betas.1, epsilon, decay, decoupled, ..Adam::new(schedule(rate)?) };
        let optimiser = Optimiser::from(adam);
        optimiser.check()?;
        Ok(Self(optimiser))
    }

    /// Assigns each parameter of pairs (parameter, gradient) its value after the step.
    fn apply(&self, tape: &Bound<'_, PyTape>, pairs: Vec<(Bound<'_, PyVar>, Bound<'_, PyVar>)>) -> PyResult<()> {
        apply(&self.0, tape, &pairs)
    }
}

/// Gradient descent with momentum, as PyTorch's SGD.
#[pyclass(name = "Sgd", module = "tapetum", frozen)]
struct PySgd(Optimiser);

#[pymethods]
impl PySgd {
    #[new]
    #[pyo3(signature = (rate, *, momentum = 0.0, decay = 0.0, nesterov = false))]
    fn new(rate: &Bound<'_, PyAny>, momentum: f32, decay: f32, nesterov: bool) -> PyResult<Self> {
        let optimiser = Optimiser::from(Sgd { momentum, decay, nesterov, ..Sgd::new(schedule(rate)?) });
        optimiser.check()?;
        Ok(Self(optimiser))
    }

    /// Assigns each parameter of pairs (parameter, gradient) its value after the step.
    fn apply(&self, tape: &Bound<'_, PyTape>, pairs: Vec<(Bound<'_, PyVar>, Bound<'_, PyVar>)>) -> PyResult<()> {
        apply(&self.0, tape, &pairs)
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySchedule>()?;
    module.add_class::<PyAdam>()?;
    module.add_class::<PySgd>()
}
