//! Tapes: what begins one, what ends one, and the ops of several values.

use super::array::as_given;
use super::var::{PyVar, operand};
use crate::optim::clip_by_global_norm;
use crate::{DType, Init, Shape, Tape, TensorType, Var};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A recorded computation: inputs, states and ops in order. It is differentiated on itself and compiled for a device.
#[pyclass(name = "Tape", module = "tapetum", frozen)]
pub(super) struct PyTape {
    tape: Mutex<Tape>,
}

impl PyTape {
    pub(super) fn lock(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records on the tape of `slf`, and gives the value its Python object.
fn recorded(slf: &Bound<'_, PyTape>, record: impl FnOnce(&mut Tape) -> crate::Result<Var>) -> PyResult<PyVar> {
    let var = record(&mut slf.get().lock())?;
    Ok(PyVar::new(slf, var))
}

/// The beginning of a state.
#[pyclass(name = "Init", module = "tapetum", frozen)]
pub(super) struct PyInit(Init);

#[pymethods]
impl PyInit {
    /// All zero.
    #[staticmethod]
    fn zeros() -> Self {
        Self(Init::Zeros)
    }

    /// One value throughout.
    #[staticmethod]
    fn full(value: f32) -> Self {
        Self(Init::Full(value))
    }

    /// Uniform from `low` to `high`.
    #[staticmethod]
    #[pyo3(signature = (low, high, *, seed = 0, stream = 0))]
    fn uniform(low: f32, high: f32, seed: u64, stream: u32) -> Self {
        Self(Init::Uniform { low, high, seed, stream })
    }

    /// Normal.
    #[staticmethod]
    #[pyo3(signature = (mean = 0.0, std = 1.0, *, seed = 0, stream = 0))]
    fn normal(mean: f32, std: f32, seed: u64, stream: u32) -> Self {
        Self(Init::Normal { mean, std, seed, stream })
    }

    /// The values of an array.
    #[staticmethod]
    fn value(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(Init::Value(as_given(array)?.to_real::<f32>())))
    }
}

/// Vertices in soft parcels: `memberships` `[parcels, vertices]`, `series` `[parcels, time]` and `mass` `[parcels]`.
#[pyclass(name = "SoftParcellation", module = "tapetum", frozen, get_all)]
struct PySoftParcellation {
    memberships: Py<PyVar>,
    series: Py<PyVar>,
    mass: Py<PyVar>,
}

pub(super) fn dtype_of(name: &str) -> PyResult<DType> {
    match name {
        "f32" | "float32" => Ok(DType::F32),
        "i32" | "int32" => Ok(DType::I32),
        "u32" | "uint32" => Ok(DType::U32),
        _ => Err(PyValueError::new_err(format!("dtype {name:?}: f32, i32 or u32 is expected"))),
    }
}

pub(super) fn shape_of(extents: &[usize]) -> PyResult<Shape> {
    Shape::try_new(extents).ok_or_else(|| PyValueError::new_err(format!("a shape of {} axes: at most 8 are possible", extents.len())))
}

#[pymethods]
impl PyTape {
    #[new]
    fn new() -> Self {
        Self { tape: Mutex::new(Tape::new()) }
    }

    /// An input, which the caller fills before a step.
    #[pyo3(signature = (name, shape, dtype = "f32"))]
    fn input(slf: &Bound<'_, Self>, name: &str, shape: Vec<usize>, dtype: &str) -> PyResult<PyVar> {
        let ty = TensorType::new(dtype_of(dtype)?, shape_of(&shape)?);
        recorded(slf, |tape| tape.input(name, ty))
    }

    /// A trained f32 state.
    #[pyo3(signature = (name, shape, init = None))]
    fn parameter(slf: &Bound<'_, Self>, name: &str, shape: Vec<usize>, init: Option<&Bound<'_, PyInit>>) -> PyResult<PyVar> {
        let (shape, init) = (shape_of(&shape)?, init.map_or(Init::Zeros, |init| init.get().0.clone()));
        recorded(slf, |tape| tape.parameter(name, shape, init))
    }

    /// A state, which lasts between steps.
    #[pyo3(signature = (name, shape, init = None, dtype = "f32"))]
    fn state(slf: &Bound<'_, Self>, name: &str, shape: Vec<usize>, init: Option<&Bound<'_, PyInit>>, dtype: &str) -> PyResult<PyVar> {
        let ty = TensorType::new(dtype_of(dtype)?, shape_of(&shape)?);
        let init = init.map_or(Init::Zeros, |init| init.get().0.clone());
        recorded(slf, |tape| tape.state(name, ty, init))
    }

    /// Says what a state is after the step.
    fn assign(&self, state: &Bound<'_, PyVar>, value: &Bound<'_, PyVar>) -> PyResult<()> {
        Ok(self.lock().assign(state.get().var, value.get().var)?)
    }

    /// The values of an array.
    fn constant(slf: &Bound<'_, Self>, array: &Bound<'_, PyAny>) -> PyResult<PyVar> {
        let value = as_given(array)?;
        recorded(slf, |tape| tape.constant(value.to_real::<f32>()))
    }

    /// The gradient of a scalar with respect to values, one for each.
    fn gradient(slf: &Bound<'_, Self>, of: &Bound<'_, PyVar>, wrt: Vec<Bound<'_, PyVar>>) -> PyResult<Vec<PyVar>> {
        let wrt: Vec<Var> = wrt.iter().map(|v| v.get().var).collect();
        let found = slf.get().lock().gradient(of.get().var, &wrt)?;
        Ok(found.into_iter().map(|var| PyVar::new(slf, var)).collect())
    }

    /// The gradients scaled so that their common norm is at most `limit`, and that norm before.
    fn clip_by_global_norm(slf: &Bound<'_, Self>, gradients: Vec<Bound<'_, PyVar>>, limit: f32) -> PyResult<(Vec<PyVar>, PyVar)> {
        let gradients: Vec<Var> = gradients.iter().map(|v| v.get().var).collect();
        let (clipped, norm) = clip_by_global_norm(&mut slf.get().lock(), &gradients, limit)?;
        Ok((clipped.into_iter().map(|var| PyVar::new(slf, var)).collect(), PyVar::new(slf, norm)))
    }

    /// A pointwise function by its name, such as "softplus", of values or numbers. `attributes` are its settings.
    #[pyo3(signature = (name, *operands, attributes = Vec::new()))]
    fn pointwise(slf: &Bound<'_, Self>, name: &str, operands: Vec<Bound<'_, PyAny>>, attributes: Vec<f32>) -> PyResult<PyVar> {
        let operands = operands.iter().map(|given| operand(slf, given)).collect::<PyResult<Vec<_>>>()?;
        if attributes.len() > 2 {
            return Err(PyValueError::new_err(format!("{} attributes: at most 2 are expected", attributes.len())));
        }
        let mut two = [0.0; 2];
        two.iter_mut().zip(attributes).for_each(|(slot, value)| *slot = value);
        recorded(slf, |tape| tape.pointwise(name, &operands, two))
    }

    /// Vertices `[vertices, time]` averaged in soft parcels with these logits `[parcels, vertices]`.
    fn soft_parcellation(slf: &Bound<'_, Self>, logits: &Bound<'_, PyVar>, series: &Bound<'_, PyVar>) -> PyResult<PySoftParcellation> {
        let made = slf.get().lock().soft_parcellation(logits.get().var, series.get().var)?;
        let of = |var| Py::new(slf.py(), PyVar::new(slf, var));
        Ok(PySoftParcellation { memberships: of(made.memberships)?, series: of(made.series)?, mass: of(made.mass)? })
    }

    /// The mean squared error.
    fn mean_squared_error(slf: &Bound<'_, Self>, predicted: &Bound<'_, PyVar>, target: &Bound<'_, PyVar>) -> PyResult<PyVar> {
        recorded(slf, |tape| tape.mean_squared_error(predicted.get().var, target.get().var))
    }

    /// The cross entropy of logits `[rows, classes]` and labels i32 `[rows]`, averaged.
    fn cross_entropy(slf: &Bound<'_, Self>, logits: &Bound<'_, PyVar>, labels: &Bound<'_, PyVar>) -> PyResult<PyVar> {
        recorded(slf, |tape| tape.cross_entropy(logits.get().var, labels.get().var))
    }

    /// The binary cross entropy of logits and targets of one shape, averaged.
    fn binary_cross_entropy(slf: &Bound<'_, Self>, logits: &Bound<'_, PyVar>, target: &Bound<'_, PyVar>) -> PyResult<PyVar> {
        recorded(slf, |tape| tape.binary_cross_entropy(logits.get().var, target.get().var))
    }

    /// Values one after the other along an axis.
    #[pyo3(signature = (values, axis = 0))]
    fn concatenate(slf: &Bound<'_, Self>, values: Vec<Bound<'_, PyVar>>, axis: isize) -> PyResult<PyVar> {
        let values: Vec<Var> = values.iter().map(|v| v.get().var).collect();
        recorded(slf, |tape| tape.concatenate(&values, axis))
    }

    fn __len__(&self) -> usize {
        self.lock().len()
    }

    fn __str__(&self) -> String {
        self.lock().to_string()
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTape>()?;
    module.add_class::<PyVar>()?;
    module.add_class::<PyInit>()?;
    module.add_class::<PySoftParcellation>()
}
