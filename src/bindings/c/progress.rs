//! The caller's progress function.

use super::border::Fault;
use crate::{Error, Result};
use std::ffi::c_void;

/// A function that is told of progress: the fold, counted from 0, the number of steps that are done, and the loss at the last of them. It
/// returns 0 to go on; any other number ends the computation, with `TAPETUM_STATUS_CANCELLED`.
///
/// It is called on the thread of the call that it was given to, with the caller's `user`. It may call the library, and must return: neither
/// an exception nor `longjmp` may leave it.
#[repr(transparent)]
pub struct TapetumProgress(Option<unsafe extern "C" fn(user: *mut c_void, fold: usize, step: u32, loss: f32) -> i32>);

/// The progress of one call.
pub(super) struct Watch {
    progress: TapetumProgress,
    user: *mut c_void,
    cancelled: bool,
}

impl Watch {
    pub(super) fn new(progress: TapetumProgress, user: *mut c_void) -> Self {
        Self { progress, user, cancelled: false }
    }

    /// Tells the caller. The error, where the caller wishes to end, is what ends the computation.
    pub(super) fn tell(&mut self, fold: usize, step: u32, loss: f32) -> Result<()> {
        let Some(progress) = self.progress.0 else { return Ok(()) };
        // SAFETY: only C makes the function, and promises that it takes these arguments and returns.
        self.cancelled = unsafe { progress(self.user, fold, step, loss) } != 0;
        if self.cancelled { Err(Error::argument("ended by the progress function")) } else { Ok(()) }
    }

    /// The result, or the caller's wish that ended the computation.
    pub(super) fn or<T>(&self, result: Result<T>) -> Result<T, Fault> {
        if self.cancelled { Err(Fault::Cancelled) } else { Ok(result?) }
    }
}
