//! Values on a tape, with Python's operators.

use super::array::as_given;
use super::tape::{PyTape, shape_of};
use crate::{DType, Tape, TensorType, Var};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A value on a tape. Operators record ops; a number or an array beside a value becomes a constant.
#[pyclass(name = "Var", module = "tapetum", frozen)]
pub(super) struct PyVar {
    tape: Py<PyTape>,
    pub(super) var: Var,
}

impl PyVar {
    pub(super) fn new(tape: &Bound<'_, PyTape>, var: Var) -> Self {
        Self { tape: tape.clone().unbind(), var }
    }

    pub(super) fn ty(&self) -> TensorType {
        self.tape.get().lock().ty(self.var)
    }

    /// Records an op on this value.
    fn op(&self, py: Python<'_>, record: impl FnOnce(&mut Tape, Var) -> crate::Result<Var>) -> PyResult<Self> {
        let tape = self.tape.bind(py);
        let var = record(&mut tape.get().lock(), self.var)?;
        Ok(Self::new(tape, var))
    }

    /// Records an op on this value and another.
    fn with(&self, other: &Bound<'_, PyAny>, record: impl FnOnce(&mut Tape, Var, Var) -> crate::Result<Var>) -> PyResult<Self> {
        let (py, other) = (other.py(), operand(self.tape.bind(other.py()), other)?);
        self.op(py, |tape, var| record(tape, var, other))
    }
}

/// The value of an operand on a tape: a `Var`, or a constant made from a number or an array.
pub(super) fn operand(tape: &Bound<'_, PyTape>, given: &Bound<'_, PyAny>) -> PyResult<Var> {
    if let Ok(var) = given.cast::<PyVar>() {
        return Ok(var.get().var);
    }
    if let Ok(number) = given.extract::<f32>() {
        return Ok(tape.get().lock().scalar(number)?);
    }
    let value = as_given(given).map_err(|_| PyTypeError::new_err("a tapetum.Var, a number or an array is expected"))?;
    Ok(tape.get().lock().constant(value.to_real::<f32>())?)
}

/// The axes of an argument: `None` for all, one, or several.
fn axes(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<isize>> {
    let Some(given) = given.filter(|given| !given.is_none()) else { return Ok(Vec::new()) };
    let wrong = |_| PyTypeError::new_err("axis: None, a whole number or several are expected");
    given.extract::<isize>().map(|axis| vec![axis]).or_else(|_| given.extract::<Vec<isize>>().map_err(wrong))
}

#[pymethods]
impl PyVar {
    /// None, by which NumPy leaves an operator between an array and a value to this class.
    #[classattr]
    fn __array_ufunc__() -> Option<bool> {
        None
    }

    /// The extents.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.tape.get().lock().shape(self.var).iter())
    }

    /// The element type: "f32", "i32", "u32" or "f16".
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.ty().dtype {
            DType::F32 => "f32",
            DType::I32 => "i32",
            DType::U32 => "u32",
            DType::F16 => "f16",
        }
    }

    /// The tape that it is on.
    #[getter]
    fn tape(&self, py: Python<'_>) -> Py<PyTape> {
        self.tape.clone_ref(py)
    }

    fn __repr__(&self) -> String {
        let tape = self.tape.get().lock();
        format!("<Var {}: {}>", tape.describe(self.var), tape.ty(self.var))
    }

    fn __add__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, Tape::add)
    }

    fn __radd__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, |tape, x, y| tape.add(y, x))
    }

    fn __sub__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, Tape::sub)
    }

    fn __rsub__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, |tape, x, y| tape.sub(y, x))
    }

    fn __mul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, Tape::mul)
    }

    fn __rmul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, |tape, x, y| tape.mul(y, x))
    }

    fn __truediv__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, Tape::div)
    }

    fn __rtruediv__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, |tape, x, y| tape.div(y, x))
    }

    fn __matmul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, Tape::matmul)
    }

    fn __rmatmul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.with(other, |tape, x, y| tape.matmul(y, x))
    }

    fn __neg__(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::neg)
    }

    fn __pow__(&self, py: Python<'_>, exponent: f32, modulo: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        if modulo.is_some_and(|modulo| !modulo.is_none()) {
            return Err(PyTypeError::new_err("a power modulo a number is not differentiable"));
        }
        self.op(py, |tape, x| if exponent == 2.0 { tape.square(x) } else { tape.powf(x, exponent) })
    }

    /// The product with another value, either of them transposed first.
    #[pyo3(signature = (other, *, transpose_self = false, transpose_other = false))]
    fn matmul(&self, other: &Bound<'_, PyAny>, transpose_self: bool, transpose_other: bool) -> PyResult<Self> {
        self.with(other, |tape, x, y| tape.matmul_with(x, y, transpose_self, transpose_other))
    }

    /// The sum over axes, all of them where none is given.
    #[pyo3(signature = (axis = None, *, keepdims = false))]
    fn sum(&self, py: Python<'_>, axis: Option<Bound<'_, PyAny>>, keepdims: bool) -> PyResult<Self> {
        let axes = axes(axis.as_ref())?;
        self.op(py, |tape, x| tape.sum(x, &axes, keepdims))
    }

    /// The mean over axes, all of them where none is given.
    #[pyo3(signature = (axis = None, *, keepdims = false))]
    fn mean(&self, py: Python<'_>, axis: Option<Bound<'_, PyAny>>, keepdims: bool) -> PyResult<Self> {
        let axes = axes(axis.as_ref())?;
        self.op(py, |tape, x| tape.mean(x, &axes, keepdims))
    }

    /// The largest element over axes, all of them where none is given.
    #[pyo3(signature = (axis = None, *, keepdims = false))]
    fn max(&self, py: Python<'_>, axis: Option<Bound<'_, PyAny>>, keepdims: bool) -> PyResult<Self> {
        let axes = axes(axis.as_ref())?;
        self.op(py, |tape, x| tape.max(x, &axes, keepdims))
    }

    /// The smallest element over axes, all of them where none is given.
    #[pyo3(signature = (axis = None, *, keepdims = false))]
    fn min(&self, py: Python<'_>, axis: Option<Bound<'_, PyAny>>, keepdims: bool) -> PyResult<Self> {
        let axes = axes(axis.as_ref())?;
        self.op(py, |tape, x| tape.min(x, &axes, keepdims))
    }

    /// The variance over axes, with the number of elements less `ddof` as divisor.
    #[pyo3(signature = (axis = None, *, ddof = 0, keepdims = false))]
    fn var(&self, py: Python<'_>, axis: Option<Bound<'_, PyAny>>, ddof: usize, keepdims: bool) -> PyResult<Self> {
        let axes = axes(axis.as_ref())?;
        self.op(py, |tape, x| tape.variance(x, &axes, ddof, keepdims))
    }

    /// The index of the largest element along an axis, i32.
    #[pyo3(signature = (axis = -1))]
    fn argmax(&self, py: Python<'_>, axis: isize) -> PyResult<Self> {
        self.op(py, |tape, x| tape.argmax(x, axis))
    }

    /// The softmax along an axis.
    #[pyo3(signature = (axis = -1))]
    fn softmax(&self, py: Python<'_>, axis: isize) -> PyResult<Self> {
        self.op(py, |tape, x| tape.softmax(x, axis))
    }

    /// The logarithm of the softmax along an axis.
    #[pyo3(signature = (axis = -1))]
    fn log_softmax(&self, py: Python<'_>, axis: isize) -> PyResult<Self> {
        self.op(py, |tape, x| tape.log_softmax(x, axis))
    }

    /// The square.
    fn square(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::square)
    }

    /// The square root.
    fn sqrt(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::sqrt)
    }

    /// The exponential.
    fn exp(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::exp)
    }

    /// The natural logarithm.
    fn log(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::log)
    }

    /// The absolute value.
    fn abs(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::abs)
    }

    /// The hyperbolic tangent.
    fn tanh(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::tanh)
    }

    /// The logistic function.
    fn sigmoid(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::sigmoid)
    }

    /// The element where it is above 0, else 0.
    fn relu(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::relu)
    }

    /// The Gaussian error linear unit.
    fn gelu(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::gelu)
    }

    /// The same elements under another shape.
    #[pyo3(signature = (*shape))]
    fn reshape(&self, py: Python<'_>, shape: Vec<usize>) -> PyResult<Self> {
        let shape = shape_of(&shape)?;
        self.op(py, |tape, x| tape.reshape(x, shape))
    }

    /// The axes in another order, turned round where none is given.
    #[pyo3(signature = (*axes))]
    fn transpose(&self, py: Python<'_>, axes: Vec<usize>) -> PyResult<Self> {
        self.op(py, |tape, x| {
            let axes = if axes.is_empty() { (0..tape.shape(x).rank()).rev().collect() } else { axes };
            tape.transpose(x, &axes)
        })
    }

    /// The elements from `start` to before `stop` along an axis.
    #[pyo3(signature = (axis, start, stop, step = 1))]
    fn slice(&self, py: Python<'_>, axis: isize, start: usize, stop: usize, step: usize) -> PyResult<Self> {
        if step == 0 {
            return Err(PyValueError::new_err("step 0: a whole number of 1 or more is expected"));
        }
        self.op(py, |tape, x| tape.slice(x, axis, start, stop, step))
    }

    /// The same value, through which no gradient passes.
    fn detach(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::detach)
    }

    /// The correlations `[.., regions, regions]` of series `[.., regions, time]`, with weights of frames where they are given.
    #[pyo3(signature = (weights = None, *, fisher_z = false))]
    fn correlation(&self, py: Python<'_>, weights: Option<&Bound<'_, Self>>, fisher_z: bool) -> PyResult<Self> {
        self.op(py, |tape, x| tape.correlation(x, weights.map(|w| w.get().var), fisher_z))
    }

    /// The covariances `[.., regions, regions]` of series `[.., regions, time]`.
    #[pyo3(signature = (weights = None, *, ddof = 1))]
    fn covariance(&self, py: Python<'_>, weights: Option<&Bound<'_, Self>>, ddof: usize) -> PyResult<Self> {
        self.op(py, |tape, x| tape.covariance(x, weights.map(|w| w.get().var), ddof))
    }

    /// The partial correlations `[.., regions, regions]` of series `[.., regions, time]`.
    fn partial_correlation(&self, py: Python<'_>) -> PyResult<Self> {
        self.op(py, Tape::partial_correlation)
    }
}
