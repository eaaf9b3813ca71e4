//! Arrays across the border.

use crate::tensor::Data;
use crate::{DType, Error, HostTensor, Shape};
use numpy::ndarray::ArrayViewD;
use numpy::{Element, PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use std::sync::Arc;

/// The order of the last two axes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    AsGiven,
    Turned,
}

/// An array of numbers: f32 stays single, and every other type is held in double precision.
pub(super) fn real(given: &Bound<'_, PyAny>) -> PyResult<HostTensor> {
    copied(&array(given)?, Order::AsGiven)
}

/// Series `[.., time, regions]` as a tape has them, `[.., regions, time]`.
pub(super) fn series(given: &Bound<'_, PyAny>) -> PyResult<HostTensor> {
    let array = array(given)?;
    if array.ndim() < 2 {
        let what = format!("series [time, regions] are expected, found an array of shape {:?}", array.shape());
        return Err(PyValueError::new_err(what));
    }
    copied(&array, Order::Turned)
}

/// An array as a tensor of this element type.
pub(super) fn of_type(given: &Bound<'_, PyAny>, dtype: DType) -> PyResult<HostTensor> {
    let found = real(given)?;
    match dtype {
        DType::F32 | DType::F16 => Ok(found),
        DType::I32 => Ok(HostTensor::i32(found.shape(), integers(&found, f64::from(i32::MIN)..=f64::from(i32::MAX), |x| x as i32)?)?),
        DType::U32 => Ok(HostTensor::u32(found.shape(), integers(&found, 0.0..=f64::from(u32::MAX), |x| x as u32)?)?),
    }
}

/// An array as it is given: integers, where they fit, are i32, and other numbers are real.
pub(super) fn as_given(given: &Bound<'_, PyAny>) -> PyResult<HostTensor> {
    let array = array(given)?;
    let kind: String = array.dtype().getattr(intern!(given.py(), "kind"))?.extract()?;
    if matches!(kind.as_str(), "i" | "u" | "b") { of_type(array.as_any(), DType::I32) } else { copied(&array, Order::AsGiven) }
}

fn integers<T>(found: &HostTensor, range: std::ops::RangeInclusive<f64>, turned: impl Fn(f64) -> T) -> PyResult<Vec<T>> {
    let checked = |x: f64| {
        let fits = x.fract() == 0.0 && range.contains(&x);
        fits.then(|| turned(x)).ok_or_else(|| {
            PyValueError::new_err(format!("whole numbers from {} to {} are expected, found {x}", range.start(), range.end()))
        })
    };
    found.to_f64_vec().into_iter().map(checked).collect()
}

/// NumPy's array for an object: the object itself, one by DLPack, or what `numpy.asarray` makes of it.
fn array<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = given.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let numpy = given.py().import(intern!(given.py(), "numpy"))?;
    let by_dlpack = given.hasattr(intern!(given.py(), "__dlpack__"))?;
    let made = numpy.call_method1(if by_dlpack { "from_dlpack" } else { "asarray" }, (given,))?;
    let wrong = || PyTypeError::new_err("an array of numbers is expected");
    made.cast_into::<PyUntypedArray>().map_err(|_| wrong())
}

fn copied(array: &Bound<'_, PyUntypedArray>, order: Order) -> PyResult<HostTensor> {
    if Shape::try_new(array.shape()).is_none() {
        return Err(PyValueError::new_err(format!("an array of {} axes: at most 8 are possible", array.ndim())));
    }
    let aligned: bool = array.getattr(intern!(array.py(), "flags"))?.getattr(intern!(array.py(), "aligned"))?.extract()?;
    if let (true, Ok(single)) = (aligned, array.as_any().cast::<PyArrayDyn<f32>>()) {
        return elements(single.try_readonly().map_err(|e| PyValueError::new_err(e.to_string()))?.as_array(), order);
    }
    let py = array.py();
    let kind: String = array.dtype().getattr(intern!(py, "kind"))?.extract()?;
    if !matches!(kind.as_str(), "f" | "i" | "u" | "b") {
        return Err(PyTypeError::new_err(format!("an array of numbers is expected, found one of {}", array.dtype())));
    }
    let kwargs = pyo3::types::PyDict::new(py);
    kwargs.set_item(intern!(py, "copy"), !aligned)?;
    let double = array.call_method(intern!(py, "astype"), ("float64",), Some(&kwargs))?;
    let double = double.cast::<PyArrayDyn<f64>>()?;
    elements(double.try_readonly().map_err(|e| PyValueError::new_err(e.to_string()))?.as_array(), order)
}

/// The one copy: the elements in the order of the result.
fn elements<R: crate::tensor::Real + Element>(mut view: ArrayViewD<'_, R>, order: Order) -> PyResult<HostTensor> {
    if order == Order::Turned {
        view.swap_axes(view.ndim() - 2, view.ndim() - 1);
    }
    let shape = Shape::try_new(view.shape()).ok_or_else(|| Error::argument("at most 8 axes are possible"))?;
    let elements = view.as_slice().map_or_else(|| view.iter().copied().collect(), <[R]>::to_vec);
    Ok(HostTensor::real(shape, elements)?)
}

/// A tensor as NumPy's array, without a copy where nothing else holds it.
pub(super) fn numpy(py: Python<'_>, tensor: HostTensor) -> PyResult<Bound<'_, PyAny>> {
    let shape = tensor.shape().to_vec();
    match tensor.into_data() {
        Data::F32(elements) => shaped(py, elements, &shape),
        Data::F64(elements) => shaped(py, elements, &shape),
        Data::I32(elements) => shaped(py, elements, &shape),
        Data::U32(elements) => shaped(py, elements, &shape),
        Data::F16(elements) => shaped(py, Arc::new(elements.iter().map(|x| x.to_f32()).collect()), &shape),
    }
}

/// Series `[.., regions, time]` as they are in Python, `[.., time, regions]`: a view whose last two axes are swapped.
pub(super) fn numpy_series(py: Python<'_>, tensor: HostTensor) -> PyResult<Bound<'_, PyAny>> {
    let made = numpy(py, tensor)?;
    made.call_method1(intern!(py, "swapaxes"), (-2, -1))
}

fn shaped<'py, T: Element + Clone>(py: Python<'py>, elements: Arc<Vec<T>>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    let elements = Arc::try_unwrap(elements).unwrap_or_else(|shared| shared.to_vec());
    Ok(PyArray1::from_vec(py, elements).reshape(shape)?.into_any())
}
