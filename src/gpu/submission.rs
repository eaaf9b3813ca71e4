//! Work that was handed to the device, and the wait for its end.

use super::boundary;
use super::context::Context;
#[cfg(target_arch = "wasm32")]
use super::signal::Signal;
use crate::Result;

/// Work that was submitted.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Clone)]
pub(super) struct Submission(wgpu::SubmissionIndex);

/// Work that was submitted. A browser cannot be polled; it calls back when the work is done.
#[cfg(target_arch = "wasm32")]
#[derive(Debug, Clone)]
pub(super) struct Submission(Signal<()>);

impl Submission {
    /// Submits what `encoder` recorded.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn new(context: &Context, encoder: wgpu::CommandEncoder) -> Self {
        Self(boundary::wgpu(|| context.queue().submit([encoder.finish()])))
    }

    /// Submits what `encoder` recorded.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn new(context: &Context, encoder: wgpu::CommandEncoder) -> Self {
        let signal = Signal::new();
        let notify = signal.clone();
        boundary::wgpu(|| {
            context.queue().submit([encoder.finish()]);
            context.queue().on_submitted_work_done(move || notify.give(()));
        });
        Self(signal)
    }

    /// Waits for the end of the work. On native targets the thread waits; in a browser the task does.
    ///
    /// # Errors
    /// Returns the fault that the device reports.
    pub(super) async fn done(&self, context: &Context) -> Result<()> {
        #[cfg(not(target_arch = "wasm32"))]
        return context.poll(Some(self.0.clone()));
        #[cfg(target_arch = "wasm32")]
        {
            self.0.given().await;
            context.fault()
        }
    }
}
