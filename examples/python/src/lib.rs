//! The extension module of the Python package: what the crate's feature `python` registers.

use pyo3::prelude::*;

#[pymodule]
fn _tapetum(module: &Bound<'_, PyModule>) -> PyResult<()> {
    tapetum::bindings::python::register(module)
}
