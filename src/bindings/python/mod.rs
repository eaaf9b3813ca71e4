//! The extension module `tapetum._tapetum`, which the Python package in `examples/python` wraps.
//!
//! Arrays come in as NumPy views or by DLPack and are copied once, into the tensor that a device reads; results go out without a copy. In
//! Python, rows are time, as nilearn has them: series are `[time, regions]`, turned at this border. The lock of the interpreter is released
//! while something is computed, and an interrupt ends a call. An [`Error`](crate::Error) becomes the kind of exception that Python has for it, with the same message.

mod array;
mod connectivity;
mod device;
mod fault;
mod optim;
mod parcels;
mod program;
mod signal;
mod tape;
mod topology;
mod var;
mod wait;
mod workflow;

use pyo3::prelude::*;

/// Adds everything to the module.
///
/// # Errors
/// Returns an error where the interpreter refuses an object.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    device::register(module)?;
    connectivity::register(module)?;
    signal::register(module)?;
    topology::register(module)?;
    parcels::register(module)?;
    workflow::register(module)?;
    tape::register(module)?;
    optim::register(module)?;
    program::register(module)
}
