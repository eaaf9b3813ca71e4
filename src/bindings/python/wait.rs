//! Waiting for what is computed, so that an interrupt ends a call at once.

use crate::Result;
use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The time between two looks for an interrupt.
const PATIENCE: Duration = Duration::from_millis(50);

/// The stack of the thread that computes, which is that of a process' first thread.
const STACK: usize = 8 << 20;

/// Computes something that has no steps between which it could end, in a thread of its own, with the interpreter's lock released. An
/// interrupt ends the call; what was begun then ends unseen.
pub(super) fn waited<T: Send + 'static>(py: Python<'_>, compute: impl FnOnce() -> Result<T> + Send + 'static) -> PyResult<T> {
    let (tell, told) = channel();
    let computing = thread::Builder::new().name("tapetum".into()).stack_size(STACK).spawn(move || {
        // Nobody listens where an interrupt has ended the call.
        let _ = tell.send(compute());
    })?;
    let told = Mutex::new(told);
    loop {
        match py.detach(|| told.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE)) {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            // The thread ended and said nothing, because it panicked. The panic goes on here, where it becomes an exception.
            Err(RecvTimeoutError::Disconnected) => match computing.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => return Err(pyo3::exceptions::PyRuntimeError::new_err("the computation ended without a result")),
            },
        }
    }
}
