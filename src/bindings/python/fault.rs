//! Errors as Python's own kinds.

use crate::{Error, Result};
use pyo3::exceptions::{PyFloatingPointError, PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        if let Some(kind) = error.io_kind() {
            return std::io::Error::new(kind, message).into();
        }
        match error {
            Error::Argument { .. }
            | Error::File { .. }
            | Error::Op { .. }
            | Error::NotDifferentiable { .. }
            | Error::Tensor { .. }
            | Error::TooLarge { .. } => PyValueError::new_err(message),
            Error::NotFinite { .. } => PyFloatingPointError::new_err(message),
            Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
            Error::NoAdapter { .. } | Error::Shader { .. } | Error::DeviceLost { .. } | Error::Device { .. } => {
                PyRuntimeError::new_err(message)
            }
        }
    }
}

/// An exception of Python's that ended a computation: one that a callback raised, or an interrupt.
#[derive(Default)]
pub(super) struct Stop(Option<PyErr>);

impl Stop {
    /// Looks for an interrupt and calls back. Where either raises, the exception is kept, and the error ends the computation.
    pub(super) fn asked<T>(&mut self, callback: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<()> {
        Python::attach(|py| py.check_signals().and_then(|()| callback(py).map(drop))).map_err(|raised| {
            self.0 = Some(raised);
            Error::argument("ended by the program that runs it")
        })
    }

    /// The result, or the exception that ended the computation.
    pub(super) fn or<T>(self, result: Result<T>) -> PyResult<T> {
        match self.0 {
            Some(raised) => Err(raised),
            None => Ok(result?),
        }
    }
}
