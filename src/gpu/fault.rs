//! Faults of a device as errors: scopes around a call, and the one that was noted since.

use crate::Error;
use crate::Result;
use std::sync::Mutex;

/// Runs `make` under error scopes of `device`; what they catch is an error of `what`.
pub(super) async fn guarded<T>(device: &wgpu::Device, what: &str, make: impl FnOnce() -> T) -> Result<T> {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = make();
    let (validation, memory) = (validation.pop(), memory.pop());
    match (validation.await, memory.await) {
        (None, None) => Ok(made),
        (_, Some(e)) | (Some(e), None) => Err(of_wgpu(e, what)),
    }
}

/// Notes a fault; a loss of the device is never replaced by another.
pub(super) fn note(slot: &Mutex<Option<Error>>, error: Error) {
    let mut slot = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !matches!(*slot, Some(Error::DeviceLost { .. })) {
        *slot = Some(error);
    }
}

/// A fault of wgpu in `what`.
pub(super) fn of_wgpu(error: wgpu::Error, what: &str) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { what: what.to_owned() },
        other => Error::Device { what: format!("{what}: {other}") },
    }
}
