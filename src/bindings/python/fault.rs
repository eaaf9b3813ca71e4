//! Errors as Python's own kinds.

use crate::Error;
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
