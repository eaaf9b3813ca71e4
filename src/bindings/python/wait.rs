//! Waiting for what is computed, so that an interrupt ends a call at once.

use crate::{Error, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The time between two looks for an interrupt.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// The stack of the thread that computes, which is that of a process' first thread.
const STACK: usize = 8 << 20;

/// A message of the thread that computes.
enum Said<E, T> {
    Event(E),
    Done(Result<T>),
}

/// Computes in a thread of its own, with the interpreter's lock released. An interrupt ends the call; what was begun then ends unseen.
pub(super) fn waited<T: Send + 'static>(py: Python<'_>, compute: impl FnOnce() -> Result<T> + Send + 'static) -> PyResult<T> {
    waited_hearing(py, |_: &dyn Fn(()) -> Result<()>| compute(), |()| Ok(()))
}

/// [`waited`] for what has steps. `compute` tells of a step by the function that it is given, and goes on when `heard` has been called with it,
/// in the thread of the caller, where callbacks of Python belong. The computation ends at that step where `heard` raises.
pub(super) fn waited_hearing<E: Send + 'static, T: Send + 'static>(
    py: Python<'_>,
    compute: impl FnOnce(&dyn Fn(E) -> Result<()>) -> Result<T> + Send + 'static,
    mut heard: impl FnMut(E) -> PyResult<()>,
) -> PyResult<T> {
    let (say, said) = channel();
    let (answer, answered) = channel();
    let computing = thread::Builder::new().name("tapetum".into()).stack_size(STACK).spawn(move || {
        // Nobody listens or answers where an exception has ended the call.
        let ended = || Error::argument("ended by the program that runs it");
        let tell = |event| {
            say.send(Said::Event(event)).map_err(|_| ended())?;
            answered.recv().map_err(|_| ended())
        };
        let result = compute(&tell);
        let _ = say.send(Said::Done(result));
    })?;
    let said = Mutex::new(said);
    loop {
        match py.detach(|| said.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE)) {
            Ok(Said::Done(result)) => return Ok(result?),
            Ok(Said::Event(event)) => {
                py.check_signals()?;
                heard(event)?;
                // Where nobody takes the answer, the thread has ended, which the next turn finds.
                let _ = answer.send(());
            }
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            // The thread ended and said nothing, because it panicked. The panic goes on here, where it becomes an exception.
            Err(RecvTimeoutError::Disconnected) => match computing.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => return Err(PyRuntimeError::new_err("the computation ended without a result")),
            },
        }
    }
}
