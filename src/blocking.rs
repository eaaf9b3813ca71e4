//! Waiting for asynchronous calls. The asynchronous form of a call is its body; the blocking form waits for it here.

#[cfg(target_arch = "wasm32")]
use crate::Error;
use crate::Result;

/// Waits for a future.
///
/// # Errors
/// There are none: a thread may wait.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    Ok(pollster::block_on(future))
}

/// Gives the output of a future that is ready at once, as those of the host executor are.
///
/// # Errors
/// Returns an error where the future waits for a GPU: in a browser its results arrive only after the call has returned.
#[cfg(target_arch = "wasm32")]
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    match std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Ok(output),
        std::task::Poll::Pending => Err(would_wait()),
    }
}

/// The error of a call that would have to wait for the device in a browser.
#[cfg(target_arch = "wasm32")]
pub(crate) fn would_wait() -> Error {
    Error::Device {
        what: "a call that waits for a GPU was made in a browser, where none may wait: its asynchronous form is expected".into(),
    }
}
